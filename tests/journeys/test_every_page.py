"""Every page that a signer, an integrator or the demo's pupil can reach: no axe violation, and no way to scroll but down, at three widths."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import expect

from segl.values import Language

from .browser import DESKTOP, NARROW, PHONE, Visitor
from .conftest import RoughSegl, Someone, until
from .sending import INGRID, JONAS, NAMELESS, THREE, Sender

pytestmark = pytest.mark.any_database


@dataclass
class Inspection:
    """Looks at one page after another, at a phone's and a desk's width."""

    visitor: Visitor
    axe: str
    has_pictures: bool = True
    found: dict[str, list[str]] = field(default_factory=dict)
    looked_at: list[str] = field(default_factory=list)

    def of(self, name: str) -> None:
        self.looked_at.append(name)
        for width, size in (("phone", PHONE), ("desktop", DESKTOP)):
            self.visitor.page.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict of the same keys
            self._keep(f"{name} {width}", self.visitor.violations(self.axe))
            if self.has_pictures:
                self.visitor.picture(f"{name}-{width}")
        self.visitor.page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # as above
        self._keep(f"{name} at 320", ["it scrolls sideways"] if self.visitor.scrolls_sideways() else [])
        self.visitor.page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # as above

    def _keep(self, name: str, violations: list[str]) -> None:
        if violations:
            self.found[name] = violations


@pytest.mark.parametrize("language", list(Language), ids=[language.value for language in Language])
class TestThePagesOfTheCeremony:
    def test_can_be_used_by_everybody(self, someone: Someone, rough: RoughSegl, rough_sender: Sender, axe: str, language: Language) -> None:
        person = someone(at=rough.segl)
        person.context.add_cookies([{"name": "segl-language", "value": language.value, "url": person.web}])
        looks = Inspection(person, axe, has_pictures=language is Language.BOKMAL)
        page = person.opens(rough_sender.sends(INGRID, documents=THREE).signers[0].redirect_url)
        assert page.locator("html").get_attribute("lang") == language.value
        for number in (1, 2, 3):
            person.has_drawn(1)
            looks.of(f"document-{number}")
            person.primary().click()
        page.wait_for_url("**/confirm")
        looks.of("confirm")
        sitting = page.url.removesuffix("/confirm")
        page.goto(f"{sitting}/documents/1/text")
        looks.of("text")
        page.goto(f"{sitting}/reject")
        looks.of("reject")
        page.goto(f"{sitting}/confirm")
        person.says_yes()
        looks.of("eid")
        page.locator("button.abort").click()
        expect(page.locator("#notice")).to_be_visible()
        looks.of("aborted")
        with rough.without_time_stamps():
            person.says_yes()
            person.logs_in_as("Ingrid Solvang")
            expect(page.locator("#notice form")).to_be_visible()
            looks.of("no-time-stamp")
        with rough.frozen("worker"):
            page.locator("form[data-once] button.primary").click()
            page.wait_for_url("**/progress")
            looks.of("progress")
            page.goto("about:blank")  # the page would lead on by itself
            person.context.route("**/leave", lambda route: route.fulfill(status=204))
        until(lambda: 'content="0;' in person.context.request.get(f"{sitting}/progress").text())
        page.goto(f"{sitting}/progress")
        looks.of("hand-over")
        for address in ("/redirect/unknown", "/nowhere", "/help", "/privacy", "/accessibility"):
            page.goto(f"{person.web}{address}")
            looks.of(address.strip("/").replace("/", "-"))
        assert looks.found == {}
        assert len(looks.looked_at) == 16


@pytest.mark.parametrize("language", list(Language), ids=[language.value for language in Language])
class TestThePagesWhereItEnds:
    def test_can_be_used_by_everybody(self, someone: Someone, rough: RoughSegl, rough_sender: Sender, axe: str, language: Language) -> None:
        person, other = someone(at=rough.segl), someone(at=rough.segl)
        person.context.add_cookies([{"name": "segl-language", "value": language.value, "url": person.web}])
        looks = Inspection(person, axe, has_pictures=language is not Language.NYNORSK)
        both = rough_sender.sends(INGRID, JONAS)
        page = person.opens(both.signer(INGRID).redirect_url)
        person.has_drawn(1)
        other.opens(both.signer(JONAS).redirect_url)
        other.page.goto(other.page.url.replace("documents/1", "reject"))
        other.page.locator("form[data-once] button[type=submit]").click()
        other.is_back_at_sender()
        page.reload()
        page.wait_for_url("**/over")
        looks.of("another-declined")
        person.opens(rough_sender.sends(NAMELESS).signers[0].redirect_url)
        person.reads_everything()
        person.says_yes()
        page.locator(f"button[value='{NAMELESS}']").click()
        page.wait_for_url("**/over")
        looks.of("no-name")
        person.opens(rough_sender.sends(INGRID).signers[0].redirect_url)
        sitting = page.url
        person.has_drawn(1)
        rough.move_clock(minutes=31)
        page.goto(sitting)
        looks.of("timed-out")
        assert looks.found == {}


class TestThePagesOfTheSandbox:
    @pytest.mark.parametrize("language", list(Language), ids=[language.value for language in Language])
    def test_can_be_used_by_everybody(self, someone: Someone, axe: str, language: Language) -> None:
        person = someone()
        person.context.add_cookies([{"name": "segl-language", "value": language.value, "url": person.web}])
        looks = Inspection(person, axe, has_pictures=language is Language.BOKMAL)
        for address in ("/", "/sandbox/persons", "/sandbox/requests"):
            response = person.page.goto(f"{person.web}{address}")
            assert response is not None
            assert response.status == 200
            looks.of(address.strip("/").replace("/", "-") or "start")
        assert looks.found == {}

    def test_the_identity_providers_other_pages_can_too(self, someone: Someone, axe: str) -> None:
        person = someone()
        looks = Inspection(person, axe)
        person.opens(f"{person.provider}/login?login=unknown")
        looks.of("gone")
        person.opens(f"{person.provider}/endsession")
        looks.of("logged-out")
        assert looks.found == {}
