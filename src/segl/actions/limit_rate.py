"""Ten calls a second for each organization; one more blocks it for half a minute (wire-spec.md 17). On real time, for all processes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import DatabaseError

from segl.actions.ports import Ports
from segl.database.models import RateWindow
from segl.database.refusals import takes_no_writes
from segl.database.transactions import durable

WINDOW = timedelta(seconds=1)
BLOCK = timedelta(seconds=30)


class RateLimited(Exception):
    """The organization made too many calls in a second. Wait until `blocked_until`."""

    def __init__(self, blocked_until: datetime) -> None:
        super().__init__(blocked_until)
        self.blocked_until = blocked_until


def limit_rate(ports: Ports, *, organization: str) -> None:
    """
    Count one call of `organization`; a limit of 0 counts nothing.

    Calls made during a block do not prolong it, and do not count.

    :raises RateLimited: if the organization is blocked, or this call blocks it.
    """
    if ports.policy.rate_limit == 0:
        return
    try:
        _count(organization, limit=ports.policy.rate_limit, now=ports.clock.real_now())
    except DatabaseError as error:
        # Reading goes on while nothing can be written; whatever would write is refused by the database itself.
        if not takes_no_writes(error):
            raise


def _count(organization: str, *, limit: int, now: datetime) -> None:
    with durable():
        window, _ = RateWindow.objects.select_for_update().get_or_create(pk=organization)
        if window.blocked_until is not None and now < window.blocked_until:
            raise RateLimited(window.blocked_until)
        window.calls = [call for call in window.calls if call > (now - WINDOW).timestamp()]
        if len(window.calls) < limit:
            window.calls.append(now.timestamp())
            window.blocked_until = None
            window.save()
            return
        window.blocked_until = now + BLOCK
        window.calls = []
        window.save()
    raise RateLimited(window.blocked_until)
