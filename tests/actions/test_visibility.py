"""A signature becomes readable together with the sealed PDF that holds it; everything else becomes readable at once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from segl.actions.access import SignerNotFound, sitting
from segl.actions.create_job import CreatedJob
from segl.actions.go_back import go_back
from segl.actions.leave import NotYetReadable
from segl.actions.read_results import ResultNotFound, sealed_pdf, xades_of
from segl.actions.read_status import (
    CeremonyNotCompleted,
    InvalidStatusQueryToken,
    JobState,
    state_for_sender,
    status_by_token,
)
from segl.actions.reject import reject
from segl.actions.seal_job import seal_job
from segl.adapters.keys import profiles
from segl.adapters.keys.files import FileKeys, certificates_pem, read_private_key, write_file
from segl.adapters.trust.enterprise import read_certificates
from segl.ceremony.sitting import Stage
from segl.database.models import AuditEvent, Job, SealedPdf, SealIntent, Sitting, StatusChange, WorkItem
from segl.signatures.pades import UnableToSeal
from segl.signatures.verification import verify_sealed
from segl.values import Flow
from support.direct_jobs import AMINA, INGRID, JONAS, PUBLIC, Asked, Visitor, create, visit, work
from support.neighbours import NOW, Neighbourhood


def readable(job: CreatedJob) -> JobState:
    return state_for_sender(Job.objects.get(pk=job.job.pk))


def statuses(job: CreatedJob) -> list[str]:
    return [signer.status.value for signer in readable(job).signers]


def pdf_of(near: Neighbourhood, job: CreatedJob) -> bytes:
    return sealed_pdf(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.DIRECT)


def stage_of(visitor: Visitor) -> Stage:
    return sitting(visitor.near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret).stage


def with_expired_seal(near: Neighbourhood, folder: Path) -> FileKeys:
    """The test's own keys, but for a seal certificate of the same key that ended yesterday."""
    shutil.copytree(near.material.keys, folder)
    seal, root_key = near.keys.seal(), read_private_key(near.material.folder / "ca-keys/seal-root.key")
    expired = profiles.seal(
        name=seal.certificate.subject,
        public_key=seal.private_key.public_key(),
        issuer=profiles.Issuer(certificate=seal.chain[-1], private_key=root_key),
        validity=profiles.Validity(not_before=NOW - timedelta(days=365), not_after=NOW - timedelta(days=1)),
        revocation_list_url=None,
    )
    write_file(folder / "seal.pem", certificates_pem(expired, *seal.chain))
    return FileKeys(folder)


class TestASignatureOfOne:
    @pytest.mark.requirement("R56")
    def test_is_readable_only_with_its_seal(self, near: Neighbourhood) -> None:
        job = create(near)
        visitor = visit(near, job)
        visitor.signs()
        assert (readable(job).status, statuses(job), readable(job).has_pades) == ("IN_PROGRESS", ["WAITING"], False)
        assert readable(job).signers[0].since == NOW
        assert not StatusChange.objects.exists()
        with pytest.raises(ResultNotFound):
            pdf_of(near, job)
        with pytest.raises(ResultNotFound):
            xades_of(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.DIRECT, position=1)
        with pytest.raises(NotYetReadable):
            visitor.leaves()

        near.clock.move(seconds=5)
        assert work(near) == 1

        assert (readable(job).status, statuses(job), readable(job).has_pades) == ("COMPLETED_SUCCESSFULLY", ["SIGNED"], True)
        assert StatusChange.objects.count() == 1
        assert stage_of(visitor) is Stage.DONE
        verified = verify_sealed(pdf_of(near, job), roots=read_certificates(near.material.trust), now=near.clock.now())
        assert verified.composed_bytes > SealIntent.objects.get().composed_bytes
        assert xades_of(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.DIRECT, position=1).startswith(b"<")

    @pytest.mark.requirement("R50", "R51")
    def test_leads_to_the_completion_url_with_a_token_before_the_fragment(self, near: Neighbourhood) -> None:
        job = create(near)
        visitor = visit(near, job)
        visitor.signs()
        work(near)
        address = visitor.leaves()
        before, _, token = address.removesuffix("#top").partition("&status_query_token=")
        assert before == "https://sender.example/done?case=7"
        assert len(token) == 43
        assert token.replace("-", "").replace("_", "").isalnum()
        assert status_by_token(sender=PUBLIC, job_id=job.job.pk, token=token).status == "COMPLETED_SUCCESSFULLY"

    def test_has_the_sealed_pdf_begin_with_what_was_intended(self, near: Neighbourhood) -> None:
        job = create(near)
        visit(near, job).signs()
        work(near)
        kinds = list(AuditEvent.objects.order_by("sequence").values_list("kind", flat=True))
        assert kinds.index("signing-intended") < kinds.index("signer-signed") < kinds.index("seal-intended") < kinds.index("job-sealed")
        assert SealIntent.objects.get().signers == SealedPdf.objects.get().signers == "1"

    @pytest.mark.requirement("R57")
    def test_of_a_callback_job_enters_no_queue(self, near: Neighbourhood) -> None:
        job = create(near, Asked(is_polled=False))
        visit(near, job).signs()
        work(near)
        assert readable(job).status == "COMPLETED_SUCCESSFULLY"
        assert not StatusChange.objects.exists()

    @pytest.mark.parametrize("down", ["time_stamps_down", "revocation_lists_down"])
    def test_waits_visibly_while_a_neighbour_is_down(self, near: Neighbourhood, down: str) -> None:
        job = create(near)
        visitor = visit(near, job)
        visitor.signs()
        near.clock.move(days=2)
        setattr(near.switches, down, True)
        before = near.stored_digests()
        assert work(near) == 1
        assert (statuses(job), near.stored_digests()) == (["WAITING"], before)
        item = WorkItem.objects.get(kind="seal")
        assert (item.is_dead, item.waits_for != "") == (False, True)

        setattr(near.switches, down, False)
        near.clock.move(minutes=6)
        assert work(near) == 1
        assert statuses(job) == ["SIGNED"]
        assert not WorkItem.objects.filter(kind="seal").exists()

    def test_waits_visibly_while_the_seal_certificate_has_expired(self, near: Neighbourhood, tmp_path: Path) -> None:
        job = create(near)
        visit(near, job).signs()
        before, ports = near.stored_digests(), near.ports
        near.ports = replace(ports, keys=with_expired_seal(near, tmp_path / "keys"))
        assert work(near) == 1
        assert (statuses(job), near.stored_digests()) == (["WAITING"], before)
        item = WorkItem.objects.get(kind="seal")
        assert (item.is_dead, item.waits_for) == (False, " ".join(str(UnableToSeal.__doc__).split()))
        assert not SealedPdf.objects.exists()

        near.ports = ports
        near.clock.move(minutes=6)
        assert work(near) == 1
        assert statuses(job) == ["SIGNED"]


