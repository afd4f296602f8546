"""The sender deletes a completed job's documents before their time (wire-spec.md 13.3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from segl.actions.access import job_of_sender, locked_job
from segl.actions.ports import Ports
from segl.actions.sweep_orphans import held_by
from segl.database import audit, work
from segl.database.models import Document, Job, SealedPdf, Signature
from segl.database.transactions import durable
from segl.jobs.job import JobStatus
from segl.values import Flow

EARLIEST_AFTER_COMPLETION = timedelta(hours=24)
"""So that every signer can fetch the signed document for at least a day (wire-spec.md 22)."""

DELETE_BYTES = "delete-bytes"
"""The kind of the work that removes the bytes; its key is the job's id."""


class DocumentsNotDeletable(Exception):
    """The documents cannot be deleted yet; `earliest_at` says when they can, or None when not all have signed."""

    def __init__(self, earliest_at: datetime | None) -> None:
        super().__init__(earliest_at)
        self.earliest_at = earliest_at


def delete_documents(ports: Ports, *, sender: str, job_id: int, flow: Flow) -> None:
    """
    Delete originals, bundle, XAdES files and sealed PDFs; what happened stays on record. Repeating it changes nothing.

    :raises JobNotFound: see access.py.
    :raises DocumentsNotDeletable: until 24 hours after the last signature.
    """
    job = job_of_sender(sender=sender, job_id=job_id, flow=flow)
    now = ports.clock.now()
    with durable():
        job = locked_job(job.pk)
        if job.documents_deleted_at is not None:
            return
        if job.visible_status != JobStatus.COMPLETED_SUCCESSFULLY or job.completed_at is None:
            raise DocumentsNotDeletable(None)
        earliest_at = job.completed_at + EARLIEST_AFTER_COMPLETION
        if now < earliest_at:
            raise DocumentsNotDeletable(earliest_at)
        job.documents_deleted_at = now
        job.save(update_fields=["documents_deleted_at"])
        audit.record("documents-deleted", at=now, job_id=job.pk)
        work.enqueue(DELETE_BYTES, str(job.pk), due_at=now)


def delete_bytes(ports: Ports, *, key: str) -> None:
    """Remove the bytes of the deleted job whose id is `key`, unless another job holds the very same file."""
    job = Job.objects.get(pk=int(key))
    with durable():
        # The event holds the head of the audit chain until the end: a job with the same bytes is created wholly before, or after and puts
        # them again (create_job).
        audit.record("bytes-deleted", at=ports.clock.now(), job_id=job.pk)
        digests = digests_of(job)
        for sha256 in sorted(digests - held_by(Job.objects.exclude(pk=job.pk), digests)):
            ports.documents.delete(sha256)


def digests_of(job: Job) -> set[str]:
    """Return the addresses of all bytes that belong to the job."""
    documents = Document.objects.filter(job=job)
    return {
        job.bundle_sha256,
        *([job.body_sha256] if job.body_sha256 else ()),
        *documents.values_list("sha256", flat=True),
        *documents.values_list("rendition_sha256", flat=True),
        *Signature.objects.filter(signer__job=job).values_list("xades_sha256", flat=True),
        *SealedPdf.objects.filter(job=job).values_list("sha256", flat=True),
    }
