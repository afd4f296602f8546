"""Logging in as a test person: Segl's own relying party against the sandbox's identity provider, from the first redirect to the person."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import httpx
import pytest

from segl.ceremony.identification import LoginAborted, LoginAnswerRefused, LoginLevelTooLow, LoginNotFresh
from segl.sandbox.material import read_persons
from segl.values import Language, Level

from .browser import BASE_URL, INGRID, JONAS, NAMELESS, TORSTEIN, WEB_URL, Scene, answer_of


class TestALogin:
    def test_gives_the_person_one_picked(self, scene: Scene) -> None:
        begun = scene.begin()
        page = scene.open(begun.url)
        scene.clock.move(seconds=20)
        identification = scene.finish(scene.choose(page, person=INGRID), begun)
        assert identification.national_identity_number.value == INGRID
        assert identification.name == "Ingrid Solvang"
        assert (identification.provider, identification.eid, identification.level) == ("sandbox", "BankID", Level.HIGH)
        assert identification.authenticated_at == datetime(2026, 11, 24, 12, 0, 20, tzinfo=UTC)
        assert identification.issuer == f"{BASE_URL}/idp"

    def test_works_for_every_person_of_the_list(self, scene: Scene) -> None:
        for person in read_persons(scene.material.persons):
            begun = scene.begin(level=person.levels[0], is_fresh_required=True)
            response = scene.choose(scene.open(begun.url), person=person.national_identity_number.value)
            identification = scene.finish(response, begun, level=person.levels[0])
            assert identification.national_identity_number == person.national_identity_number
            assert identification.name == person.name

    def test_gives_no_name_for_who_has_none(self, scene: Scene) -> None:
        assert scene.log_in(NAMELESS).name is None

    def test_may_choose_the_eid(self, scene: Scene) -> None:
        assert scene.log_in(eid="Buypass ID").eid == "Buypass ID"

    def test_below_the_level_is_for_segl_to_refuse(self, scene: Scene) -> None:
        with pytest.raises(LoginLevelTooLow):
            scene.log_in(INGRID, level="3")
        scene.browser.cookies.clear()
        with pytest.raises(LoginLevelTooLow):
            scene.log_in(TORSTEIN)

    def test_that_is_aborted_gives_nobody(self, scene: Scene) -> None:
        begun = scene.begin()
        with pytest.raises(LoginAborted):
            scene.finish(scene.choose(scene.open(begun.url), abort="yes"), begun)

    def test_cannot_be_finished_twice(self, scene: Scene) -> None:
        begun = scene.begin()
        response = scene.choose(scene.open(begun.url), person=INGRID)
        scene.finish(response, begun)
        with pytest.raises(LoginAnswerRefused, match=r"does not take the code \(status 400\)"):
            scene.finish(response, begun)

    def test_cannot_be_finished_with_another_logins_code(self, scene: Scene) -> None:
        mine, other = scene.begin(), scene.begin()
        response = scene.choose(scene.open(other.url), person=JONAS)
        with pytest.raises(LoginAnswerRefused, match="does not take the code"):
            scene.finish(response, mine)

    def test_cannot_be_finished_after_a_minute(self, scene: Scene) -> None:
        begun = scene.begin()
        response = scene.choose(scene.open(begun.url), person=INGRID)
        scene.clock.move(seconds=60)
        with pytest.raises(LoginAnswerRefused, match="does not take the code"):
            scene.finish(response, begun)

    def test_outlives_a_restart_of_the_provider(self, scene: Scene) -> None:
        begun = scene.begin()
        page = scene.open(begun.url)
        restarted = Scene(material=scene.material, clock=scene.clock)
        restarted.browser.cookies = scene.browser.cookies
        response = restarted.choose(page, person=INGRID)
        assert scene.finish(response, begun).name == "Ingrid Solvang"

    def test_leaves_no_personal_data_in_the_log(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG, logger="segl"):
            identification = scene.log_in()
            scene.choose(scene.open(scene.begin(is_fresh_required=True).url), abort="yes")
        said = "".join(record.getMessage() for record in caplog.records)
        assert "id_token issued" in said
        assert not any(word in said for word in (INGRID, "Ingrid", identification.id_token, "the-nonce"))


class TestTheRunningSession:
    def test_logs_in_without_a_page(self, scene: Scene) -> None:
        first = scene.log_in()
        scene.clock.move(minutes=10)
        begun = scene.begin()
        again = scene.finish(scene.open(begun.url), begun)
        assert again.national_identity_number == first.national_identity_number
        assert again.authenticated_at == first.authenticated_at

    def test_is_not_enough_for_a_fresh_login(self, scene: Scene) -> None:
        scene.log_in()
        page = scene.open(scene.begin(is_fresh_required=True).url)
        assert "Testpersoner" in page.text

    def test_is_refused_by_segl_when_a_fresh_login_was_wanted(self, scene: Scene) -> None:
        scene.log_in()
        scene.clock.move(seconds=30)
        begun = scene.begin()
        with pytest.raises(LoginNotFresh):
            scene.finish(scene.open(begun.url), begun, fresh_since=scene.clock.now())

    def test_is_not_enough_for_a_higher_level(self, scene: Scene) -> None:
        begun = scene.begin(level=Level.SUBSTANTIAL)
        low = scene.finish(scene.choose(scene.open(begun.url), person=INGRID, level="3"), begun, level=Level.SUBSTANTIAL)
        assert low.level is Level.SUBSTANTIAL
        assert scene.open(scene.begin().url).status_code == 200

    def test_ends_after_two_hours(self, scene: Scene) -> None:
        scene.log_in()
        scene.clock.move(hours=2)
        assert scene.open(scene.begin().url).status_code == 200

    def test_belongs_to_the_one_who_logged_in_last(self, scene: Scene) -> None:
        scene.log_in(INGRID)
        begun = scene.begin(is_fresh_required=True)
        scene.finish(scene.choose(scene.open(begun.url), person=JONAS), begun)
        again = scene.begin()
        assert scene.finish(scene.open(again.url), again).national_identity_number.value == JONAS

    def test_ends_at_logout_with_the_token_as_hint(self, scene: Scene) -> None:
        identification = scene.log_in()
        url = scene.segl.logout_url(provider="sandbox", id_token_hint=identification.id_token)
        assert url is not None
        response = scene.browser.get(url)
        assert response.headers["Location"] == f"{WEB_URL}/logged-out"
        assert "Testpersoner" in scene.open(scene.begin().url).text

    def test_does_not_end_for_a_stranger_without_a_hint(self, scene: Scene) -> None:
        scene.log_in()
        response = scene.browser.get("/idp/endsession?post_logout_redirect_uri=https://attacker.example")
        assert response.status_code == 400
        assert answer_of(scene.open(scene.begin().url))["code"]

    def test_sends_nobody_to_an_address_that_is_not_registered(self, scene: Scene) -> None:
        hint = scene.log_in().id_token
        response = scene.browser.get(
            "/idp/endsession", params={"id_token_hint": hint, "post_logout_redirect_uri": "https://attacker.example"}
        )
        assert response.status_code == 200
        assert "Du er logget ut" in response.text

    def test_has_a_cookie_that_no_script_reads(self, scene: Scene) -> None:
        response = scene.choose(scene.open(scene.begin().url), person=INGRID)
        assert response.headers["Set-Cookie"].startswith("segl_test_eid=")
        assert response.headers["Set-Cookie"].endswith("; Path=/idp; HttpOnly; SameSite=Lax")


class TestThePage:
    def test_says_that_it_is_a_test_and_lists_persons_as_buttons(self, scene: Scene) -> None:
        page = scene.open(scene.begin().url)
        assert "<title>Test: Logg inn som testperson</title>" in page.text
        assert page.text.count('<button name="person"') == len(read_persons(scene.material.persons))
        assert "Spør" not in page.text
        assert "nivå 4" in page.text
        assert "Øyvind Åsgård Nærø" in page.text

    @pytest.mark.parametrize(
        ("language", "words"),
        [(Language.BOKMAL, "Avbryt"), (Language.NYNORSK, "Tryggleiksnivå"), (Language.ENGLISH, "Log in as a test person")],
    )
    def test_speaks_the_language_of_the_ceremony(self, scene: Scene, language: Language, words: str) -> None:
        page = scene.open(scene.begin(language=language).url)
        assert f'<html lang="{language.value}">' in page.text
        assert words in page.text

    def test_runs_no_script_and_sends_its_form_to_nobody_but_segl(self, scene: Scene) -> None:
        page = scene.open(scene.begin().url)
        policy = page.headers["Content-Security-Policy"]
        assert policy == (f"default-src 'none'; style-src 'self'; form-action 'self' {WEB_URL}; base-uri 'none'; frame-ancestors 'none'")
        assert "<script" not in page.text
        assert "style=" not in page.text
        assert page.headers["Cache-Control"] == "no-store"

    def test_is_the_same_after_a_reload(self, scene: Scene) -> None:
        page = scene.open(scene.begin().url)
        assert scene.browser.get(page.url).text == page.text

    def test_tells_when_the_person_has_no_such_eid(self, scene: Scene) -> None:
        page = scene.choose(scene.open(scene.begin().url), person=TORSTEIN, eid="BankID", level="4")
        assert 'role="alert"' in page.text
        assert "Personen har ikke denne eID-en" in page.text
        assert '<option value="BankID" selected>' in page.text

    def test_tells_when_the_eid_has_no_such_level(self, scene: Scene) -> None:
        page = scene.choose(scene.open(scene.begin().url), person=INGRID, eid="MinID", level="4")
        assert "Personen har ikke denne eID-en" in page.text

    def test_is_gone_after_half_an_hour(self, scene: Scene) -> None:
        page = scene.open(scene.begin().url)
        scene.clock.move(minutes=30)
        gone = scene.choose(page, person=INGRID)
        assert gone.status_code == 400
        assert "Innloggingen kan ikke fortsette" in gone.text

    def test_has_its_style_from_its_own_address(self, scene: Scene) -> None:
        style = scene.browser.get("/idp/style.css")
        assert style.headers["Content-Type"] == "text/css; charset=utf-8"
        assert "repeating-linear-gradient" in style.text


def test_nobody_can_pick_a_person_who_is_not_on_the_list(scene: Scene) -> None:
    response: httpx.Response = scene.choose(scene.open(scene.begin().url), person="01010112345")
    assert response.status_code == 400
    assert "01010112345" not in response.text
