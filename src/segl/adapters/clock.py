"""The clock: system time plus the sandbox's offset. The only file of the product that reads a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from segl.database.models import ClockOffset


class SystemClock:
    """Production: Segl's time is the system's."""

    def now(self) -> datetime:
        """Return Segl's time, aware UTC."""
        return datetime.now(UTC)

    def real_now(self) -> datetime:
        """Return the system's time, aware UTC."""
        return datetime.now(UTC)


class MovableClock:
    """Sandbox: Segl's time can be moved forward for all processes; the offset is a row."""

    def now(self) -> datetime:
        """Return Segl's time, aware UTC."""
        offset = ClockOffset.objects.filter(pk=1).values_list("seconds", flat=True).first()
        return datetime.now(UTC) + timedelta(seconds=offset or 0)

    def real_now(self) -> datetime:
        """Return the system's time, aware UTC."""
        return datetime.now(UTC)


def clock_of(*, is_sandbox: bool) -> SystemClock | MovableClock:
    """Return the clock of this environment."""
    return MovableClock() if is_sandbox else SystemClock()
