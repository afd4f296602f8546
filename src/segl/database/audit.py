"""
Writing and checking the audit chain.

An event is written in the same transaction as what it tells, so an action whose event cannot be written does not happen.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from segl.ceremony.intent import canonical_json
from segl.database.models import AuditEvent, AuditHead


class AuditChainBroken(Exception):
    """The audit chain does not verify. The message names the first event that does not fit; restore from backup."""


def record(kind: str, *, at: datetime, job_id: int | None = None, signer: int | None = None, **details: str | int) -> None:
    """Append one event. Must run inside the action's transaction; `details` may hold nothing personal."""
    head = hold()
    sequence = head.sequence + 1
    text = canonical_json(dict(details)).decode()
    digest = _digest(sequence, at, kind, job_id, signer, text, head.sha256)
    AuditEvent.objects.create(
        sequence=sequence, at=at, kind=kind, job_id=job_id, signer=signer, details=text, previous_sha256=head.sha256, sha256=digest
    )
    head.sequence, head.sha256 = sequence, digest
    head.save()


def hold() -> AuditHead:
    """Return the head of the chain, held until the transaction ends: no other can record an event meanwhile."""
    return AuditHead.objects.select_for_update().get_or_create(pk=1)[0]


def verify() -> int:
    """
    Return the number of events after checking each link of the chain.

    :raises AuditChainBroken: at the first event that was changed, dropped or moved.
    """
    # The head first: what is appended while this reads stands behind it.
    head = AuditHead.objects.filter(pk=1).first()
    previous, count = "", 0
    is_whole = head is None or head.sequence == 0
    for event in AuditEvent.objects.order_by("sequence").iterator():
        count += 1
        digest = _digest(event.sequence, event.at, event.kind, event.job_id, event.signer, event.details, previous)
        if event.sequence != count or event.previous_sha256 != previous or event.sha256 != digest:
            raise AuditChainBroken(f"Audit event {count} does not fit the chain: it was changed, dropped or moved.")
        previous = digest
        is_whole |= head is not None and (head.sequence, head.sha256) == (count, digest)
    if head is None and count and not AuditHead.objects.exists():
        raise AuditChainBroken(f"The audit chain has {count} events, but its head is gone: nobody can tell whether events are missing.")
    if head is not None and not is_whole:
        raise AuditChainBroken(f"The audit chain ends at event {count}, but its head says {head.sequence}: events are missing.")
    return count


def _digest(sequence: int, at: datetime, kind: str, job_id: int | None, signer: int | None, details: str, previous: str) -> str:
    link = {
        "at": at.isoformat(timespec="microseconds"),
        "details": details,
        "job": job_id,
        "kind": kind,
        "previous": previous,
        "sequence": sequence,
        "signer": signer,
    }
    return hashlib.sha256(canonical_json(link)).hexdigest()
