"""`check_invariants` finds each violation, and nothing when all is well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from segl.actions.check_invariants import check_invariants
from segl.actions.issue_redirect_url import issue_redirect_url
from segl.actions.open_redirect import open_redirect
from segl.actions.reject import reject
from segl.database import audit
from segl.database.models import (
    AuditEvent,
    Document,
    Job,
    SealedPdf,
    SealIntent,
    Signature,
    Signer,
    StatusChange,
    WorkItem,
)
from segl.database.transactions import durable
from support.direct_jobs import INGRID, JONAS, PUBLIC, Asked, Visitor, create, visit, work
from support.neighbours import NOW, Neighbourhood


def two_signers_of_whom_one_has_signed(near: Neighbourhood) -> Job:
    job = create(near, Asked(signers=(INGRID, JONAS)))
    visit(near, job).signs()
    work(near)
    return Job.objects.get(pk=job.job.pk)


def file_of(near: Neighbourhood, sha256: str) -> Path:
    return near.folder / "documents" / sha256[:2] / sha256[2:]


def remove_original(near: Neighbourhood, job: Job) -> None:
    file_of(near, Document.objects.get().sha256).unlink()


def change_original(near: Neighbourhood, job: Job) -> None:
    path = file_of(near, Document.objects.get().sha256)
    path.write_bytes(path.read_bytes() + b" ")


def change_sealed_pdf(near: Neighbourhood, job: Job) -> None:
    path = file_of(near, SealedPdf.objects.get().sha256)
    path.write_bytes(b"%" + path.read_bytes()[1:-1])


def lose_xades(near: Neighbourhood, job: Job) -> None:
    file_of(near, Signature.objects.get().xades_sha256).unlink()


def lose_signature(near: Neighbourhood, job: Job) -> None:
    Signature.objects.all().delete()


def un_sign(near: Neighbourhood, job: Job) -> None:
    Signer.objects.filter(position=1).update(status="WAITING")


def lose_seal_intent(near: Neighbourhood, job: Job) -> None:
    SealIntent.objects.all().delete()


def intend_something_else(near: Neighbourhood, job: Job) -> None:
    SealIntent.objects.update(composed_sha256="ab" * 32)


def lose_sealed_pdf(near: Neighbourhood, job: Job) -> None:
    SealedPdf.objects.all().delete()


def show_a_signature_before_its_seal(near: Neighbourhood, job: Job) -> None:
    visit_second_and_sign(near, job)
    Signer.objects.filter(position=2).update(visible_status="SIGNED")


def visit_second_and_sign(near: Neighbourhood, job: Job) -> None:
    issued = issue_redirect_url(near.ports, sender=PUBLIC, job_id=job.pk, position=2)
    opened = open_redirect(near.ports, token=issued.token, cookie=None)
    near.clock.move(seconds=1)
    Visitor(near=near, person=JONAS, sitting_id=opened.sitting_id, secret=opened.secret).signs()


def forget_to_seal(near: Neighbourhood, job: Job) -> None:
    visit_second_and_sign(near, job)
    WorkItem.objects.filter(kind="seal").delete()


def lose_queue_entry(near: Neighbourhood, job: Job) -> None:
    StatusChange.objects.all().delete()


def deliver_before_the_change(near: Neighbourhood, job: Job) -> None:
    """The entry was handed out before the newest state, and nothing entered the queue for that one."""
    near.clock.move(seconds=5)
    StatusChange.objects.update(delivered_at=near.clock.now(), confirmed_at=near.clock.now())
    near.clock.move(seconds=5)
    visit_second_and_sign(near, job)
    work(near)
    StatusChange.objects.filter(delivered_at=None).delete()


def decide_twice(near: Neighbourhood, job: Job) -> None:
    with durable():
        audit.record("signer-rejected", at=NOW, job_id=job.pk, signer=1)


def tell_a_wrong_job_status(near: Neighbourhood, job: Job) -> None:
    Job.objects.update(status="COMPLETED_SUCCESSFULLY")


def break_the_chain(near: Neighbourhood, job: Job) -> None:
    AuditEvent.objects.filter(pk=2).update(kind="another")


def sign_without_an_event(near: Neighbourhood, job: Job) -> None:
    Signature.objects.all().delete()
    Signer.objects.update(status="WAITING")


VIOLATIONS: list[tuple[Callable[[Neighbourhood, Job], None], str, str]] = [
    (remove_original, "I1", "are missing"),
    (change_original, "I1", "have changed"),
    (change_sealed_pdf, "I1", "have changed"),
    (lose_xades, "I1", "are missing"),
    (lose_signature, "I2", "Signer 1 is SIGNED without a signature."),
    (un_sign, "I2", "Signer 1 has a signature but is not SIGNED."),
    (lose_seal_intent, "I3", "The sealed PDF of signers 1 had no intent."),
    (intend_something_else, "I3", "The sealed PDF of signers 1 is not what was intended."),
    (lose_sealed_pdf, "I3", "Signer 1 is readable as SIGNED without a sealed PDF."),
    (show_a_signature_before_its_seal, "I3", "Signer 2 is readable as SIGNED without a sealed PDF."),
    (forget_to_seal, "I3", "The job waits for its seal, but no work is queued that makes it."),
    (lose_queue_entry, "I4", "nothing ever entered its queue"),
    (deliver_before_the_change, "I4", "The job's newest state never entered its queue."),
    (decide_twice, "I5", "Signer 1 was decided 2 times."),
    (tell_a_wrong_job_status, "I5", "The job is COMPLETED_SUCCESSFULLY, but its signers say otherwise."),
    (break_the_chain, "I8", "Audit event 2 does not fit the chain"),
    (sign_without_an_event, "I8", "Signature and audit event of signer 1 do not go together."),
]


class TestTheCheck:
    @pytest.mark.parametrize(("break_it", "invariant", "words"), VIOLATIONS, ids=[v[0].__name__ for v in VIOLATIONS])
    def test_finds(self, near: Neighbourhood, break_it: Callable[[Neighbourhood, Job], None], invariant: str, words: str) -> None:
        job = two_signers_of_whom_one_has_signed(near)
        assert check_invariants(near.ports) == []
        break_it(near, job)
        found = check_invariants(near.ports)
        matching = [v for v in found if v.invariant == invariant and words in v.what]
        assert len(matching) == 1, found
        assert matching[0].job_id in {job.pk, None}
        assert not [v for v in found if INGRID in v.what or JONAS in v.what]

    def test_is_content_with_work_in_flight(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        assert check_invariants(near.ports) == []
        visit(near, job).signs()
        assert check_invariants(near.ports) == []
        jonas = visit(near, job, position=2)
        jonas.begins()
        reject(near.ports, sitting_id=jonas.sitting_id, secret=jonas.secret)
        assert check_invariants(near.ports) == []
        work(near)
        assert check_invariants(near.ports) == []

    def test_changes_nothing(self, near: Neighbourhood) -> None:
        two_signers_of_whom_one_has_signed(near)
        before = (near.stored_digests(), AuditEvent.objects.count(), list(Job.objects.values()))
        check_invariants(near.ports)
        assert (near.stored_digests(), AuditEvent.objects.count(), list(Job.objects.values())) == before
