"""The page of the test identity provider in Chromium: no axe violation, no sideways scrolling, and a log-in by keyboard alone without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium

from segl.adapters.eid import EidProviders, read_provider_settings
from segl.sandbox.identity_provider import provider_configuration
from segl.sandbox.material import SandboxMaterial
from segl.sandbox.neighbours import create_application
from segl.values import Language, Level
from signing.live import axe_script, serving

from .browser import NONCE, STATE, CountingChance, MovableClock
from .conftest import NOW

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class World:
    """Chromium, the neighbours, Segl's relying party, and a page at Segl's callback to come back to."""

    chromium: Chromium
    origin: str
    web: str
    segl: EidProviders

    def login_url(self, *, language: Language = Language.BOKMAL) -> str:
        begun = self.segl.begin(provider="sandbox", state=STATE, nonce=NONCE, level=Level.HIGH, is_fresh_required=True, language=language)
        return begun.url


def callback(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<!doctype html><title>Segl</title><p>Back at Segl"]


@pytest.fixture(scope="module")
def world(material: SandboxMaterial, chromium: Chromium) -> Iterator[World]:
    clock, applications = MovableClock(NOW), []
    with serving(lambda environ, start: applications[0](environ, start)) as port, serving(callback) as web_port:
        origin, web = f"http://127.0.0.1:{port}", f"http://localhost:{web_port}"
        applications.append(create_application(data=material.data, base_url=origin, web_url=web, now=clock.now, real_now=clock.real_now))
        settings = read_provider_settings(provider_configuration(f"{origin}/idp"), keys=material.keys, redirect_url=f"{web}/eid/callback")
        segl = EidProviders(settings, clock=clock, chance=CountingChance())
        yield World(chromium=chromium, origin=origin, web=web, segl=segl)


class TestThePageWhereOneChooses:
    @pytest.mark.parametrize("size", list(SIZES))
    @pytest.mark.parametrize("language", list(Language))
    def test_has_no_axe_violation_and_does_not_scroll_sideways(self, world: World, size: str, language: Language) -> None:
        script = axe_script()
        # axe is put into the page past its content policy; that the policy itself holds is shown by the next test.
        with world.chromium.new_context(viewport=SIZES[size], bypass_csp=True) as context:  # type: ignore[arg-type]  # a TypedDict of the same keys
            page = context.new_page()
            page.goto(world.login_url(language=language))
            page.add_script_tag(path=script)
            found = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
            assert [(row["id"], [node["target"] for node in row["nodes"]]) for row in found["violations"]] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]

    def test_is_done_by_keyboard_alone_without_scripts(self, world: World) -> None:
        with world.chromium.new_context(java_script_enabled=False) as context:
            page, complaints = context.new_page(), []
            page.on("console", lambda message: complaints.append(message.text))
            page.goto(world.login_url())
            for _ in range(4):
                page.keyboard.press("Tab")
            assert page.locator(":focus strong").inner_text() == "Jonas Myhre"
            page.keyboard.press("Enter")
            page.wait_for_url(f"{world.web}/eid/callback?code=*")
            assert "Back at Segl" in page.content()
            assert complaints == []

    def test_can_be_left_without_logging_in(self, world: World) -> None:
        with world.chromium.new_context() as context:
            page = context.new_page()
            page.goto(world.login_url())
            page.get_by_role("button", name="Avbryt").click()
            page.wait_for_url(f"{world.web}/eid/callback?error=access_denied*")


def test_the_page_of_a_login_that_is_gone_has_no_axe_violation(world: World) -> None:
    script = axe_script()
    with world.chromium.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.goto(f"{world.origin}/idp/login?login=unknown")
        page.add_script_tag(path=script)
        found = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
        assert [row["id"] for row in found["violations"]] == []
