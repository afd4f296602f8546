"""
The signature job: its signers, and everything that can happen to it. This is the state machine, on one page.

A signer waits until exactly one thing happens to them; a job is in progress while a signer still waits. Nothing is ever un-decided,
with one exception: a direct signer who FAILED on a technical error may be reopened by the sender. The words are the wire's own
(wire-spec.md 16.1); portal flow adds its events here (16.2), `order` is already its room for chained groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never


class JobStatus(StrEnum):
    """The wire's `signature-job-status`: a closed set, any other value breaks both official clients."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED_SUCCESSFULLY = "COMPLETED_SUCCESSFULLY"
    FAILED = "FAILED"


class SignerStatus(StrEnum):
    """The wire's signer status."""

    WAITING = "WAITING"
    SIGNED = "SIGNED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    """The person took *go back* on a technical error; the only status that can be reopened (direct flow)."""
    NAME_NOT_AVAILABLE = "SIGNERS_NAME_NOT_AVAILABLE"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """Somebody else's action ended the job before this signer acted."""


TERMINATING = frozenset({SignerStatus.REJECTED, SignerStatus.EXPIRED, SignerStatus.NAME_NOT_AVAILABLE})
"""One signer in such a status ends the job for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerSigned:
    """The signature is stored."""

    signer: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerRejected:
    """The person said no."""

    signer: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerNameMissing:
    """The eID gave no name, and a signature needs one."""

    signer: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerWentBack:
    """The person took *go back* on a technical-error page."""

    signer: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerReopened:
    """The sender asked for a new redirect URL for a signer who FAILED."""

    signer: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlinePassed:
    """The job's time is up."""

    at: datetime


Event = SignerSigned | SignerRejected | SignerNameMissing | SignerWentBack | SignerReopened | DeadlinePassed


class JobAlreadyEnded(Exception):
    """The signature job has ended, so nothing more can happen to it. Create a new job."""


class SignerNotWaiting(Exception):
    """This signer has already acted or cannot act any more. Fetch the job's status to see what happened."""


class DeadlineNotReached(Exception):
    """The job's time is not up yet, so it cannot expire. Check the clocks of the hosts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One signer's place in the state machine."""

    position: int
    """From 1, in the manifest's order."""
    order: int = 0
    """Chained groups of the portal flow; always 0 in direct flow."""
    status: SignerStatus
    since: datetime


def status_of(signers: Iterable[SignerStatus]) -> JobStatus:
    """Return the status of a job whose signers have these."""
    statuses = set(signers)
    if statuses == {SignerStatus.SIGNED}:
        return JobStatus.COMPLETED_SUCCESSFULLY
    if statuses & TERMINATING or SignerStatus.WAITING not in statuses:
        return JobStatus.FAILED
    return JobStatus.IN_PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureJob:
    """A job as the state machine sees it."""

    signers: tuple[Signer, ...]
    deadline_at: datetime

    @property
    def status(self) -> JobStatus:
        """Return the job's status, which follows from its signers'."""
        return status_of(signer.status for signer in self.signers)

    def signer(self, position: int) -> Signer:
        """Return the signer at `position` (from 1)."""
        return self.signers[position - 1]

    def after(self, event: Event) -> SignatureJob:
        """
        Return this job as it is after `event`.

        :raises JobAlreadyEnded: if the job is over, or its deadline has passed.
        :raises SignerNotWaiting: if the signer named by the event may not act now.
        :raises DeadlineNotReached: if DeadlinePassed comes before its time.
        """
        match event:
            case SignerSigned(signer=who, at=at):
                return self._decide(who, SignerStatus.SIGNED, at)
            case SignerRejected(signer=who, at=at):
                return self._decide(who, SignerStatus.REJECTED, at)._release_others(at)
            case SignerNameMissing(signer=who, at=at):
                return self._decide(who, SignerStatus.NAME_NOT_AVAILABLE, at)._release_others(at)
            case SignerWentBack(signer=who, at=at):
                return self._decide(who, SignerStatus.FAILED, at)
            case SignerReopened(signer=who, at=at):
                return self._reopen(who, at)
            case DeadlinePassed(at=at):
                return self._expire(at)
            case _:
                assert_never(event)

    def _decide(self, who: int, status: SignerStatus, at: datetime) -> SignatureJob:
        if self.signer(who).status is not SignerStatus.WAITING:
            raise SignerNotWaiting
        if self.status is not JobStatus.IN_PROGRESS or at >= self.deadline_at:
            raise JobAlreadyEnded
        return self._with(who, status, at)

    def _reopen(self, who: int, at: datetime) -> SignatureJob:
        if self.signer(who).status is not SignerStatus.FAILED:
            raise SignerNotWaiting
        if at >= self.deadline_at or any(signer.status in TERMINATING for signer in self.signers):
            raise JobAlreadyEnded
        return self._with(who, SignerStatus.WAITING, at)

    def _expire(self, at: datetime) -> SignatureJob:
        if self.status is not JobStatus.IN_PROGRESS:
            raise JobAlreadyEnded
        if at < self.deadline_at:
            raise DeadlineNotReached
        unsigned = {SignerStatus.WAITING, SignerStatus.FAILED}
        return replace(
            self,
            signers=tuple(replace(s, status=SignerStatus.EXPIRED, since=at) if s.status in unsigned else s for s in self.signers),
        )

    def _release_others(self, at: datetime) -> SignatureJob:
        return replace(
            self,
            signers=tuple(
                replace(s, status=SignerStatus.NOT_APPLICABLE, since=at) if s.status is SignerStatus.WAITING else s for s in self.signers
            ),
        )

    def _with(self, who: int, status: SignerStatus, at: datetime) -> SignatureJob:
        return replace(self, signers=tuple(replace(s, status=status, since=at) if s.position == who else s for s in self.signers))
