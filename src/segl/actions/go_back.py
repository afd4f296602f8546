"""A signer takes *go back* on a technical-error page: FAILED, until the sender opens a new redirect URL (wire-spec.md 16.1)."""

from __future__ import annotations

from segl.actions.access import locked_job, sitting_row
from segl.actions.ports import Ports
from segl.actions.visibility import make_visible
from segl.ceremony.sitting import Problem
from segl.database import audit
from segl.database.job_rows import state_of, write_state
from segl.database.transactions import durable
from segl.jobs.job import SignerNotWaiting, SignerStatus, SignerWentBack


def go_back(ports: Ports, *, sitting_id: str, secret: str | None) -> None:
    """
    Register that the person goes back because of a technical error. A second time changes nothing.

    :raises SittingNotFound, SittingTimedOut: see access.py.
    :raises SignerNotWaiting, JobAlreadyEnded: if there was no technical error, the person has acted, or the job is over.
    """
    row = sitting_row(ports, sitting_id=sitting_id, secret=secret)
    now = ports.clock.now()
    with durable():
        job = locked_job(row.signer.job_id)
        state = state_of(job)
        if state.signer(row.signer.position).status is SignerStatus.FAILED:
            return
        if not row.problem or not Problem(row.problem).is_technical:
            raise SignerNotWaiting
        write_state(job, state.after(SignerWentBack(signer=row.signer.position, at=now)))
        audit.record("signer-failed", at=now, job_id=job.pk, signer=row.signer.position)
        make_visible(job, at=now)
