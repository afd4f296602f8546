"""What each page says, in each language. Every page is rendered from a sitting alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from segl.actions.ports import FencedOut, FenceUnavailable
from segl.ceremony.sitting import OverReason, Problem, SittingView
from segl.pdf.text import TextNotExtracted
from segl.values import IdentifierFormat, Language

from .builders import NOW, SENDER, TITLE, documents, done, over, read, sealing, sitting, with_problem
from .stage import Browser, StageOfSittings

PAGES: dict[str, tuple[Callable[..., SittingView], str]] = {
    "read": (sitting, "documents/1"),
    "read-text": (sitting, "documents/1/text"),
    "read-many": (lambda **changes: sitting(documents=documents(number=7, opened=2), is_on_behalf_of_other=True, **changes), "documents/3"),
    "read-one": (lambda **changes: sitting(documents=documents(number=1), **changes), "documents/1"),
    "confirm": (read, "confirm"),
    **{
        f"confirm-{problem.value.lower()}": (lambda problem=problem, **changes: with_problem(problem, **changes), "confirm")
        for problem in Problem
    },
    "problem": (lambda **changes: with_problem(Problem.LOGIN_REFUSED, **changes), "problem"),
    "reject": (sitting, "reject"),
    "progress": (sealing, "progress"),
    "progress-slow": (lambda **changes: sealing(acted_at=NOW - timedelta(seconds=31), **changes), "progress"),
    "hand-over": (done, "progress"),
    **{f"over-{reason.value.lower()}": (lambda reason=reason, **changes: over(reason, **changes), "over") for reason in OverReason},
}


def rendered(stage: StageOfSittings, browser: Browser, page: str, language: Language = Language.BOKMAL) -> str:
    make, path = PAGES[page]
    answer = browser.get(f"{browser.enters(stage.put(make(language=language)))}/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def words(html: str) -> str:
    """The words of a page, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


class TestEveryPage:
    @pytest.mark.parametrize("language", list(Language))
    @pytest.mark.parametrize("page", PAGES)
    def test_is_in_the_sittings_language_and_whole(self, stage: StageOfSittings, browser: Browser, page: str, language: Language) -> None:
        html = rendered(stage, browser, page, language)
        assert f'<html lang="{language.value}"' in html
        assert html.count("<h1") == 1
        assert "{" not in words(html).replace("{page}", "").replace("{count}", "").replace("{percent}", "")
        assert "None" not in words(html)
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert len(ids) == len(set(ids))

    @pytest.mark.parametrize("page", PAGES)
    def test_names_neither_job_nor_sender_in_its_title(self, stage: StageOfSittings, browser: Browser, page: str) -> None:
        title = re.search(r"<title>(.*?)</title>", rendered(stage, browser, page))
        assert title is not None
        assert title.group(1).endswith(" – Segl")
        assert len(title.group(1)) > len(" – Segl")
        assert TITLE not in title.group(1)
        assert SENDER not in title.group(1)

    @pytest.mark.parametrize("page", PAGES)
    def test_has_no_inline_style_or_script(self, stage: StageOfSittings, browser: Browser, page: str) -> None:
        html = rendered(stage, browser, page)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
        assert all(script.endswith("></script>") for script in re.findall(r"<script[^>]*>.*?</script>", html, re.DOTALL))

    @pytest.mark.parametrize("page", PAGES)
    def test_has_one_filled_button_at_most(self, stage: StageOfSittings, browser: Browser, page: str) -> None:
        html = re.sub(
            r"<noscript>.*?</noscript>|<div class=\"not-shown.*?</div>|<dialog.*?</dialog>",
            "",
            rendered(stage, browser, page),
            flags=re.DOTALL,
        )
        filled = [tag for tag in re.findall(r"<(?:a|button)[^>]*ds-button[^>]*>", html) if 'data-variant="secondary"' not in tag]
        assert len(filled) <= 1
        assert len(filled) == 1 or page.startswith("progress")

    @pytest.mark.parametrize("page", PAGES)
    def test_says_sandbox_only_in_the_sandbox(self, stage: StageOfSittings, browser: Browser, page: str) -> None:
        assert 'class="band"' not in rendered(stage, browser, page)


