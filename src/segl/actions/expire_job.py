"""A job's time is up (wire-spec.md 16.1: 30 days in direct flow)."""

from __future__ import annotations

from segl.actions.access import locked_job
from segl.actions.ports import Ports
from segl.actions.visibility import make_visible
from segl.database import audit
from segl.database.job_rows import state_of, write_state
from segl.database.transactions import durable
from segl.jobs.job import DeadlinePassed, JobAlreadyEnded

EXPIRE = "expire"
"""The kind of this work; its key is the job's id."""


def expire_job(ports: Ports, *, key: str) -> None:
    """
    Expire the job whose id is `key`; a job that has ended meanwhile stays as it is.

    :raises DeadlineNotReached: if its time is not up by this host's clock; try again later.
    """
    now = ports.clock.now()
    with durable():
        job = locked_job(int(key))
        try:
            state = state_of(job).after(DeadlinePassed(at=now))
        except JobAlreadyEnded:
            return
        write_state(job, state)
        audit.record("job-expired", at=now, job_id=job.pk)
        make_visible(job, at=now)
