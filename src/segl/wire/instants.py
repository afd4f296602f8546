"""
Instants as the wire writes them: ISO 8601 with milliseconds and Norway's offset, which Java, .NET and XML Schema all read.

Java's parser wants an offset with a colon, .NET's no zone name; so one form serves everywhere (wire-spec.md 12.2).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from segl.values import ValueRefused

_ZONE: Final = ZoneInfo("Europe/Oslo")


def write_instant(at: datetime) -> str:
    """
    Return `at` as `YYYY-MM-DDThh:mm:ss.SSS±hh:mm` in Norway's time, cut to whole milliseconds.

    :raises ValueRefused: if `at` has no offset.
    """
    if at.tzinfo is None:
        raise ValueRefused("An instant has no time zone. Give an aware datetime.")
    return at.astimezone(_ZONE).isoformat(timespec="milliseconds")


def write_permitted_time(at: datetime) -> str:
    """
    Return `at` as `write_instant` does, but raised to the next whole millisecond.

    For `X-Next-permitted-poll-time` of a closed gate: a time cut downwards would invite the caller a fraction too early.

    :raises ValueRefused: if `at` has no offset.
    """
    return write_instant(at + timedelta(microseconds=-at.microsecond % 1000))
