"""
The pages that say no: link used, nothing here, away too long, not accepted, our own fault.

Each has a reference that stands in the log too; neither tells whether something exists (reliability B-25).
"""

from __future__ import annotations

import secrets
import sys

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import requires_csrf_token

from segl.entrypoints.signing.catalogue import text
from segl.entrypoints.signing.headers import page_policy
from segl.entrypoints.signing.languages import page_language
from segl.entrypoints.signing.pages import render_page

REFERENCE_LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""No vowels and nothing that is read as something else."""

log = structlog.get_logger("segl.signing")


def new_reference() -> str:
    """Return a reference such as `7KQ4-MD`: enough to find one line in a day's log, short enough to be read out."""
    letters = [secrets.choice(REFERENCE_LETTERS) for _ in range(6)]
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the one page for not yours, not there and never was."""
    return refuse(request, "not_found", icon="PersonCross", status=404, reason=exception, has_reasons=True)


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for a request that was refused as such."""
    return refuse(request, "forbidden", icon="ExclamationmarkTriangle", status=403, reason=exception)


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the page for a form without the right token: an old page, or a browser without cookies."""
    return refuse(request, "forbidden", icon="ExclamationmarkTriangle", status=403, reason="csrf")


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for a request that could not be read."""
    return refuse(request, "forbidden", icon="ExclamationmarkTriangle", status=400, reason=exception)


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page for an error of ours; it must come even when the templates are what is wrong."""
    # The class and the place, never the message: it may hold what a person wrote.
    _, error, trace = sys.exc_info()
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else "?"
    reason = f"{type(error).__name__} at {place}"
    try:
        return refuse(request, "server", icon="Bandage", status=500, reason=reason, may_retry=request.method == "GET")
    except Exception as broken:  # the last resort may not fail in its turn
        reference = new_reference()
        log.error("page-broken", reference=reference, reason=type(broken).__name__)
        response = HttpResponse(f"Noe gikk galt hos oss. Prøv igjen om litt. {reference}\n", content_type="text/plain; charset=utf-8")
        response.status_code = 500
        response.headers["Content-Security-Policy"] = page_policy()
        return response


def refuse(
    request: HttpRequest,
    key: str,
    *,
    icon: str,
    status: int,
    reason: Exception | str,
    has_reasons: bool = False,
    may_retry: bool = False,
) -> HttpResponse:
    """Return the page `refusal.{key}` with a new reference, and log that reference with the reason and the route."""
    language, reference = page_language(request), new_reference()
    match = request.resolver_match
    log.warning(
        "page-refused",
        reference=reference,
        page=key,
        status=status,
        # The route, not the address: the address may hold a token.
        route=match.route if match else None,
        reason=reason if isinstance(reason, str) else type(reason).__name__,
    )
    return render_page(
        request,
        "signing/message.html",
        language=language,
        status=status,
        icon=icon,
        heading=text(f"refusal.{key}", language),
        sentences=(text(f"refusal.{key}_more", language),),
        reasons=tuple(text(f"refusal.reason_{name}", language) for name in ("other", "turn", "ended")) if has_reasons else (),
        may_retry=may_retry,
        reference=reference,
    )
