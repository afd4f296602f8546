"""The direct flow's door: a redirect URL becomes a sitting and a cookie, and the token leaves the address bar."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from segl.actions import open_redirect, sittings
from segl.entrypoints.signing.cookies import keep_secret, secret_of
from segl.entrypoints.signing.languages import chosen_language
from segl.entrypoints.signing.views.answers import SeeOther, is_only_a_look
from segl.entrypoints.signing.visits import ports


@require_safe
def redirect(request: HttpRequest, token: str) -> HttpResponse:
    """
    Open the sitting and lead on to reading. HEAD and prefetch change nothing (reliability B-21).

    :raises LinkNotUsable: if the link is used by another browser, too old or unknown.
    """
    if is_only_a_look(request):
        return HttpResponse(status=204)
    known = open_redirect.sitting_of_token(token)
    cookie = secret_of(request, known) if known is not None else None
    opened = open_redirect.open_redirect(ports(), token=token, cookie=cookie)
    if (language := chosen_language(request)) is not None:
        sittings.set_language(ports(), sitting_id=opened.sitting_id, secret=opened.secret, language=language)
    response: HttpResponseRedirect = SeeOther(reverse("sitting", kwargs={"sitting_id": opened.sitting_id}))
    keep_secret(request, response, sitting_id=opened.sitting_id, secret=opened.secret)
    return response
