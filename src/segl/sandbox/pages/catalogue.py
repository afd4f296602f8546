"""Everything the sandbox's pages say stands in texts/{nb,nn,en}.toml. They borrow the signer's frame (design.md 2), and so its language and dates."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from segl.entrypoints.signing.catalogue import Catalogue
from segl.entrypoints.signing.dates import DAYS, MONTHS, OSLO
from segl.values import Language

_sandbox = Catalogue(Path(__file__).parent / "texts")
entries, text, marked_up = _sandbox.entries, _sandbox.text, _sandbox.marked_up


def date(at: datetime, language: Language) -> str:
    """Return the full date in Oslo, with the time zone's name."""
    local = at.astimezone(OSLO)
    day, month = DAYS[language][local.weekday()].capitalize(), MONTHS[language][local.month - 1]
    return text("clock.date", language, day=day, number=local.day, month=month, year=local.year)


def stamp(at: datetime) -> str:
    """Return an instant as lists of requests have it: Oslo time to the second, the same in every language."""
    return at.astimezone(OSLO).strftime("%Y-%m-%d %H:%M:%S")
