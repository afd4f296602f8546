"""The sandbox's pages in a running Segl: what is pasted works, everybody can use them, and they lead where they say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from segl.values import Language
from signing.live import axe_script
from support.running_segl import RunningSegl

pytestmark = pytest.mark.any_database

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
PAGES = ("/", "/sandbox/persons", "/sandbox/requests")
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Integrator:
    """Somebody at the start page, whose console is watched."""

    def __init__(self, chromium: Browser, segl: RunningSegl, **options: Any) -> None:
        self.segl = segl
        self.context = chromium.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def opens(self, path: str = "/") -> Page:
        self.page.goto(f"{self.segl.web_url}{path}")
        return self.page


@pytest.fixture
def integrator(chromium: Browser, running_segl: RunningSegl, request: pytest.FixtureRequest) -> Iterator[Integrator]:
    somebody = Integrator(chromium, running_segl, **getattr(request, "param", {}))
    yield somebody
    somebody.context.close()


def code(segl: RunningSegl, snippet: str) -> str:
    """One piece of code as the page has it."""
    body = httpx.get(f"{segl.web_url}/", trust_env=False).text
    begin = body.index(">", body.index(f'id="code-{snippet}"')) + 1
    return unescape(body[begin : body.index("</code>", begin)])


class TestWhatIsPasted:
    def test_says_hello_with_curl(self, running_segl: RunningSegl) -> None:
        done = subprocess.run(["sh", "-c", code(running_segl, "curl")], capture_output=True, text=True, timeout=30, check=False)
        assert done.stdout.strip() == f"You are {running_segl.organization('public-sender')}", done.stderr
        assert f"You are {running_segl.organization('public-sender')}</code>" in httpx.get(f"{running_segl.web_url}/", trust_env=False).text

    def test_makes_a_job_with_python(self, running_segl: RunningSegl, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-c", code(running_segl, "python")], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        hello, sign_at = done.stdout.splitlines()
        assert hello == f"You are {running_segl.organization('public-sender')}"
        assert sign_at.startswith(f"Sign at {running_segl.web_url}/redirect/")
        page = httpx.get(sign_at.removeprefix("Sign at "), trust_env=False, follow_redirects=True)
        assert page.status_code == 200
        assert "First agreement" in page.text

    def test_names_files_that_are_there(self, running_segl: RunningSegl) -> None:
        for snippet in ("java", "dotnet", "python"):
            named = [part for part in code(running_segl, snippet).split('"')[1::2] if part.startswith(str(running_segl.data))]
            assert named, snippet
            assert [name for name in named if not Path(name).exists()] == []


class TestTheLatestRequests:
    def test_show_a_call_and_a_refused_handshake(self, running_segl: RunningSegl) -> None:
        subprocess.run(["sh", "-c", code(running_segl, "curl")], capture_output=True, timeout=30, check=True)
        as_stranger = ["curl", "-s", "--cacert", "ca/root.pem", f"{running_segl.api_url}/api/1"]
        refused = subprocess.run(as_stranger, capture_output=True, timeout=30, check=False, cwd=running_segl.sandbox)
        assert refused.returncode != 0
        rows = httpx.get(f"{running_segl.web_url}/sandbox/requests.json", trust_env=False).json()["requests"]
        called = next(row for row in rows if row["method"] == "GET")
        assert (called["path"], called["status"]) == (f"/api/{running_segl.organization('public-sender')}", 200)
        handshake = next(row for row in rows if row["status"] is None)
        assert handshake["outcome"] != ""


class TestEveryPage:
    @pytest.mark.parametrize("integrator", [{"viewport": PHONE}, {"viewport": DESKTOP}], indirect=True, ids=["phone", "desktop"])
    @pytest.mark.parametrize("language", list(Language))
    def test_breaks_no_rule_of_accessibility(self, integrator: Integrator, language: Language) -> None:
        script = axe_script().read_text()
        integrator.context.add_cookies([{"name": "segl-language", "value": language.value, "url": integrator.segl.web_url}])
        found = {}
        for path in PAGES:
            page = integrator.opens(path)
            assert page.locator("html").get_attribute("lang") == language.value
            page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
            page.evaluate(script)
            result = page.evaluate("(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", AXE_RULES)
            if broken := [f"{each['id']}: {node['html'][:160]}" for each in result["violations"] for node in each["nodes"]]:
                found[path] = broken
        assert found == {}
        assert integrator.complaints == []

    @pytest.mark.parametrize("integrator", [{"viewport": {"width": 320, "height": 640}}], indirect=True)
    def test_scrolls_no_way_but_down_on_the_narrowest_phone(self, integrator: Integrator) -> None:
        for path in PAGES:
            page = integrator.opens(path)
            page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path

    @pytest.mark.parametrize("integrator", [{"viewport": PHONE}], indirect=True)
    def test_has_targets_a_finger_can_hit(self, integrator: Integrator) -> None:
        for path in PAGES:
            small = integrator.opens(path).evaluate(
                """() => [...document.querySelectorAll("main a, main button, main summary")]
                    .filter((target) => target.checkVisibility() && target.getBoundingClientRect().height < 44)
                    .map((target) => target.outerHTML.slice(0, 120))"""
            )
            assert small == [], path


class TestTheStartPage:
    def test_is_usable_by_keyboard_alone(self, integrator: Integrator) -> None:
        page = integrator.opens()
        moved: list[str | None] = []

        def answer(route: Any) -> None:
            # Not let through: the clock is everybody's.
            moved.append(route.request.post_data)
            route.fulfill(status=204)

        integrator.context.route("**/sandbox/clock", answer)
        reached: list[str] = []
        for _ in range(60):
            page.keyboard.press("Tab")
            name = page.evaluate(
                "() => (document.activeElement.ariaLabel ?? document.activeElement.innerText).trim().replace(/\\s+/g, ' ')"
            )
            reached.append(name)
            if name in {"Java", "+1 day"}:
                page.keyboard.press("Enter")
            if name == "+1 week":
                break
        wanted = [
            "Skip to the content",
            "Open the demo sender",
            "Certificates and addresses",
            "Code for curl",
            "Copy curl",
            "Java",
            "Code for Java",
            "+1 day",
        ]
        assert [name for name in reached if name in wanted] == wanted
        expect(page.locator("details").first).to_have_attribute("open", "")
        assert moved == ["back=start&seconds=86400"]

    def test_copies_the_code_and_says_so(self, integrator: Integrator) -> None:
        integrator.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = integrator.opens()
        page.get_by_role("button", name="Copy curl").click()
        expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == code(integrator.segl, "curl")

    @pytest.mark.parametrize("integrator", [{"java_script_enabled": False}], indirect=True)
    def test_without_javascript_offers_no_button_that_does_nothing(self, integrator: Integrator) -> None:
        page = integrator.opens()
        expect(page.get_by_role("region", name="Code for curl")).to_contain_text("curl --cacert ca/root.pem")
        expect(page.get_by_role("button", name="Copy curl")).to_be_hidden()
        page.locator("summary", has_text="Python").click()
        expect(page.get_by_role("region", name="Code for Python")).to_contain_text("pip install ./clients/python")

    def test_leads_to_the_demo_sender(self, integrator: Integrator) -> None:
        page = integrator.opens()
        page.get_by_role("link", name="Open the demo sender").click()
        expect(page.get_by_role("link", name="Eksempelskolen")).to_be_visible()
        assert page.url.startswith(f"{integrator.segl.demo_url}/")