class TestAJobOfTwo:
    @pytest.mark.requirement("R53")
    def test_is_readable_after_the_first_signature(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        visit(near, job, position=2).signs()
        work(near)
        state = readable(job)
        assert (state.status, statuses(job), state.has_pades) == ("IN_PROGRESS", ["WAITING", "SIGNED"], True)
        assert [signer.has_xades for signer in state.signers] == [False, True]
        assert [str(signer.identity) for signer in state.signers] == [INGRID, JONAS]
        with pytest.raises(ResultNotFound):
            xades_of(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.DIRECT, position=1)
        with pytest.raises(SignerNotFound):
            xades_of(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.DIRECT, position=3)

    def test_is_sealed_again_with_both_signatures_in_the_order_of_signing(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        visit(near, job, position=2).signs()
        work(near)
        first = pdf_of(near, job)
        near.clock.move(minutes=1)
        visit(near, job, position=1).signs()
        assert pdf_of(near, job) == first
        work(near)
        assert pdf_of(near, job) != first
        assert sorted(SealedPdf.objects.values_list("signers", "signature_count")) == [("2", 1), ("2,1", 2)]
        assert readable(job).status == "COMPLETED_SUCCESSFULLY"
        assert Job.objects.get().completed_at == near.clock.now()

    def test_signed_at_once_is_sealed_once(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        for position in (1, 2):
            near.clock.move(seconds=1)
            visit(near, job, position=position).signs()
        work(near)
        assert list(SealedPdf.objects.values_list("signers", flat=True)) == ["1,2"]
        assert StatusChange.objects.count() == 1
        assert statuses(job) == ["SIGNED", "SIGNED"]

    def test_holds_a_refusal_back_while_the_other_signature_waits_for_its_seal(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS, AMINA)))
        ingrid, jonas = visit(near, job, position=1), visit(near, job, position=2)
        ingrid.signs()
        reject(near.ports, sitting_id=jonas.sitting_id, secret=jonas.secret)
        assert statuses(job) == ["WAITING", "WAITING", "WAITING"]
        assert stage_of(jonas) is Stage.SEALING
        with pytest.raises(NotYetReadable):
            jonas.leaves()
        assert not StatusChange.objects.exists()

        work(near)
        assert statuses(job) == ["SIGNED", "REJECTED", "NOT_APPLICABLE"]
        assert readable(job).status == "FAILED"
        assert jonas.leaves().startswith("https://sender.example/rejected?")
        assert StatusChange.objects.count() == 1

    def test_shows_no_pdf_with_a_signature_whose_status_is_not_readable(self, near: Neighbourhood) -> None:
        """A second signature arrives while the first is being sealed: the PDF of the first must wait with its status."""
        job = create(near, Asked(signers=(INGRID, JONAS)))
        visit(near, job, position=1).signs()
        jonas = visit(near, job, position=2)
        answer = jonas.logs_in(jonas.begins())

        def jonas_signs_meanwhile() -> None:
            near.switches.while_time_stamping = lambda: None
            near.clock.move(seconds=1)
            jonas.comes_back(answer)

        near.switches.while_time_stamping = jonas_signs_meanwhile
        seal_job(near.ports, key=f"{job.job.pk}:1")

        assert SealedPdf.objects.filter(signers="1").exists()
        assert (statuses(job), readable(job).has_pades) == (["WAITING", "WAITING"], False)
        with pytest.raises(ResultNotFound):
            pdf_of(near, job)

        work(near)
        assert (statuses(job), readable(job).has_pades) == (["SIGNED", "SIGNED"], True)

    @pytest.mark.requirement("R86")
    def test_ends_at_once_by_a_refusal_when_nothing_waits_for_a_seal(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        visit(near, job, position=1).signs()
        work(near)
        jonas = visit(near, job, position=2)
        reject(near.ports, sitting_id=jonas.sitting_id, secret=jonas.secret)
        assert (statuses(job), readable(job).status) == (["SIGNED", "REJECTED"], "FAILED")
        assert readable(job).has_pades
        assert [signer.has_xades for signer in readable(job).signers] == [True, False]
        assert not readable(job).may_delete_documents


class TestSealingAgain:
    def test_makes_nothing_new(self, near: Neighbourhood) -> None:
        job = create(near)
        visit(near, job).signs()
        work(near)
        before, events = near.stored_digests(), AuditEvent.objects.count()
        seal_job(near.ports, key=f"{job.job.pk}:1")
        assert (near.stored_digests(), AuditEvent.objects.count(), SealedPdf.objects.count()) == (before, events, 1)

    def test_by_a_second_worker_publishes_one_file_and_says_so_once(self, near: Neighbourhood) -> None:
        """A worker lost its lease while it sealed; another does the same work at the same time."""
        job = create(near)
        visit(near, job).signs()

        def another_seals_meanwhile() -> None:
            near.switches.while_time_stamping = lambda: None
            seal_job(near.ports, key=f"{job.job.pk}:1")

        near.switches.while_time_stamping = another_seals_meanwhile
        seal_job(near.ports, key=f"{job.job.pk}:1")
        assert SealedPdf.objects.count() == 1
        assert AuditEvent.objects.filter(kind="job-sealed").count() == 1
        assert AuditEvent.objects.get(kind="job-sealed").details.find(SealedPdf.objects.get().sha256) > 0

    def test_after_a_kill_composes_the_very_same_bytes(self, near: Neighbourhood) -> None:
        job = create(near)
        visit(near, job).signs()

        class Killed(BaseException):
            pass

        def kill() -> None:
            raise Killed

        near.switches.while_time_stamping = kill
        with pytest.raises(Killed):
            seal_job(near.ports, key=f"{job.job.pk}:1")
        intended = SealIntent.objects.get().composed_sha256
        near.switches.while_time_stamping = lambda: None
        near.clock.move(minutes=3)
        seal_job(near.ports, key=f"{job.job.pk}:1")
        assert SealIntent.objects.get().composed_sha256 == intended
        assert AuditEvent.objects.filter(kind="seal-intended").count() == 1
        assert statuses(job) == ["SIGNED"]


class TestTheStatusQueryToken:
    @pytest.mark.requirement("R55")
    def test_is_too_early_before_anybody_has_been_at_an_exit_url(self, near: Neighbourhood) -> None:
        job = create(near)
        with pytest.raises(CeremonyNotCompleted):
            status_by_token(sender=PUBLIC, job_id=job.job.pk, token="any")

    @pytest.mark.requirement("R54")
    def test_must_be_there_and_right(self, near: Neighbourhood) -> None:
        job, other = create(near), create(near)
        tokens = {}
        for each in (job, other):
            visitor = visit(near, each)
            reject(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
            tokens[each.job.pk] = visitor.leaves().partition("status_query_token=")[2]
        for token in (None, "", "wrong", tokens[other.job.pk]):
            with pytest.raises(InvalidStatusQueryToken):
                status_by_token(sender=PUBLIC, job_id=job.job.pk, token=token)
        with pytest.raises(InvalidStatusQueryToken):
            status_by_token(sender=PUBLIC, job_id=create(near).job.pk, token=None)
        assert status_by_token(sender=PUBLIC, job_id=job.job.pk, token=tokens[job.job.pk]).status == "FAILED"

    def test_of_each_visit_stays_valid_for_the_whole_job(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        tokens = []
        for position in (1, 2):
            visitor = visit(near, job, position=position)
            visitor.signs()
            work(near)
            tokens.append(visitor.leaves().partition("status_query_token=")[2].removesuffix("#top"))
            near.clock.move(minutes=1)
        states = {str(status_by_token(sender=PUBLIC, job_id=job.job.pk, token=token)) for token in tokens}
        assert len(states) == 1


class TestGoingBack:
    def test_is_readable_at_once_and_may_be_opened_again(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        visitor = visit(near, job)
        Sitting.objects.update(problem="NO_TIME_STAMP")
        go_back(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        assert (statuses(job), readable(job).status) == (["FAILED", "WAITING"], "IN_PROGRESS")
