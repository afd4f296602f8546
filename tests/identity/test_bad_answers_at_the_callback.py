"""
Every wrong answer of the tables, brought to the callback by a browser: nothing is burned, the log knows why, the page helps a person
(reliability.md B-22 to B-24).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from structlog.testing import capture_logs

from adapters.eid_bad_answers import BAD_ANSWERS, BAD_EXCHANGES, BAD_KEYS, BAD_METADATA, BAD_TOKENS
from adapters.eid_provider import GOOD_ANSWER, NOW, STATE, Provider, good_claims, relying_party, signed
from segl.ceremony.identification import LoginAborted, LoginAnswerRefused, LoginLevelTooLow, LoginNotFresh, ProviderUnavailable
from segl.database.models import AuditEvent, Job, Signature, Signer, SigningAttempt, WorkItem
from segl.entrypoints.signing import visits
from support.direct_jobs import AMINA, INGRID, JONAS, NAMELESS, Asked, create
from support.neighbours import Neighbourhood

from .browsing import NOTHING_SIGNED, Tab, open_link, words_of

TITLE = "Oppsigelse av leieavtale"
PAGES = {
    LoginAborted: ("confirm", "Du logget ikke inn"),
    LoginLevelTooLow: ("confirm", "Denne krever en sikrere innlogging"),
    LoginAnswerRefused: ("problem", "Vi kunne ikke godta innloggingen"),
    LoginNotFresh: ("problem", "Vi kunne ikke godta innloggingen"),
    ProviderUnavailable: ("confirm", "svarer ikke nå"),
}


@pytest.fixture(autouse=True)
def at_the_moment_of_the_tables(near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    near.clock.segl = NOW
    monkeypatch.setattr(visits, "PATIENCE_SECONDS", 0.0)


@contextmanager
def at(near: Neighbourhood, provider: Provider) -> Iterator[None]:
    with override_settings(SEGL_PORTS=replace(near.ports, identity_providers=relying_party(provider))):
        yield


def begins(tab: Tab, provider: Provider) -> dict[str, str]:
    """Say yes, and return what Segl asked the provider for."""
    tab.says_yes("example")
    pushed = [request for request in provider.requests if request.url.path == "/par"]
    return dict(parse_qsl(pushed[-1].content.decode()))


def what_is_wrong(tab: Tab, answer: HttpResponse, lines: list[Any], provider: Provider, ending: type[Exception], reason: str) -> list[str]:
    """Hold what one bad answer led to against what it must; return what is not so."""
    page, heading = PAGES[ending]
    shown = tab.get(page)
    (signer,) = Signer.objects.all()
    told = [line for line in lines if line["event"] == "log-in-not-completed"]
    said_outside = json.dumps(lines, default=str) + "".join(request.content.decode() + str(request.url) for request in provider.requests)
    checks = {
        "it leads elsewhere": answer.status_code == 303 and answer.headers["Location"] == f"/sign/{tab.sitting_id}/{page}",
        "the page does not help": heading in shown.content.decode() and NOTHING_SIGNED in shown.content.decode(),
        "the signer's state has changed": (signer.status, Job.objects.get().status) == ("WAITING", "IN_PROGRESS"),
        "something is signed": not Signature.objects.exists() and not WorkItem.objects.filter(kind="seal").exists(),
        "the log does not know why": [(line["outcome"], line["log_level"]) for line in told] == [(ending.__name__, "warning")]
        and reason.replace("\\", "") in told[0]["reason"],
        "something personal has come out": not any(word in said_outside for word in (TITLE, INGRID, "Ingrid", tab.cookie())),
        "the token has come out": provider.id_token == "" or provider.id_token not in json.dumps(lines, default=str),
    }
    return [what for what, is_right in checks.items() if not is_right]


class TestABadAnswer:
    """Each table is gone through in one and the same sitting: nothing of a case may be left for the next, and in the end it signs."""

    def visits(self, near: Neighbourhood) -> Tab:
        return open_link(create(near, Asked(title=TITLE)))

    def signs_in_the_end(self, near: Neighbourhood, tab: Tab) -> None:
        provider = Provider()
        with at(near, provider):
            asked = begins(tab, provider)
            provider.id_token = signed({**good_claims(), "nonce": asked["nonce"]})
            answer = tab.browser.get("/eid/callback", {**GOOD_ANSWER, "state": asked["state"]})
        assert answer.headers["Location"] == f"/sign/{tab.sitting_id}/progress"
        assert Signature.objects.get().id_token == provider.id_token

    def test_with_a_bad_token_burns_nothing(self, near: Neighbourhood) -> None:
        wrong, provider = {}, Provider()
        with at(near, provider):
            tab = self.visits(near)
            for case, (make, ending, reason) in BAD_TOKENS.items():
                asked = begins(tab, provider)
                provider.id_token = make({**good_claims(), "nonce": asked["nonce"]})
                with capture_logs() as lines:
                    answer = tab.browser.get("/eid/callback", {**GOOD_ANSWER, "state": asked["state"]})
                wrong[case] = what_is_wrong(tab, answer, lines, provider, ending, reason)
                assert AuditEvent.objects.latest("sequence").details == f'{{"reason":"{ending.__name__}"}}'
        assert {case: found for case, found in wrong.items() if found} == {}
        assert len(wrong) >= 60
        assert SigningAttempt.objects.filter(outcome="SIGNED").count() == 0
        self.signs_in_the_end(near, tab)

    @pytest.mark.parametrize(("field", "table"), [("token_answer", BAD_EXCHANGES), ("keys_answer", BAD_KEYS)], ids=["exchange", "keys"])
    def test_with_a_bad_exchange_burns_nothing(self, near: Neighbourhood, field: str, table: dict[str, Any]) -> None:
        wrong = {}
        with override_settings(SEGL_PORTS=near.ports):
            tab = self.visits(near)
        for case, (exchange, ending, reason) in table.items():
            provider = Provider()
            with at(near, provider):
                asked = begins(tab, provider)
                provider.id_token = signed({**good_claims(), "nonce": asked["nonce"]})
                setattr(provider, field, exchange)
                with capture_logs() as lines:
                    answer = tab.browser.get("/eid/callback", {**GOOD_ANSWER, "state": asked["state"]})
                wrong[case] = what_is_wrong(tab, answer, lines, provider, ending, reason)
        assert {case: found for case, found in wrong.items() if found} == {}
        self.signs_in_the_end(near, tab)

    def test_with_bad_metadata_never_sends_the_browser_there(self, near: Neighbourhood) -> None:
        wrong = {}
        with override_settings(SEGL_PORTS=near.ports):
            tab = self.visits(near)
        for case, (change, reason) in BAD_METADATA.items():
            provider = Provider()
            provider.metadata |= change
            with at(near, provider):
                with capture_logs() as lines:
                    first = tab.says_yes("example")
                wrong[case] = what_is_wrong(tab, tab.browser.get(first.headers["Location"]), lines, provider, ProviderUnavailable, reason)
        # Every document is read, so the sitting's own address leads to the page that asks.
        assert {case: found for case, found in wrong.items() if found} == {}
        assert not SigningAttempt.objects.exists()
        self.signs_in_the_end(near, tab)

    def test_in_the_callbacks_own_parameters_burns_nothing(self, near: Neighbourhood) -> None:
        wrong, provider = {}, Provider()
        with at(near, provider):
            tab = self.visits(near)
            for case, (parameters, ending, reason) in BAD_ANSWERS.items():
                asked = begins(tab, provider)
                is_ours = parameters.get("state") == STATE
                with capture_logs() as lines:
                    sent = parameters | ({"state": asked["state"]} if is_ours else {})
                    answer = tab.browser.get("/eid/callback", {name: value.encode(errors="surrogatepass") for name, value in sent.items()})
                if is_ours:
                    wrong[case] = what_is_wrong(tab, answer, lines, provider, ending, reason)
                elif answer.status_code != 404 or TITLE in answer.content.decode() or not SigningAttempt.objects.filter(returned_at=None):
                    wrong[case] = ["a state that is nobody's is not simply nobody's"]
        assert {case: found for case, found in wrong.items() if found} == {}
        assert provider.asked("/token") == 0
        self.signs_in_the_end(near, tab)


def log_in(near: Neighbourhood, tab: Tab, *, person: str) -> dict[str, str]:
    """Log in at the sandbox's own provider, and return what it sends the browser back with."""
    with near.a_person() as at_provider:
        return at_provider.log_in(tab.says_yes("sandbox").headers["Location"], person=person)


