"""
The only ways to a job. Whoever asks, by certificate or by cookie, gets a job through one of these functions or not at all.

"Not yours" and "not there" are one answer (reliability.md B-25).
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from segl.actions.ports import Ports
from segl.ceremony.sitting import DocumentView, Outcome, OverReason, PageSize, Problem, SittingView, Stage
from segl.database.job_rows import state_of
from segl.database.models import Job, Signer, Sitting
from segl.jobs.job import SignerStatus
from segl.jobs.terms import required_level
from segl.values import Flow, IdentifierFormat, Language, Level, OnBehalfOf, SignatureType

SITTING_IDLE = timedelta(minutes=30)
SITTING_LIFETIME = timedelta(hours=12)
"""NIST SP 800-63B, AAL2 (reliability.md 1)."""
SEEN_GRAIN = timedelta(seconds=20)
"""A page view within this time of the last does not write the row again."""


class JobNotFound(Exception):
    """There is no such signature job for this organization. Check the address and the organization number in it."""


class SignerNotFound(JobNotFound):
    """The signature job has no such signer. Use the signer's href as it was given."""


class SittingNotFound(Exception):
    """No such sitting, or not this browser's."""


class SittingTimedOut(Exception):
    """The sitting was left alone too long."""


def job_of_sender(*, sender: str, job_id: int, flow: Flow) -> Job:
    """
    Return the job for reading.

    :raises JobNotFound: if there is none, or it is another organization's.
    """
    job = Job.objects.filter(pk=job_id, sender_id=sender, flow=flow).select_related("sender").first()
    if job is None:
        raise JobNotFound
    return job


def locked_job(job_id: int) -> Job:
    """Return the job locked until the transaction ends; its id must come from one of the other functions here."""
    return Job.objects.select_for_update().get(pk=job_id)


def signer_of(job: Job, position: int) -> Signer:
    """:raises SignerNotFound: if the job has no signer at `position`."""
    signer = job.signers.filter(position=position).first()
    if signer is None:
        raise SignerNotFound
    return signer


def hashed(token: str) -> str:
    """Return how a token or cookie secret is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def sitting_row(ports: Ports, *, sitting_id: str, secret: str | None) -> Sitting:
    """
    Return the sitting of this browser and note that it was seen.

    :raises SittingNotFound: if there is none, or the cookie is another's.
    :raises SittingTimedOut: after SITTING_IDLE without a page, or SITTING_LIFETIME in all.
    """
    asked = sitting_id if sitting_id.isprintable() else ""  # PostgreSQL takes no NUL
    row = Sitting.objects.filter(pk=asked).select_related("signer__job__sender", "signer__group").first()
    expected = row.secret_sha256 if row is not None else hashed("")
    if not hmac.compare_digest(hashed(secret or ""), expected) or row is None or not secret:
        raise SittingNotFound
    now = ports.clock.now()
    if now >= row.created_at + SITTING_LIFETIME or now >= row.last_seen_at + SITTING_IDLE:
        raise SittingTimedOut
    if now >= row.last_seen_at + SEEN_GRAIN:
        Sitting.objects.filter(pk=row.pk).update(last_seen_at=now)
    return row


def sitting(ports: Ports, *, sitting_id: str, secret: str | None) -> SittingView:
    """
    Return what the ceremony's pages may know.

    :raises SittingNotFound, SittingTimedOut: as sitting_row.
    """
    return view_of(sitting_row(ports, sitting_id=sitting_id, secret=secret))


def view_of(row: Sitting) -> SittingView:
    """Return the view of a sitting that has already been let in."""
    signer, job = row.signer, row.signer.job
    signature_type, level = SignatureType(signer.signature_type), Level(job.level)
    deadline = signer.group.deadline_at
    return SittingView(
        sitting_id=row.pk,
        language=Language(row.language),
        sender_name=job.sender.name,
        title=job.title,
        description=job.description,
        documents=tuple(
            DocumentView(
                number=document.position,
                title=document.title,
                is_text=document.mime == "text/plain",
                size_bytes=document.size_bytes,
                pages=tuple(PageSize(width=width, height=height) for width, height in document.pages),
                is_opened=document.position in row.opened_documents,
            )
            for document in job.documents.all()
        ),
        deadline_at=deadline if deadline is not None else state_of(job).deadline_at,
        is_on_behalf_of_other=signer.on_behalf_of == OnBehalfOf.OTHER,
        signature_type=signature_type,
        level=required_level(job_level=level, signature_type=signature_type),
        identifier_format=IdentifierFormat(job.identifier_format),
        signer_count=len(job.signers.all()),
        stage=_stage(signer),
        outcome=_outcome(signer),
        over_reason=_over_reason(signer),
        problem=Problem(row.problem) if row.problem else None,
        acted_at=_acted_at(signer),
    )


def _stage(signer: Signer) -> Stage:
    if signer.status == SignerStatus.WAITING:
        return Stage.READING
    if signer.status != signer.visible_status:
        return Stage.SEALING
    return Stage.DONE if _outcome(signer) else Stage.OVER


def _outcome(signer: Signer) -> Outcome | None:
    return Outcome(signer.status) if signer.status in set(Outcome) else None


def _over_reason(signer: Signer) -> OverReason | None:
    if signer.status == SignerStatus.NAME_NOT_AVAILABLE:
        return OverReason.NAME_NOT_AVAILABLE
    if signer.status == SignerStatus.NOT_APPLICABLE:
        return OverReason.ANOTHER_REJECTED
    return OverReason.EXPIRED if signer.status == SignerStatus.EXPIRED else None


def _acted_at(signer: Signer) -> datetime | None:
    return None if signer.status == SignerStatus.WAITING else signer.since
