"""`segl check` finds each thing that a crash, a defect or a hand at the database could leave, and nothing in what is whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from segl.actions.check_invariants import Violation, check_invariants, young_orphans
from segl.actions.poll_status import poll_status
from segl.database.models import AuditEvent, Job, SealedPdf, SealIntent, Signature, Signer, StatusChange, WorkItem
from segl.values import Flow
from support.direct_jobs import INGRID, JONAS, Asked, create, visit, work
from support.neighbours import NOW, Neighbourhood


@pytest.fixture
def signed(near: Neighbourhood) -> Job:
    """A job of two, one of whom has signed."""
    job = create(near, Asked(signers=(INGRID, JONAS)))
    visit(near, job).signs()
    work(near)
    return Job.objects.get()


def told(near: Neighbourhood) -> list[tuple[str, str]]:
    return [(violation.invariant, violation.what) for violation in check_invariants(near.ports)]


def path_of(near: Neighbourhood, sha256: str) -> Path:
    return near.folder / "documents" / sha256[:2] / sha256[2:]


class TestWhatIsWhole:
    def test_has_no_violation(self, near: Neighbourhood, signed: Job) -> None:
        assert check_invariants(near.ports) == []
        assert young_orphans(near.ports) == []

    def test_has_none_while_a_signature_waits_for_its_seal(self, near: Neighbourhood) -> None:
        visit(near, create(near)).signs()

        assert check_invariants(near.ports) == []

    def test_has_none_after_a_poll(self, near: Neighbourhood, signed: Job) -> None:
        near.clock.pass_time(seconds=1)
        poll_status(near.ports, sender=signed.sender_id, flow=Flow.DIRECT, queue="")

        assert check_invariants(near.ports) == []


class TestACheck:
    def test_misses_bytes(self, near: Neighbourhood, signed: Job) -> None:
        path_of(near, signed.bundle_sha256).unlink()

        assert told(near) == [("I1", f"The bytes {signed.bundle_sha256[:12]}… are missing.")]

    def test_sees_bytes_that_have_changed_and_goes_on(self, near: Neighbourhood, signed: Job) -> None:
        sha256 = SealedPdf.objects.get().sha256
        path_of(near, sha256).write_bytes(b"rotten")
        path_of(near, signed.bundle_sha256).unlink()

        assert {what for _, what in told(near)} == {
            f"The bytes {sha256[:12]}… have changed.",
            f"The bytes {signed.bundle_sha256[:12]}… are missing.",
        }

    def test_sees_a_seal_that_does_not_verify(self, near: Neighbourhood, signed: Job) -> None:
        sealed = SealedPdf.objects.get()
        content = near.ports.documents.get(sealed.sha256) + b"\n% added\n"
        SealedPdf.objects.update(sha256=near.ports.documents.put(content))

        assert [(i, what) for i, what in told(near)] == [
            ("I3", "The sealed PDF of signers 1 does not verify. Something other than Segl's validation data follows the seal.")
        ]

    def test_sees_a_signature_that_does_not_verify(self, near: Neighbourhood, signed: Job) -> None:
        signature = Signature.objects.get()
        content = near.ports.documents.get(signature.xades_sha256)
        assert b"<xades:SigningTime>" in content
        changed = content.replace(b"<xades:SigningTime>2", b"<xades:SigningTime>3")
        Signature.objects.update(xades_sha256=near.ports.documents.put(changed))

        found = check_invariants(near.ports)

        assert [violation.invariant for violation in found if "signer 1 does not verify" in violation.what] == ["I2"]

    def test_sees_a_signature_over_other_documents(self, near: Neighbourhood, signed: Job) -> None:
        signed.documents.update(file_name="another.pdf")

        assert (
            "I2",
            "The signature of signer 1 does not verify. The signature is over other documents than those given.",
        ) in told(near)

    def test_sees_a_signer_who_is_signed_without_signature(self, near: Neighbourhood, signed: Job) -> None:
        Signer.objects.filter(position=2).update(status="SIGNED", visible_status="SIGNED")

        found = told(near)

        assert ("I2", "Signer 2 is SIGNED without a signature.") in found
        assert ("I3", "Signer 2 is readable as SIGNED without a sealed PDF.") in found

    def test_sees_a_sealed_pdf_without_intent(self, near: Neighbourhood, signed: Job) -> None:
        SealIntent.objects.all().delete()

        assert told(near) == [("I3", "The sealed PDF of signers 1 had no intent.")]

    def test_sees_a_seal_that_nobody_will_make(self, near: Neighbourhood) -> None:
        visit(near, create(near)).signs()
        WorkItem.objects.filter(kind="seal").delete()

        assert told(near) == [("I3", "The job waits for its seal, but no work is queued that makes it.")]

    @pytest.mark.parametrize(
        ("damage", "what"),
        [
            (lambda: StatusChange.objects.all().delete(), "The job has changed, but nothing ever entered its queue."),
            (
                lambda: StatusChange.objects.update(delivered_at=NOW - timedelta(days=1)),
                "The job's newest state never entered its queue.",
            ),
            (
                lambda: Signer.objects.filter(position=1).update(visible_status="WAITING"),
                "The job has changed and its seal is made, but the sender cannot read it.",
            ),
        ],
    )
    def test_misses_what_the_sender_was_never_told(self, near: Neighbourhood, signed: Job, damage: Callable[[], object], what: str) -> None:
        damage()

        assert told(near) == [("I4", what)]

    def test_sees_a_job_whose_status_is_not_its_signers(self, near: Neighbourhood, signed: Job) -> None:
        Job.objects.update(status="FAILED", visible_status="FAILED")

        assert told(near) == [("I5", "The job is FAILED, but its signers say otherwise.")]

    def test_sees_an_audit_event_that_was_changed(self, near: Neighbourhood, signed: Job) -> None:
        AuditEvent.objects.filter(sequence=2).update(details="{}", kind="job-created")

        assert ("I8", "Audit event 2 does not fit the chain: it was changed, dropped or moved.") in told(near)


class TestBytesOfNoJob:
    def test_are_told_apart_from_violations_while_they_are_young(self, near: Neighbourhood, signed: Job) -> None:
        sha256 = near.ports.documents.put(b"left by a process that was killed")
        os.utime(path_of(near, sha256), (NOW.timestamp(), NOW.timestamp()))

        assert check_invariants(near.ports) == []
        assert young_orphans(near.ports) == [sha256]

        near.clock.pass_time(hours=2)

        assert young_orphans(near.ports) == []
        assert check_invariants(near.ports) == [
            Violation(
                invariant="I7", job_id=None, what=f"The bytes {sha256[:12]}… belong to no job. Nobody was told of them; delete the file."
            )
        ]

    def test_are_no_violation_while_their_deletion_is_queued(self, near: Neighbourhood, signed: Job) -> None:
        signed.documents_deleted_at = NOW
        signed.save()
        WorkItem.objects.create(kind="delete-bytes", key=str(signed.pk), due_at=NOW)
        for sha256 in near.stored_digests():
            os.utime(path_of(near, sha256), (0, 0))

        assert check_invariants(near.ports) == []
        WorkItem.objects.filter(kind="delete-bytes").delete()
        assert {violation.invariant for violation in check_invariants(near.ports)} == {"I7"}