@pytest.fixture
def sandbox(near: Neighbourhood) -> Iterator[None]:
    with override_settings(SEGL_PORTS=near.ports):
        yield


@pytest.mark.usefixtures("sandbox")
class TestALogInOfAnother:
    def test_reads_the_same_whoever_it_was_and_tells_nothing_of_either(self, near: Neighbourhood) -> None:
        """Another signer of this job, the signer of another job, and one whom Segl has never heard of."""
        job = create(near, Asked(signers=(INGRID, JONAS), title=TITLE))
        create(near, Asked(signers=(AMINA,)))
        tab, pages = open_link(job), set()
        with capture_logs() as lines:
            for person in (JONAS, AMINA, NAMELESS):
                answer = tab.browser.get("/eid/callback", log_in(near, tab, person=person))
                assert answer.headers["Location"] == f"/sign/{tab.sitting_id}/confirm"
                pages.add(words_of(tab.get("confirm")))
        (page,) = pages
        assert "Du logget inn som en annen enn den dokumentet er sendt til" in page
        assert NOTHING_SIGNED in page
        assert not any(word in page + str(lines) for word in (INGRID, JONAS, AMINA, NAMELESS, "Jonas", "Amina", "Ingrid"))
        assert not Signature.objects.exists()

    def test_cannot_be_had_by_anothers_code(self, near: Neighbourhood) -> None:
        """Code injection: the provider knows by PKCE that the code belongs to another browser's request."""
        job = create(near, Asked(signers=(INGRID, JONAS)))
        ingrid, jonas = open_link(job, position=1), open_link(job, position=2)
        of_ingrid, of_jonas = log_in(near, ingrid, person=INGRID), log_in(near, jonas, person=JONAS)
        answer = jonas.browser.get("/eid/callback", {**of_jonas, "code": of_ingrid["code"]})
        assert answer.headers["Location"] == f"/sign/{jonas.sitting_id}/problem"
        assert not Signature.objects.exists()

    def test_cannot_be_had_by_another_browser(self, near: Neighbourhood) -> None:
        tab = open_link(create(near, Asked(title=TITLE)))
        answer = Client(SERVER_NAME="localhost").get("/eid/callback", log_in(near, tab, person=INGRID))
        assert (answer.status_code, TITLE in answer.content.decode()) == (404, False)
        assert not Signature.objects.exists()


