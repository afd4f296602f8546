"""Polls, state changes and background work that fall together: no state is lost between two transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection

from segl.actions import poll_status, visibility
from segl.actions.poll_status import Polled, PolledTooEarly
from segl.actions.reject import reject
from segl.database import audit, work
from segl.database.models import PollGate, WorkItem
from segl.database.transactions import durable
from segl.jobs.job import JobStatus, SignerStatus
from segl.values import Flow
from support.direct_jobs import INGRID, JONAS, PUBLIC, Asked, create, visit
from support.neighbours import NOW, Neighbourhood

MOMENT = 3.0
"""Seconds in which the other transaction ends, or is found to wait."""


class Beside:
    """Runs something in another thread, with a database connection of its own."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.result: object = None
        self.error: BaseException | None = None
        self._action = action
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Start, and wait a moment for its end."""
        self._thread.start()
        self._thread.join(MOMENT)

    def ends(self) -> object:
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.result

    def _run(self) -> None:
        try:
            self.result = self._action()
        except BaseException as error:
            self.error = error
        finally:
            connection.close()


def poll(near: Neighbourhood) -> Polled:
    return poll_status.poll_status(near.ports, sender=PUBLIC, flow=Flow.DIRECT, queue="")


def enqueue(*, due_at: datetime) -> None:
    with durable():
        work.enqueue("seal", "7:1", due_at=due_at)


class TestAPollWhileTheStateChanges:
    def test_does_not_swallow_the_new_state(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        first, second = visit(near, job), visit(near, job, position=2)
        _fail(near, first.sitting_id, first.secret)
        beside = Beside(lambda: reject(near.ports, sitting_id=second.sitting_id, secret=second.secret))
        read = poll_status.state_for_sender

        def read_and_then(job):  # type: ignore[no-untyped-def]
            state = read(job)
            beside.start()
            return state

        monkeypatch.setattr(poll_status, "state_for_sender", read_and_then)
        old = poll(near)
        beside.ends()
        monkeypatch.undo()
        new = poll(near)

        assert old.state is not None
        assert old.state.status is JobStatus.IN_PROGRESS
        assert new.state is not None, "the rejection never entered the queue"
        assert [signer.status for signer in new.state.signers] == [SignerStatus.FAILED, SignerStatus.REJECTED]

    def test_that_finds_the_queue_held_leaves_its_gate_open(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        first, second = visit(near, job), visit(near, job, position=2)
        _fail(near, first.sitting_id, first.secret)
        beside = Beside(lambda: poll(near))
        queue_change = visibility._queue_change

        def queue_and_then(*args, **kwargs):  # type: ignore[no-untyped-def]
            queue_change(*args, **kwargs)
            beside.start()

        monkeypatch.setattr(visibility, "_queue_change", queue_and_then)
        reject(near.ports, sitting_id=second.sitting_id, secret=second.secret)
        monkeypatch.undo()
        polled = beside.ends()
        assert isinstance(polled, Polled)

        # Where transactions wait for each other the poll has the new state; where it does not wait it may come again at once.
        if polled.state is None:
            assert polled.next_permitted_at == near.clock.real_now()
            polled = poll(near)
        assert polled.state is not None
        assert [signer.status for signer in polled.state.signers] == [SignerStatus.FAILED, SignerStatus.REJECTED]
        assert not PollGate.objects.exists()

    def test_closes_the_gate_of_an_empty_queue_all_the_same(self, near: Neighbourhood) -> None:
        create(near)

        assert poll(near).next_permitted_at == near.clock.real_now() + near.ports.policy.poll_interval
        with pytest.raises(PolledTooEarly):
            poll(near)


class TestWorkThatIsQueuedAgainWhileItIsDone:
    def test_is_done_again(self, near: Neighbourhood) -> None:
        enqueue(due_at=NOW)
        (claim,) = work.claim(now=NOW)

        enqueue(due_at=NOW)
        work.finish(claim)

        assert [again.key for again in work.claim(now=NOW)] == ["7:1"]

    def test_is_not_doubled_when_nobody_does_it_yet(self, near: Neighbourhood) -> None:
        enqueue(due_at=NOW)
        enqueue(due_at=NOW + timedelta(hours=1))

        assert WorkItem.objects.get().due_at == NOW

    def test_comes_back_soon_when_its_worker_dies(self) -> None:
        assert timedelta(seconds=20) <= work.LEASE <= timedelta(seconds=30), "a signer waits for the seal"


class TestReadingTheAuditChainWhileItGrows:
    def test_finds_no_fault_in_what_was_added_meanwhile(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        create(near)
        count = audit.verify()
        digest = audit._digest

        def digest_and_then(sequence: int, *more) -> str:  # type: ignore[no-untyped-def]
            if sequence == count:
                monkeypatch.undo()
                with durable():
                    audit.record("job-created", at=NOW, job_id=1)
            return digest(sequence, *more)

        monkeypatch.setattr(audit, "_digest", digest_and_then)

        assert audit.verify() in {count, count + 1}


def _fail(near: Neighbourhood, sitting_id: str, secret: str) -> None:
    from segl.actions.go_back import go_back
    from segl.ceremony.sitting import Problem
    from segl.database.models import Sitting

    Sitting.objects.filter(pk=sitting_id).update(problem=Problem.LOGIN_REFUSED)
    go_back(near.ports, sitting_id=sitting_id, secret=secret)
