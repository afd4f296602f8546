"""
What every request to the web address passes: security headers on the answer (reliability B-54), and pages for what the actions refuse.

`SecurityHeaders` stands first, so that the framework's own refusals get the headers as well.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from segl.actions.access import SittingNotFound, SittingTimedOut
from segl.actions.open_redirect import LinkNotUsable
from segl.entrypoints.signing.headers import page_policy
from segl.entrypoints.signing.views.problems import not_found, refuse


class SecurityHeaders:
    """Gives every answer of the web address its headers, whatever its status; what a view has set stays."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer with its headers."""
        response = self._get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", page_policy())
        headers.setdefault("Cache-Control", "no-store")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        # `no-referrer` would make the Origin of a POST `null`, which the CSRF check refuses.
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        if settings.SEGL_WEB_URL.startswith("https:"):
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response


class Problems:
    """Turns what the actions refuse into a page in plain words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the view's answer."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page for a refusal, or None when it is no refusal but an error of ours."""
        match exception:
            case LinkNotUsable():
                return refuse(request, "link", icon="LinkBroken", status=403, reason=exception)
            case SittingTimedOut():
                return refuse(request, "timed_out", icon="Hourglass", status=403, reason=exception)
            case SittingNotFound():
                return not_found(request, exception)
            case _:
                return None
