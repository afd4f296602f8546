"""The sender asks for a new redirect URL for a signer, because the old one is used or too old (wire-spec.md 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from segl.actions.access import hashed, job_of_sender, locked_job, signer_of
from segl.actions.ports import Ports
from segl.actions.visibility import make_visible
from segl.database import audit
from segl.database.job_rows import state_of, write_state
from segl.database.models import RedirectToken, Signer
from segl.database.transactions import durable
from segl.jobs.job import JobAlreadyEnded, SignerNotWaiting, SignerReopened, SignerStatus
from segl.values import Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedRedirect:
    """A redirect token in clear: shown once, stored as its hash."""

    signer: Signer
    token: str

    def __repr__(self) -> str:
        return f"IssuedRedirect(signer={self.signer.pk}, token=…)"


def issue_redirect_url(ports: Ports, *, sender: str, job_id: int, position: int) -> IssuedRedirect:
    """
    Return a fresh token for the signer; earlier unused ones stop working, and a signer who FAILED is open again.

    :raises JobNotFound, SignerNotFound: see access.py.
    :raises SignerNotWaiting: if the signer has acted or the job is over.
    """
    job = job_of_sender(sender=sender, job_id=job_id, flow=Flow.DIRECT)
    signer = signer_of(job, position)
    now = ports.clock.now()
    with durable():
        job = locked_job(job.pk)
        state = state_of(job)
        status = state.signer(position).status
        if status is SignerStatus.FAILED:
            try:
                write_state(job, state.after(SignerReopened(signer=position, at=now)))
            except JobAlreadyEnded as ended:
                raise SignerNotWaiting from ended
            audit.record("signer-reopened", at=now, job_id=job.pk, signer=position)
            make_visible(job, at=now)
        elif status is not SignerStatus.WAITING or now >= state.deadline_at:
            raise SignerNotWaiting
        return new_token(ports, signer, now=now, lifetime=ports.policy.new_redirect_lifetime, deadline_at=state.deadline_at)


def new_token(ports: Ports, signer: Signer, *, now: datetime, lifetime: timedelta, deadline_at: datetime) -> IssuedRedirect:
    """Store a fresh token inside the caller's transaction and replace the signer's unused ones."""
    token = ports.chance.token()
    RedirectToken.objects.filter(signer=signer, consumed_at=None).update(is_replaced=True)
    RedirectToken.objects.create(sha256=hashed(token), signer=signer, issued_at=now, expires_at=min(now + lifetime, deadline_at))
    audit.record("redirect-url-issued", at=now, job_id=signer.job_id, signer=signer.position)
    return IssuedRedirect(signer=signer, token=token)
