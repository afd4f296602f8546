"""Signing: the intent first, then the log-in, then exactly one signature — and whatever fails burns nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from segl.actions.access import SittingNotFound, SittingTimedOut, hashed, sitting
from segl.actions.begin_signing import begin_signing, choices
from segl.actions.complete_signing import complete_signing, is_being_evaluated
from segl.actions.go_back import go_back
from segl.actions.leave import NotYetReadable
from segl.actions.read_results import sealed_pdf
from segl.actions.reject import reject
from segl.adapters.trust.enterprise import read_certificates
from segl.ceremony.identification import ProviderUnavailable
from segl.ceremony.intent import nonce_of
from segl.ceremony.sitting import Outcome, OverReason, Problem, SittingView, Stage
from segl.database.models import AuditEvent, Document, Job, Signature, SigningAttempt, Sitting, WorkItem
from segl.jobs.job import JobAlreadyEnded, SignerNotWaiting
from segl.pdf.text import extract_text
from segl.signatures.verification import verify_xades
from segl.values import Flow, Language, Level, SignatureType
from support.direct_jobs import (
    AMINA,
    INGRID,
    IP_ADDRESS,
    JONAS,
    NAMELESS,
    PUBLIC,
    TORSTEIN,
    Asked,
    Visitor,
    create,
    pdf,
    visit,
    work,
)
from support.neighbours import NOW, Neighbourhood, as_cookies

ADVANCED = SignatureType.ADVANCED
complete_signing_module = sys.modules[complete_signing.__module__]


def view_of(visitor: Visitor) -> SittingView:
    return sitting(visitor.near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)


def assert_nothing_burned(visitor: Visitor, problem: Problem) -> None:
    """The signer still waits, nothing is signed, the page knows why; and the next attempt signs."""
    assert (view_of(visitor).stage, view_of(visitor).problem) == (Stage.READING, problem)
    assert not Signature.objects.exists()
    assert not WorkItem.objects.filter(kind="seal").exists()
    row = Job.objects.get()
    assert (row.status, [signer.status for signer in row.signers.all()]) == ("IN_PROGRESS", ["WAITING"])
    visitor.signs()
    assert Signature.objects.count() == 1


def overtake(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let `act` happen between the moment when the next answer is let in and the one when it is taken."""
    let_in = complete_signing_module._own_attempt
    waiting = [act]

    def let_in_and_be_overtaken(*given: Any) -> Any:
        found = let_in(*given)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(complete_signing_module, "_own_attempt", let_in_and_be_overtaken)


