"""The ceremony is over: where the browser goes, with a status query token for the sender."""

from __future__ import annotations

from segl.actions.access import hashed, locked_job, sitting_row, view_of
from segl.actions.ports import Ports
from segl.ceremony.sitting import Outcome, Stage
from segl.database import audit
from segl.database.models import Job, StatusQueryToken
from segl.database.transactions import durable
from segl.wire.addresses import ExitUrl


class NotYetReadable(Exception):
    """The new status is not readable by the sender yet, so the browser must not go back (wire-spec.md 10)."""


def exit_url(ports: Ports, *, sitting_id: str, secret: str | None) -> str:
    """
    Return the exit URL with a fresh status query token; every token of a job stays valid.

    :raises SittingNotFound, SittingTimedOut: see access.py.
    :raises NotYetReadable: while the person still reads, or the seal is not made.
    """
    row = sitting_row(ports, sitting_id=sitting_id, secret=secret)
    view = view_of(row)
    if view.stage not in {Stage.DONE, Stage.OVER}:
        raise NotYetReadable
    return leave(ports, job=row.signer.job, outcome=view.outcome)


def leave(ports: Ports, *, job: Job, outcome: Outcome | None) -> str:
    """Return the exit URL for what happened; `outcome` None (expired, another's refusal, no name) leads to the error URL."""
    token = ports.chance.token()
    now = ports.clock.now()
    with durable():
        locked_job(job.pk)
        StatusQueryToken.objects.create(sha256=hashed(token), job=job, issued_at=now)
        audit.record("status-query-token-issued", at=now, job_id=job.pk)
    match outcome:
        case Outcome.SIGNED:
            address = job.completion_url
        case Outcome.REJECTED:
            address = job.rejection_url
        case _:
            address = job.error_url
    return ExitUrl(address).with_status_query_token(token)