class TestTheReadingPage:
    def test_says_who_asks_what_and_with_which_message(self, stage: StageOfSittings, browser: Browser) -> None:
        said = words(rendered(stage, browser, "read"))
        assert f"{SENDER} ber deg lese og signere {TITLE}" in said
        assert "2 dokumenter" in said
        assert f"Hei! Ta kontakt med oss hvis noe ikke stemmer. Melding fra {SENDER}" in said

    def test_hides_the_technical_deadline_until_three_days_are_left(self, stage: StageOfSittings, browser: Browser) -> None:
        far, near = sitting(deadline_at=NOW + timedelta(days=3)), sitting(deadline_at=NOW + timedelta(days=2, hours=23))
        for view, is_shown in ((far, False), (near, True)):
            said = words(browser.get(f"{browser.enters(stage.put(view))}/documents/1").content.decode())
            assert ("Signer innen torsdag 26. november 2026 kl. 13.32" in said) is is_shown

    def test_escapes_what_the_sender_wrote(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting(title="<i>T</i>", description="<script>x</script>", sender_name='"A" & <b>'))
        html = browser.get(f"{browser.enters(view)}/documents/1").content.decode()
        assert "<script>x" not in html
        assert "<i>T" not in html
        assert "<b>" not in html

    def test_shows_each_document_with_its_state(self, stage: StageOfSittings, browser: Browser) -> None:
        view = stage.put(sitting(documents=documents(number=3, opened=1)))
        said = words(browser.get(f"{browser.enters(view)}/documents/2").content.decode())
        assert re.search(r"elektrikerfaget PDF, 3 sider Åpnet", said)
        assert re.search(r"Plan for opplæringen PDF, 3 sider Leser nå", said)
        assert re.search(r"Timeplan PDF, 3 sider Ikke åpnet", said)

    def test_folds_the_list_from_four_documents(self, stage: StageOfSittings, browser: Browser) -> None:
        assert "<summary>Dokument 3 av 7</summary>" in rendered(stage, browser, "read-many")
        assert "<summary>" not in rendered(stage, browser, "read")
        assert "Dokumenter du skal signere" not in rendered(stage, browser, "read-one")

    def test_keeps_room_for_each_page_in_its_right_proportions(self, stage: StageOfSittings, browser: Browser) -> None:
        html = rendered(stage, browser, "read")
        assert html.count('viewBox="0 0 595.28 841.89"') == 3
        assert 'role="group" aria-label="Side 3 av 3"' in html

    def test_says_that_it_is_for_someone_else(self, stage: StageOfSittings, browser: Browser) -> None:
        assert "Du signerer på vegne av noen andre, for eksempel en bedrift." in rendered(stage, browser, "read-many")

    def test_offers_file_and_text_without_javascript(self, stage: StageOfSittings, browser: Browser) -> None:
        html = rendered(stage, browser, "read")
        fallback = re.search(r"<noscript>(.*?)</noscript>", html, re.DOTALL)
        assert fallback is not None
        assert "/documents/1/file" in fallback.group(1)
        assert "/documents/1/text" in fallback.group(1)
        assert "Last ned Læreavtale i elektrikerfaget (PDF, 184 kB)" in html


class TestTheTextView:
    def test_shows_the_text_of_each_page_and_says_what_is_signed(self, stage: StageOfSittings, browser: Browser) -> None:
        html = rendered(stage, browser, "read-text")
        assert "Det er dokumentet under <strong>Sider</strong> du signerer." in html
        assert "Ingrid &lt;b&gt;Solvang&lt;/b&gt;" in html
        assert "Siden er et bilde uten tekst. Be avsenderen om en versjon med tekst." in html

    @pytest.mark.parametrize(
        "failure", [TextNotExtracted("…"), FencedOut(), FenceUnavailable()], ids=lambda failure: type(failure).__name__
    )
    def test_leads_to_the_pages_where_no_text_can_be_had(
        self, stage: StageOfSittings, browser: Browser, monkeypatch: pytest.MonkeyPatch, failure: Exception
    ) -> None:
        monkeypatch.setattr(stage, "text_fails_with", failure)
        html = rendered(stage, browser, "read-text")
        assert "Teksten i dokumentet kan ikke vises. Les det under <strong>Sider</strong>, eller last det ned." in html


