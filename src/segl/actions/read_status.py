"""What a sender may read of a direct job: asked with a status query token, or handed out by polling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from segl.actions.access import hashed, job_of_sender
from segl.actions.visibility import newest_sealed_pdf
from segl.database.models import Job, Signer, StatusQueryToken
from segl.jobs.job import JobStatus, SignerStatus, status_of
from segl.values import Flow, NationalIdentityNumber
from segl.wire.direct_job import SignerIdentifier, SignerIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerState:
    """One signer as the sender may see them."""

    position: int
    identity: SignerIdentity
    """Exactly as the sender wrote it."""
    status: SignerStatus
    since: datetime
    has_xades: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as the sender may see it."""

    job_id: int
    reference: str | None
    status: JobStatus
    signers: tuple[SignerState, ...]
    has_pades: bool
    may_delete_documents: bool
    """All have signed and the documents still exist; an early deletion is answered when it is asked for (wire-spec.md 13.3)."""


class InvalidStatusQueryToken(Exception):
    """The status query token is missing or wrong. Use the token of this job's exit URL."""


class CeremonyNotCompleted(Exception):
    """No signer of this job has finished the signing ceremony yet. Ask again after the signer is back at an exit URL."""


def status_by_token(*, sender: str, job_id: int, token: str | None) -> JobState:
    """
    Return the state of a job whose signer came back with `token`.

    :raises JobNotFound: see access.py.
    :raises CeremonyNotCompleted: while no token has been issued for the job: any token is too early (requirement R55).
    :raises InvalidStatusQueryToken: for a missing or wrong token once there is one (requirement R54).
    """
    job = job_of_sender(sender=sender, job_id=job_id, flow=Flow.DIRECT)
    if not token:
        raise InvalidStatusQueryToken
    tokens = StatusQueryToken.objects.filter(job=job)
    if tokens.filter(pk=hashed(token)).exists():
        return state_for_sender(job)
    raise InvalidStatusQueryToken if tokens.exists() else CeremonyNotCompleted


def state_for_sender(job: Job) -> JobState:
    """Return what may be read now."""
    documents_exist = job.documents_deleted_at is None
    # One query, and the job's status follows from it: a change that is committed between two would be told by halves.
    signers = tuple(_signer_state(signer, documents_exist) for signer in job.signers.all())
    status = status_of(signer.status for signer in signers)
    return JobState(
        job_id=job.pk,
        reference=job.reference,
        status=status,
        signers=signers,
        has_pades=documents_exist and newest_sealed_pdf(job) is not None,
        may_delete_documents=documents_exist and status is JobStatus.COMPLETED_SUCCESSFULLY,
    )


def identity_of(signer: Signer) -> SignerIdentity:
    """Return how the sender addressed a direct flow's signer."""
    if signer.national_identity_number is not None:
        return NationalIdentityNumber(signer.national_identity_number)
    return SignerIdentifier(signer.custom_identifier or "")


def _signer_state(signer: Signer, documents_exist: bool) -> SignerState:
    status = SignerStatus(signer.visible_status)
    return SignerState(
        position=signer.position,
        identity=identity_of(signer),
        status=status,
        since=signer.visible_since,
        has_xades=documents_exist and status is SignerStatus.SIGNED,
    )
