"""Who calls is who proved a key in TLS; whatever else a client says of itself changes nothing (reliability.md B-26)."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import quote

import pytest

from door.conftest import ProxiedDoor
from door.door_running import Pki, RunningDoor, ask
from segl.entrypoints.api.door.proxy import CERTIFICATE_HEADER, SECRET_HEADER
from support.nginx import SECRET

ME = "2.5.4.5=123456789,CN=Kunde AS"
OTHER = "2.5.4.97=NTRNO-123456789,O=Kunde AS"
"""What the application sees of the certificate that every claim below holds."""

CLAIMS = [
    "{told}: {pem}",
    "{told}: {pem}\r\n{told}: {pem}",
    "{told}: {pem}\r\n{secret}: {word}",
    "{secret}: {word}\r\n{told}: {pem}",
    "{secret}: {word}\r\n{secret}: {word}\r\n{told}: {pem}",
    "{secret}:\r\n{told}: {pem}",
    "{secret}: guessed\r\n{told}: {pem}",
    "{lower_told}: {pem}\r\n{lower_secret}: {word}",
    "{upper_told}: {pem}\r\n{upper_secret}: {word}",
    "{under_told}: {pem}\r\n{under_secret}: {word}",
    "X-Segl_Client-Certificate: {pem}\r\nX_Segl-Proxy-Secret: {word}",
    "HTTP_X_SEGL_CLIENT_CERTIFICATE: {pem}\r\nHTTP_X_SEGL_PROXY_SECRET: {word}",
    "segl.told_certificate: {pem}",
    "gunicorn.socket: {pem}",
    "Connection: keep-alive, {told}, {secret}\r\n{told}: {pem}",
    "Connection: {secret}",
    "X-SSL-Client-Cert: {pem}",
    "X-SSL-Cert: {pem}",
    "X-SSL-Client-S-DN: CN=123456789\r\nX-SSL-Client-Verify: SUCCESS",
    "SSL_CLIENT_CERT: {pem}",
    "SSL-Client-Cert: {pem}\r\nSSL-Client-Verify: SUCCESS",
    "X-Client-Cert: {pem}",
    "X-Client-Certificate: {pem}",
    "Client-Cert: :{pem}:",
    "Client-Cert-Chain: :{pem}:",
    "X-Forwarded-Client-Cert: Cert={pem}",
    "X-Forwarded-Tls-Client-Cert: {pem}",
    "X-ARR-ClientCert: {pem}",
    "X-Amzn-Mtls-Clientcert: {pem}",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on",
    "X-Forwarded-Host: localhost\r\nX-Forwarded-Port: 443",
    "Forwarded: for=127.0.0.1;proto=https;host=localhost",
    "X-Real-IP: 127.0.0.1",
    "REMOTE_USER: 123456789",
    "Remote-User: 123456789\r\nAuthorization: Basic MTIzNDU2Nzg5Og==",
    "Proxy: 127.0.0.1",
    "Via: 1.1 localhost",
    "Cookie: {told}={pem}",
]
"""Header lines that pass through, whoever reads them."""

REFUSED = [
    "X-Padding: a\r\n {told}: {pem}",
    "{told} : {pem}",
    "{told}\t: {pem}",
    " {told}: {pem}",
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Content-Length: 4\r\nContent-Length: 5",
    "Content-Length: +4",
    "Content-Length: 4, 5",
    "Transfer-Encoding: xchunked",
]
"""Folded lines, blanks before the colon, and framing that two servers may read in two ways: the start of every smuggled request."""


def claimed(pki: Pki, lines: str) -> bytes:
    pem = quote(pki.people["seid2"][0].read_text(), safe="")
    names = {"told": CERTIFICATE_HEADER, "secret": SECRET_HEADER, "pem": pem, "word": SECRET}
    for way, written in (("lower", str.lower), ("upper", str.upper), ("under", lambda name: name.replace("-", "_"))):
        names |= {f"{way}_told": written(CERTIFICATE_HEADER), f"{way}_secret": written(SECRET_HEADER)}
    return b"POST /api HTTP/1.1\r\nHost: localhost\r\n" + lines.format(**names).encode() + b"\r\n\r\n"


@pytest.fixture(params=["own door", "nginx"])
def either(request: pytest.FixtureRequest, door: RunningDoor, proxied_door: ProxiedDoor) -> RunningDoor:
    return proxied_door if request.param == "nginx" else door


class TestWhatAClientSaysOfItself:
    @pytest.mark.parametrize("lines", CLAIMS)
    def test_makes_it_nobody_else(self, either: RunningDoor, pki: Pki, lines: str) -> None:
        with either.connect("seid1") as connection:
            answer = ask(connection, claimed(pki, lines))

        assert answer.content["peer"] == ME

    @pytest.mark.parametrize("lines", REFUSED)
    def test_is_not_read_when_it_is_written_oddly(self, either: RunningDoor, pki: Pki, lines: str) -> None:
        with either.connect("seid1") as connection:
            answer = ask(connection, claimed(pki, lines) + b"0\r\n\r\nGET /api HTTP/1.1\r\nHost: l\r\n\r\n")
            assert connection.recv(100) == b"", "a second answer to one request"

        assert answer.status == 400
        assert b"MALFORMED_REQUEST" in answer.body

    @pytest.mark.parametrize("lines", CLAIMS)
    def test_lets_nobody_in_without_a_certificate(self, proxied_door: ProxiedDoor, pki: Pki, lines: str) -> None:
        with proxied_door.connect(None) as connection:
            answer = ask(connection, claimed(pki, lines))

        assert answer.status == 403
        assert b"<error-code>NOT_AUTHORIZED</error-code>" in answer.body


class TestTheSocket:
    def test_believes_who_has_the_secret(self, proxied_door: ProxiedDoor, pki: Pki) -> None:
        with closing(proxied_door.past_nginx()) as connection:
            assert ask(connection, claimed(pki, "{told}: {pem}\r\n{secret}: {word}")).content["peer"] == OTHER

    @pytest.mark.parametrize(
        "lines",
        [
            *(line for line in CLAIMS if "{secret}: {word}" not in line and "{lower_secret}" not in line and "{upper_secret}" not in line),
            "{secret}: {word}\r\n{secret}: {word}\r\n{told}: {pem}",
            "{secret}: {word}{word}\r\n{told}: {pem}",
            "{secret}: x{word}\r\n{told}: {pem}",
            "{secret}: {word}",
            "{secret}: {word}\r\n{told}:",
            "{secret}: {word}\r\n{told}: nonsense",
            "{secret}: {word}\r\n{told}: {pem}{pem}",
            "{secret}: {word}\r\n{told}: {pem}\r\n{told}: {pem}",
        ],
    )
    def test_believes_nobody_else_and_nothing_else(self, proxied_door: ProxiedDoor, pki: Pki, lines: str) -> None:
        with closing(proxied_door.past_nginx()) as connection:
            answer = ask(connection, claimed(pki, lines))

        assert answer.content["peer"] is None
        assert SECRET not in proxied_door.log.read_text()

    def test_is_closed_to_all_but_its_user_and_group(self, proxied_door: ProxiedDoor) -> None:
        assert proxied_door.socket.stat().st_mode & 0o777 == 0o660


def test_the_tables_are_long_enough() -> None:
    assert len(CLAIMS) + len(REFUSED) >= 40
