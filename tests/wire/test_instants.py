"""Instants as both official clients read them (wire-spec.md 12.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from segl.values import ValueRefused
from segl.wire.instants import write_instant, write_permitted_time


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
    def test_is_written_with_milliseconds_and_norways_offset(self, at: datetime, text: str) -> None:
        assert write_instant(at) == text

    def test_without_time_zone_is_not_written(self) -> None:
        with pytest.raises(ValueRefused, match=r"^An instant has no time zone\. Give an aware datetime\.$"):
            write_instant(datetime(2026, 1, 1))  # noqa: DTZ001

    @pytest.mark.parametrize(
        ("microsecond", "text"), [(0, "10.000"), (1, "10.001"), (999, "10.001"), (1000, "10.001"), (999_001, "11.000")]
    )
    def test_of_a_closed_gate_is_never_written_too_early(self, microsecond: int, text: str) -> None:
        assert write_permitted_time(datetime(2026, 1, 1, 11, 0, 10, microsecond, UTC)) == f"2026-01-01T12:00:{text}+01:00"
