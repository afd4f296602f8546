"""
The queue of work that must happen by itself: a lease, not a mark.

Claimed work comes back when its worker dies; attempts are counted at the claim, so that work which kills its worker dies after
MAX_ATTEMPTS. Due times are on Segl's clock, leases on the database's own.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Least
from django.utils import timezone

from segl.database.models import Heartbeat, WorkItem
from segl.database.transactions import durable

LEASE = timedelta(seconds=30)
"""Three missed heartbeats. A signer waits for the seal, so the work of a killed worker must come back soon (reliability.md B-01, B-06)."""
MAX_ATTEMPTS = 5
MAX_WAITS = 1000
"""Where the counter of waits stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Work that is ours until the lease ends."""

    id: int
    kind: str
    key: str
    attempts: int
    waits: int
    lease_token: str


def enqueue(kind: str, key: str, *, due_at: datetime) -> None:
    """
    Queue work inside the caller's transaction.

    Work already waiting under the same key stays as it is; work that is being done just now is done once more.
    """
    item, is_new = WorkItem.objects.select_for_update().get_or_create(kind=kind, key=key, defaults={"due_at": due_at})
    if not is_new and item.lease_token:
        # Its worker may have read what was before this transaction. Without the lease it cannot remove the item any more.
        item.lease_token, item.leased_until = "", None
        item.save(update_fields=["lease_token", "leased_until"])


def claim(*, now: datetime, limit: int = 1) -> list[Claim]:
    """Take up to `limit` due items whose lease is free."""
    claimed_at = _database_now()
    free = Q(leased_until=None) | Q(leased_until__lt=claimed_at)
    waiting = WorkItem.objects.filter(free, is_dead=False, due_at__lte=now)
    if not waiting.exists():
        return []
    with durable():
        if connection.features.has_select_for_update_skip_locked:
            waiting = waiting.select_for_update(skip_locked=True)
        taken = []
        for item in waiting.order_by("due_at", "id")[:limit]:
            if item.attempts >= MAX_ATTEMPTS:
                item.is_dead = True
                item.waits_for = item.waits_for or f"Its worker died {MAX_ATTEMPTS} times. Read the worker's log, then retry it."
                item.save(update_fields=["is_dead", "waits_for"])
                continue
            item.attempts += 1
            item.lease_token = secrets.token_urlsafe(16)
            item.leased_until = claimed_at + LEASE
            item.save(update_fields=["attempts", "lease_token", "leased_until"])
            taken.append(
                Claim(id=item.pk, kind=item.kind, key=item.key, attempts=item.attempts, waits=item.waits, lease_token=item.lease_token)
            )
        return taken


def keep(claim: Claim) -> None:
    """Prolong the lease of work that takes long."""
    _mine(claim).update(leased_until=_database_now() + LEASE)


def finish(claim: Claim) -> None:
    """Remove finished work; a worker that lost its lease removes nothing."""
    _mine(claim).delete()


def postpone(claim: Claim, *, due_at: datetime, waits_for: str, is_counted: bool) -> None:
    """
    Give the work back until `due_at`, saying what it waits for.

    `is_counted` is False when a neighbour is down: such work waits for as long as it takes and never dies of it.
    """
    _mine(claim).update(
        due_at=due_at,
        leased_until=None,
        lease_token="",
        waits_for=waits_for[:200],
        attempts=F("attempts") if is_counted else F("attempts") - 1,
        waits=F("waits") if is_counted else Least(F("waits") + 1, MAX_WAITS),
    )


def bury(claim: Claim, *, why: str) -> None:
    """Set work aside that cannot succeed; it stays visible until an operator retries it."""
    _mine(claim).update(is_dead=True, leased_until=None, lease_token="", waits_for=why[:200])


def beat(process: str) -> None:
    """Say that the process is alive."""
    Heartbeat.objects.update_or_create(pk=process, defaults={"seen_at": _database_now()})


def is_alive(process: str, *, within: timedelta) -> bool:
    """Return whether the process said so within this time."""
    return Heartbeat.objects.filter(pk=process, seen_at__gt=_database_now() - within).exists()


def retry_dead(*, now: datetime) -> int:
    """Queue all dead work again and return how many items that were."""
    return WorkItem.objects.filter(is_dead=True).update(is_dead=False, attempts=0, waits=0, due_at=now, leased_until=None)


def _mine(claim: Claim) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(pk=claim.id, lease_token=claim.lease_token)


def _database_now() -> datetime:
    if connection.vendor != "postgresql":
        return timezone.now()  # noqa: TID251 — the embedded database runs on this machine and has its clock
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now.astimezone(UTC)
