"""A signer says no: the signing stops for everyone."""

from __future__ import annotations

from segl.actions.access import locked_job, sitting_row
from segl.actions.ports import Ports
from segl.actions.visibility import make_visible
from segl.database import audit
from segl.database.job_rows import state_of, write_state
from segl.database.transactions import durable
from segl.jobs.job import SignerRejected, SignerStatus


def reject(ports: Ports, *, sitting_id: str, secret: str | None) -> None:
    """
    Register the person's refusal. A second time changes nothing.

    :raises SittingNotFound, SittingTimedOut: see access.py.
    :raises SignerNotWaiting, JobAlreadyEnded: if the person has signed, or the job is over.
    """
    row = sitting_row(ports, sitting_id=sitting_id, secret=secret)
    now = ports.clock.now()
    with durable():
        job = locked_job(row.signer.job_id)
        state = state_of(job)
        if state.signer(row.signer.position).status is SignerStatus.REJECTED:
            return
        write_state(job, state.after(SignerRejected(signer=row.signer.position, at=now)))
        audit.record("signer-rejected", at=now, job_id=job.pk, signer=row.signer.position)
        make_visible(job, at=now)
