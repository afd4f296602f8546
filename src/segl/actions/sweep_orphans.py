"""
Sweeping: bytes that no job names are removed after an hour. A killed process left them, or one whose transaction failed (reliability.md I7).

Whoever names bytes calls `put_if_gone` at the end of its transaction, after its audit event. The sweep looks and removes while it holds the
head of the audit chain: it comes wholly before such a transaction, which then puts the bytes again, or after it and finds its rows.

Bytes that are older than the database's first event are left alone: a new database beside old documents must not cost anybody a document.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db.models import QuerySet

from segl.actions.ports import Ports
from segl.database import audit
from segl.database.models import AuditEvent, Job
from segl.database.transactions import durable

PARTS = tuple(f"{number:02x}" for number in range(256))
"""How digests begin. One part at a time, so that no signer waits for the sweep."""
ORPHAN_AGE = timedelta(hours=1)
"""Longer than anything takes from storing bytes to the row that names them."""
BATCH = 100
"""Digests that are looked up at once."""
PLACES = (
    "bundle_sha256",
    "body_sha256",
    "documents__sha256",
    "documents__rendition_sha256",
    "signers__signature__xades_sha256",
    "sealed_pdfs__sha256",
)
"""Where a job names bytes. Any kind of file may be another kind elsewhere: a sealed PDF may be sent to be signed by somebody else."""


def sweep_orphans(ports: Ports, *, part: str) -> int:
    """Remove old bytes whose digest begins with `part` and that no job holds; return how many files that were."""
    first_event_at = AuditEvent.objects.order_by("sequence").values_list("at", flat=True).first()
    if first_event_at is None:
        return 0
    until = ports.clock.real_now() - ORPHAN_AGE
    removed = ports.documents.drop_unfinished(until, part=part)
    stored = ports.documents.stored_until(until, part=part)
    for start in range(0, len(stored), BATCH):
        batch = stored[start : start + BATCH]
        orphans = {sha256 for sha256 in set(batch) - held_by(Job.objects.all(), batch) if _is_since(ports, sha256, first_event_at)}
        removed += _remove(ports, orphans, part=part) if orphans else 0
    return removed


def held_by(jobs: QuerySet[Job], digests: Collection[str]) -> set[str]:
    """Return those of `digests` that one of `jobs` names; a job whose documents are deleted keeps none."""
    keeping = jobs.filter(documents_deleted_at=None)
    return {sha256 for place in PLACES for sha256 in keeping.filter(**{f"{place}__in": digests}).values_list(place, flat=True)} & set(
        digests
    )


def put_if_gone(ports: Ports, stored: Mapping[str, bytes]) -> None:
    """Put again what was removed since it was put, by SHA-256. Must run inside the transaction that names it, after the audit event."""
    for sha256, content in stored.items():
        if ports.documents.stored_at(sha256) is None:
            ports.documents.put(content)


def _is_since(ports: Ports, sha256: str, moment: datetime) -> bool:
    stored_at = ports.documents.stored_at(sha256)
    return stored_at is not None and stored_at >= moment


def _remove(ports: Ports, orphans: set[str], *, part: str) -> int:
    with durable():
        audit.hold()
        orphans -= held_by(Job.objects.all(), orphans)
        for sha256 in sorted(orphans):
            ports.documents.delete(sha256)
        if orphans:
            audit.record("orphans-removed", at=ports.clock.now(), part=part, count=len(orphans))
    return len(orphans)