class TestASignature:
    def test_is_made_and_waits_for_its_seal(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        visitor.signs()

        signature = Signature.objects.get()
        assert (signature.name, signature.eid, signature.level, signature.signed_at) == ("Ingrid Solvang", "BankID", 4, NOW)
        assert (view_of(visitor).stage, view_of(visitor).outcome) == (Stage.SEALING, Outcome.SIGNED)
        row = Job.objects.get()
        assert (row.status, row.visible_status) == ("COMPLETED_SUCCESSFULLY", "IN_PROGRESS")
        assert WorkItem.objects.get(kind="seal").key == f"{row.pk}:1"
        with pytest.raises(NotYetReadable):
            visitor.leaves()

    def test_covers_the_very_documents_and_the_evidence(self, near: Neighbourhood) -> None:
        asked = Asked(documents={"læreavtale 1.pdf": pdf("A"), "vilkår.txt": "Vilkår".encode()})
        visit(near, create(near, asked)).signs()

        signature = Signature.objects.get()
        verified = verify_xades(
            near.ports.documents.get(signature.xades_sha256),
            documents={name: hashlib.sha256(content).digest() for name, content in asked.documents.items()},
            roots=read_certificates(near.material.trust),
            now=near.clock.now(),
        )
        assert verified.evidence == bytes(signature.evidence)
        evidence = json.loads(verified.evidence)
        assert evidence["ipAddress"] == IP_ADDRESS
        intent = json.loads(evidence["intent"])
        assert [d["sha256"] for d in intent["documents"]] == [hashlib.sha256(content).hexdigest() for content in asked.documents.values()]

    def test_is_covered_by_the_providers_own_signature_over_the_intent(self, near: Neighbourhood) -> None:
        visit(near, create(near)).signs()
        signature = Signature.objects.get()
        claims = signature.id_token.split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        assert decoded["nonce"] == nonce_of(bytes(signature.attempt.intent))
        assert json.loads(signature.verifying_key)["kty"] == "RSA"

    def test_has_its_intent_on_disk_before_the_browser_leaves(self, near: Neighbourhood) -> None:
        job = create(near)
        visit(near, job).begins()
        attempt = SigningAttempt.objects.get()
        intent = json.loads(bytes(attempt.intent))
        assert (intent["job"], intent["signer"], intent["signatureType"]) == (job.job.pk, 1, "AUTHENTICATED_ELECTRONIC_SIGNATURE")
        assert intent["documents"] == [{"fileName": "avtale.pdf", "sha256": Document.objects.get().sha256}]
        assert AuditEvent.objects.filter(kind="signing-intended").count() == 1
        assert not Signature.objects.exists()

    def test_may_be_given_by_anybody_for_a_custom_identifier(self, near: Neighbourhood) -> None:
        visit(near, create(near, Asked(signers=("kunde-7",))), person=JONAS).signs()
        assert (Signature.objects.get().name, Signature.objects.get().national_identity_number) == ("Jonas Myhre", None)

    def test_gives_the_browser_a_new_cookie_and_kills_the_old_one(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        before = visitor.secret
        visitor.signs()
        assert visitor.secret != before
        view_of(visitor)
        with pytest.raises(SittingNotFound):
            sitting(near.ports, sitting_id=visitor.sitting_id, secret=before)


class TestTheWrongPerson:
    def test_signs_nothing_and_burns_nothing(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        visitor.signs(person=JONAS)
        assert_nothing_burned(visitor, Problem.WRONG_PERSON)

    def test_leaves_no_trace_of_who_it_was(self, near: Neighbourhood) -> None:
        visit(near, create(near)).signs(person=JONAS)
        stored = str(list(SigningAttempt.objects.values())) + str(list(AuditEvent.objects.values())) + str(list(Sitting.objects.values()))
        assert JONAS not in stored
        assert "Myhre" not in stored
        assert AuditEvent.objects.get(kind="signing-not-completed").details == '{"reason":"WrongPerson"}'


class TestALogin:
    def test_at_too_low_a_level_burns_nothing(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        visitor.signs(eid="MinID", level="3")
        assert_nothing_burned(visitor, Problem.LEVEL_TOO_LOW)

    def test_at_level_3_is_enough_when_the_job_asks_for_it(self, near: Neighbourhood) -> None:
        visit(near, create(near, Asked(signers=(TORSTEIN,), level=3))).signs(eid="MinID", level="3")
        assert Signature.objects.get().level == 3

    def test_at_level_3_is_too_low_for_an_advanced_signature_whatever_the_job_asks(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near, Asked(level=3, signature_type=ADVANCED)))
        assert view_of(visitor).level is Level.HIGH
        visitor.signs(eid="MinID", level="3")
        assert_nothing_burned(visitor, Problem.LEVEL_TOO_LOW)

    def test_that_is_aborted_leaves_the_signer_waiting(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        with near.a_person() as browser:
            visitor.comes_back(browser.abort(visitor.begins()))
        with pytest.raises(SignerNotWaiting):
            go_back(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        assert_nothing_burned(visitor, Problem.LOGIN_ABORTED)

    def test_at_a_provider_that_is_down_cannot_begin(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        near.switches.identity_provider_down = True
        with pytest.raises(ProviderUnavailable):
            visitor.begins()
        assert not SigningAttempt.objects.exists()
        near.switches.identity_provider_down = False
        assert_nothing_burned(visitor, Problem.EID_UNAVAILABLE)

    def test_at_a_provider_that_goes_down_meanwhile_burns_nothing(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        near.switches.identity_provider_down = True
        visitor.comes_back(answer)
        near.switches.identity_provider_down = False
        assert_nothing_burned(visitor, Problem.EID_UNAVAILABLE)

    def test_with_a_forged_code_is_refused(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        visitor.comes_back(answer | {"code": "another"})
        assert_nothing_burned(visitor, Problem.LOGIN_REFUSED)

    def test_that_takes_until_after_the_sitting_times_out_is_over(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        near.clock.move(days=31)
        with pytest.raises(SittingTimedOut):
            visitor.begins()
        assert not SigningAttempt.objects.exists()


class TestSingleSignOn:
    def test_serves_an_authenticated_signature(self, near: Neighbourhood) -> None:
        first, second = (visit(near, create(near)) for _ in range(2))
        with near.a_person() as browser:
            first.comes_back(browser.log_in(first.begins(), person=INGRID))
            near.clock.move(seconds=90)
            # No page is shown: the person named here would be another.
            second.comes_back(browser.log_in(second.begins(), person=JONAS))
        assert Signature.objects.count() == 2

    def test_shows_on_the_front_page_when_the_person_really_logged_in(self, near: Neighbourhood) -> None:
        first, job = visit(near, create(near)), create(near)
        second = visit(near, job)
        with near.a_person() as browser:
            first.comes_back(browser.log_in(first.begins(), person=INGRID))
            near.clock.move(seconds=90)
            second.comes_back(browser.log_in(second.begins(), person=INGRID))
        work(near)
        page = " ".join(extract_text(sealed_pdf(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.DIRECT))[0].split())
        assert "Autentisert elektronisk signatur, logget inn 24.11.2026 kl. 13.00.00" in page
        assert "24.11.2026 kl. 13.01.30 BankID, høyt nivå (4)" in page

    def test_does_not_serve_an_advanced_one(self, near: Neighbourhood) -> None:
        first, second = visit(near, create(near)), visit(near, create(near, Asked(signature_type=ADVANCED)))
        with near.a_person() as browser:
            first.comes_back(browser.log_in(first.begins(), person=INGRID))
            near.clock.move(seconds=90)
            # The page is shown again, so here another person is chosen, and refused.
            second.comes_back(browser.log_in(second.begins(), person=JONAS))
        assert view_of(second).problem is Problem.WRONG_PERSON
        assert Signature.objects.count() == 1

    def test_of_an_advanced_one_must_be_newer_than_the_intent(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near, Asked(signature_type=ADVANCED)))
        url = visitor.begins()
        # A provider that answers with a log-in from before the intent: here the intent is what is moved.
        attempt = SigningAttempt.objects.get()
        SigningAttempt.objects.update(begun_at=attempt.begun_at.replace(minute=5))
        visitor.comes_back(visitor.logs_in(url))
        assert_nothing_burned(visitor, Problem.LOGIN_REFUSED)


class TestWithoutATimeStamp:
    @pytest.mark.parametrize("down", ["time_stamps_down", "revocation_lists_down"])
    def test_nothing_is_signed_and_nothing_burned(self, near: Neighbourhood, down: str) -> None:
        visitor = visit(near, create(near))
        setattr(near.switches, down, True)
        before = near.stored_digests()
        visitor.signs()
        assert near.stored_digests() == before
        setattr(near.switches, down, False)
        assert_nothing_burned(visitor, Problem.NO_TIME_STAMP)

    def test_the_person_may_go_back_and_the_sender_may_open_it_again(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        near.switches.time_stamps_down = True
        visitor.signs()
        go_back(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        go_back(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        row = Job.objects.get()
        assert (row.visible_status, row.signers.get().visible_status) == ("FAILED", "FAILED")
        assert AuditEvent.objects.filter(kind="signer-failed").count() == 1
        assert visitor.leaves().startswith("https://sender.example/failed?status_query_token=")


class TestWithoutAName:
    @pytest.mark.parametrize("identifier_format", ["NAME", None])
    def test_the_job_ends_for_all(self, near: Neighbourhood, identifier_format: str | None) -> None:
        job = create(near, Asked(signers=(NAMELESS, JONAS), identifier_format=identifier_format))
        nameless, jonas = visit(near, job, position=1), visit(near, job, position=2)
        nameless.signs()

        row = Job.objects.get()
        assert [signer.visible_status for signer in row.signers.all()] == ["SIGNERS_NAME_NOT_AVAILABLE", "NOT_APPLICABLE"]
        assert (row.status, row.visible_status) == ("FAILED", "FAILED")
        assert not Signature.objects.exists()
        assert (view_of(nameless).stage, view_of(nameless).over_reason) == (Stage.OVER, OverReason.NAME_NOT_AVAILABLE)
        assert view_of(jonas).over_reason is OverReason.ANOTHER_REJECTED
        assert nameless.leaves().startswith("https://sender.example/failed?")


class TestTheIntent:
    def test_must_still_be_what_would_be_signed(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        sha256 = Document.objects.get().sha256
        Document.objects.update(sha256="ab" * 32)
        visitor.comes_back(answer)
        Document.objects.update(sha256=sha256)
        assert AuditEvent.objects.get(kind="signing-not-completed").details == '{"reason":"IntentNoLongerHolds"}'
        assert_nothing_burned(visitor, Problem.LOGIN_REFUSED)


class TestACallback:
    def test_of_another_browser_is_nobodys(self, near: Neighbourhood) -> None:
        visitor, thief = visit(near, create(near)), visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        for cookies in ({}, {thief.sitting_id: thief.secret}, {visitor.sitting_id: thief.secret}):
            with pytest.raises(SittingNotFound):
                complete_signing(near.ports, parameters=answer, cookie_secrets=cookies, ip_address=IP_ADDRESS)
        with pytest.raises(SittingNotFound):
            complete_signing(
                near.ports, parameters={}, cookie_secrets=as_cookies(visitor.sitting_id, visitor.secret), ip_address=IP_ADDRESS
            )
        visitor.comes_back(answer)
        assert Signature.objects.count() == 1

    def test_that_comes_again_signs_nothing_more(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        for _ in range(3):
            visitor.comes_back(answer)
        assert Signature.objects.count() == 1
        assert view_of(visitor).problem is None
        assert AuditEvent.objects.filter(kind="signer-signed").count() == 1

    def test_of_a_second_tab_signs_nothing_more(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        first, second = (visitor.logs_in(visitor.begins()) for _ in range(2))
        visitor.comes_back(second)
        visitor.comes_back(first)
        assert Signature.objects.count() == 1
        assert (view_of(visitor).stage, view_of(visitor).problem) == (Stage.SEALING, None)

    def test_whose_answer_was_lost_lets_the_same_browser_in_again(self, near: Neighbourhood) -> None:
        """The person reloads while Segl signs: the browser never sees the new cookie, and must not lose its place."""
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        old = as_cookies(visitor.sitting_id, visitor.secret)
        complete_signing(near.ports, parameters=answer, cookie_secrets=old, ip_address=IP_ADDRESS)

        again = complete_signing(near.ports, parameters=answer, cookie_secrets=old, ip_address=IP_ADDRESS)
        assert sitting(near.ports, sitting_id=visitor.sitting_id, secret=again.secret).stage is Stage.SEALING
        assert Signature.objects.count() == 1
        # The old cookie alone is still worth nothing, nor is the address alone.
        with pytest.raises(SittingNotFound):
            sitting(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        with pytest.raises(SittingNotFound):
            complete_signing(near.ports, parameters=answer, cookie_secrets={}, ip_address=IP_ADDRESS)

    def test_many_times_at_once_gives_one_signature_and_lets_all_in(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        cookies = as_cookies(visitor.sitting_id, visitor.secret)
        start = threading.Barrier(16)

        def come(_: int) -> str | None:
            start.wait()
            try:
                return complete_signing(near.ports, parameters=answer, cookie_secrets=cookies, ip_address=IP_ADDRESS).secret
            finally:
                connections.close_all()

        with ThreadPoolExecutor(16) as pool:
            secrets = set(pool.map(come, range(16))) - {None}

        assert Signature.objects.count() == 1
        assert AuditEvent.objects.filter(kind="signer-signed").count() == 1
        assert WorkItem.objects.filter(kind="seal").count() == 1
        assert len(secrets) == 1
        assert sitting(near.ports, sitting_id=visitor.sitting_id, secret=secrets.pop()).outcome is Outcome.SIGNED

    @pytest.mark.parametrize("is_refused", [False, True])
    def test_that_comes_again_meanwhile_can_be_told_what_came_of_it(self, near: Neighbourhood, is_refused: bool) -> None:
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        seen: list[bool] = []

        def come_again() -> None:
            seen.append(is_being_evaluated(state=answer["state"]))
            near.switches.time_stamps_down = is_refused

        near.switches.while_time_stamping = come_again
        assert not is_being_evaluated(state=answer["state"])
        visitor.comes_back(answer)

        assert seen == [True]
        assert not is_being_evaluated(state=answer["state"])
        assert view_of(visitor).stage is (Stage.READING if is_refused else Stage.SEALING)

    def test_that_is_overtaken_by_itself_gets_the_secret_that_stands_now(
        self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        overtake(monkeypatch, lambda: visitor.comes_back(answer))
        late = complete_signing(
            near.ports, parameters=answer, cookie_secrets=as_cookies(visitor.sitting_id, visitor.secret), ip_address=IP_ADDRESS
        )
        assert late.secret == visitor.secret
        assert view_of(visitor).stage is Stage.SEALING

    def test_that_is_overtaken_by_another_log_in_gives_no_secret_and_signs_nothing(
        self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visitor = visit(near, create(near))
        answer, overtaking = visitor.logs_in(visitor.begins()), visitor.logs_in(visitor.begins(), person=JONAS)
        old = as_cookies(visitor.sitting_id, visitor.secret)
        overtake(monkeypatch, lambda: visitor.comes_back(overtaking))
        with pytest.raises(SittingNotFound):
            complete_signing(near.ports, parameters=answer, cookie_secrets=old, ip_address=IP_ADDRESS)
        assert not Signature.objects.exists()
        # Its answer is not used up: with the cookie as it is now it may still come.
        visitor.comes_back(answer)
        assert view_of(visitor).stage is Stage.SEALING

    def test_two_log_ins_at_once_give_one_signature(self, near: Neighbourhood) -> None:
        """One log-in changes the sitting's secret; the other comes with the old one, or passes every check and the transaction decides."""
        visitor = visit(near, create(near))
        answers = [visitor.logs_in(visitor.begins()) for _ in range(2)]
        cookies = as_cookies(visitor.sitting_id, visitor.secret)

        def come(answer: dict[str, str]) -> str | None:
            try:
                return complete_signing(near.ports, parameters=answer, cookie_secrets=cookies, ip_address=IP_ADDRESS).sitting_id
            except SittingNotFound:
                return None
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            assert visitor.sitting_id in set(pool.map(come, answers))
        assert Signature.objects.count() == 1
        assert AuditEvent.objects.filter(kind="signer-signed").count() == 1


class TestAfterTheEnd:
    def test_nobody_begins_to_sign(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        visitor.signs()
        with pytest.raises(SignerNotWaiting):
            visitor.begins()
        with pytest.raises(SignerNotWaiting):
            reject(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)

    def test_a_log_in_under_way_signs_nothing(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        ingrid, jonas = visit(near, job, position=1), visit(near, job, position=2)
        answer = ingrid.logs_in(ingrid.begins())
        reject(near.ports, sitting_id=jonas.sitting_id, secret=jonas.secret)
        ingrid.comes_back(answer)
        assert not Signature.objects.exists()
        assert (view_of(ingrid).stage, view_of(ingrid).over_reason) == (Stage.OVER, OverReason.ANOTHER_REJECTED)

    def test_a_refusal_is_registered_once(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        for _ in range(2):
            reject(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
        assert AuditEvent.objects.filter(kind="signer-rejected").count() == 1
        assert visitor.leaves().startswith("https://sender.example/rejected?status_query_token=")

    def test_a_refusal_of_the_other_signer_comes_too_late_after_completion(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, AMINA)))
        ingrid, amina = visit(near, job, position=1), visit(near, job, position=2)
        near.clock.move(minutes=20)
        ingrid.signs()
        near.clock.move(minutes=5)
        work(near)
        amina.signs()
        with pytest.raises((SignerNotWaiting, JobAlreadyEnded)):
            reject(near.ports, sitting_id=ingrid.sitting_id, secret=ingrid.secret)


class TestTheChoices:
    def test_are_the_providers_that_reach_the_level(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        assert [choice.provider for choice in choices(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)] == ["sandbox"]

    def test_are_nobodys_without_the_cookie(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        with pytest.raises(SittingNotFound):
            choices(near.ports, sitting_id=visitor.sitting_id, secret=None)
        with pytest.raises(SittingNotFound):
            begin_signing(near.ports, sitting_id=visitor.sitting_id, secret="x", provider="sandbox", language=Language.BOKMAL)


class TestAnAttempt:
    def test_stores_its_state_as_a_hash(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near))
        answer = visitor.logs_in(visitor.begins())
        assert SigningAttempt.objects.get().state_sha256 == hashed(answer["state"])
        assert answer["state"] not in str(SigningAttempt.objects.values().get())
