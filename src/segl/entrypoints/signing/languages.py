"""Which language a page is in: the sitting's, else what the person chose, else the browser's, else bokmål."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import trans_real

from segl.values import Language

LANGUAGE_COOKIE = "segl-language"
_FROM_BROWSER = {"nb": Language.BOKMAL, "no": Language.BOKMAL, "nn": Language.NYNORSK, "en": Language.ENGLISH}


def chosen_language(request: HttpRequest) -> Language | None:
    """Return the language this person has chosen, by `?language=` or with the menu, or None."""
    for wish in (request.GET.get("language"), request.COOKIES.get(LANGUAGE_COOKIE)):
        if wish in set(Language):
            return Language(wish)
    return None


def page_language(request: HttpRequest) -> Language:
    """Return the language of a page that belongs to no sitting."""
    if (chosen := chosen_language(request)) is not None:
        return chosen
    for tag, _ in trans_real.parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        if (language := _FROM_BROWSER.get(tag.split("-")[0])) is not None:
            return language
    return Language.BOKMAL
