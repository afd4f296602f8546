"""
The TLS context of the API: TLS 1.2 and 1.3 with forward secrecy, a client certificate from the trusted CAs or no connection at all.

It is built once and again only when trust changes: one context a connection halves the rate (stack.md). Source: wire-spec.md 4.1, reliability.md B-53.
"""

from __future__ import annotations

import contextlib
import ssl
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from segl.adapters.trust.enterprise import Snapshot
from segl.entrypoints.api.door.refusals import first_certificate
from segl.entrypoints.api.door.sockets import TlsSocket

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; all suites of TLS 1.3 have forward secrecy anyway."""

_HANDSHAKE = 22
_CERTIFICATE = 11


class DoorContext:
    """Keeps the context of now. One for each process; threads share it."""

    def __init__(self, *, certificate: Path, key: Path, trust: Callable[[], Snapshot]) -> None:
        self._certificate = certificate
        self._key = key
        self._trust = trust
        self._lock = threading.Lock()
        self._built_from: Snapshot | None = None
        self._context: ssl.SSLContext | None = None

    def current(self) -> ssl.SSLContext:
        """Return the context that holds what is trusted now."""
        snapshot = self._trust()
        with self._lock:
            if self._context is None or snapshot is not self._built_from:
                self._context = build(certificate=self._certificate, key=self._key, trust=snapshot)
                self._built_from = snapshot
            return self._context


def build(*, certificate: Path, key: Path, trust: Snapshot) -> ssl.SSLContext:
    """
    Return a server context that demands a client certificate from `trust`.

    `certificate` holds the server's certificate and then its issuers, which Java clients need (wire-spec.md 4.2). Revocation is checked in the
    handshake when every CA's list is at hand; else the application must do it and answer 503.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    # An issuing CA whose root is not in the folder is an anchor too; Python turns this on by itself only from 3.13.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if trust.is_complete:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    pem = b"".join(issuer.public_bytes(Encoding.PEM) for issuer in trust.issuers)
    if trust.is_complete:
        pem += b"".join(revocation_list.public_bytes(Encoding.PEM) for revocation_list in trust.lists)
    # Only a file can carry revocation lists into the context: `cadata` takes certificates alone.
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(pem)
        file.flush()
        context.load_verify_locations(cafile=file.name)
    context.sslsocket_class = TlsSocket
    _remember_presented_certificates(context)
    return context


def _remember_presented_certificates(context: ssl.SSLContext) -> None:
    # OpenSSL forgets a certificate that it refused, and the ssl module has no public way to see it. `_msg_callback` is the module's debugging
    # hook (there from 3.8 to at least 3.14). Without it refusals are told without a subject, and nothing else changes.
    if hasattr(ssl.SSLContext, "_msg_callback"):
        setattr(context, "_msg_callback", _notice)  # noqa: B010 — typeshed does not know it


def _notice(
    connection: Any, direction: str, version: int, content_type: int, message_type: int, data: bytes
) -> None:  # Any: see typeshed above
    if direction == "read" and content_type == _HANDSHAKE and message_type == _CERTIFICATE:
        # Whatever is raised here would break the handshake.
        with contextlib.suppress(Exception):
            connection.presented = first_certificate(data, is_tls13=version == ssl.TLSVersion.TLSv1_3)
