"""nginx in front of the API, as docs/operating/nginx.conf has it: who it lets through, and what it answers itself."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from pathlib import Path

import pytest

from door.conftest import ProxiedDoor, nginx_before
from door.door_running import GET, Answer, Pki, RunningDoor, ask
from segl.wire.errors import ErrorCode, error_xml
from segl.wiring.servers import API_ERRORS, PAGE_HEADERS
from support.nginx import CONFIGURATION


def error_of(answer: Answer) -> ErrorCode:
    """Hold an answer against the API's own form of an error, to the byte, and return its code."""
    assert answer.headers["content-type"] == "application/xml"
    code = re.search(rb"<error-code>([A-Z_]+)</error-code>", answer.body)
    message = re.search(rb"<error-message>([^<]+)</error-message>", answer.body)
    assert code is not None
    assert message is not None
    assert answer.body == error_xml(ErrorCode(code[1].decode()), message[1].decode())
    assert answer.status == ErrorCode(code[1].decode()).status
    if answer.status in API_ERRORS:
        assert message[1].decode() == API_ERRORS[answer.status][1]
    assert not {"retry-after", "set-cookie", "location", "transfer-encoding"} & set(answer.headers)
    return ErrorCode(code[1].decode())


class TestASender:
    @pytest.mark.requirement("R3")
    @pytest.mark.parametrize(
        ("who", "subject"),
        [
            ("seid1", "2.5.4.5=123456789,CN=Kunde AS"),
            ("seid2", "2.5.4.97=NTRNO-123456789,O=Kunde AS"),
            ("common-name", "CN=123456789"),
            ("with-chain", "2.5.4.5=123456789,CN=Kunde AS"),
        ],
    )
    def test_is_seen_by_the_application(self, proxied_door: ProxiedDoor, who: str, subject: str) -> None:
        with proxied_door.connect(who) as connection:
            assert [ask(connection, GET).content["peer"] for _ in range(3)] == [subject] * 3

    @pytest.mark.requirement("R1")
    @pytest.mark.parametrize(
        ("who", "why"),
        [
            (None, "NONE"),
            ("wrong-ca", "FAILED:unable to .+ certificate"),
            ("lookalike-ca", "FAILED:certificate signature failure"),
            ("expired", "FAILED:certificate has expired"),
            ("not-yet-valid", "FAILED:certificate is not yet valid"),
            ("server-only", "FAILED:.+ certificate purpose"),
        ],
    )
    def test_without_a_good_certificate_is_told_so_and_the_log_says_why(self, proxied_door: ProxiedDoor, who: str | None, why: str) -> None:
        with proxied_door.connect(who) as connection:
            assert error_of(ask(connection, GET)) is ErrorCode.NOT_AUTHORIZED
            assert connection.recv(100) == b""

        line = json.loads((proxied_door.nginx.folder / "segl-api.log").read_text().splitlines()[-1])
        assert re.fullmatch(why, line["certificate"])
        assert (line["status"], line["from_segl"]) == ("403", "")

    def test_whose_certificate_is_revoked_is_recognized_by_the_application_alone(self, proxied_door: ProxiedDoor) -> None:
        with proxied_door.connect("revoked") as connection:
            assert ask(connection, GET).content["trust"] == "CertificateRevoked"


