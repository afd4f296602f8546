"""The state machine of a direct job (wire-spec.md 16.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from segl.jobs.job import DeadlineNotReached, JobAlreadyEnded, JobStatus, SignerNotWaiting, SignerStatus

from .machine import (
    CREATED_AT,
    DEADLINE,
    DEADLINE_AT,
    EVENT_NAMES,
    EXPIRED,
    FAILED,
    LATER,
    NAME_NOT_AVAILABLE,
    NOT_APPLICABLE,
    ONE_SIGNER,
    REJECTED,
    SIGNED,
    WAITING,
    event,
    job,
    statuses,
)


class TestAJobOfOneSigner:
    @pytest.mark.parametrize(("status", "name"), [(status, name) for status in SignerStatus for name in EVENT_NAMES])
    def test_goes_where_the_table_says(self, status: SignerStatus, name: str) -> None:
        before = job(status)
        expected = ONE_SIGNER[status, name]

        if isinstance(expected, SignerStatus):
            after = before.after(event(name))
            assert statuses(after) == (expected,)
            assert after.signer(1).since == (DEADLINE_AT if name == DEADLINE else LATER)
        else:
            with pytest.raises(expected):
                before.after(event(name))
        assert before == job(status)

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (WAITING, JobStatus.IN_PROGRESS),
            (SIGNED, JobStatus.COMPLETED_SUCCESSFULLY),
            (REJECTED, JobStatus.FAILED),
            (EXPIRED, JobStatus.FAILED),
            (FAILED, JobStatus.FAILED),
            (NAME_NOT_AVAILABLE, JobStatus.FAILED),
            (NOT_APPLICABLE, JobStatus.FAILED),
        ],
    )
    @pytest.mark.requirement("R108")
    def test_has_one_of_the_three_statuses(self, status: SignerStatus, expected: JobStatus) -> None:
        assert job(status).status is expected
        assert set(JobStatus) == {"IN_PROGRESS", "COMPLETED_SUCCESSFULLY", "FAILED"}


class TestAJobOfSeveralSigners:
    @pytest.mark.requirement("R53")
    def test_is_in_progress_until_all_have_signed(self) -> None:
        first = job(WAITING, WAITING).after(event("SignerSigned", signer=2))
        assert (statuses(first), first.status) == ((WAITING, SIGNED), JobStatus.IN_PROGRESS)
        last = first.after(event("SignerSigned", signer=1))
        assert (statuses(last), last.status) == ((SIGNED, SIGNED), JobStatus.COMPLETED_SUCCESSFULLY)

    @pytest.mark.requirement("R86")
    @pytest.mark.parametrize(("name", "own"), [("SignerRejected", REJECTED), ("SignerNameMissing", NAME_NOT_AVAILABLE)])
    def test_ends_for_all_when_one_cannot_or_will_not_sign(self, name: str, own: SignerStatus) -> None:
        after = job(SIGNED, WAITING, WAITING, FAILED).after(event(name, signer=2))
        assert statuses(after) == (SIGNED, own, NOT_APPLICABLE, FAILED)
        assert after.status is JobStatus.FAILED
        assert after.signer(1).since == CREATED_AT
        assert after.signer(3).since == LATER

    @pytest.mark.requirement("R86")
    def test_cannot_be_signed_after_a_refusal(self) -> None:
        ended = job(WAITING, WAITING).after(event("SignerRejected", signer=1))
        with pytest.raises(SignerNotWaiting):
            ended.after(event("SignerSigned", signer=2))

    def test_goes_on_when_one_gives_up_while_another_waits(self) -> None:
        after = job(WAITING, WAITING).after(event("SignerWentBack", signer=1))
        assert (statuses(after), after.status) == ((FAILED, WAITING), JobStatus.IN_PROGRESS)

    def test_fails_when_nobody_waits_any_more_and_comes_back_when_reopened(self) -> None:
        failed = job(SIGNED, WAITING).after(event("SignerWentBack", signer=2))
        assert failed.status is JobStatus.FAILED
        reopened = failed.after(event("SignerReopened", signer=2))
        assert (statuses(reopened), reopened.status) == ((SIGNED, WAITING), JobStatus.IN_PROGRESS)

    @pytest.mark.parametrize("other", [REJECTED, EXPIRED, NAME_NOT_AVAILABLE])
    def test_is_not_reopened_after_another_has_ended_it(self, other: SignerStatus) -> None:
        with pytest.raises(JobAlreadyEnded):
            job(FAILED, other).after(event("SignerReopened", signer=1))

    @pytest.mark.requirement("R87")
    def test_expires_for_everybody_who_has_not_signed(self) -> None:
        after = job(SIGNED, WAITING, FAILED).after(event(DEADLINE, at=DEADLINE_AT))
        assert statuses(after) == (SIGNED, EXPIRED, EXPIRED)
        assert after.status is JobStatus.FAILED


class TestTheDeadline:
    @pytest.mark.requirement("R87")
    @pytest.mark.parametrize("name", ["SignerSigned", "SignerRejected", "SignerNameMissing", "SignerWentBack"])
    def test_is_past_in_the_very_instant(self, name: str) -> None:
        just_before = DEADLINE_AT - timedelta(microseconds=1)
        job(WAITING).after(event(name, at=just_before))
        with pytest.raises(JobAlreadyEnded):
            job(WAITING).after(event(name, at=DEADLINE_AT))

    def test_closes_reopening_too(self) -> None:
        job(FAILED).after(event("SignerReopened", at=DEADLINE_AT - timedelta(microseconds=1)))
        with pytest.raises(JobAlreadyEnded):
            job(FAILED).after(event("SignerReopened", at=DEADLINE_AT))

    @pytest.mark.requirement("R87")
    def test_cannot_pass_before_its_time(self) -> None:
        with pytest.raises(DeadlineNotReached):
            job(WAITING).after(event(DEADLINE, at=DEADLINE_AT - timedelta(microseconds=1)))
