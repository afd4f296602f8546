"""The transition table of wire-spec.md 16.1, written down apart from the code, and ways to make jobs in any state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from segl.jobs.job import (
    DeadlinePassed,
    Event,
    JobAlreadyEnded,
    SignatureJob,
    Signer,
    SignerNameMissing,
    SignerNotWaiting,
    SignerRejected,
    SignerReopened,
    SignerSigned,
    SignerStatus,
    SignerWentBack,
)

CREATED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEADLINE_AT = CREATED_AT + timedelta(days=30)
LATER = CREATED_AT + timedelta(hours=1)

WAITING, SIGNED, REJECTED, EXPIRED, FAILED, NAME_NOT_AVAILABLE, NOT_APPLICABLE = (
    SignerStatus.WAITING,
    SignerStatus.SIGNED,
    SignerStatus.REJECTED,
    SignerStatus.EXPIRED,
    SignerStatus.FAILED,
    SignerStatus.NAME_NOT_AVAILABLE,
    SignerStatus.NOT_APPLICABLE,
)

SIGNER_EVENTS: dict[str, Callable[[int, datetime], Event]] = {
    "SignerSigned": lambda who, at: SignerSigned(signer=who, at=at),
    "SignerRejected": lambda who, at: SignerRejected(signer=who, at=at),
    "SignerNameMissing": lambda who, at: SignerNameMissing(signer=who, at=at),
    "SignerWentBack": lambda who, at: SignerWentBack(signer=who, at=at),
    "SignerReopened": lambda who, at: SignerReopened(signer=who, at=at),
}
DEADLINE = "DeadlinePassed"
EVENT_NAMES = (*SIGNER_EVENTS, DEADLINE)

ONE_SIGNER: dict[tuple[SignerStatus, str], SignerStatus | type[Exception]] = {
    (WAITING, "SignerSigned"): SIGNED,
    (WAITING, "SignerRejected"): REJECTED,
    (WAITING, "SignerNameMissing"): NAME_NOT_AVAILABLE,
    (WAITING, "SignerWentBack"): FAILED,
    (WAITING, "SignerReopened"): SignerNotWaiting,
    (WAITING, DEADLINE): EXPIRED,
    (FAILED, "SignerReopened"): WAITING,
    **{(FAILED, name): SignerNotWaiting for name in SIGNER_EVENTS if name != "SignerReopened"},
    (FAILED, DEADLINE): JobAlreadyEnded,
    **{
        (status, name): SignerNotWaiting
        for status in (SIGNED, REJECTED, EXPIRED, NAME_NOT_AVAILABLE, NOT_APPLICABLE)
        for name in SIGNER_EVENTS
    },
    **{(status, DEADLINE): JobAlreadyEnded for status in (SIGNED, REJECTED, EXPIRED, NAME_NOT_AVAILABLE, NOT_APPLICABLE)},
}
"""What becomes of the only signer of a job. One row for each status and event."""


def job(*statuses: SignerStatus) -> SignatureJob:
    return SignatureJob(
        signers=tuple(Signer(position=place, status=status, since=CREATED_AT) for place, status in enumerate(statuses, start=1)),
        deadline_at=DEADLINE_AT,
    )


def event(name: str, *, signer: int = 1, at: datetime | None = None) -> Event:
    """Return the event; it happens an hour after the job's creation, or at the deadline."""
    return DeadlinePassed(at=at or DEADLINE_AT) if name == DEADLINE else SIGNER_EVENTS[name](signer, at or LATER)


def statuses(of: SignatureJob) -> tuple[SignerStatus, ...]:
    return tuple(signer.status for signer in of.signers)
