"""
Everything the sandbox's pages say stands in texts/{nb,nn,en}.toml; this file chooses the language and finds the text.

The pages borrow the signer's frame (design.md 2), so the choice that its language menu stores holds here too.
"""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import trans_real

from segl.values import Language

TEXTS = Path(__file__).parent / "texts"
LANGUAGE_NAMES = {Language.BOKMAL: "Bokmål", Language.NYNORSK: "Nynorsk", Language.ENGLISH: "English"}
LANGUAGE_COOKIE = "segl-language"
"""Set by the language menu of the signer's pages."""

OSLO = ZoneInfo("Europe/Oslo")
_FROM_BROWSER = {"nb": Language.BOKMAL, "no": Language.BOKMAL, "nn": Language.NYNORSK, "en": Language.ENGLISH}


@cache
def entries(language: Language) -> dict[str, str]:
    """Return all texts of a language by their key, `section.name`."""
    with (TEXTS / f"{language.value}.toml").open("rb") as file:
        sections = tomllib.load(file)
    return {f"{section}.{name}": text for section, texts in sections.items() for name, text in texts.items()}


def text(key: str, language: Language, **values: object) -> str:
    """
    Return a text as plain characters.

    :raises KeyError: if there is no such text, or it needs a value that was not given.
    """
    return entries(language)[key].format(**values)


def marked_up(key: str, language: Language, **values: object) -> SafeString:
    """Return a text as HTML: everything escaped, `**bold**` as <strong>. Raises as `text`."""
    marked = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(entries(language)[key])))
    return mark_safe(marked.format(**{name: escape(value) for name, value in values.items()}))  # noqa: S308 - every part is escaped


def page_language(request: HttpRequest) -> Language:
    """Return what the person chose, else the browser's language, else bokmål."""
    chosen = request.COOKIES.get(LANGUAGE_COOKIE)
    if chosen in set(Language):
        return Language(chosen)
    for tag, _ in trans_real.parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        if (language := _FROM_BROWSER.get(tag.split("-")[0])) is not None:
            return language
    return Language.BOKMAL


def time_of_day(at: datetime, language: Language) -> str:
    """Return 14.33 in Oslo, in English 14:33."""
    return at.astimezone(OSLO).strftime("%H:%M" if language is Language.ENGLISH else "%H.%M")


def date(at: datetime, language: Language) -> str:
    """Return the full date in Oslo, with the time zone's name."""
    local = at.astimezone(OSLO)
    day = text("clock.days", language).split()[local.weekday()]
    month = text("clock.months", language).split()[local.month - 1]
    return text("clock.date", language, day=day, number=local.day, month=month, year=local.year)


def stamp(at: datetime) -> str:
    """Return an instant as lists of requests have it: Oslo time to the second, the same in every language."""
    return at.astimezone(OSLO).strftime("%Y-%m-%d %H:%M:%S")