class TestTheConfirmPage:
    @pytest.mark.parametrize(
        ("identifier", "signers", "sentence"),
        [
            (IdentifierFormat.NAME, 1, "Navnet ditt står i dokumentet Avsenderen kan se det."),
            (
                IdentifierFormat.DATE_OF_BIRTH_AND_NAME,
                2,
                "Navnet og fødselsdatoen din står i dokumentet De andre som signerer og avsenderen kan se dem.",
            ),
            (
                IdentifierFormat.NATIONAL_IDENTITY_NUMBER_AND_NAME,
                1,
                "Navnet og fødselsnummeret ditt står i dokumentet Avsenderen kan se dem.",
            ),
        ],
    )
    def test_says_what_will_stand_in_the_document_and_who_sees_it(
        self, stage: StageOfSittings, browser: Browser, identifier: IdentifierFormat, signers: int, sentence: str
    ) -> None:
        view = stage.put(read(identifier_format=identifier, signer_count=signers))
        assert sentence in words(browser.get(f"{browser.enters(view)}/confirm").content.decode())

    def test_has_the_declaration_just_above_the_button(self, stage: StageOfSittings, browser: Browser) -> None:
        assert "«Jeg har lest dokumentene, og jeg vil signere dem.» Logg inn og signer" in words(rendered(stage, browser, "confirm"))

    @pytest.mark.parametrize(
        ("problem", "sentence"),
        [
            (Problem.LOGIN_ABORTED, "Du logget ikke inn Ingenting er signert. Prøv igjen når du vil."),
            (Problem.WRONG_PERSON, "Ingenting er signert. Prøv igjen med din egen e-ID."),
            (Problem.LEVEL_TOO_LOW, "Denne krever en sikrere innlogging Ingenting er signert. Logg inn på nytt med BankID."),
            (Problem.EID_UNAVAILABLE, "BankID svarer ikke nå Ingenting er signert. Prøv igjen om litt."),
            (Problem.NO_TIME_STAMP, "Vi kan ikke signere akkurat nå En tjeneste vi trenger, svarer ikke. Ingenting er signert."),
        ],
    )
    def test_says_why_nothing_was_signed(self, stage: StageOfSittings, browser: Browser, problem: Problem, sentence: str) -> None:
        html = rendered(stage, browser, f"confirm-{problem.value.lower()}")
        assert sentence in words(html)
        assert ("/give-up" in html) is problem.is_technical

    def test_names_the_other_ways_when_one_eid_is_away(self, stage: StageOfSittings, browser: Browser) -> None:
        stage.choices = [*stage.choices, type(stage.choices[0])(provider="other", name="Buypass ID")]
        html = rendered(stage, browser, "confirm-eid_unavailable")
        assert "Prøv igjen om litt, eller velg en annen." in html
        assert html.count('type="radio"') == 2
        assert "Logg inn på nytt med BankID eller Buypass ID." in rendered(stage, browser, "confirm-level_too_low")


class TestTheRejectPage:
    def test_tells_the_consequence_and_the_way_back(self, stage: StageOfSittings, browser: Browser) -> None:
        said = words(rendered(stage, browser, "reject"))
        assert "Da stopper signeringen for alle." in said
        assert "Du kan ikke angre." in said
        assert "Avvis dokumentene Tilbake til dokumentene" in said


class TestTheProgressPage:
    def test_says_that_the_signature_is_stored_and_the_page_may_be_closed(self, stage: StageOfSittings, browser: Browser) -> None:
        said = words(rendered(stage, browser, "progress"))
        assert "Signaturen din er lagret Nå forsegler vi dokumentet, slik at ingen kan endre det etterpå. Du kan lukke siden." in said
        assert "Kl. 14.31. Den går ikke tapt om du lukker siden." in said

    def test_says_after_half_a_minute_that_it_is_slow(self, stage: StageOfSittings, browser: Browser) -> None:
        slow = "Det tar lengre tid enn vanlig. Signaturen din er lagret. Du kan lukke siden og hente dokumentet senere."
        usual = re.sub(r"<template.*?</template>", "", rendered(stage, browser, "progress"), flags=re.DOTALL)
        assert slow not in usual
        assert f'<div role="status" data-slow-place><p class="lead">{slow}</p></div>' in rendered(stage, browser, "progress-slow")

    def test_refreshes_itself_without_javascript(self, stage: StageOfSittings, browser: Browser) -> None:
        assert re.search(
            r'<noscript><meta http-equiv="refresh" content="5;url=/sign/[^"]+/progress"></noscript>', rendered(stage, browser, "progress")
        )


class TestThePageOfAJobThatIsOver:
    @pytest.mark.parametrize(
        ("reason", "sentence"),
        [
            (OverReason.EXPIRED, "Fristen er ute Den var torsdag 3. desember 2026 kl. 14.32."),
            (OverReason.ANOTHER_REJECTED, "Signeringen er stoppet En av de andre ville ikke signere."),
            (OverReason.NAME_NOT_AVAILABLE, "vi kan ikke signere uten. Avsenderen får beskjed."),
        ],
    )
    def test_says_why_and_leads_back(self, stage: StageOfSittings, browser: Browser, reason: OverReason, sentence: str) -> None:
        html = rendered(stage, browser, f"over-{reason.value.lower()}")
        assert sentence in words(html)
        assert f"Tilbake til {SENDER}" in html


class TestTheFooterPages:
    @pytest.mark.parametrize("page", ["help", "privacy", "accessibility"])
    def test_follow_the_browsers_language_and_the_persons_choice(self, browser: Browser, page: str) -> None:
        assert '<html lang="nb"' in browser.get(f"/{page}", headers={"Accept-Language": "fr,de"}).content.decode()
        assert '<html lang="nn"' in browser.get(f"/{page}", headers={"Accept-Language": "fr, nn-NO;q=0.9, en;q=0.8"}).content.decode()
        assert '<html lang="en"' in browser.get(f"/{page}?language=en", headers={"Accept-Language": "nn"}).content.decode()
