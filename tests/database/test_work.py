"""The queue of background work: a lease, not a mark (reliability.md B-06)."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from segl.database import work
from segl.database.models import WorkItem
from segl.database.transactions import durable
from segl.database.work import LEASE, MAX_ATTEMPTS, Claim

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def enqueue(key: str = "1", *, kind: str = "seal", due_at: datetime = NOW) -> None:
    with durable():
        work.enqueue(kind, key, due_at=due_at)


def claim_one(now: datetime = NOW) -> Claim:
    (claim,) = work.claim(now=now)
    return claim


def die(claim: Claim) -> None:
    """What a killed worker leaves: a lease that nobody keeps, and that has run out."""
    WorkItem.objects.filter(pk=claim.id).update(leased_until=work._database_now() - timedelta(microseconds=1))


class TestWork:
    def test_is_claimed_when_it_is_due_and_not_before(self) -> None:
        enqueue(due_at=NOW + timedelta(seconds=1))
        assert work.claim(now=NOW) == []
        claim = claim_one(NOW + timedelta(seconds=1))
        assert (claim.kind, claim.key, claim.attempts) == ("seal", "1", 1)

    def test_under_a_lease_is_nobody_elses(self) -> None:
        enqueue()
        claim_one()
        assert work.claim(now=NOW + timedelta(days=1)) == []

    def test_is_queued_once_under_one_key(self) -> None:
        for kind, key in [("seal", "1"), ("seal", "1"), ("expire", "1"), ("seal", "2")]:
            enqueue(key, kind=kind)
        assert WorkItem.objects.count() == 3

    def test_is_not_queued_when_its_transaction_fails(self) -> None:
        def action() -> None:
            with durable():
                work.enqueue("seal", "1", due_at=NOW)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            action()
        assert not WorkItem.objects.exists()

    def test_is_gone_when_finished(self) -> None:
        enqueue()
        work.finish(claim_one())
        assert not WorkItem.objects.exists()

    def test_comes_oldest_first(self) -> None:
        for key, minutes in [("late", 2), ("early", 1), ("later", 3)]:
            enqueue(key, due_at=NOW + timedelta(minutes=minutes))
        assert [claim_one(NOW + timedelta(hours=1)).key for _ in range(3)] == ["early", "late", "later"]

    def test_goes_to_one_of_many_workers(self) -> None:
        for number in range(40):
            enqueue(str(number))

        def until_empty(_: int) -> list[str]:
            got: list[str] = []
            misses = 0
            try:
                while misses < 3:
                    claims = work.claim(now=NOW, limit=2)
                    misses = 0 if claims else misses + 1
                    got.extend(claim.key for claim in claims)
                return got
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            counts = Counter(key for got in pool.map(until_empty, range(8)) for key in got)
        assert set(counts.values()) == {1}
        assert len(counts) == 40


class TestAKilledWorker:
    def test_gives_its_work_back_when_the_lease_ends(self) -> None:
        enqueue()
        first = claim_one()
        die(first)
        second = claim_one()
        assert (second.id, second.attempts) == (first.id, 2)
        assert second.lease_token != first.lease_token

    def test_that_comes_back_to_life_cannot_finish_anothers_work(self) -> None:
        enqueue()
        lost = claim_one()
        die(lost)
        mine = claim_one()
        for late in (
            lambda: work.finish(lost),
            lambda: work.keep(lost),
            lambda: work.bury(lost, why="x"),
            lambda: work.postpone(lost, due_at=NOW, waits_for="x", is_counted=True),
        ):
            late()
        item = WorkItem.objects.get()
        assert (item.lease_token, item.is_dead, item.waits_for, item.attempts) == (mine.lease_token, False, "", 2)

    def test_cannot_be_killed_by_the_same_work_for_ever(self) -> None:
        enqueue()
        for _ in range(MAX_ATTEMPTS):
            die(claim_one())
        assert work.claim(now=NOW) == []
        item = WorkItem.objects.get()
        assert item.is_dead
        assert item.waits_for == f"Its worker died {MAX_ATTEMPTS} times. Read the worker's log, then retry it."

    def test_is_told_by_a_lease_on_the_databases_own_clock(self) -> None:
        enqueue()
        before = work._database_now()
        claim = claim_one()
        item = WorkItem.objects.get()
        assert item.leased_until is not None
        assert before + LEASE <= item.leased_until <= work._database_now() + LEASE
        WorkItem.objects.update(leased_until=before)
        work.keep(claim)
        assert WorkItem.objects.get().leased_until > before + LEASE - timedelta(seconds=1)


class TestPostponedWork:
    def test_waits_until_it_is_due_and_says_for_what(self) -> None:
        enqueue()
        work.postpone(claim_one(), due_at=NOW + timedelta(minutes=1), waits_for="w" * 300, is_counted=True)
        assert work.claim(now=NOW) == []
        assert WorkItem.objects.get().waits_for == "w" * 200
        assert claim_one(NOW + timedelta(minutes=1)).attempts == 2

    def test_is_not_counted_when_a_neighbour_is_down(self) -> None:
        enqueue()
        for _ in range(3 * MAX_ATTEMPTS):
            claim = claim_one()
            assert claim.attempts == 1
            work.postpone(claim, due_at=NOW, waits_for="the authority", is_counted=False)
        assert not WorkItem.objects.get().is_dead

    def test_that_is_asked_for_again_while_it_is_done_is_done_once_more(self) -> None:
        enqueue()
        claim = claim_one()
        enqueue()
        work.finish(claim)
        assert claim_one().key == "1"


class TestDeadWork:
    def test_stays_until_an_operator_retries_it(self) -> None:
        enqueue()
        work.bury(claim_one(), why="It cannot be done.")
        assert work.claim(now=NOW + timedelta(days=9)) == []
        assert WorkItem.objects.get().waits_for == "It cannot be done."
        assert work.retry_dead(now=NOW) == 1
        assert claim_one().attempts == 1
        assert work.retry_dead(now=NOW) == 0
