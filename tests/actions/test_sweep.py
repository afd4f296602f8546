"""Bytes that no job names are removed by themselves, and no others (reliability.md I7)."""

from __future__ import annotations

import pytest

from segl.actions.check_invariants import check_invariants
from segl.actions.delete_documents import DELETE_BYTES, delete_documents
from segl.actions.sweep_orphans import PARTS
from segl.database.models import AuditEvent, Job, WorkItem
from segl.entrypoints.worker import loop
from segl.values import Flow
from support.direct_jobs import PUBLIC, create, sweep_all, visit, work
from support.neighbours import Neighbourhood


@pytest.fixture
def orphan(near: Neighbourhood) -> str:
    """Bytes without a row beside a signed job, just stored."""
    visit(near, create(near)).signs()
    work(near)
    return near.ports.documents.put(b"left by a process that was killed")


class TestBytesOfNoJob:
    def test_are_removed_after_an_hour_and_that_is_on_record(self, near: Neighbourhood, orphan: str) -> None:
        before = near.stored_digests()
        near.grow_old(minutes=59, seconds=59)
        assert sweep_all(near) == 0

        near.clock.pass_time(seconds=1)

        assert sweep_all(near) == 1
        assert near.stored_digests() == before - {orphan}
        assert check_invariants(near.ports) == []
        event = AuditEvent.objects.get(kind="orphans-removed")
        assert event.details == f'{{"count":1,"part":"{orphan[:2]}"}}'

    def test_are_removed_though_they_were_never_finished(self, near: Neighbourhood, orphan: str) -> None:
        unfinished = (near.folder / "documents" / orphan[:2]) / "tmpabc.new"
        unfinished.write_bytes(b"half")
        near.grow_old(hours=1)

        assert sweep_all(near) == 2
        assert not unfinished.exists()

    def test_of_a_deleted_job_are_removed_though_its_own_work_is_dead(self, near: Neighbourhood, orphan: str) -> None:
        near.clock.move(hours=25)
        delete_documents(near.ports, sender=PUBLIC, job_id=Job.objects.get().pk, flow=Flow.DIRECT)
        WorkItem.objects.filter(kind=DELETE_BYTES).update(is_dead=True)
        near.clock.move(hours=-25)
        near.grow_old(hours=1)

        sweep_all(near)

        assert near.stored_files() == []

    def test_stay_when_they_are_older_than_the_database(self, near: Neighbourhood, orphan: str) -> None:
        """A new database beside the documents of an old one, say by a wrong SEGL_DATABASE_URL."""
        before = near.stored_digests()
        Job.objects.update(documents_deleted_at=near.clock.now())
        near.grow_old(hours=2)
        AuditEvent.objects.update(at=near.clock.now())
        assert sweep_all(near) == 0

        AuditEvent.objects.all().delete()
        assert sweep_all(near) == 0
        assert near.stored_digests() == before


class TestTheWorker:
    def test_sweeps_every_part_in_turn_wherever_it_begins(self) -> None:
        parts = loop.parts_from_anywhere()

        assert sorted(next(parts) for _ in PARTS) == sorted(PARTS)
        assert len(set(PARTS)) == 256

    def test_goes_on_when_a_part_cannot_be_swept(self, near: Neighbourhood, orphan: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*_: object, **__: object) -> None:
            raise OSError(5, "Input/output error")

        near.grow_old(hours=1)
        monkeypatch.setattr(type(near.ports.documents), "stored_until", refused)
        loop.sweep_next(near.ports, iter([orphan[:2]]))
        monkeypatch.undo()
        assert orphan in near.stored_digests()

        loop.sweep_next(near.ports, iter([orphan[:2]]))
        assert orphan not in near.stored_digests()
