"""
Instants as the wire writes them: ISO 8601 with milliseconds and Norway's offset, which Java, .NET and XML Schema all read.

Java's parser wants an offset with a colon, .NET's no zone name; so one form serves everywhere (wire-spec.md 12.2).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from segl.values import ValueRefused

ZONE: Final = "Europe/Oslo"

# XML Schema Part 2, dateTime; years beyond four digits and before 1 name no time a signature job can have.
_DATE_TIME: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]{1,30}))?(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_REFUSED: Final = "The time is not a date and time such as 2026-01-23T12:51:43.123+01:00. Write it so, with an offset."


def write_instant(at: datetime) -> str:
    """
    Return `at` as `YYYY-MM-DDThh:mm:ss.SSS±hh:mm` in Norway's time, cut to whole milliseconds.

    :raises ValueRefused: if `at` has no offset.
    """
    if at.tzinfo is None:
        raise ValueRefused("An instant has no time zone. Give an aware datetime.")
    return at.astimezone(ZoneInfo(ZONE)).isoformat(timespec="milliseconds")


def write_permitted_time(at: datetime) -> str:
    """
    Return `at` as `write_instant` does, but raised to the next whole millisecond.

    For `X-Next-permitted-poll-time` of a closed gate: a time cut downwards would invite the caller a fraction too early.

    :raises ValueRefused: if `at` has no offset.
    """
    return write_instant(at + timedelta(microseconds=-at.microsecond % 1000))


def read_instant(text: str) -> datetime:
    """
    Return the instant that an `xs:dateTime` tells, aware UTC, cut to microseconds.

    A value without offset is read as Norway's time (wire-spec.md 7.3); the hour that autumn repeats is its first.

    :raises ValueRefused: if it is none, or no time between the years 1 and 9999.
    """
    # XML Schema collapses the whitespace around a dateTime before it reads it.
    found = _DATE_TIME.fullmatch(text.strip(" \t\r\n"))
    if found is None:
        raise ValueRefused(_REFUSED)
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"])
    micros = int(((found["fraction"] or "") + "000000")[:6])
    # 24:00:00 is the midnight that ends the day, and only that.
    ends_day = hour == 24 and minute == second == micros == 0
    try:
        day = datetime.strptime(found["date"], "%Y-%m-%d")  # noqa: DTZ007 - the zone is set below
        local = day.replace(hour=0 if ends_day else hour, minute=minute, second=second, microsecond=micros)
        return (local + timedelta(days=ends_day)).replace(tzinfo=_zone(found["offset"])).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueRefused(_REFUSED) from error


def _zone(offset: str | None) -> timezone | ZoneInfo:
    if offset is None:
        return ZoneInfo(ZONE)
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise ValueRefused(_REFUSED)
    distance = timedelta(hours=hours, minutes=minutes)
    return timezone(-distance if offset[0] == "-" else distance)
