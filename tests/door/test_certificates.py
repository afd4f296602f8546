"""Who gets through the API's door."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import warnings
from pathlib import Path

import pytest

from door.door_running import GET, Pki, RunningDoor, ask, running_door, serving_lists, wait_until


def _greet(door: RunningDoor, who: str | None, **versions: ssl.TLSVersion) -> object:
    context = door.context(who)
    if "only" in versions:
        context.minimum_version = context.maximum_version = versions["only"]
    with door.connect(context=context) as connection:
        return ask(connection, GET).content["peer"]


def _refusal(door: RunningDoor, before: int) -> dict[str, object]:
    wait_until(lambda: len(door.refusals()) > before, what="a line in the log")
    return door.refusals()[before]


class TestASenderWithAnEnterpriseCertificate:
    @pytest.mark.requirement("R1", "R2", "R3")
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    @pytest.mark.parametrize(
        ("who", "subject"),
        [
            ("seid1", "2.5.4.5=123456789,CN=Kunde AS"),
            ("seid2", "2.5.4.97=NTRNO-123456789,O=Kunde AS"),
            ("common-name", "CN=123456789"),
            ("with-chain", "2.5.4.5=123456789,CN=Kunde AS"),
        ],
    )
    def test_is_seen_by_the_application(self, door: RunningDoor, who: str, subject: str, version: ssl.TLSVersion) -> None:
        assert _greet(door, who, only=version) == subject

    def test_is_seen_after_resuming_a_session_too(self, door: RunningDoor) -> None:
        context = door.context("seid1")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with door.connect(context=context) as first:
            assert isinstance(first, ssl.SSLSocket)
            ask(first, GET)
            session = first.session
        plain = socket.create_connection(("127.0.0.1", door.port), timeout=10)
        with context.wrap_socket(plain, session=session) as second:
            answer = ask(second, GET)

            assert second.session_reused
        assert answer.content["peer"] == "2.5.4.5=123456789,CN=Kunde AS"

    def test_cannot_be_played_with_a_header(self, door: RunningDoor) -> None:
        with pytest.raises(OSError), door.connect(None) as connection:
            ask(connection, b"GET /api HTTP/1.1\r\nHost: localhost\r\nX-SSL-Client-Cert: MIIB\r\n\r\n")


class TestAHandshake:
    @pytest.mark.requirement("R1")
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    @pytest.mark.parametrize(
        ("who", "refusal", "message"),
        [
            (None, "no_certificate", "The client sent no certificate."),
            ("wrong-ca", "unknown_issuer", "comes from no CA that this server trusts"),
            ("lookalike-ca", "bad_signature", "signed by another CA of the same name"),
            ("expired", "expired", "The certificate has expired."),
            ("not-yet-valid", "not_yet_valid", "The certificate is not valid yet."),
            ("server-only", "wrong_purpose", "may not be used for TLS clients"),
            ("revoked", "revoked", "The certificate is revoked."),
        ],
    )
    def test_is_refused_with_a_line_of_its_own(
        self, door: RunningDoor, who: str | None, version: ssl.TLSVersion, refusal: str, message: str
    ) -> None:
        before, recorded_before = len(door.refusals()), len(door.recorded())

        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            _greet(door, who, only=version)

        line = _refusal(door, before)
        assert line["refusal"] == refusal
        assert message in str(line["message"])
        assert line["level"] == "warning"
        wait_until(lambda: len(door.recorded()) > recorded_before, what="the record")
        number = {None: None, "revoked": "987654321"}.get(who, "123456789")
        assert door.recorded()[-1]["organization"] == line["organization"] == number
        assert (line["serial_number"] is None) == (who is None)

    @pytest.mark.requirement("R2")
    def test_is_refused_below_tls_1_2(self, door: RunningDoor) -> None:
        before = len(door.refusals())
        context = door.context("seid1")
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1

        with pytest.raises(ssl.SSLError, match=r"(?i)protocol"):
            door.connect(context=context)

        assert _refusal(door, before)["refusal"] == "old_protocol"

    def test_is_refused_without_forward_secrecy(self, door: RunningDoor) -> None:
        before = len(door.refusals())
        context = door.context("seid1")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES256-GCM-SHA384")

        with pytest.raises(ssl.SSLError, match=r"(?i)handshake failure"):
            door.connect(context=context)

        assert _refusal(door, before)["refusal"] == "no_common_cipher"

    def test_is_refused_to_who_speaks_plain_http(self, door: RunningDoor) -> None:
        before = len(door.refusals())

        with socket.create_connection(("127.0.0.1", door.port), timeout=10) as plain:
            plain.sendall(GET)
            received = b""
            while part := plain.recv(4096):
                received += part

        assert b"HTTP/" not in received
        assert _refusal(door, before)["refusal"] == "not_tls"

    def test_makes_no_line_when_only_the_port_is_asked_for(self, door: RunningDoor) -> None:
        before = len(door.refusals())

        socket.create_connection(("127.0.0.1", door.port), timeout=10).close()
        _greet(door, "seid1")

        assert len(door.refusals()) == before

    def test_that_stalls_holds_up_nobody_and_ends(self, door: RunningDoor) -> None:
        before = len(door.refusals())
        # More than the door has threads: half a ClientHello from some, nothing from the others.
        stalled = [socket.create_connection(("127.0.0.1", door.port), timeout=20) for _ in range(40)]
        for connection in stalled[:20]:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

        assert _greet(door, "seid1") == "2.5.4.5=123456789,CN=Kunde AS"
        wait_until(lambda: len(door.refusals()) >= before + 20, seconds=15, what="the end of stalled handshakes")
        assert {line["refusal"] for line in door.refusals()[before:]} == {"too_slow"}
        for connection in stalled:
            assert connection.recv(100) == b""
            connection.close()

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
    def test_sends_the_issuing_ca_and_asks_for_no_certain_one(self, door: RunningDoor) -> None:
        assert door.pki is not None
        pem, key = door.pki.people["seid1"]
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{door.port}", "-cert", pem, "-key", key, "-CAfile", door.pki.ca_file]
        seen = subprocess.run(
            command, input=b"GET /api HTTP/1.1\nConnection: close\n\n", capture_output=True, timeout=20, check=False
        ).stdout.decode()

        assert "Verify return code: 0 (ok)" in seen
        assert "No client certificate CA names sent" in seen
        assert "Server Temp Key: " in seen
        assert seen.count("\n   i:") == 2


class TestAFirstStart:
    def test_keeps_callers_waiting_until_the_lists_have_come(self, pki: Pki, tmp_path: Path) -> None:
        with serving_lists() as lists:
            urls = f"{lists.url('issuing.crl')} {lists.url('root.crl')}"
            with running_door(tmp_path, kind="api", pki=pki, SEGL_ENTERPRISE_CRL_URLS=urls) as door:
                wait_until(lambda: any(line["event"] == "revocation-list-not-had" for line in door.lines()), what="a line about the list")
                lists.answers = {"issuing.crl": pki.issuing.revocation_list(pki.revoked), "root.crl": pki.root.revocation_list()}
                with door.connect("seid1") as connection:
                    answer = ask(connection, GET)

                assert (answer.status, answer.content["trust"]) == (200, "good")


class TestARevocationListThatCannotBeHad:
    def test_lets_nobody_act_and_says_so_in_http(self, pki: Pki, tmp_path: Path) -> None:
        with serving_lists() as lists:
            lists.answers = {"root.crl": pki.root.revocation_list()}
            urls = f"{lists.url('issuing.crl')} {lists.url('root.crl')}"
            with running_door(tmp_path, kind="api", pki=pki, SEGL_ENTERPRISE_CRL_URLS=urls) as door:
                with door.connect("seid1") as connection:
                    answer = ask(connection, GET)

                assert (answer.status, answer.content["trust"]) == (503, "RevocationUnknown")
                wait_until(lambda: any(line["event"] == "revocation-list-not-had" for line in door.lines()), what="a line about the list")

                # It comes back, and with it the check in the handshake.
                lists.answers["issuing.crl"] = pki.issuing.revocation_list(pki.revoked)
                wait_until(lambda: _is_refused(door, "revoked"), what="the list in the handshake")
                with door.connect("seid1") as connection:
                    assert ask(connection, GET).status == 200


def _is_refused(door: RunningDoor, who: str) -> bool:
    try:
        with door.connect(who) as connection:
            ask(connection, GET)
    except ssl.SSLError:
        return True
    threading.Event().wait(0.2)
    return False
