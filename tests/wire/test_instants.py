"""Instants as both official clients read them (wire-spec.md 12.2), and as senders write them (7.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from segl.values import ValueRefused
from segl.wire.instants import read_instant, write_instant, write_permitted_time


class TestAnInstant:
    @pytest.mark.parametrize(
        ("at", "text"),
        [
            (datetime(2026, 1, 23, 11, 51, 43, 123_999, UTC), "2026-01-23T12:51:43.123+01:00"),
            (datetime(2026, 7, 1, 0, 0, tzinfo=UTC), "2026-07-01T02:00:00.000+02:00"),
            (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "2026-01-01T00:30:00.000+01:00"),
            (datetime(2028, 2, 29, 12, 0, tzinfo=timezone(timedelta(hours=-5))), "2028-02-29T18:00:00.000+01:00"),
            (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), "2026-03-29T01:59:59.000+01:00"),
            (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29T03:00:00.000+02:00"),
            (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25T02:30:00.000+02:00"),
            (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25T02:30:00.000+01:00"),
        ],
    )
    def test_is_written_with_milliseconds_and_norways_offset_and_read_back(self, at: datetime, text: str) -> None:
        assert write_instant(at) == text
        assert read_instant(text) == at.replace(microsecond=at.microsecond // 1000 * 1000)

    def test_without_time_zone_is_not_written(self) -> None:
        with pytest.raises(ValueRefused, match=r"^An instant has no time zone\. Give an aware datetime\.$"):
            write_instant(datetime(2026, 1, 1))  # noqa: DTZ001

    @pytest.mark.parametrize(
        ("microsecond", "text"), [(0, "10.000"), (1, "10.001"), (999, "10.001"), (1000, "10.001"), (999_001, "11.000")]
    )
    def test_of_a_closed_gate_is_never_written_too_early(self, microsecond: int, text: str) -> None:
        assert write_permitted_time(datetime(2026, 1, 1, 11, 0, 10, microsecond, UTC)) == f"2026-01-01T12:00:{text}+01:00"

    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("2026-02-10T12:00:00+01:00", datetime(2026, 2, 10, 11, tzinfo=UTC)),
            ("2026-02-10T12:00:00Z", datetime(2026, 2, 10, 12, tzinfo=UTC)),
            ("2026-02-10T12:00:00", datetime(2026, 2, 10, 11, tzinfo=UTC)),
            ("2026-07-10T12:00:00", datetime(2026, 7, 10, 10, tzinfo=UTC)),
            ("2026-02-10T12:00:00.1234567Z", datetime(2026, 2, 10, 12, 0, 0, 123_456, UTC)),
            ("\n 2026-02-10T12:00:00.5-03:30\t", datetime(2026, 2, 10, 15, 30, 0, 500_000, UTC)),
            ("2026-02-28T24:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
            ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ],
    )
    def test_of_a_sender_is_read_with_or_without_offset(self, text: str, at: datetime) -> None:
        assert read_instant(text) == at
        assert read_instant(text).tzinfo is UTC

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "2026-02-10",
            "2026-02-10 12:00:00Z",
            "2026-02-10T12:00Z",
            "2026-02-10T12:00:00+0100",
            "2026-02-10T12:00:00+01",
            "2026-02-10T12:00:00+01:00[Europe/Oslo]",
            "2026-02-10T12:00:00+15:00",
            "2026-02-10T12:00:00+01:60",
            "2026-02-30T12:00:00Z",
            "2026-02-10T24:00:01Z",
            "2026-02-10T25:00:00Z",
            "2026-02-10T12:00:60Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T24:00:00Z",
            "-2026-02-10T12:00:00Z",
            "２026-02-10T12:00:00Z",
        ],
    )
    def test_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ValueRefused, match=r"^The time is not a date and time such as 2026-01-23T12:51:43\.123\+01:00\. Write it so"):
            read_instant(text)
