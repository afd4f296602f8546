"""What each address does, and what it leaves alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from django.test import Client, override_settings
from structlog.testing import capture_logs

from segl.actions.access import SittingTimedOut
from segl.ceremony.identification import ProviderUnavailable
from segl.ceremony.sitting import Outcome, Problem, Stage
from segl.entrypoints.signing import cookies
from segl.jobs.job import SignerNotWaiting
from segl.values import Language

from .builders import NOW, SECRET, documents, done, over, read, sealing, sitting, with_problem
from .stage import EID_URL, EXIT_URL, Browser, StageOfSittings


class TestTheDoor:
    def test_gives_a_cookie_and_leads_on_so_that_the_token_leaves_the_address(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting())
        stage.tokens["tok-1"] = view.sitting_id
        answer = browser.get("/redirect/tok-1")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign/{view.sitting_id}/")
        cookie = answer.cookies[f"segl-sitting-{view.sitting_id}"]
        assert cookie.value == SECRET
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
        assert browser.get(answer.headers["Location"]).headers["Location"] == f"/sign/{view.sitting_id}/documents/1"

    @override_settings(SEGL_WEB_URL="https://sign.example.no")
    def test_gives_a_host_cookie_under_https(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting())
        stage.tokens["tok-https"] = view.sitting_id
        cookie = browser.get("/redirect/tok-https", secure=True).cookies[f"__Host-segl-sitting-{view.sitting_id}"]
        assert cookie["secure"] is True
        assert cookie["domain"] == ""

    def test_works_again_only_for_the_same_browser(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting())
        stage.tokens["tok-2"] = view.sitting_id
        assert browser.get("/redirect/tok-2").status_code == 303
        assert browser.get("/redirect/tok-2").status_code == 303
        refused = Client().get("/redirect/tok-2")
        assert refused.status_code == 403
        assert "Lenken virker ikke lenger" in refused.content.decode()
        assert "Gå tilbake til der du kom fra, og start signeringen på nytt." in refused.content.decode()
        assert not refused.cookies.get(f"segl-sitting-{view.sitting_id}")

    @pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}])
    def test_is_not_opened_by_a_look_ahead(self, stage: StageOfSittings, browser: Browser, headers: dict[str, str]) -> None:
        view = stage.put(sitting())
        stage.tokens["tok-3"] = view.sitting_id
        stage.used_tokens.discard("tok-3")
        assert browser.get("/redirect/tok-3", headers=headers).status_code == 204
        assert browser.head("/redirect/tok-3").status_code == 204
        assert stage.acts == []
        assert not browser.cookies

    def test_looks_the_same_for_unknown_links_and_logs_no_token(self, stage: StageOfSittings, browser: Browser) -> None:
        with capture_logs() as lines:
            answer = browser.get("/redirect/never-was-there")
        assert answer.status_code == 403
        assert "Lenken virker ikke lenger" in answer.content.decode()
        (line,) = lines
        assert line["reference"] in answer.content.decode()
        assert line["reason"] == "LinkNotUsable"
        assert "never-was-there" not in json.dumps(lines)

    def test_takes_the_language_the_person_has_chosen_before(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting())
        stage.tokens["tok-4"] = view.sitting_id
        browser.cookies["segl-language"] = "nn"
        browser.get("/redirect/tok-4")
        assert ("language", f"{view.sitting_id}/nn") in stage.acts

    def test_lets_old_cookies_go_when_there_are_too_many(self, stage: StageOfSittings, browser: Browser) -> None:
        for number in range(cookies.MAX_SITTINGS_KEPT + 3):
            browser.cookies[f"segl-sitting-old{number}"] = "x"
        view = stage.put(sitting())
        stage.tokens["tok-5"] = view.sitting_id
        answer = browser.get("/redirect/tok-5")
        gone = [name for name, cookie in answer.cookies.items() if cookie["max-age"] == 0]
        assert len(gone) == 4


class TestASitting:
    @pytest.mark.parametrize(
        "path", ["", "documents/1", "documents/1/file", "documents/1/pages.pdf", "confirm", "reject", "progress", "over"]
    )
    def test_is_not_there_for_another_browser(self, stage: StageOfSittings, browser: Browser, path: str) -> None:
        view = stage.put(sitting())
        theirs, nobodys = browser.get(f"/sign/{view.sitting_id}/{path}"), browser.get(f"/sign/no-such-sitting/{path}")
        assert theirs.status_code == nobodys.status_code == 404
        assert "Vi fant ikke noe du kan signere" in theirs.content.decode()
        assert view.title not in theirs.content.decode()

    def test_that_was_left_alone_says_so(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting())
        stage.refusals[view.sitting_id] = SittingTimedOut()
        answer = browser.get(f"{browser.enters(view)}/documents/1")
        assert answer.status_code == 403
        assert "Du har vært borte en stund, så vi logget deg ut" in answer.content.decode()

    @pytest.mark.parametrize("path", ["", "documents/1", "documents/1/text", "confirm", "reject"])
    def test_leads_to_the_page_of_its_stage(self, stage: StageOfSittings, browser: Browser, path: str) -> None:
        for view, page in ((sealing(), "progress"), (done(), "progress"), (over(), "over")):
            base = browser.enters(stage.put(view))
            answer = browser.get(f"{base}/{path}")
            assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/{page}")
        assert stage.acts == []

    @pytest.mark.parametrize("path", ["progress", "over", "leave", "problem"])
    def test_that_still_reads_leads_back_to_reading(self, stage: StageOfSittings, browser: Browser, path: str) -> None:
        base = browser.enters(stage.put(sitting()))
        assert browser.get(f"{base}/{path}").headers["Location"] == f"{base}/documents/1"


class TestReading:
    def test_marks_the_document_opened(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting())
        browser.get(f"{browser.enters(view)}/documents/2")
        assert stage.acts == [("document-opened", f"{view.sitting_id}/2")]

    def test_by_looking_ahead_as_text_or_in_the_viewer_marks_nothing(self, stage: StageOfSittings, browser: Browser) -> None:
        base = browser.enters(stage.put(sitting()))
        assert browser.head(f"{base}/documents/1").status_code == 200
        assert browser.get(f"{base}/documents/1", headers={"Sec-Purpose": "prefetch"}).status_code == 200
        assert browser.get(f"{base}/documents/1/text").status_code == 200
        assert browser.get(f"{base}/documents/1/pages.pdf").content == stage.file
        assert stage.acts == []

    def test_the_file_counts_as_opening(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting())
        answer = browser.get(f"{browser.enters(view)}/documents/1/file")
        assert answer.content == stage.file
        assert answer.headers["Content-Disposition"] == 'attachment; filename="avtale.pdf"'
        assert stage.acts == [("document-opened", f"{view.sitting_id}/1")]

    def test_a_plain_text_gives_the_text_as_file_and_the_pages_as_pdf(self, stage: StageOfSittings, browser: Browser) -> None:
        base = browser.enters(stage.put(sitting(documents=documents(number=1, is_text=True))))
        taken = browser.get(f"{base}/documents/1/file")
        assert taken.content == b"Hei"
        assert taken.headers["Content-Disposition"] == "attachment; filename*=utf-8''avtale%20%C3%A6.txt"
        assert browser.get(f"{base}/documents/1/pages.pdf").content == stage.file

    @pytest.mark.parametrize("number", [0, 3, 9999])
    def test_a_document_that_is_not_there_is_not_found(self, stage: StageOfSittings, browser: Browser, number: int) -> None:
        base = browser.enters(stage.put(sitting()))
        for path in ("", "/text", "/file", "/pages.pdf"):
            assert browser.get(f"{base}/documents/{number}{path}").status_code == 404

    def test_leads_to_the_next_unopened_document_and_then_to_confirm(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting(documents=tuple(replace(d, is_opened=d.number == 2) for d in documents(number=3))))
        base = browser.enters(view)
        assert f'href="{base}/documents/1"' in browser.get(f"{base}/documents/3").content.decode()
        assert f'primary" href="{base}/confirm"' in browser.get(f"{base}/documents/1").content.decode()

    def test_comes_before_confirming(self, stage: StageOfSittings, browser: Browser) -> None:
        base = browser.enters(stage.put(sitting(documents=documents(opened=1))))
        for answer in (browser.get(f"{base}/confirm"), browser.post(f"{base}/confirm", {"provider": "sandbox"})):
            assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/documents/2")
        assert stage.acts == []


class TestConfirming:
    def test_begins_the_signing_and_leads_to_the_eid(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(read(language=Language.NYNORSK))
        answer = browser.post(f"{browser.enters(view)}/confirm", {"provider": "sandbox"})
        assert (answer.status_code, answer.headers["Location"]) == (303, EID_URL)
        assert stage.acts == [("begun", f"{view.sitting_id}/sandbox/nn")]

    def test_hands_over_in_a_page_when_the_origin_is_not_named_in_the_policy(self, stage: StageOfSittings, browser: Browser) -> None:
        stage.eid_url = "https://other.example/authorize?a=1&b=2"
        answer = browser.post(f"{browser.enters(stage.put(read()))}/confirm", {"provider": "sandbox"})
        assert answer.status_code == 200
        assert '<meta http-equiv="refresh" content="0;url=https://other.example/authorize?a=1&amp;b=2">' in answer.content.decode()

    def test_with_an_unknown_provider_changes_nothing(self, stage: StageOfSittings, browser: Browser) -> None:
        base = browser.enters(stage.put(read()))
        assert browser.post(f"{base}/confirm", {"provider": "elsewhere"}).headers["Location"] == f"{base}/"
        assert stage.acts == []

    @pytest.mark.parametrize("refusal", [ProviderUnavailable(), SignerNotWaiting()])
    def test_leads_to_where_the_sitting_stands_when_it_cannot_begin(
        self, stage: StageOfSittings, browser: Browser, refusal: Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def begin(*_: object, **__: object) -> str:
            raise refusal

        monkeypatch.setattr("segl.actions.begin_signing.begin_signing", begin)
        base = browser.enters(stage.put(read()))
        assert browser.post(f"{base}/confirm", {"provider": "sandbox"}).headers["Location"] == f"{base}/"

    def test_needs_the_pages_own_token(self, stage: StageOfSittings) -> None:
        strict = Browser(enforce_csrf_checks=True)
        base = strict.enters(stage.put(read()))
        answer = strict.post(f"{base}/confirm", {"provider": "sandbox"})
        assert answer.status_code == 403
        assert "Vi kunne ikke ta imot det du sendte" in answer.content.decode()
        assert stage.acts == []


class TestTheWayBackFromTheEid:
    def test_replaces_the_cookie_and_leads_to_the_seal(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sealing())
        browser.enters(view)
        answer = browser.get("/eid/callback", {"state": view.sitting_id, "code": "c"})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign/{view.sitting_id}/progress")
        assert answer.cookies[f"segl-sitting-{view.sitting_id}"].value == "a-new-secret"
        assert stage.acts == [("completed", f"{view.sitting_id}/127.0.0.1")]

    @pytest.mark.parametrize(
        ("problem", "page"), [(Problem.LOGIN_ABORTED, "confirm"), (Problem.WRONG_PERSON, "confirm"), (Problem.LOGIN_REFUSED, "problem")]
    )
    def test_leads_to_the_page_that_says_what_went_wrong(
        self, stage: StageOfSittings, browser: Browser, problem: Problem, page: str
    ) -> None:
        view = stage.put(with_problem(problem))
        browser.enters(view)
        answer = browser.get("/eid/callback", {"state": view.sitting_id, "error": "access_denied"})
        assert answer.headers["Location"] == f"/sign/{view.sitting_id}/{page}"

    def test_is_not_found_for_another_browser_or_an_unknown_state(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(read())
        assert browser.get("/eid/callback", {"state": view.sitting_id, "code": "c"}).status_code == 404
        assert browser.get("/eid/callback", {"code": "c"}).status_code == 404
        assert stage.acts == []

    def test_can_be_gone_again_when_the_fault_was_ours(self, stage: StageOfSittings, monkeypatch: pytest.MonkeyPatch) -> None:
        # The sitting's secret is a new one already, and only this address leads to it: without the query the person would be locked out.
        def breaks(*_: object, **__: object) -> None:
            raise RuntimeError("broken")

        browser = Browser(raise_request_exception=False)
        view = stage.put(sealing())
        browser.enters(view)
        with monkeypatch.context() as broken:
            broken.setattr("segl.actions.complete_signing.complete_signing", breaks)
            answer = browser.get("/eid/callback", {"state": view.sitting_id, "code": "the-code"})
        page = answer.content.decode()
        (href,) = re.findall(r'<a class="ds-button big" href="([^"]*)"', page)
        assert answer.status_code == 500
        assert href == ""
        assert "the-code" not in page

    def test_waits_for_another_request_that_signs_by_the_same_answer(
        self, stage: StageOfSittings, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A reload while Segl signs must not lead back to the documents, as if nothing had been signed."""
        monkeypatch.setattr("segl.entrypoints.signing.visits.LOOK_EVERY_SECONDS", 0.001)
        view = stage.put(read())
        browser.enters(view)

        def signs() -> bool:
            stage.change(view.sitting_id, stage=Stage.SEALING, outcome=Outcome.SIGNED)
            return True

        stage.evaluations += [signs, lambda: True]
        answer = browser.get("/eid/callback", {"state": view.sitting_id, "code": "c"})

        assert answer.headers["Location"] == f"/sign/{view.sitting_id}/progress"
        assert stage.evaluations == []

    def test_waits_a_moment_so_that_a_quick_seal_is_never_seen_as_a_wait(
        self, stage: StageOfSittings, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("segl.entrypoints.signing.visits.PATIENCE_SECONDS", 30.0)
        monkeypatch.setattr("segl.entrypoints.signing.visits.LOOK_EVERY_SECONDS", 0.001)
        view = stage.put(sealing())
        looks = []

        def seal_at_the_third_look(sitting_id: str) -> None:
            looks.append(sitting_id)
            if len(looks) == 3:
                stage.change(sitting_id, stage=Stage.DONE)

        stage.on_look = seal_at_the_third_look
        page = browser.get(f"{browser.enters(view)}/progress").content.decode()
        assert "Du blir sendt tilbake til Havbris fylkeskommune" in page
        assert f'content="0;url=/sign/{view.sitting_id}/leave"' in page


class TestWaitingForTheSeal:
    def test_is_told_when_it_is_there(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sealing())
        base = browser.enters(view)
        assert browser.get(f"{base}/progress.json").json() == {"next": None, "is_slow": False}
        stage.change(view.sitting_id, stage=Stage.DONE)
        assert browser.get(f"{base}/progress.json").json() == {"next": f"{base}/leave", "is_slow": False}


class TestLeaving:
    def test_leads_to_the_exit_url(self, stage: StageOfSittings, browser: Browser) -> None:
        for view in (done(), over()):
            answer = browser.get(f"{browser.enters(stage.put(view))}/leave")
            assert (answer.status_code, answer.headers["Location"]) == (303, EXIT_URL)

    def test_gives_no_token_away_to_a_look(self, stage: StageOfSittings, browser: Browser) -> None:
        assert browser.head(f"{browser.enters(stage.put(done()))}/leave").status_code == 204
        assert stage.acts == []

    def test_is_not_possible_before_the_sender_can_read_the_outcome(self, stage: StageOfSittings, browser: Browser) -> None:
        base = browser.enters(stage.put(sealing()))
        assert browser.get(f"{base}/leave").headers["Location"] == f"{base}/progress"
        assert stage.acts == []


class TestSayingNo:
    def test_asks_first_and_changes_nothing(self, stage: StageOfSittings, browser: Browser) -> None:
        base = browser.enters(stage.put(sitting()))
        assert browser.get(f"{base}/reject").status_code == 200
        assert stage.acts == []

    def test_is_registered_without_log_in_and_leads_back(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting())
        base = browser.enters(view)
        answer = browser.post(f"{base}/reject")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/progress")
        assert stage.acts == [("rejected", view.sitting_id)]
        again = browser.post(f"{base}/reject")
        # Not to the exit URL in one chain of redirects: a browser stops a form whose answer leads to another origin.
        assert again.headers["Location"] == f"{base}/progress"
        assert f'content="0;url={base}/leave"' in browser.get(f"{base}/progress").content.decode()
        assert stage.acts == [("rejected", view.sitting_id)]


class TestGoingBackAfterATechnicalError:
    def test_is_a_press_of_a_button(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(with_problem(Problem.LOGIN_REFUSED))
        base = browser.enters(view)
        assert browser.get(f"{base}/give-up").status_code == 405
        assert stage.acts == []
        assert browser.post(f"{base}/give-up").headers["Location"] == f"{base}/progress"
        assert stage.acts == [("went-back", view.sitting_id)]
        assert stage.sittings[view.sitting_id].outcome is Outcome.FAILED


class TestTheLanguageMenu:
    def test_changes_the_sitting_and_keeps_the_place(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting(acted_at=NOW))
        base = browser.enters(view)
        answer = browser.post("/language", {"language": "nn", "next": f"{base}/documents/2"})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{base}/documents/2")
        assert answer.cookies["segl-language"].value == "nn"
        assert '<html lang="nn"' in browser.get(f"{base}/documents/2").content.decode()

    @pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""])
    def test_leads_nowhere_else(self, stage: StageOfSittings, browser: Browser, back: str) -> None:
        assert browser.post("/language", {"language": "en", "next": back}).headers["Location"] == "/help"

    def test_of_an_unknown_language_changes_nothing(self, stage: StageOfSittings, browser: Browser) -> None:
        assert not browser.post("/language", {"language": "xx", "next": "/help"}).cookies


class TestTheSandboxBand:
    @override_settings(SEGL_IS_SANDBOX=True)
    def test_stands_on_every_page_of_the_sandbox(self, stage: StageOfSittings, browser: Browser) -> None:
        base = browser.enters(stage.put(sitting()))
        for path in (f"{base}/documents/1", f"{base}/reject", "/help", "/nowhere"):
            assert "Sandkasse. Ingenting du signerer her, er bindende." in browser.get(path).content.decode()
