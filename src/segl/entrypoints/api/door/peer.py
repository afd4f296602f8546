"""
Who stands at the door: the client certificate that the handshake verified, never a header.

Source: stack.md "TLS and the server"; reliability.md B-26.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography import x509

from segl.certificates import read_certificate


def peer_certificate(environ: Mapping[str, Any]) -> x509.Certificate | None:  # Any: WSGI's own type
    """
    Return the certificate of the client that sent the request with this WSGI `environ`, or None when it did not come over TLS.

    The handshake has checked its path and dates against the trusted CAs. Revocation it has checked only when all lists were at hand, and a resumed
    session may be older than the last list: ask the trust again at each request.

    :raises CertificateRefused: UNREADABLE, for one that OpenSSL could read and Segl cannot.
    """
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, ssl.SSLSocket):
        return None
    der = connection.getpeercert(binary_form=True)
    return _parsed(der) if der else None


@lru_cache(maxsize=4096)
def _parsed(der: bytes) -> x509.Certificate:
    return read_certificate(der)
