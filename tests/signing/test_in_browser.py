"""What a person meets in a real browser: reading, keyboard, screen reader's rules, and the way to the eID and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect

from segl.actions.access import SittingTimedOut
from segl.ceremony.sitting import Outcome, SittingView, Stage
from segl.values import Language

from .builders import SECRET, documents, pdf, read, sealing, sitting, tagged_pdf
from .live import axe_script, outside, pages, serving
from .stage import StageOfSittings
from .test_pages import PAGES

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class World:
    """The pages' address, the outside's, and a browser."""

    web: str
    outside: str
    chromium: Chromium


@pytest.fixture(scope="module")
def world(stage: StageOfSittings, chromium: Chromium) -> Iterator[World]:
    with serving(pages()) as port:
        web = f"http://localhost:{port}"
        with serving(outside(web)) as outside_port:
            origin = f"http://127.0.0.1:{outside_port}"
            with override_settings(SEGL_EID_ORIGINS=(origin,), SEGL_WEB_URL=web):
                yield World(web=web, outside=origin, chromium=chromium)


class Person:
    """Somebody with a browser of their own, whose console is watched."""

    def __init__(self, world: World, stage: StageOfSittings, size: dict[str, int], **options: Any) -> None:
        self.world, self.stage = world, stage
        self.context: BrowserContext = world.chromium.new_context(viewport=size, locale="nb-NO", **options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def enters(self, view: SittingView, path: str) -> Page:
        self.stage.put(view)
        self.context.add_cookies([{"name": f"segl-sitting-{view.sitting_id}", "value": SECRET, "url": self.world.web}])
        self.page.goto(f"{self.world.web}/sign/{view.sitting_id}/{path}")
        return self.page

    def stays_on_pages_that_lead_on(self) -> None:
        self.context.route("**/leave", lambda route: route.fulfill(status=204))


@pytest.fixture
def person(world: World, stage: StageOfSittings, request: pytest.FixtureRequest) -> Iterator[Person]:
    options = dict(getattr(request, "param", {}))
    someone = Person(world, stage, options.pop("size", PHONE), **options)
    yield someone
    someone.context.close()


def is_drawn(page: Page, number: int) -> None:
    page.locator(f'[data-page="{number}"]').scroll_into_view_if_needed()
    expect(page.locator(f'[data-page="{number}"].drawn canvas')).to_be_attached(timeout=10_000)


class TestEveryPage:
    @pytest.mark.parametrize("person", [{"size": PHONE}, {"size": DESKTOP}], indirect=True, ids=["phone", "desktop"])
    @pytest.mark.parametrize("language", list(Language))
    def test_breaks_no_rule_of_accessibility(self, person: Person, language: Language) -> None:
        script = axe_script().read_text()
        person.stays_on_pages_that_lead_on()
        found = {}
        looked_at = 0
        for name, (make, path) in PAGES.items():
            page = person.enters(make(language=language), path)
            if path == "documents/1":
                is_drawn(page, 1)
            found |= _violations(page, script, name)
            looked_at += 1
        person.context.add_cookies([{"name": "segl-language", "value": language.value, "url": person.world.web}])
        for address in ("/help", "/privacy", "/accessibility", "/nowhere", "/redirect/unknown"):
            person.page.goto(f"{person.world.web}{address}")
            found |= _violations(person.page, script, address)
            looked_at += 1
        assert found == {}
        assert looked_at == len(PAGES) + 5

    @pytest.mark.parametrize("person", [{"size": {"width": 320, "height": 640}}], indirect=True)
    def test_scrolls_no_way_but_down_on_the_narrowest_phone(self, person: Person) -> None:
        person.stays_on_pages_that_lead_on()
        with override_settings(SEGL_IS_SANDBOX=True):
            for name, (make, path) in PAGES.items():
                page = person.enters(make(), path)
                assert page.evaluate("document.documentElement.scrollWidth") <= 320, name

    def test_scrolls_no_way_but_down_with_text_twice_as_large(self, person: Person) -> None:
        person.stays_on_pages_that_lead_on()
        for name, (make, path) in PAGES.items():
            page = person.enters(make(), path)
            page.evaluate("document.documentElement.style.fontSize = '36px'")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name

    def test_has_targets_a_finger_can_hit(self, person: Person) -> None:
        person.stays_on_pages_that_lead_on()
        for name, (make, path) in PAGES.items():
            page = person.enters(make(), path)
            small = page.evaluate(
                """() => [...document.querySelectorAll("a:not(.text-link):not(.ds-skip-link), button, summary, input:not([type=hidden])")]
                    .filter((target) => target.checkVisibility() && !target.closest("p:not(.ways)") && !target.matches(".documents a, .choice input"))
                    .filter((target) => target.getBoundingClientRect().height < 44).map((target) => target.outerHTML.slice(0, 120))"""
            )
            assert small == [], name


def _violations(page: Page, script: str, name: str) -> dict[str, list[str]]:
    page.evaluate(script)
    result = page.evaluate("(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", AXE_RULES)
    broken = [f"{each['id']}: {node['html'][:160]}" for each in result["violations"] for node in each["nodes"]]
    return {name: broken} if broken else {}


class TestTheViewer:
    def test_draws_the_pages_a_screen_ahead_and_holds_eight_at_most(self, person: Person, stage: StageOfSittings) -> None:
        stage.file = pdf(pages=20)
        page = person.enters(sitting(documents=documents(number=1, pages=20)), "documents/1")
        is_drawn(page, 1)
        for number in range(2, 21):
            is_drawn(page, number)
            assert page.locator(".page canvas").count() <= 9  # the ninth is let go when it is drawn
        expect(page.locator("[data-counter]")).to_have_text("Side 20 av 20", timeout=5_000)
        assert page.locator(".page canvas").count() <= 8
        assert page.locator('[data-page="1"]').bounding_box()["height"] > 400  # type: ignore[index]  # it is there
        assert person.complaints == []

    def test_lets_a_screen_reader_read_the_pages(self, person: Person) -> None:
        page = person.enters(sitting(), "documents/1")
        is_drawn(page, 1)
        first = page.get_by_role("group", name="Side 1 av 3")
        expect(first).to_contain_text("Avtalen gjelder opplaering i bedrift, side 1")
        assert first.locator("canvas").get_attribute("aria-hidden") == "true"
        assert page.locator(".page a").count() == 0

    def test_tells_a_screen_reader_the_structure_of_a_tagged_document(self, person: Person, stage: StageOfSittings) -> None:
        stage.file = tagged_pdf()
        page = person.enters(sitting(documents=documents(number=1, pages=1)), "documents/1")
        is_drawn(page, 1)
        first = page.get_by_role("group", name="Side 1 av 1")
        expect(first.get_by_role("heading", name="Partene", level=3)).to_be_attached()
        expect(first.get_by_role("row", name="Laerling Ingrid Solvang")).to_be_attached()
        assert first.get_by_role("columnheader").count() == 2
        assert first.get_by_role("listitem").count() == 2
        assert _violations(page, axe_script().read_text(), "tagged") == {}

    def test_says_when_a_page_is_only_a_picture(self, person: Person, stage: StageOfSittings) -> None:
        stage.file = pdf(words="")
        page = person.enters(sitting(), "documents/1")
        is_drawn(page, 1)
        expect(page.get_by_role("group", name="Side 1 av 3")).to_contain_text("Siden er et bilde uten tekst.")

    def test_offers_the_file_when_it_cannot_draw(self, person: Person, stage: StageOfSittings) -> None:
        stage.file = b"%PDF-1.7 and then nothing"
        page = person.enters(sitting(), "documents/1")
        notice = page.get_by_role("alert")
        expect(notice).to_contain_text("Vi klarte ikke å vise dokumentet her")
        expect(notice.get_by_role("link", name="Last ned dokumentet")).to_be_visible()
        expect(page.locator("[data-strip]")).to_be_hidden()

    def test_zooms_by_keys_and_buttons_and_only_the_pages_scroll_sideways(self, person: Person) -> None:
        page = person.enters(sitting(), "documents/1")
        is_drawn(page, 1)
        before = page.locator('[data-page="1"]').bounding_box()
        page.locator("[data-strip]").focus()
        page.keyboard.press("+")
        page.get_by_role("button", name="Forstørr").click()
        expect(page.locator("[data-pages]")).to_have_attribute("data-zoom", "200")
        after = page.locator('[data-page="1"]').bounding_box()
        assert before is not None
        assert after is not None
        assert round(after["width"] / before["width"], 1) == 2.0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        expect(page.locator("[data-counter]")).to_have_text("Forstørret til 200 prosent")
        page.locator("[data-strip]").focus()
        page.keyboard.press("0")
        expect(page.locator("[data-pages]")).to_have_attribute("data-zoom", "100")
        expect(page.get_by_role("button", name="Forminsk")).to_have_attribute("aria-disabled", "true")

    @pytest.mark.parametrize("person", [{"java_script_enabled": False}], indirect=True)
    def test_without_javascript_gives_way_to_file_and_text(self, person: Person) -> None:
        page = person.enters(sitting(), "documents/1")
        expect(page.get_by_role("link", name="Last ned dokumentet")).to_be_visible()
        expect(page.locator("[data-strip]")).to_be_hidden()
        page.get_by_role("link", name="Du kan også lese det som tekst.").click()
        expect(page.get_by_text("1 Partene")).to_be_visible()
        page.get_by_role("link", name="Neste dokument").click()
        expect(page).to_have_title("Les dokument 2 av 2 – Segl")


class TestTheWholeCeremony:
    def test_is_doable_by_keyboard_alone(self, person: Person, stage: StageOfSittings) -> None:
        view = sitting()
        page = person.enters(view, "documents/1")
        is_drawn(page, 1)
        stage.eid_url = f"{person.world.outside}/authorize?state={view.sitting_id}"
        stage.exit_url = f"{person.world.outside}/done?status_query_token=t"
        _press(page, "Neste dokument")
        expect(page).to_have_title("Les dokument 2 av 2 – Segl")
        is_drawn(page, 1)
        _press(page, "Gå videre til signering")
        expect(page).to_have_title("Bekreft – Segl")
        stage.on_look = lambda sitting_id: _sign_when_begun(stage, sitting_id)
        _press(page, "Logg inn og signer")
        expect(page.get_by_role("heading", name="Back at the sender")).to_be_visible()
        assert page.url == stage.exit_url
        assert [act for act, _ in stage.acts] == ["document-opened", "document-opened", "begun", "completed", "left"]
        assert person.complaints == []

    def test_goes_through_the_reading_page_in_its_order(self, person: Person) -> None:
        page = person.enters(sitting(), "documents/1")
        is_drawn(page, 1)
        reached = _reached_by_tab(page, 12)
        assert reached == [
            "Hopp til innholdet",
            "Bokmål, Velg språk",
            "Plan for opplæringen",
            "Sider",
            "Tekst",
            "Forminsk",
            "Forstørr",
            "Last ned Læreavtale i elektrikerfaget (PDF, 184 kB)",
            "Sidene i Læreavtale i elektrikerfaget",
            "Jeg vil ikke signere",
            "Neste dokument",
            "Hjelp",
        ]

    def test_keeps_the_focus_in_sight(self, person: Person) -> None:
        page = person.enters(sitting(documents=documents(number=3)), "documents/1")
        is_drawn(page, 1)
        for _ in range(13):
            page.keyboard.press("Tab")
            hidden = page.evaluate(
                """() => { const it = document.activeElement; if (it.matches("[data-strip]")) return null;
                    const box = it.getBoundingClientRect(); const bar = document.querySelector(".action");
                    if (bar.contains(it)) return null;
                    return box.bottom > bar.getBoundingClientRect().top + 1 && box.top < bar.getBoundingClientRect().bottom && box.bottom < innerHeight + 200
                        ? it.outerHTML.slice(0, 120) : null; }"""
            )
            assert hidden is None

    def test_can_be_declined_by_keyboard_and_leads_back(self, person: Person, stage: StageOfSittings) -> None:
        stage.exit_url = f"{person.world.outside}/rejected?status_query_token=t"
        page = person.enters(sitting(), "documents/1")
        _press(page, "Jeg vil ikke signere")
        expect(page).to_have_title("Avvis – Segl")
        _press(page, "Avvis dokumentene")
        expect(page.get_by_role("heading", name="Back at the sender")).to_be_visible()
        assert page.url == stage.exit_url
        assert person.complaints == []

    def test_does_not_trap_the_back_button_at_the_eid(self, person: Person, stage: StageOfSittings) -> None:
        stage.eid_url = f"{person.world.outside}/somewhere"
        with override_settings(SEGL_EID_ORIGINS=()):
            page = person.enters(read(), "confirm")
            page.get_by_role("button", name="Logg inn og signer").click()
            expect(page.get_by_role("heading", name="Back at the sender")).to_be_visible()
            page.go_back()
            expect(page).to_have_title("Bekreft – Segl")

    def test_is_in_the_language_one_picks_without_losing_the_place(self, person: Person) -> None:
        page = person.enters(sitting(), "documents/2")
        _press(page, "Bokmål, Velg språk")
        page.get_by_role("button", name="Nynorsk").click()
        expect(page).to_have_title("Les dokument 2 av 2 – Segl")
        assert page.locator("html").get_attribute("lang") == "nn"
        expect(page.get_by_role("link", name="Eg vil ikkje signere")).to_be_visible()


def _sign_when_begun(stage: StageOfSittings, sitting_id: str) -> None:
    if ("completed", f"{sitting_id}/127.0.0.1") in stage.acts:
        stage.change(sitting_id, stage=Stage.DONE, outcome=Outcome.SIGNED)


def _reached_by_tab(page: Page, count: int) -> list[str]:
    reached = []
    for _ in range(count):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("() => (document.activeElement.ariaLabel ?? document.activeElement.textContent).trim().replace(/\\s+/g, ' ')")
        )
    return reached


def _press(page: Page, name: str) -> None:
    """Tab to what has this name and press Enter."""
    for _ in range(30):
        if _reached_by_tab(page, 1) == [name]:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"{name} cannot be reached by the keyboard")


class TestWaitingForTheSeal:
    def test_leads_on_by_itself_when_the_seal_is_there(self, person: Person, stage: StageOfSittings) -> None:
        stage.exit_url = f"{person.world.outside}/done"
        view = sealing()
        page = person.enters(view, "progress")
        expect(page.get_by_role("heading", name="Signaturen din er lagret")).to_be_visible()
        stage.change(view.sitting_id, stage=Stage.DONE)
        expect(page.get_by_role("heading", name="Back at the sender")).to_be_visible(timeout=8_000)

    def test_says_that_it_is_slow_without_being_loaded_again(self, person: Person, stage: StageOfSittings) -> None:
        view = sealing()
        page = person.enters(view, "progress")
        assert view.acted_at is not None
        stage.change(view.sitting_id, acted_at=view.acted_at.replace(minute=30))
        expect(page.get_by_role("status")).to_have_text(
            "Det tar lengre tid enn vanlig. Signaturen din er lagret. Du kan lukke siden og hente dokumentet senere.", timeout=8_000
        )
        expect(page.locator("[data-usual]:visible")).to_have_count(0)


class TestAPressedButton:
    def test_takes_no_second_press(self, person: Person, stage: StageOfSittings) -> None:
        stage.eid_url = f"{person.world.outside}/somewhere"
        page = person.enters(read(), "confirm")
        page.get_by_role("button", name="Logg inn og signer").dblclick()
        expect(page.get_by_role("heading", name="Back at the sender")).to_be_visible()
        assert [act for act, _ in stage.acts] == ["begun"]


class TestALongName:
    @pytest.mark.parametrize("person", [{"size": {"width": 320, "height": 640}}], indirect=True)
    def test_breaks_no_page(self, person: Person) -> None:
        long = "Arbeidsmarkedsopplæringskontoret" * 3
        few = tuple(replace(document, title=long) for document in documents(number=2, opened=1))
        for path in ("documents/1", "reject"):
            page = person.enters(sitting(sender_name=long, title=long, documents=few), path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


class TestAPageLeftAlone:
    def test_asks_two_minutes_before_the_sitting_ends_and_goes_on(self, person: Person) -> None:
        person.page.clock.install()
        page = person.enters(read(), "confirm")
        question = page.get_by_role("dialog", name="Er du der fortsatt?")
        page.clock.fast_forward("27:55")
        expect(question).to_be_hidden()
        page.clock.fast_forward("00:10")
        expect(question).to_be_visible()
        with page.expect_response("**/progress.json"):
            page.keyboard.press("Enter")
        expect(question).to_be_hidden()
        page.clock.fast_forward("27:55")
        expect(question).to_be_hidden()

    def test_is_kept_alive_by_reading(self, person: Person) -> None:
        person.page.clock.install()
        page = person.enters(sitting(), "documents/1")
        is_drawn(page, 1)
        page.clock.fast_forward("06:00")
        with page.expect_response("**/progress.json"):
            page.mouse.wheel(0, 400)
        page.clock.fast_forward("23:00")
        expect(page.get_by_role("dialog")).to_be_hidden()

    def test_says_what_is_so_when_the_sitting_has_ended_meanwhile(self, person: Person, stage: StageOfSittings) -> None:
        person.page.clock.install()
        view = read()
        page = person.enters(view, "confirm")
        page.clock.fast_forward("28:05")
        stage.refusals[view.sitting_id] = SittingTimedOut()
        page.get_by_role("button", name="Fortsett").click()
        expect(page.get_by_role("heading", name="Du har vært borte en stund, så vi logget deg ut")).to_be_visible()
