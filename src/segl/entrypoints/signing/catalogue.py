"""
Everything a signer reads stands in texts/{nb,nn,en}.toml, and nowhere else; this file finds a text and fills it in.

The words are those of the project's design reference, sections 9 and 10.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from segl.values import Language

TEXTS = Path(__file__).parent / "texts"
LANGUAGE_NAMES = {Language.BOKMAL: "Bokmål", Language.NYNORSK: "Nynorsk", Language.ENGLISH: "English"}
_NORWEGIAN_NUMBERS = ["null", "én", "to", "tre", "fire", "fem", "seks", "sju", "åtte", "ni", "ti", "elleve", "tolv"]
NUMBERS = {
    Language.BOKMAL: _NORWEGIAN_NUMBERS,
    Language.NYNORSK: ["null", "éin", *_NORWEGIAN_NUMBERS[2:]],
    Language.ENGLISH: ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
}

Entry = str | dict[str, str]
"""A sentence, or its `one` and `other` form."""


class TextMissing(Exception):
    """The catalogue has no such text, or the text needs a value that was not given. Correct texts/*.toml or the template."""


@cache
def entries(language: Language) -> dict[str, Entry]:
    """Return all texts of a language by their key, `section.name`."""
    with (TEXTS / f"{language.value}.toml").open("rb") as file:
        sections = tomllib.load(file)
    return {f"{section}.{name}": entry for section, texts in sections.items() for name, entry in texts.items()}


def number_in_words(count: int, language: Language) -> str:
    """Return a count as running text has it: in words up to twelve, above that in digits."""
    numbers = NUMBERS[language]
    return numbers[count] if 0 <= count < len(numbers) else str(count)


def text(key: str, language: Language, **values: object) -> str:
    """
    Return a text as plain characters; `count` chooses between `one` and `other`.

    :raises TextMissing: if the key, the form or a value is missing.
    """
    entry = entries(language).get(key)
    if isinstance(entry, dict):
        entry = entry.get("one" if values.get("count") == 1 else "other") if "count" in values else None
    if entry is None:
        raise TextMissing(f'There is no text "{key}" for these values in texts/{language.value}.toml.')
    if isinstance(count := values.get("count"), int):
        values["number"] = number_in_words(count, language)
    try:
        return entry.format(**values)
    except KeyError as missing:
        raise TextMissing(f'The text "{key}" in texts/{language.value}.toml needs the value {missing}.') from missing


def marked_up(key: str, language: Language, **values: object) -> SafeString:
    """Return a text as HTML: values escaped, `**bold**` as <strong>. Raises as `text`."""
    # Bold is found before the values are put in, so that a sender's name with asterisks stays a name.
    parts = re.split(r"\*\*", text(key, language, **{name: _Kept(name) for name in values if name != "count"} | _counts(values)))
    html = "".join(f"<strong>{escape(part)}</strong>" if number % 2 else str(escape(part)) for number, part in enumerate(parts))
    for name, value in values.items():
        html = html.replace(f"\x00{name}\x00", str(escape(value)))
    return mark_safe(html)  # noqa: S308  every part went through escape() above


class _Kept(str):
    """A value that is put in after the mark-up is found."""

    __slots__ = ()

    def __new__(cls, name: str) -> _Kept:
        return super().__new__(cls, f"\x00{name}\x00")


def _counts(values: dict[str, object]) -> dict[str, object]:
    return {"count": values["count"]} if "count" in values else {}
