"""The worker's loop: what it finishes, what waits, what is set aside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from segl.actions.ports import TimeStampUnavailable, ValidationMaterialUnavailable
from segl.database import work
from segl.database.models import WorkItem
from segl.database.transactions import durable
from segl.entrypoints.worker import loop
from support.neighbours import NOW, Neighbourhood


class Broken(Exception):
    """Something that only a code change mends."""


def stand_in(monkeypatch: pytest.MonkeyPatch, handler: Callable[..., None]) -> None:
    monkeypatch.setattr(loop, "HANDLERS", {"odd": handler})
    with durable():
        work.enqueue("odd", "1", due_at=NOW)


def fails_with(error: Exception) -> Callable[..., None]:
    def handler(_: object, *, key: str) -> None:
        raise error

    return handler


class TestWorkThatSucceeds:
    def test_is_done_once_and_gone(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []
        stand_in(monkeypatch, lambda _, *, key: done.append(key))
        assert [loop.work_once(near.ports) for _ in range(3)] == [1, 0, 0]
        assert done == ["1"]
        assert not WorkItem.objects.exists()


class TestWorkThatMeetsANeighbourThatIsDown:
    @pytest.mark.parametrize("error", [TimeStampUnavailable(), ValidationMaterialUnavailable(), OSError(28, "No space left on device")])
    def test_never_dies_of_it(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        stand_in(monkeypatch, fails_with(error))
        for _ in range(20):
            assert loop.work_once(near.ports) == 1
            item = WorkItem.objects.get()
            assert not item.is_dead
            assert item.waits_for
            near.clock.move(minutes=10)

    def test_waits_longer_each_time_but_never_too_long(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in(monkeypatch, fails_with(TimeStampUnavailable()))
        pauses = []
        for _ in range(12):
            loop.work_once(near.ports)
            due_at = WorkItem.objects.get().due_at
            pauses.append((due_at - near.clock.now()).total_seconds())
            near.clock.segl = due_at
        assert 1.6 <= pauses[0] <= 2.4
        assert 3.2 <= pauses[1] <= 4.8
        assert 6.4 <= pauses[2] <= 9.6
        assert pauses[3] > pauses[0] * 3
        # A signer may be waiting for the seal: when the neighbour is back, it must not take minutes to notice.
        assert all(20 <= pause <= 72 for pause in pauses[6:])

    def test_is_done_soon_after_the_neighbour_is_back(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in(monkeypatch, fails_with(TimeStampUnavailable()))
        loop.work_once(near.ports)
        monkeypatch.setattr(loop, "HANDLERS", {"odd": lambda _, *, key: None})
        near.clock.move(seconds=3)
        assert loop.work_once(near.ports) == 1
        assert not WorkItem.objects.exists()


class TestWorkThatFails:
    def test_is_tried_five_times_with_growing_pauses_and_set_aside(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in(monkeypatch, fails_with(Broken("with 14830750003 in it")))
        pauses = []
        for _ in range(work.MAX_ATTEMPTS):
            assert not WorkItem.objects.get().is_dead
            assert loop.work_once(near.ports) == 1
            pauses.append((WorkItem.objects.get().due_at - near.clock.now()).total_seconds())
            near.clock.move(minutes=10)
        item = WorkItem.objects.get()
        assert item.is_dead
        assert item.waits_for == "Something that only a code change mends."
        assert pauses[:4] == sorted(pauses[:4])
        assert loop.work_once(near.ports) == 0

    def test_lets_other_work_go_on(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []

        def handler(_: object, *, key: str) -> None:
            if key == "1":
                raise Broken
            done.append(key)

        stand_in(monkeypatch, handler)
        with durable():
            work.enqueue("odd", "2", due_at=NOW + timedelta(seconds=1))
        near.clock.move(seconds=1)
        assert [loop.work_once(near.ports) for _ in range(3)] == [1, 1, 0]
        assert done == ["2"]

    def test_of_an_unknown_kind_is_set_aside_like_any_other(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loop, "HANDLERS", {})
        with durable():
            work.enqueue("of-a-newer-version", "1", due_at=NOW)
        loop.work_once(near.ports)
        assert WorkItem.objects.get().attempts == 1


class TestLongWork:
    def test_keeps_its_lease(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        kept: list[object] = []
        monkeypatch.setattr(loop, "HEARTBEAT_SECONDS", 0.01)
        monkeypatch.setattr(work, "keep", kept.append)

        def handler(_: object, *, key: str) -> None:
            while len(kept) < 3:
                pass

        stand_in(monkeypatch, handler)
        assert loop.work_once(near.ports) == 1
        count = len(kept)
        assert count >= 3
        assert not WorkItem.objects.exists()
