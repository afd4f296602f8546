"""
The sender asks what is new: one status change a call, handed out under a lease (wire-spec.md 12).

The lease is on Segl's clock, the gate on real time (reliability.md B-51). A lost answer comes back when its lease ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from segl.actions.ports import Ports
from segl.actions.read_status import JobState, state_for_sender
from segl.database.models import PollGate, StatusChange
from segl.database.transactions import durable
from segl.values import Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a poll gave."""

    state: JobState | None
    """None: nothing is new."""
    sequence: int | None
    """Of the change that was handed out; the confirmation URL carries it."""
    next_permitted_at: datetime


class PolledTooEarly(Exception):
    """The queue was polled before the permitted time. Wait until the time in X-Next-permitted-poll-time."""

    def __init__(self, next_permitted_at: datetime) -> None:
        super().__init__(next_permitted_at)
        self.next_permitted_at = next_permitted_at


def poll_status(ports: Ports, *, sender: str, flow: Flow, queue: str) -> Polled:
    """
    Hand out the oldest change of the queue that nobody holds, and close the gate for the policy's interval when there is none.

    :raises PolledTooEarly: while the gate is closed; early polls do not move it.
    """
    real_now, now = ports.clock.real_now(), ports.clock.now()
    gate = PollGate.objects.filter(sender_number=sender, flow=flow, queue=queue).first()
    if gate is not None and real_now < gate.next_permitted_at:
        raise PolledTooEarly(gate.next_permitted_at)
    with durable():
        change = _take_oldest(ports, sender=sender, flow=flow, queue=queue, now=now)
        if change is not None:
            return Polled(state=state_for_sender(change.job), sequence=change.sequence, next_permitted_at=real_now)
        if _waiting(sender=sender, flow=flow, queue=queue, now=now).exists():
            # Held by a transaction that is changing the job just now: the queue is not empty, so its gate stays open.
            return Polled(state=None, sequence=None, next_permitted_at=real_now)
        next_permitted_at = real_now + ports.policy.poll_interval
        PollGate.objects.update_or_create(sender_number=sender, flow=flow, queue=queue, defaults={"next_permitted_at": next_permitted_at})
        return Polled(state=None, sequence=None, next_permitted_at=next_permitted_at)


def _take_oldest(ports: Ports, *, sender: str, flow: Flow, queue: str, now: datetime) -> StatusChange | None:
    waiting = _waiting(sender=sender, flow=flow, queue=queue, now=now).order_by("id")
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True, of=("self",))
    change = waiting.select_related("job").first()
    if change is not None:
        # Read again: it must not lie before a change that this delivery already tells (check_invariants).
        change.delivered_at = change.delivered_at or ports.clock.now()
        change.leased_until = now + ports.policy.poll_lease
        change.save(update_fields=["delivered_at", "leased_until"])
    return change


def _waiting(*, sender: str, flow: Flow, queue: str, now: datetime) -> QuerySet[StatusChange]:
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    return StatusChange.objects.filter(free, sender_number=sender, flow=flow, queue=queue, confirmed_at=None)
