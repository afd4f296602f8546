"""
Who stands at the door: the client certificate of the handshake, or the one that the proxy in front has told; never a client's own header.

Source: stack.md "TLS and the server"; reliability.md B-26.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography import x509

from segl.certificates import read_certificate
from segl.entrypoints.api.door.proxy import told_certificate


def peer_certificate(environ: Mapping[str, Any]) -> x509.Certificate | None:  # Any: WSGI's own type
    """
    Return the certificate of the client that sent the request with this WSGI `environ`, or None when it did not come over mutual TLS.

    Check it at each request. Our own handshake has checked path and dates, and revocation only when all lists were at hand; a resumed session may be
    older than the last list; and of what a proxy checked nothing is known.

    :raises CertificateRefused: UNREADABLE, for one that OpenSSL could read and Segl cannot.
    """
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, ssl.SSLSocket):
        return told_certificate(environ)
    der = connection.getpeercert(binary_form=True)
    return _parsed(der) if der else None


@lru_cache(maxsize=4096)
def _parsed(der: bytes) -> x509.Certificate:
    return read_certificate(der)
