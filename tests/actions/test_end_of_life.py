"""How jobs end by themselves, and how their documents go: expiry after thirty days, deletion by the sender."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from segl.actions.access import JobNotFound, SittingNotFound, sitting
from segl.actions.check_invariants import check_invariants
from segl.actions.create_job import CreatedJob
from segl.actions.delete_documents import DocumentsNotDeletable, delete_documents
from segl.actions.expire_job import expire_job
from segl.actions.issue_redirect_url import issue_redirect_url
from segl.actions.open_redirect import LinkNotUsable, open_redirect
from segl.actions.read_document import read_document
from segl.actions.read_results import ResultNotFound, sealed_pdf, xades_of
from segl.actions.read_status import state_for_sender
from segl.ceremony.sitting import OverReason, Stage
from segl.database.models import AuditEvent, Job, Signature, StatusChange, WorkItem
from segl.jobs.job import DeadlineNotReached, SignerNotWaiting
from segl.values import Flow
from support.direct_jobs import AMINA, INGRID, JONAS, PRIVATE, PUBLIC, Asked, Visitor, bundle_of, create, visit, work
from support.neighbours import NOW, Neighbourhood


def delete(near: Neighbourhood, job: CreatedJob, *, sender: str = PUBLIC) -> None:
    delete_documents(near.ports, sender=sender, job_id=job.job.pk, flow=Flow.DIRECT)


def completed(near: Neighbourhood, asked: Asked | None = None, *, bundle: bytes | None = None) -> CreatedJob:
    job = create(near, asked, bundle=bundle)
    visit(near, job).signs()
    work(near)
    return job


class TestExpiry:
    @pytest.mark.requirement("R87")
    def test_comes_by_itself_after_thirty_days(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS, AMINA)))
        visit(near, job).signs()
        work(near)
        near.clock.move(days=30, microseconds=-1)
        assert work(near) == 0
        near.clock.move(microseconds=1)
        assert work(near) == 1

        row = Job.objects.get()
        assert [(s.visible_status, s.visible_since) for s in row.signers.all()] == [
            ("SIGNED", NOW),
            ("EXPIRED", NOW + timedelta(days=30)),
            ("EXPIRED", NOW + timedelta(days=30)),
        ]
        assert (row.status, row.visible_status) == ("FAILED", "FAILED")
        assert StatusChange.objects.count() == 1
        assert AuditEvent.objects.filter(kind="job-expired").count() == 1
        assert not WorkItem.objects.exists()

    @pytest.mark.requirement("R87")
    def test_shuts_the_door_in_the_very_instant_even_before_the_worker_comes(self, near: Neighbourhood) -> None:
        job = create(near)
        near.clock.move(days=30, minutes=-1)
        with pytest.raises(LinkNotUsable):
            open_redirect(near.ports, token=job.redirects[0].token, cookie=None)
        visitor = _fresh_visitor(near, job)
        answer = visitor.logs_in(visitor.begins())
        near.clock.move(minutes=1)
        with pytest.raises(SignerNotWaiting):
            visitor.begins()
        visitor.comes_back(answer)
        assert not Signature.objects.exists()
        work(near)
        view = sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        assert (view.stage, view.over_reason) == (Stage.OVER, OverReason.EXPIRED)
        assert visitor.leaves().startswith("https://sender.example/failed?")

    def test_changes_nothing_about_a_job_that_has_ended(self, near: Neighbourhood) -> None:
        job = completed(near)
        near.clock.move(days=31)
        assert work(near) == 1
        assert Job.objects.get(pk=job.job.pk).status == "COMPLETED_SUCCESSFULLY"
        assert not AuditEvent.objects.filter(kind="job-expired").exists()

    def test_happens_once(self, near: Neighbourhood) -> None:
        job = create(near)
        near.clock.move(days=30)
        for _ in range(2):
            expire_job(near.ports, key=str(job.job.pk))
        assert AuditEvent.objects.filter(kind="job-expired").count() == 1

    def test_does_not_come_early_from_a_worker_whose_clock_is_ahead(self, near: Neighbourhood) -> None:
        job = create(near)
        with pytest.raises(DeadlineNotReached):
            expire_job(near.ports, key=str(job.job.pk))
        assert Job.objects.get().status == "IN_PROGRESS"


class TestDeletion:
    @pytest.mark.requirement("R77")
    def test_is_refused_until_a_day_after_completion(self, near: Neighbourhood) -> None:
        job = completed(near)
        near.clock.move(hours=23, minutes=59, seconds=59)
        with pytest.raises(DocumentsNotDeletable) as refused:
            delete(near, job)
        assert refused.value.earliest_at == NOW + timedelta(hours=24)
        assert Job.objects.get().documents_deleted_at is None
        near.clock.move(seconds=1)
        delete(near, job)

    @pytest.mark.requirement("R76", "R77")
    def test_removes_every_byte_and_every_address(self, near: Neighbourhood) -> None:
        job = completed(near, Asked(documents={"a.txt": b"Tekst"}))
        assert state_for_sender(Job.objects.get()).may_delete_documents
        assert len(near.stored_digests()) == 5  # bundle, original, rendition, XAdES, sealed PDF
        near.clock.move(hours=24)
        delete(near, job)

        state = state_for_sender(Job.objects.get())
        assert (state.has_pades, state.may_delete_documents, state.signers[0].has_xades) == (False, False, False)
        assert (state.status, state.signers[0].status) == ("COMPLETED_SUCCESSFULLY", "SIGNED")
        key = {"sender": PUBLIC, "job_id": job.job.pk, "flow": Flow.DIRECT}
        with pytest.raises(ResultNotFound):
            sealed_pdf(near.ports, **key)  # type: ignore[arg-type]
        with pytest.raises(ResultNotFound):
            xades_of(near.ports, **key, position=1)  # type: ignore[arg-type]

        assert work(near) == 1
        assert near.stored_digests() == set()
        assert check_invariants(near.ports) == []

    @pytest.mark.requirement("R77")
    def test_may_be_repeated(self, near: Neighbourhood) -> None:
        job = completed(near)
        near.clock.move(hours=24)
        for _ in range(3):
            delete(near, job)
            work(near)
        assert AuditEvent.objects.filter(kind="documents-deleted").count() == 1

    @pytest.mark.requirement("R76", "R77")
    def test_is_refused_while_somebody_has_not_signed(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        visit(near, job).signs()
        work(near)
        near.clock.move(days=2)
        with pytest.raises(DocumentsNotDeletable) as refused:
            delete(near, job)
        assert refused.value.earliest_at is None
        assert not state_for_sender(Job.objects.get()).may_delete_documents

    @pytest.mark.requirement("R82")
    def test_is_not_for_another_organization(self, near: Neighbourhood) -> None:
        job = completed(near)
        near.clock.move(days=2)
        with pytest.raises(JobNotFound):
            delete(near, job, sender=PRIVATE)
        assert Job.objects.get().documents_deleted_at is None

    def test_leaves_a_job_made_of_the_same_bundle_whole(self, near: Neighbourhood) -> None:
        bundle = bundle_of(near, Asked())
        one, other = completed(near, bundle=bundle), create(near, bundle=bundle)
        near.clock.move(hours=24)
        delete(near, one)
        work(near)
        assert check_invariants(near.ports) == []
        assert near.ports.documents.get(other.job.bundle_sha256) == bundle

    def test_loses_nothing_of_a_job_that_is_being_created_from_the_same_document(self, near: Neighbourhood) -> None:
        """The bytes are in the store already when the new job puts them, and go before its rows are committed."""
        one = completed(near)
        near.clock.move(hours=24)
        delete(near, one)
        put = near.ports.documents.put
        is_first = [True]

        def put_and_let_the_worker_in(content: bytes) -> str:
            digest = put(content)
            if is_first and content.startswith(b"%PDF") and is_first.pop():
                work(near)
            return digest

        near.ports.documents.put = put_and_let_the_worker_in  # type: ignore[method-assign]
        create(near)
        assert check_invariants(near.ports) == []

    def test_shows_the_signer_nothing_more(self, near: Neighbourhood) -> None:
        job = create(near)
        visitor = visit(near, job)
        assert read_document(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret, number=1).mime == "application/pdf"
        Job.objects.update(documents_deleted_at=NOW)
        with pytest.raises(SittingNotFound):
            read_document(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret, number=1)


def _fresh_visitor(near: Neighbourhood, job: CreatedJob) -> Visitor:
    issued = issue_redirect_url(near.ports, sender=PUBLIC, job_id=job.job.pk, position=1)
    return visit(near, replace(job, redirects=(issued,)))