class TestAnErrorOfNginx:
    @pytest.mark.requirement("R81")
    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"complete nonsense\r\n\r\n", "MALFORMED_REQUEST"),
            (b"\x00\xff\xfe\r\n\r\n", "MALFORMED_REQUEST"),
            (b"GET /api HTTP/9.9\r\nHost: localhost\r\n\r\n", "MALFORMED_REQUEST"),
            (b"GET /api HTTP/1.1\r\n\r\n", "MALFORMED_REQUEST"),
            (b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "MALFORMED_REQUEST"),
            (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", "MALFORMED_REQUEST"),
            (b"GET /api HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "MALFORMED_REQUEST"),
            (b"POST /api HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: brotli\r\n\r\n", "MALFORMED_REQUEST"),
            (b"POST /api HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-size\r\n", "MALFORMED_REQUEST"),
            (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", "NOT_FOUND"),
            (b"GET /nginx-error HTTP/1.1\r\nHost: localhost\r\n\r\n", "NOT_FOUND"),
            (b"TRACE /api HTTP/1.1\r\nHost: localhost\r\n\r\n", "METHOD_NOT_ALLOWED"),
            (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", "MALFORMED_REQUEST"),
            (b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n", "REQUEST_TOO_LARGE"),
            (b"GET /api?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", "URI_TOO_LONG"),
            (b"GET /api HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 9000 + b"\r\n\r\n", "HEADERS_TOO_LARGE"),
            (
                b"GET /api HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(10_000)) + b"\r\n",
                "HEADERS_TOO_LARGE",
            ),
            (b"GET /api HTTP/1.1\r\nHost: l\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(120)) + b"\r\n", "HEADERS_TOO_LARGE"),
        ],
        ids=lambda value: value[:40] if isinstance(value, bytes) else value,
    )
    def test_is_the_wires_own_xml(self, proxied_door: ProxiedDoor, raw: bytes, code: str) -> None:
        with proxied_door.connect() as connection:
            assert error_of(ask(connection, raw)) is ErrorCode(code)

    def test_to_a_large_upload_is_read_by_who_sends_it_to_its_end(self, proxied_door: ProxiedDoor) -> None:
        with proxied_door.connect() as connection:
            head = b"POST /api HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            answer = ask(connection, head + b"100000\r\n%s\r\n" % (b"x" * (1 << 20)) * 20 + b"0\r\n\r\n")

        assert error_of(answer) is ErrorCode.REQUEST_TOO_LARGE

    def test_in_the_clear_says_that_it_is(self, proxied_door: ProxiedDoor) -> None:
        with socket.create_connection(("127.0.0.1", proxied_door.port), timeout=20) as plain:
            assert error_of(ask(plain, GET)) is ErrorCode.MALFORMED_REQUEST

    def test_says_that_nothing_was_done_only_when_that_is_so(self, pki: Pki, tmp_path: Path) -> None:
        path = tmp_path / "api.sock"
        with nginx_before(path, pki=pki, folder=tmp_path) as (_, port, _), socket.socket(socket.AF_UNIX) as segl:
            door = RunningDoor(port=port, data=tmp_path, pki=pki, process=None, log=tmp_path)  # type: ignore[arg-type]  # nobody is behind
            with door.connect() as connection:
                assert error_of(ask(connection, GET)) is ErrorCode.UNAVAILABLE
            segl.bind(str(path))
            path.chmod(0o666)
            segl.listen()
            threading.Thread(target=_take_and_say_nothing, args=[segl]).start()
            with door.connect() as connection:
                assert error_of(ask(connection, GET)) is ErrorCode.INTERNAL_ERROR

    @pytest.mark.parametrize(("raw", "status"), [(b"nonsense\r\n\r\n", 400), (b"GET /health HTTP/1.1\r\nHost: l\r\n\r\n", 404), (GET, 503)])
    def test_is_a_page_where_signers_are(self, pki: Pki, tmp_path: Path, raw: bytes, status: int) -> None:
        with nginx_before(tmp_path / "none", pki=pki, folder=tmp_path) as (_, _, port):
            door = RunningDoor(port=port, data=tmp_path, pki=pki, process=None, log=tmp_path)  # type: ignore[arg-type]  # nobody is behind
            with door.connect(None) as connection:
                answer = ask(connection, raw)

        assert answer.status == status
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        for name, value in PAGE_HEADERS:
            assert set(value.split("; ")) <= set(answer.headers[name.lower()].split("; "))
        assert int(answer.headers["strict-transport-security"].removeprefix("max-age=")) >= 31_536_000
        assert re.search("[Pp]røv igjen", answer.body.decode())


class TestTheAccessLog:
    def test_writes_one_line_a_request_without_what_tells_who_or_which(self, proxied_door: ProxiedDoor) -> None:
        log = proxied_door.nginx.folder / "segl-api.log"
        before = len(log.read_text())
        secrets = ["sentinel-token", "312845903", "sentinel-queue", "14830750003", "4711", "sentinel-agent", "sentinel-page"]
        addresses = [
            "/api/312845903",
            "/api/312845903/direct/signature-jobs?polling_queue=sentinel-queue",
            "/api/312845903/direct/signature-jobs/4711/status?status_query_token=sentinel-token",
            "/api/312845903/direct/signature-jobs/4711/xades/1",
            "/web/signature-jobs/4711/devmodesign?signer=14830750003",
            "/redirect/sentinel-token",
            "/sentinel-token",
        ]
        with proxied_door.connect() as connection:
            for address in addresses:
                ask(
                    connection,
                    f"GET {address} HTTP/1.1\r\nHost: l\r\nUser-Agent: sentinel-agent\r\nReferer: https://x/sentinel-page\r\n\r\n".encode(),
                )
            ask(connection, b"SENTINEL-TOKEN /redirect/sentinel-token HTTP/1.1\r\n\r\n")

        written = log.read_text()[before:]
        assert [word for word in secrets if word.lower() in written.lower()] == []
        assert [json.loads(line)["route"] for line in written.splitlines()] == [
            "/api/-",
            "/api/-/direct/signature-jobs",
            "/api/-/direct/signature-jobs/-/status",
            "/api/-/direct/signature-jobs/-/xades",
            "other",
            "/redirect/-",
            "other",
            "/redirect/-",
        ]

    def test_knows_every_route_of_both_addresses(self) -> None:
        from django.urls import get_resolver

        text = CONFIGURATION.read_text()
        patterns = [re.compile(one[1:].replace("(?<", "(?P<")) for one in re.findall(r"^ {8}(~\^/\S+)", text, re.MULTILINE)]
        for urlconf in ("segl.entrypoints.api.urls", "segl.entrypoints.signing.urls"):
            for route in get_resolver(urlconf).url_patterns:
                address = "/" + re.sub(r"<[^>]+>", "1", str(route.pattern))
                assert any(pattern.match(address) for pattern in patterns), address


def _take_and_say_nothing(listening: socket.socket) -> None:
    with contextlib.closing(listening.accept()[0]) as connection:
        connection.recv(1 << 16)
