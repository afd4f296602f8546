"""
When the sender may read what has happened.

A signature becomes readable together with the sealed PDF that holds it, so a job's state is held back while a signature in it waits
for its seal; everything else becomes readable at once. What becomes readable is also what enters the polling queue.
"""

from __future__ import annotations

from datetime import datetime

from segl.database import audit
from segl.database.models import Job, SealedPdf, Signature, StatusChange
from segl.jobs.job import JobStatus, SignerStatus


def signing_order(job: Job) -> str:
    """Return the positions of those who have signed, in the order of signing, as SealIntent and SealedPdf write it: "2,1"."""
    signed = Signature.objects.filter(signer__job=job).order_by("signed_at", "signer__position")
    return ",".join(str(position) for position in signed.values_list("signer__position", flat=True))


def newest_sealed_pdf(job: Job) -> SealedPdf | None:
    """Return the sealed PDF with the most signatures, all of them readable as SIGNED; or None."""
    readable = {str(signer.position) for signer in job.signers.all() if signer.visible_status == SignerStatus.SIGNED}
    sealed = SealedPdf.objects.filter(job=job).order_by("-signature_count")
    return next((each for each in sealed if readable >= set(each.signers.split(","))), None)


def make_visible(job: Job, *, at: datetime) -> None:
    """Let the sender read the job's state, unless a signature in it still waits for its seal. `job` must be locked."""
    signed = signing_order(job)
    if signed and not SealedPdf.objects.filter(job=job, signers=signed).exists():
        return
    has_changed = job.visible_status != job.status
    for signer in job.signers.all():
        if (signer.visible_status, signer.visible_since) != (signer.status, signer.since):
            has_changed = True
            signer.visible_status, signer.visible_since = signer.status, signer.since
            signer.save(update_fields=["visible_status", "visible_since"])
    if not has_changed:
        return
    job.visible_status = job.status
    if job.status == JobStatus.COMPLETED_SUCCESSFULLY:
        job.completed_at = max(signer.since for signer in job.signers.all())
    job.save(update_fields=["visible_status", "completed_at"])
    audit.record("state-readable", at=at, job_id=job.pk, status=job.status)
    if job.is_polled:
        _queue_change(job, at=at)


def _queue_change(job: Job, *, at: datetime) -> None:
    # Locked: a poll that is handing the entry out has read the state as it was before this transaction.
    newest = StatusChange.objects.select_for_update().filter(job=job).order_by("-sequence").first()
    if newest is not None and newest.delivered_at is None:
        return  # the body is written at delivery, so an undelivered entry already stands for the newest state (wire-spec.md 12.5)
    StatusChange.objects.create(
        job=job,
        sender_number=job.sender_id,
        flow=job.flow,
        queue=job.polling_queue,
        sequence=newest.sequence + 1 if newest else 1,
        created_at=at,
    )
