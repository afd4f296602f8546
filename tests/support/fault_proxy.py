"""A TCP proxy before a neighbour, over TLS, that a test tells how to fail (reliability.md 2.13)."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
import wsgiref.simple_server
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DRIP_SECONDS = 0.02


class Fault(StrEnum):
    """How the way to a neighbour is broken."""

    NONE = "none"
    REFUSING = "refusing"
    HANGING = "hanging"
    SLOW = "slow"
    """Byte by byte, from the first byte of the headers on."""
    CUT = "cut after half of the answer"
    GARBAGE = "garbage instead of HTTP"
    NONSENSE = "garbage in a right answer"
    WRONG_CERTIFICATE = "wrong certificate"
    ANOTHERS_ANSWER = "the answer to another request"
    """Whole and rightly signed: a time-stamp over something else, the list of another CA, another page of the provider's."""


FAULTS = [fault for fault in Fault if fault is not Fault.NONE]


@cache
def tls_contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1 that `folder/neighbours.pem` trusts, and one that nobody does."""
    right, wrong = (_self_signed(folder / f"{name}.pem") for name in ("neighbours", "stranger"))
    return right, wrong


@dataclass
class FaultProxy:
    """Listens at a port of its own from the first `set` on."""

    upstream: int
    contexts: tuple[ssl.SSLContext, ssl.SSLContext]
    fault: Fault = Fault.NONE
    asked: int = 0
    """How many connections came in."""
    port: int = 0
    _answers: list[tuple[bytes, bytes]] = field(default_factory=list)
    _listener: socket.socket | None = None
    _held: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def set(self, fault: Fault) -> None:
        self.fault = fault
        self._let_go()
        if fault is Fault.REFUSING and self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        elif fault is not Fault.REFUSING and self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def forget(self) -> None:
        """Forget every answer so far."""
        self._answers.clear()

    def close(self) -> None:
        self.set(Fault.REFUSING)

    def _let_go(self) -> None:
        while self._held:
            self._held.pop().close()

    def _listen(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = listener.accept()
                self.asked += 1
                threading.Thread(target=self._serve, args=(connection, self.fault), daemon=True).start()

    def _serve(self, connection: socket.socket, fault: Fault) -> None:
        if fault is Fault.HANGING:
            self._held.append(connection)
            return
        with contextlib.suppress(OSError), connection:  # the other end gave up
            if fault is Fault.GARBAGE:
                connection.sendall(bytes(range(256)) * 4)
                return
            with self.contexts[fault is Fault.WRONG_CERTIFICATE].wrap_socket(connection, server_side=True) as stream:
                request = _read_request(stream)
                answer = self._answer_to(request, fault)
                if fault is Fault.SLOW:
                    while answer and self.fault is Fault.SLOW:
                        stream.sendall(answer[:1])
                        answer = answer[1:]
                        threading.Event().wait(DRIP_SECONDS)
                else:
                    stream.sendall(answer)

    def _answer_to(self, request: bytes, fault: Fault) -> bytes:
        if fault is Fault.ANOTHERS_ANSWER:
            return next((answer for asked, answer in reversed(self._answers) if asked != request), b"")
        with socket.create_connection(("127.0.0.1", self.upstream)) as upstream:
            upstream.sendall(request)
            answer = b"".join(iter(lambda: upstream.recv(65536), b""))
        self._answers.append((request, answer))
        if fault is Fault.CUT:
            return answer[: len(answer) // 2]
        if fault is Fault.NONSENSE:
            head, separator, body = answer.partition(b"\r\n\r\n")
            return head + separator + bytes(255 - byte for byte in body)
        return answer


@contextlib.contextmanager
def serving(application: WSGIApplication) -> Iterator[int]:
    """Serve a WSGI application over plain HTTP, and give its port."""
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Silent(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


def _read_request(stream: ssl.SSLSocket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += stream.recv(65536) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int((lengths or [b"0"])[0]):
        part = stream.recv(65536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body


def _self_signed(file: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, file.stem)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject_name=subject, issuer_name=subject, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file = file.with_suffix(".key")
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context
