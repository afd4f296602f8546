"""How the ceremony's pages answer: 303 so that a reload never repeats an act, and a step between two origins."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from segl.ceremony.sitting import SittingView
from segl.entrypoints.signing.catalogue import text
from segl.entrypoints.signing.pages import render_page


class SeeOther(HttpResponseRedirect):
    """303: whatever the method was, the next is GET."""

    status_code = 303


def is_only_a_look(request: HttpRequest) -> bool:
    """Return whether a machine looks ahead (HEAD, prefetch, prerender), so that nothing may be opened or marked."""
    purpose = f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')} {request.headers.get('X-Moz', '')}"
    return request.method == "HEAD" or "prefetch" in purpose or "prerender" in purpose or "preview" in purpose


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def hand_over(request: HttpRequest, view: SittingView, *, address: str, to_sender: bool) -> HttpResponse:
    """
    Return a page that sends the browser on at once, without script.

    It breaks the chain of redirects that began with a form: Chromium holds that whole chain to the form-action of the page (or of the
    eID provider's page) it started on, and this page cannot know every origin on the way.
    """
    key = "to_sender" if to_sender else "to_eid"
    return render_page(
        request,
        "signing/hand_over.html",
        language=view.language,
        address=address,
        heading=text(f"hand_over.{key}", view.language, sender=view.sender_name),
        link=text(f"hand_over.{key}_link", view.language, sender=view.sender_name),
    )
