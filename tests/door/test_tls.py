"""Which TLS both doors speak, their own and nginx's (reliability.md B-53), and that silence of many holds up nobody (B-65)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator

import pytest

from door.conftest import ProxiedDoor
from door.door_running import GET, Pki, RunningDoor, ask, running_door, serving_lists
from segl.settings import load

MANY = 40


def every_cipher() -> list[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return [str(each["name"]) for each in context.get_ciphers() if not str(each["name"]).startswith("TLS_")]


@pytest.fixture(params=["own door", "nginx"])
def either(request: pytest.FixtureRequest, door: RunningDoor, proxied_door: ProxiedDoor) -> RunningDoor:
    return proxied_door if request.param == "nginx" else door


class TestTls:
    def test_of_version_1_2_has_forward_secrecy_and_authenticated_encryption_only(self, either: RunningDoor) -> None:
        spoken = set()
        for cipher in every_cipher():
            context = either.context("seid1")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(f"{cipher}:@SECLEVEL=0")
            with contextlib.suppress(ssl.SSLError), either.connect(context=context) as connection:
                assert ask(connection, GET).status == 200
                spoken.add(cipher)
        assert len(every_cipher()) > 50
        assert spoken == {"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"}

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
    def test_of_an_older_version_is_not_spoken(self, either: RunningDoor, version: ssl.TLSVersion) -> None:
        context = either.context("seid1")
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol|alert"), either.connect(context=context) as connection:
            ask(connection, GET)

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_is_never_compressed_and_chosen_by_the_server(self, either: RunningDoor, version: ssl.TLSVersion) -> None:
        context = either.context("seid1")
        context.minimum_version = context.maximum_version = version
        with either.connect(context=context) as connection:
            assert isinstance(connection, ssl.SSLSocket)
            assert (connection.compression(), connection.selected_alpn_protocol()) == (None, None)
            assert ask(connection, GET).status == 200


def _silent(door: RunningDoor) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.port), timeout=20)


def _half_a_handshake(door: RunningDoor) -> socket.socket:
    connection = _silent(door)
    connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    return connection


def _saying(said: bytes) -> Callable[[RunningDoor], socket.socket]:
    def say(door: RunningDoor) -> socket.socket:
        connection = door.connect()
        connection.sendall(said)
        return connection

    return say


HEAD = b"POST /api HTTP/1.1\r\nHost: localhost\r\n"
STALLED: dict[str, Callable[[RunningDoor], socket.socket]] = {
    "nothing at all": _silent,
    "half a ClientHello": _half_a_handshake,
    "nothing after the handshake": _saying(b""),
    "half a request line": _saying(b"POST /ap"),
    "half a head": _saying(HEAD + b"X-A: b"),
    "no body": _saying(HEAD + b"Content-Length: 1000000\r\n\r\n"),
    "half a body": _saying(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 50_000),
    "half a chunk": _saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\nabc"),
}
"""What a client has said when it falls silent."""


@pytest.fixture(scope="module")
def roomy_door(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDoor]:
    """A door of one process with as many threads as it has by default."""
    with serving_lists() as lists:
        lists.answers = {"issuing.crl": pki.issuing.revocation_list(), "root.crl": pki.root.revocation_list()}
        urls = f"{lists.url('issuing.crl')} {lists.url('root.crl')}"
        with running_door(
            tmp_path_factory.mktemp("roomy"), kind="api", pki=pki, SEGL_ENTERPRISE_CRL_URLS=urls, SEGL_THREADS=str(load({}).threads)
        ) as running:
            yield running


class TestFortyClients:
    @pytest.mark.parametrize("said", STALLED)
    @pytest.mark.parametrize("place", ["own door", "nginx"])
    def test_that_fell_silent_hold_up_nobody(self, roomy_door: RunningDoor, proxied_door: ProxiedDoor, place: str, said: str) -> None:
        door = proxied_door if place == "nginx" else roomy_door
        with contextlib.ExitStack() as until_the_end:
            for _ in range(MANY):
                until_the_end.enter_context(contextlib.closing(STALLED[said](door)))
            began = time.monotonic()
            with door.connect() as honest:
                assert [ask(honest, GET).status for _ in range(5)] == [200] * 5
            assert time.monotonic() - began < 8