@pytest.mark.usefixtures("sandbox")
class TestASession:
    def test_that_was_planted_is_worth_nothing_after_the_log_in(self, near: Neighbourhood) -> None:
        """Somebody opens the link, gives the victim's browser the cookie, and waits for the log-in."""
        planted = open_link(create(near))
        victim = Tab(sitting_id=planted.sitting_id, browser=Client(SERVER_NAME="localhost"))
        victim.browser.cookies[f"segl-sitting-{planted.sitting_id}"] = planted.cookie()
        before = planted.cookie()
        victim.browser.get("/eid/callback", log_in(near, victim, person=INGRID))
        assert victim.cookie() != before
        assert victim.get("progress").status_code == 200
        for page in ("", "documents/1", "confirm", "progress", "leave"):
            assert planted.get(page).status_code == 404

    def test_is_renewed_by_a_log_in_that_fails_too(self, near: Neighbourhood) -> None:
        tab = open_link(create(near))
        before = tab.cookie()
        tab.browser.get("/eid/callback", log_in(near, tab, person=JONAS))
        assert tab.cookie() != before
        tab.browser.cookies[f"segl-sitting-{tab.sitting_id}"] = before
        assert tab.get("confirm").status_code == 404

    def test_of_one_job_never_lends_itself_to_another_in_the_next_tab(self, near: Neighbourhood) -> None:
        """Two jobs in two tabs of one browser, answered in the other order: each evidence names its own job."""
        jobs = [create(near, Asked(title=title)) for title in ("Den ene", "Den andre")]
        browser = Client(SERVER_NAME="localhost")
        tabs = [open_link(job, browser=browser) for job in jobs]
        answers = [log_in(near, tab, person=INGRID) for tab in tabs]
        crossed = browser.get("/eid/callback", {**answers[0], "code": answers[1]["code"]})
        assert crossed.headers["Location"] == f"/sign/{tabs[0].sitting_id}/problem"
        for tab in reversed(tabs):
            browser.get("/eid/callback", log_in(near, tab, person=INGRID))
        evidence = {signature.signer.job_id: json.loads(bytes(signature.evidence)) for signature in Signature.objects.all()}
        assert {job_id: json.loads(found["intent"])["job"] for job_id, found in evidence.items()} == {
            job.job.pk: job.job.pk for job in jobs
        }

    def test_that_was_left_alone_for_half_an_hour_signs_nothing(self, near: Neighbourhood) -> None:
        tab = open_link(create(near, Asked(title=TITLE)))
        answer = log_in(near, tab, person=INGRID)
        near.clock.move(minutes=30)
        page = tab.browser.get("/eid/callback", answer)
        assert page.status_code == 403
        assert "Du har vært borte en stund" in page.content.decode()
        assert not Signature.objects.exists()


class TestWhatTheProviderIsAsked:
    def test_holds_nothing_of_the_job_and_a_challenge(self, near: Neighbourhood) -> None:
        provider = Provider()
        with at(near, provider):
            tab = open_link(create(near, Asked(title=TITLE)))
            asked = begins(tab, provider)
        assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
        assert len(asked["state"]) >= 43
        assert parse_qs(urlsplit(asked["redirect_uri"]).query) == {}
        assert not any(word in json.dumps(asked) for word in (TITLE, INGRID, "avtale.pdf", str(Job.objects.get().pk), tab.sitting_id))
