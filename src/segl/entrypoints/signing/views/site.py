"""The pages in the footer, and the language menu."""

from __future__ import annotations

import re
from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from segl.actions import sittings
from segl.actions.access import SittingNotFound, SittingTimedOut
from segl.entrypoints.signing.catalogue import marked_up, text
from segl.entrypoints.signing.cookies import is_secure, secret_of
from segl.entrypoints.signing.languages import LANGUAGE_COOKIE, page_language
from segl.entrypoints.signing.pages import render_page
from segl.entrypoints.signing.views.answers import SeeOther
from segl.entrypoints.signing.visits import ports
from segl.values import Language

PARTS = {
    "help": ("sign", "read", "wrong", "stranger", "link"),
    "privacy": ("what", "who", "how_long", "cookies"),
    "accessibility": ("standard", "documents", "keys", "missing"),
}
LANGUAGE_COOKIE_LIFETIME_SECONDS = 365 * 24 * 60 * 60


@require_safe
def information(request: HttpRequest, page: str) -> HttpResponse:
    """Return help, privacy or accessibility."""
    language = page_language(request)
    return render_page(
        request,
        "signing/information.html",
        language=language,
        page_title=text(f"{page}.title", language),
        lead=text(f"{page}.lead", language),
        parts=[(text(f"{page}.{part}", language), marked_up(f"{page}.{part}_more", language)) for part in PARTS[page]],
    )


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Change the language and go back to the same place."""
    back = request.POST.get("next", "")
    if not back.startswith("/") or not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/help"
    response = SeeOther(back)
    chosen = request.POST.get("language")
    if chosen not in set(Language):
        return response
    if place := re.match(r"/sign/([A-Za-z0-9_-]+)/", back):
        sitting_id = place.group(1)
        with suppress(SittingNotFound, SittingTimedOut):  # the page this leads back to says so
            sittings.set_language(ports(), sitting_id=sitting_id, secret=secret_of(request, sitting_id), language=Language(chosen))
    response.set_cookie(
        LANGUAGE_COOKIE, chosen, max_age=LANGUAGE_COOKIE_LIFETIME_SECONDS, secure=is_secure(), httponly=True, samesite="Lax"
    )
    return response
