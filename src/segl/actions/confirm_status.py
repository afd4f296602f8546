"""The sender has taken care of a status change: it leaves the queue, whatever came after it stays (wire-spec.md 12.5, 13.1)."""

from __future__ import annotations

from segl.actions.access import job_of_sender, locked_job
from segl.actions.ports import Ports
from segl.database import audit
from segl.database.models import StatusChange
from segl.database.transactions import durable
from segl.values import Flow


def confirm_status(ports: Ports, *, sender: str, job_id: int, flow: Flow, sequence: int | None) -> None:
    """
    Acknowledge every delivery up to `sequence`; None means all that has been delivered. Repeating it changes nothing.

    Only delivered changes are acknowledged, so a late confirmation can never swallow a change that nobody has seen.

    :raises JobNotFound: see access.py.
    """
    job = job_of_sender(sender=sender, job_id=job_id, flow=flow)
    now = ports.clock.now()
    with durable():
        locked_job(job.pk)
        delivered = StatusChange.objects.filter(job=job, confirmed_at=None).exclude(delivered_at=None)
        if sequence is not None:
            delivered = delivered.filter(sequence__lte=sequence)
        if delivered.update(confirmed_at=now):
            audit.record("status-confirmed", at=now, job_id=job.pk, sequence=sequence or 0)
