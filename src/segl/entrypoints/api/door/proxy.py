"""
The certificate of a client whose TLS a proxy ended: told in a header, and believed on the API's unix socket alone, with the secret alone.

The proxy is trusted to have seen the client prove its key, and in nothing else: the certificate is checked as one of our own handshake is.
Source: reliability.md B-26, stack.md "TLS and the server"; the header is nginx's `$ssl_client_escaped_cert`.
"""

from __future__ import annotations

import hmac
import socket
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from cryptography import x509

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]  # Any: WSGI's own types (PEP 3333)

SECRET_HEADER = "X-Segl-Proxy-Secret"  # noqa: S105 — the header's name
CERTIFICATE_HEADER = "X-Segl-Client-Certificate"

_TOLD = "segl.told_certificate"
"""No header can be called so: each becomes HTTP_…"""
_log = structlog.get_logger("segl.door")


class BehindApiProxy:
    """Takes both headers off every request, and keeps what the proxy told."""

    def __init__(self, application: WsgiApplication, *, secret: str) -> None:
        self._application = application
        self._secret = secret.encode()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        secret, certificate = (environ.pop(_name(header), "") for header in (SECRET_HEADER, CERTIFICATE_HEADER))
        is_proxy = getattr(environ.get("gunicorn.socket"), "family", None) == socket.AF_UNIX
        if is_proxy and hmac.compare_digest(secret.encode("utf-8", "surrogateescape"), self._secret):
            environ[_TOLD] = certificate
        else:
            _log.warning("proxy-not-believed", has_secret=bool(secret))
        return self._application(environ, start_response)


def told_certificate(environ: Mapping[str, Any]) -> x509.Certificate | None:
    """Return the certificate that the proxy told, or None when it told none that can be read or nobody is believed."""
    return _read(environ.get(_TOLD, ""))


@lru_cache(maxsize=1024)
def _read(escaped_pem: str) -> x509.Certificate | None:
    try:
        (certificate,) = x509.load_pem_x509_certificates(unquote_to_bytes(escaped_pem))
    except ValueError:
        return None
    return certificate


def _name(header: str) -> str:
    return f"HTTP_{header.upper().replace('-', '_')}"
