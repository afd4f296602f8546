"""
Everything a signer reads stands in texts/{nb,nn,en}.toml, and nowhere else; this file finds a text and fills it in.
The sandbox's pages find theirs with the same `Catalogue`.

The words are those of the project's design reference, sections 9 and 10.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from segl.values import Language

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


def number_in_words(count: int, language: Language) -> str:
    """Return a count as running text has it: in words up to twelve, above that in digits."""
    numbers = NUMBERS[language]
    return numbers[count] if 0 <= count < len(numbers) else str(count)


@cache
def _read(folder: Path, language: Language) -> dict[str, Entry]:
    with (folder / f"{language.value}.toml").open("rb") as file:
        sections = tomllib.load(file)
    return {f"{section}.{name}": entry for section, texts in sections.items() for name, entry in texts.items()}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts in the files `{nb,nn,en}.toml` of one folder."""

    folder: Path

    def entries(self, language: Language) -> dict[str, Entry]:
        """Return all texts of a language by their key, `section.name`."""
        return _read(self.folder, language)

    def text(self, key: str, language: Language, **values: object) -> str:
        """
        Return a text as plain characters; `count` chooses between `one` and `other`.

        :raises TextMissing: if the key, the form or a value is missing.
        """
        entry = self.entries(language).get(key)
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

    def marked_up(self, key: str, language: Language, **values: object) -> SafeString:
        """Return a text as HTML: values escaped, `**bold**` as <strong>. Raises as `text`."""
        # Bold is found before the values are put in, so that a sender's name with asterisks stays a name.
        kept = {name: value if name == "count" else f"\x00{name}\x00" for name, value in values.items()}
        parts = self.text(key, language, **kept).split("**")
        html = "".join(f"<strong>{escape(part)}</strong>" if number % 2 else escape(part) for number, part in enumerate(parts))
        for name, value in values.items():
            html = html.replace(f"\x00{name}\x00", escape(value))
        return mark_safe(html)  # noqa: S308  every part went through escape() above


_signing = Catalogue(Path(__file__).parent / "texts")
entries, text, marked_up = _signing.entries, _signing.text, _signing.marked_up
