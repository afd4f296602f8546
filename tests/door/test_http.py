"""How the API's door speaks HTTP: what clients really send gets through, and every error is the wire's own XML."""

from __future__ import annotations

import contextlib
import hashlib
import re
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from door.door_running import GET, Answer, Pki, RunningDoor, ask, read_answer, running_door, serving_lists, wait_until

ERROR = re.compile(
    rb'(<\?xml version=["\']1.0["\'] encoding=["\']UTF-8["\']( standalone=["\']yes["\'])?\?>\s*)?<error xmlns="http://signering.posten.no/schema/v1">'
)


LAST_GET = b"GET /api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def _is_error(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/xml"
    assert ERROR.match(answer.body)
    assert f"<error-code>{code}</error-code>".encode() in answer.body
    assert b"html" not in answer.body.lower()
    assert "retry-after" not in answer.headers


class TestARequest:
    @pytest.mark.requirement("R11")
    def test_may_be_chunked(self, door: RunningDoor) -> None:
        body = bytes(range(256)) * 2000
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:300_000], body[300_000:])) + b"0\r\n\r\n"
        head = (
            b"POST /api HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/mixed; charset=ISO-8859-1; boundary=abc\r\nContent-Encoding: UTF-8\r\n\r\n"
        )
        with door.connect() as connection:
            answer = ask(connection, head + chunks)
            again = ask(connection, GET)

        assert answer.content["sha256"] == hashlib.sha256(body).hexdigest()
        assert again.status == 200

    def test_may_have_a_length_and_come_in_pieces(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            connection.sendall(b"POST /api HTTP/1.1\r\nHost: loc")
            threading.Event().wait(0.3)
            connection.sendall(b"alhost\r\nContent-Length: 6\r\n\r\nabc")
            threading.Event().wait(0.3)
            answer = ask(connection, b"def")

        assert answer.content["length"] == 6

    @pytest.mark.requirement("R85")
    def test_may_wait_for_100_continue(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            connection.sendall(b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            started = time.monotonic()
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert time.monotonic() - started < 1
            answer = ask(connection, b"hello")

        assert answer.content["length"] == 5

    @pytest.mark.requirement("R110")
    def test_may_be_one_of_a_hundred_on_a_connection(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            statuses = [ask(connection, GET).status for _ in range(100)]

        assert statuses == [200] * 100

    def test_may_follow_the_one_before_without_waiting(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            connection.sendall(GET * 3)
            received = b""
            while received.count(b"HTTP/1.1 200 OK") < 3 or not received.endswith(b"}"):
                received += connection.recv(65536)

        assert received.count(b'"trust": "good"') == 3

    def test_may_come_six_seconds_after_the_one_before(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            ask(connection, GET)
            threading.Event().wait(6)
            assert ask(connection, GET).status == 200

    @pytest.mark.requirement("R110", "R81")
    def test_that_is_too_large_is_read_to_its_end_and_answered(self, door: RunningDoor) -> None:
        size = 20 * 1024 * 1024
        with door.connect() as connection:
            connection.sendall(b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(20):
                connection.sendall(b"x" * (1024 * 1024))
            answer = read_answer(connection)
            again = ask(connection, GET)

        assert (answer.status, answer.content["trust"]) == (413, "BodyTooLarge")
        assert again.status == 200

    def test_that_nobody_reads_leaves_the_connection_usable(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            answer = ask(connection, b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
            again = ask(connection, GET)

        assert (answer.status, again.status) == (200, 200)

    def test_that_is_framed_wrongly_in_its_body_is_refused(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            answer = ask(connection, b"POST /api HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-size\r\n")

        assert (answer.status, answer.content["trust"]) == (400, "BodyUnreadable")

    def test_that_stops_in_its_body_is_given_up_after_ten_seconds(self, door: RunningDoor) -> None:
        started = time.monotonic()
        with door.connect() as connection:
            connection.sendall(b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
            answer = read_answer(connection)

        assert (answer.status, answer.content["trust"]) == (400, "BodyUnreadable")
        assert 9 < time.monotonic() - started < 13

    def test_that_trickles_its_head_holds_a_thread_for_ten_seconds_only(self, door: RunningDoor) -> None:
        started = time.monotonic()
        with door.connect() as slow:
            slow.settimeout(1)
            slow.sendall(b"GET /api HTTP/1.1\r\n")
            with door.connect() as honest:
                assert ask(honest, GET).status == 200
            is_closed = False
            while not is_closed and time.monotonic() - started < 20:
                try:
                    slow.sendall(b"X-A: b\r\n")
                    is_closed = not slow.recv(100)
                except TimeoutError:
                    continue
                except OSError:
                    is_closed = True

        assert is_closed
        assert time.monotonic() - started < 14


class TestAnError:
    @pytest.mark.requirement("R81")
    @pytest.mark.parametrize(
        ("request_bytes", "status", "code"),
        [
            (b"GET /api HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 9000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
            (
                b"GET /api HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(10_000)) + b"\r\n",
                431,
                "HEADERS_TOO_LARGE",
            ),
            (b"GET /api?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "URI_TOO_LONG"),
            (b"complete nonsense\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (b"\x00\xff\xfe\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (b"GET /api HTTP/9.9\r\nHost: localhost\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (b"GET /api HTTP/1.1\r\nHost: localhost\r\n folded: a\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (b"GET /api HTTP/1.1\r\nBad Name: a\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (
                b"POST /api HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400,
                "MALFORMED_REQUEST",
            ),
            (b"POST /api HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400, "MALFORMED_REQUEST"),
            (b"POST /api HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: brotli\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (b"POST /api HTTP/1.1\r\nHost: l\r\nContent-Length: 1\r\nExpect: wonders\r\n\r\na", 400, "MALFORMED_REQUEST"),
            (b"GET /boom HTTP/1.1\r\nHost: localhost\r\n\r\n", 500, "INTERNAL_ERROR"),
        ],
    )
    def test_of_the_server_itself_is_the_wires_xml(self, door: RunningDoor, request_bytes: bytes, status: int, code: str) -> None:
        with door.connect() as connection:
            _is_error(ask(connection, request_bytes), status, code)

    @pytest.mark.requirement("R81")
    def test_has_no_body_in_answer_to_head(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            connection.sendall(b"HEAD /boom HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b""
            while part := connection.recv(4096):
                received += part

        assert received.startswith(b"HTTP/1.1 500 ")
        assert received.endswith(b"\r\n\r\n")

    def test_shows_an_incident_and_logs_its_place_without_words_of_the_request(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            answer = ask(
                connection, b"GET /boom?status_query_token=sentinel-token HTTP/1.1\r\nHost: localhost\r\nX-Who: sentinel-name\r\n\r\n"
            )
        with door.connect() as connection:
            ask(connection, b"GET /sentinel-path bad-sentinel HTTP/1.1\r\n\r\n")

        incident = answer.body.split(b"incident ")[1][:12].decode()
        line = next(line for line in door.lines() if line.get("incident") == incident)
        assert line["error"] == "RuntimeError"
        assert "door_program.py" in line["frames"][-1]
        assert "sentinel" not in door.log.read_text()
        assert "secret-of-the-application" not in door.log.read_text() + answer.body.decode()


def _answers_soon(door: RunningDoor) -> None:
    started = time.monotonic()
    with door.connect() as connection:
        assert ask(connection, GET).status == 200
    assert time.monotonic() - started < 3


def _is_reset(connection: socket.socket) -> bool:
    try:
        socket.socket.send(connection, b"still here")  # past TLS
    except OSError:
        return True
    return False


class TestTheEndOfAConnection:
    def test_is_said_in_tls(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            ask(connection, LAST_GET)
            # Without close_notify OpenSSL raises an unexpected end of file here.
            assert connection.recv(100) == b""

    def test_takes_no_part_of_a_large_answer(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            threading.Event().wait(1)
            assert len(read_answer(connection).body) == 4 << 20
            assert connection.recv(100) == b""

    def test_holds_up_nobody_when_forty_end_at_once_and_hang_up_late(self, door: RunningDoor) -> None:
        # As Java's garbage collector ends forgotten connections: close_notify, and the socket stays open.
        with contextlib.ExitStack() as until_the_end:
            ended = [until_the_end.enter_context(door.connect()) for _ in range(40)]
            for connection in ended:
                assert ask(connection, GET).status == 200
            for connection in ended:
                connection.settimeout(0)
                with contextlib.suppress(ssl.SSLWantReadError):
                    connection.unwrap()  # type: ignore[attr-defined]  # it is a TLS one
            _answers_soon(door)

    def test_holds_up_nobody_when_forty_were_told_to_and_do_not(self, door: RunningDoor) -> None:
        with contextlib.ExitStack() as until_the_end:
            for connection in [until_the_end.enter_context(door.connect()) for _ in range(40)]:
                assert ask(connection, LAST_GET).status == 200
            _answers_soon(door)

    def test_does_not_wait_for_long_for_one_that_never_hangs_up(self, door: RunningDoor) -> None:
        with door.connect() as connection:
            ask(connection, LAST_GET)
            assert connection.recv(100) == b""
            wait_until(lambda: _is_reset(connection), seconds=15, what="the end of patience")


class TestAStoppingDoor:
    def test_finishes_what_it_began(self, pki: Pki, tmp_path: Path) -> None:
        with serving_lists() as lists:
            lists.answers = {"issuing.crl": pki.issuing.revocation_list(), "root.crl": pki.root.revocation_list()}
            urls = f"{lists.url('issuing.crl')} {lists.url('root.crl')}"
            with running_door(tmp_path, kind="api", pki=pki, SEGL_ENTERPRISE_CRL_URLS=urls) as door:
                wait_until(lambda: len(list((tmp_path / "crl").glob("*.crl"))) == 2, what="both lists")
                with door.connect() as connection:
                    connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    threading.Event().wait(0.3)
                    door.process.send_signal(signal.SIGTERM)
                    answer = read_answer(connection)
                assert door.process.wait(10) == 0

        assert answer.status == 200
        assert not list(tmp_path.rglob("*.ctl"))

    def test_leaves_no_worker_behind_when_killed(self, pki: Pki, tmp_path: Path) -> None:
        with running_door(tmp_path, kind="api", pki=pki, SEGL_ENTERPRISE_CRL_URLS="http://127.0.0.1:9/none.crl") as door:
            with door.connect() as connection:
                worker = ask(connection, GET).content["pid"]
            door.process.kill()
            door.process.wait()

            wait_until(lambda: not Path(f"/proc/{worker}").exists(), what="the end of the worker")


class TestTheWebDoor:
    def test_says_the_public_scheme_and_the_signers_address(self, web_door: RunningDoor) -> None:
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: http\r\n\r\n"
        with web_door.connect() as connection:
            answer = ask(connection, request)

        assert answer.content["scheme"] == "https"
        assert answer.content["address"] == "192.0.2.7"
        assert answer.content["peer"] is None

    @pytest.mark.parametrize(
        ("request_bytes", "status"), [(b"nonsense\r\n\r\n", 400), (b"GET /boom HTTP/1.1\r\nHost: localhost\r\n\r\n", 500)]
    )
    def test_answers_its_own_errors_with_a_page_that_loads_nothing(self, web_door: RunningDoor, request_bytes: bytes, status: int) -> None:
        with web_door.connect() as connection:
            answer = ask(connection, request_bytes)

        assert answer.status == status
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "Prøv igjen" in answer.body.decode() or "prøv igjen" in answer.body.decode()

    def test_serves_while_forty_others_keep_silent(self, web_door: RunningDoor) -> None:
        silent = [web_door.connect() for _ in range(40)]
        started = time.monotonic()
        with web_door.connect() as connection:
            assert ask(connection, GET).status == 200
        assert time.monotonic() - started < 2
        for connection in silent:
            connection.close()


def test_the_ssl_module_still_tells_of_messages() -> None:
    """The hook that shows a refused certificate is private; this test is where its end would be noticed."""
    assert hasattr(ssl.SSLContext, "_msg_callback")
