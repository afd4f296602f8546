"""Dates, times and sizes as people read them: Oslo time, `torsdag 3. desember 2026 kl. 14.33`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from segl.values import Language

OSLO = ZoneInfo("Europe/Oslo")
_BOKMAL_MONTHS = ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember"]
MONTHS = {
    Language.BOKMAL: _BOKMAL_MONTHS,
    Language.NYNORSK: _BOKMAL_MONTHS,
    Language.ENGLISH: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
DAYS = {
    Language.BOKMAL: ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"],
    Language.NYNORSK: ["måndag", "tysdag", "onsdag", "torsdag", "fredag", "laurdag", "søndag"],
    Language.ENGLISH: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}


def date_and_time(at: datetime, language: Language) -> str:
    """Return an aware instant as a full date with the time."""
    local = at.astimezone(OSLO)
    day, month = DAYS[language][local.weekday()], MONTHS[language][local.month - 1]
    if language is Language.ENGLISH:
        return f"{day} {local.day} {month} {local.year} at {time(at, language)}"
    return f"{day} {local.day}. {month} {local.year} kl. {time(at, language)}"


def time(at: datetime, language: Language) -> str:
    """Return the time of day: 14.33, in English 14:33."""
    return at.astimezone(OSLO).strftime("%H:%M" if language is Language.ENGLISH else "%H.%M")


def size(size_bytes: int, language: Language) -> str:
    """Return a file's size: `184 kB`, `1,2 MB`."""
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} kB"
    megabytes = f"{size_bytes / 1_000_000:.1f}"
    return f"{megabytes if language is Language.ENGLISH else megabytes.replace('.', ',')} MB"
