"""Moving the sandbox's clock forward, for all processes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from segl.actions.ports import Ports
from segl.database import audit
from segl.database.models import ClockOffset

FURTHEST = timedelta(days=30 * 365)
"""As far as the sandbox's certificates last, and a little more than the 20 years a signature must."""


class ClockNotMoved(Exception):
    """The clock moves forward only, by whole seconds and at most thirty years in all. Start with an empty SEGL_DATA to go back."""


def move_clock(ports: Ports, *, seconds: int) -> datetime:
    """
    Move the clock forward and return the new time.

    :raises ClockNotMoved: if it would go back, or too far.
    """
    with transaction.atomic():
        row, _ = ClockOffset.objects.select_for_update().get_or_create(pk=1)
        if seconds < 0 or row.seconds + seconds > FURTHEST.total_seconds():
            raise ClockNotMoved
        ClockOffset.objects.filter(pk=1).update(seconds=F("seconds") + seconds)
        now = ports.clock.now()
        audit.record("sandbox-clock-moved", at=now, seconds=seconds)
    return now
