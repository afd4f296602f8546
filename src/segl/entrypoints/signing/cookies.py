"""
The cookie that ties a sitting to one browser: one a sitting, worth nothing elsewhere, new after each log-in.

Source: reliability B-22; the `__Host-` prefix wherever the web address is https.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

COOKIE_LIFETIME_SECONDS = 12 * 60 * 60
"""As long as a sitting lives (NIST SP 800-63B, AAL2)."""
MAX_SITTINGS_KEPT = 20
"""Cookies of older sittings give way, or the header would grow until the server refuses it."""


def is_secure() -> bool:
    """Return whether cookies are marked Secure."""
    return urlsplit(settings.SEGL_WEB_URL).scheme == "https"


def _prefix() -> str:
    return "__Host-segl-sitting-" if is_secure() else "segl-sitting-"


def secrets_by_sitting(request: HttpRequest) -> dict[str, str]:
    """Return the secret of each sitting this browser has, by sitting id."""
    prefix = _prefix()
    return {name.removeprefix(prefix): secret for name, secret in request.COOKIES.items() if name.startswith(prefix)}


def secret_of(request: HttpRequest, sitting_id: str) -> str | None:
    """Return this browser's secret for one sitting, or None."""
    return request.COOKIES.get(f"{_prefix()}{sitting_id}")


def keep_secret(request: HttpRequest, response: HttpResponseBase, *, sitting_id: str, secret: str) -> None:
    """Give the browser the secret of a sitting."""
    others = [other for other in secrets_by_sitting(request) if other != sitting_id]
    for other in others[: max(0, len(others) - MAX_SITTINGS_KEPT + 1)]:
        response.set_cookie(f"{_prefix()}{other}", "", max_age=0, path="/", secure=is_secure(), httponly=True, samesite="Lax")
    response.set_cookie(
        f"{_prefix()}{sitting_id}",
        secret,
        max_age=COOKIE_LIFETIME_SECONDS,
        path="/",
        secure=is_secure(),
        httponly=True,
        samesite="Lax",
    )
