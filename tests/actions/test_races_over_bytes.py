"""Bytes are shared by content: what is deleted with one job must stay for every other that holds the same, however the two fall together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from segl.actions import seal_job
from segl.actions.check_invariants import check_invariants
from segl.actions.create_job import CreatedJob
from segl.actions.delete_documents import DELETE_BYTES, delete_bytes, delete_documents
from segl.actions.ports import Ports
from segl.actions.read_results import sealed_pdf
from segl.database.models import Job, SealedPdf, SealIntent, WorkItem
from segl.values import Flow
from support.direct_jobs import PUBLIC, Asked, bundle_of, create, pdf, sweep_all, visit, work
from support.neighbours import Neighbourhood


class Store:
    """The document store, with something that happens just after a `put` or just before a `get`."""

    def __init__(self, near: Neighbourhood) -> None:
        self.inner = near.ports.documents
        self.after_put = self.before_get = self.before_stored_at = lambda: None
        near.ports = replace(near.ports, documents=self)

    def put(self, content: bytes) -> str:
        sha256 = self.inner.put(content)
        self.after_put()
        return sha256

    def get(self, sha256: str) -> bytes:
        self.before_get()
        return self.inner.get(sha256)

    def delete(self, sha256: str) -> None:
        self.inner.delete(sha256)

    def stored_at(self, sha256: str) -> datetime | None:
        self.before_stored_at()
        return self.inner.stored_at(sha256)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def signed(near: Neighbourhood, asked: Asked | None = None, *, bundle: bytes | None = None) -> CreatedJob:
    job = create(near, asked, bundle=bundle)
    visit(near, job).signs()
    work(near)
    return job


def delete(near: Neighbourhood, job: CreatedJob) -> None:
    near.clock.move(hours=25)
    delete_documents(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.DIRECT)


AGAIN = Asked(documents={"igjen.pdf": pdf("Igjen")})


def let_it_lie_there(near: Neighbourhood) -> None:
    """Store the document of AGAIN, hours ago, by a process that died before its transaction."""
    create(near)
    near.ports.documents.put(AGAIN.documents["igjen.pdf"])
    near.grow_old(hours=2)


class TestDeletingDocuments:
    def test_keeps_a_bundle_that_was_sent_twice(self, near: Neighbourhood) -> None:
        bundle = bundle_of(near, Asked())
        first, second = signed(near, bundle=bundle), create(near, bundle=bundle)

        delete(near, first)
        work(near)

        assert near.ports.documents.get(second.job.bundle_sha256) == bundle
        assert check_invariants(near.ports) == []

    def test_keeps_a_sealed_pdf_that_was_sent_to_be_signed_again(self, near: Neighbourhood) -> None:
        first = signed(near)
        sealed = sealed_pdf(near.ports, sender=PUBLIC, job_id=first.job.pk, flow=Flow.DIRECT)
        second = signed(near, Asked(documents={"avtale.pdf": sealed}))

        delete(near, second)
        work(near)

        assert sealed_pdf(near.ports, sender=PUBLIC, job_id=first.job.pk, flow=Flow.DIRECT) == sealed

    def test_leaves_its_bytes_to_a_job_that_is_being_created(self, near: Neighbourhood) -> None:
        first = signed(near)
        delete(near, first)
        store = Store(near)

        def clean_up() -> None:
            store.after_put = lambda: None
            delete_bytes(near.ports, key=str(first.job.pk))

        # The bundle is stored first: after the next one the document's bytes are there, and not yet the job's row.
        left = iter([lambda: None, clean_up])
        store.after_put = lambda: next(left, lambda: None)()
        create(near)

        assert next(left, None) is None
        WorkItem.objects.filter(kind=DELETE_BYTES).delete()
        assert [violation.what for violation in check_invariants(near.ports)] == []


class TestTheSweep:
    def test_leaves_its_bytes_to_a_job_that_is_being_created(self, near: Neighbourhood) -> None:
        let_it_lie_there(near)
        store = Store(near)
        swept: list[int] = []
        # The bundle is stored first: after the next put the job counts on the document's bytes, and their row is not there yet.
        left = iter([lambda: None, lambda: swept.append(sweep_all(near))])
        store.after_put = lambda: next(left, lambda: None)()
        create(near, AGAIN)

        assert swept == [1]
        assert check_invariants(near.ports) == []

    def test_looks_again_for_a_job_that_was_created_meanwhile(self, near: Neighbourhood) -> None:
        let_it_lie_there(near)
        store = Store(near)

        def create_first() -> None:
            store.before_stored_at = lambda: None
            create(near, AGAIN)

        store.before_stored_at = create_first  # the sweep has found no row that names the bytes, and holds nothing yet
        assert sweep_all(near) == 0

        assert Job.objects.count() == 2
        assert check_invariants(near.ports) == []


class TestTwoWorkersThatSealTheSameJob:
    def test_publish_what_was_intended(self, near: Neighbourhood) -> None:
        job = create(near)
        visit(near, job).signs()
        store = Store(near)
        key = WorkItem.objects.get(kind=seal_job.SEAL).key

        def other_worker() -> None:
            store.before_get = lambda: None
            near.clock.pass_time(seconds=3)
            seal_job.seal_job(near.ports, key=key)

        store.before_get = other_worker  # the first has looked for an intent and found none
        seal_job.seal_job(near.ports, key=key)

        assert SealedPdf.objects.count() == SealIntent.objects.count() == 1
        assert check_invariants(near.ports) == []

    def test_never_replace_an_intent_by_another_before_it_is_sealed(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        job = create(near)
        visit(near, job).signs()
        store = Store(near)
        key = WorkItem.objects.get(kind=seal_job.SEAL).key
        seal = seal_job._seal

        def slow_seal(ports: Ports, composed: bytes) -> bytes:
            monkeypatch.setattr(seal_job, "_seal", seal)
            near.clock.pass_time(seconds=3)
            seal_job.seal_job(ports, key=key)  # the other worker overtakes
            return seal(ports, composed)

        monkeypatch.setattr(seal_job, "_seal", slow_seal)
        seal_job.seal_job(near.ports, key=key)

        assert store is near.ports.documents
        assert SealedPdf.objects.count() == 1
        assert check_invariants(near.ports) == []
