"""Between the rows of a job and the pure state machine: read into it, write back what changed."""

from __future__ import annotations

from segl.database.models import Job
from segl.jobs.job import SignatureJob, Signer, SignerStatus


def state_of(job: Job) -> SignatureJob:
    """Return the job's rows as the state machine sees them."""
    signers = list(job.signers.select_related("group"))
    deadlines = [signer.group.deadline_at for signer in signers if signer.group.deadline_at is not None]
    return SignatureJob(
        signers=tuple(
            Signer(position=row.position, order=row.group.order, status=SignerStatus(row.status), since=row.since) for row in signers
        ),
        deadline_at=max(deadlines),
    )


def write_state(job: Job, state: SignatureJob) -> None:
    """Write to the rows what `state` changed; `job` must be locked."""
    for row, signer in zip(job.signers.all(), state.signers, strict=True):
        if row.status != signer.status:
            row.status, row.since = signer.status, signer.since
            row.save(update_fields=["status", "since"])
    job.status = state.status
    job.save(update_fields=["status"])
