"""Every sequence of up to six events for up to three signers (reliability.md B-77), against the words of wire-spec.md 16.1."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from segl.jobs.job import JobAlreadyEnded, JobStatus, SignatureJob, SignerNotWaiting, SignerStatus

from .machine import DEADLINE, EXPIRED, FAILED, NAME_NOT_AVAILABLE, NOT_APPLICABLE, REJECTED, SIGNED, SIGNER_EVENTS, WAITING, job, statuses
from .machine import event as make_event

MAX_EVENTS = 6
Statuses = tuple[SignerStatus, ...]


def _events(count: int) -> list[tuple[str, int]]:
    return [(name, signer) for name in SIGNER_EVENTS for signer in range(1, count + 1)] + [(DEADLINE, 0)]


def _next(state: SignatureJob, name: str, signer: int) -> SignatureJob | None:
    try:
        return state.after(make_event(name, signer=signer or 1))
    except (JobAlreadyEnded, SignerNotWaiting):
        return None


def _transitions(count: int) -> Iterator[tuple[SignatureJob, str, int, SignatureJob | None]]:
    """
    Yield each (state, event, signer, state after or None) that some sequence of MAX_EVENTS reaches.

    What may follow depends on the statuses alone, so a state reached twice at the same depth need not be followed twice: all sequences
    are covered without walking each.
    """
    reached: dict[Statuses, SignatureJob] = {statuses(job(*[WAITING] * count)): job(*[WAITING] * count)}
    for _ in range(MAX_EVENTS):
        following: dict[Statuses, SignatureJob] = {}
        for state in reached.values():
            for name, signer in _events(count):
                after = _next(state, name, signer)
                yield state, name, signer, after
                if after is not None:
                    following.setdefault(statuses(after), after)
        reached |= following


@pytest.mark.parametrize("count", [1, 2, 3])
class TestWhateverHappens:
    def test_nothing_decided_is_undone_but_a_failure_the_sender_reopens(self, count: int) -> None:
        for before, name, _, after in _transitions(count):
            for old, new in zip(statuses(before), statuses(after) if after else (), strict=bool(after)):
                if old is new or old is WAITING:
                    continue
                assert old is FAILED
                assert (name, new) in {("SignerReopened", WAITING), (DEADLINE, EXPIRED)}

    def test_an_event_touches_its_own_signer_and_only_an_ending_one_touches_others(self, count: int) -> None:
        for before, name, signer, after in _transitions(count):
            if after is None:
                continue
            changed = {s.position for s, old in zip(after.signers, before.signers, strict=True) if s.status is not old.status}
            own = {
                "SignerSigned": SIGNED,
                "SignerRejected": REJECTED,
                "SignerNameMissing": NAME_NOT_AVAILABLE,
                "SignerWentBack": FAILED,
                "SignerReopened": WAITING,
            }
            if name == DEADLINE:
                assert changed == {s.position for s in before.signers if s.status in {WAITING, FAILED}}
                assert {after.signer(place).status for place in changed} == {EXPIRED}
                continue
            assert after.signer(signer).status is own[name]
            others = changed - {signer}
            if name in {"SignerRejected", "SignerNameMissing"}:
                assert others == {s.position for s in before.signers if s.status is WAITING} - {signer}
                assert {after.signer(place).status for place in others} <= {NOT_APPLICABLE}
            else:
                assert others == set()

    def test_the_jobs_status_follows_from_the_signers(self, count: int) -> None:
        for _, _, _, after in _transitions(count):
            if after is None:
                continue
            found = set(statuses(after))
            is_ended_by_one = bool(found & {REJECTED, EXPIRED, NAME_NOT_AVAILABLE})
            assert (after.status is JobStatus.COMPLETED_SUCCESSFULLY) == (found == {SIGNED})
            assert (after.status is JobStatus.IN_PROGRESS) == (WAITING in found)
            assert not (is_ended_by_one and WAITING in found)
            if NOT_APPLICABLE in found:
                assert found & {REJECTED, NAME_NOT_AVAILABLE}

    def test_a_completed_job_takes_nothing_more(self, count: int) -> None:
        refused = {
            (name, after is None) for before, name, _, after in _transitions(count) if before.status is JobStatus.COMPLETED_SUCCESSFULLY
        }
        assert refused == {(name, True) for name in (*SIGNER_EVENTS, DEADLINE)}

    def test_every_status_of_the_wire_is_reached(self, count: int) -> None:
        found = {status for _, _, _, after in _transitions(count) if after for status in statuses(after)}
        assert found == set(SignerStatus) - (set() if count > 1 else {NOT_APPLICABLE})


class TestTheExploration:
    def test_is_large_enough_to_mean_something(self) -> None:
        states = {statuses(before) for before, *_ in _transitions(3)}
        assert len(states) >= 40
        assert sum(1 for _ in _transitions(3)) >= 2000
