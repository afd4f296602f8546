"""Somebody with a browser of their own: what they press, and what is watched while they do (console, policies, accessibility)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Response, expect

from .sending import BACK_TITLE

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
NARROW = {"width": 320, "height": 640}
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE_MS = 20_000
NAME_OF_FOCUSED = """() => { const it = document.activeElement;
    const label = it.ariaLabel ?? (it.labels?.length ? it.labels[0].textContent : it.textContent);
    return label.trim().replace(/\\s+/g, ' '); }"""


@dataclass
class Visitor:
    """One browser context with one page, and further ones when asked."""

    context: BrowserContext
    album: Path
    web: str
    """Segl's web address."""
    provider: str
    """The identity provider's address."""
    own_sites: set[str] = field(default_factory=set)
    """Hosts whose pages are Segl's or the sandbox's: each must carry a policy."""
    page: Page = field(init=False)
    complaints: list[str] = field(default_factory=list)
    pages_seen: list[str] = field(default_factory=list)
    _pictures: int = 0
    _refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.on("response", self._look_at)
        self.page = self.new_page()

    def new_page(self) -> Page:
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _look_at(self, response: Response) -> None:
        if not response.request.is_navigation_request():
            return
        if response.status >= 400:
            self._refused.add(response.url)
        if urlsplit(response.url).netloc in self.own_sites and "text/html" in response.headers.get("content-type", ""):
            self.pages_seen.append(response.url)
            policy = response.headers.get("content-security-policy", "")
            if "default-src 'none'" not in policy or "unsafe" in policy:
                self.complaints.append(f"{response.url} has the policy {policy!r}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        # Chromium writes a line for a page with status 403 or 404 as well; the page is what the story is about.
        if message.text.startswith("Failed to load resource") and message.location.get("url") in self._refused:
            return
        self.complaints.append(f"{message.text} ({message.location.get('url')})")

    # ── What a signer does ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def opens(self, url: str) -> Page:
        self.page.goto(url)
        return self.page

    def heading(self, words: str) -> Locator:
        return self.page.get_by_role("heading", name=words, level=1)

    def reads_everything(self) -> None:
        """Go from document to document until the page that asks."""
        for _ in range(20):
            if self.page.url.endswith("/confirm"):
                return
            before = self.page.url
            self.primary().click()
            self.page.wait_for_url(lambda url, before=before: url != before)
        raise AssertionError("The documents do not end.")

    def primary(self) -> Locator:
        return self.page.locator(".action a.primary")

    def says_yes(self) -> None:
        """Press the button and come to the eID."""
        self.page.locator("form[data-once] button.primary").click()
        self.page.wait_for_url("**/login?*")

    def logs_in_as(self, name: str, *, eid: str = "", level: str = "") -> None:
        if eid:
            self.page.locator("#eid").select_option(eid)
        if level:
            self.page.locator("#level").select_option(level)
        self.page.get_by_role("button", name=re.compile(f"^{re.escape(name)}")).click()

    def signs(self, url: str, *, name: str = "Ingrid Solvang") -> None:
        """The whole way, as it goes when nothing goes wrong."""
        self.opens(url)
        self.reads_everything()
        self.says_yes()
        self.logs_in_as(name)

    def is_back_at_sender(self) -> str:
        """Wait for the sender's page and return its address."""
        expect(self.heading(BACK_TITLE)).to_be_visible(timeout=PATIENCE_MS)
        return self.page.url

    def has_drawn(self, number: int = 1, page: Page | None = None) -> None:
        drawn = (page or self.page).locator(f'[data-page="{number}"].drawn canvas')
        expect(drawn).to_be_attached(timeout=PATIENCE_MS)

    # ── By keyboard alone ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def tabs_to(self, name: str) -> None:
        """Press Tab until what has this name is focused."""
        passed = []
        for _ in range(60):
            self.page.keyboard.press("Tab")
            passed.append(self.page.evaluate(NAME_OF_FOCUSED))
            if passed[-1].startswith(name):
                return
        raise AssertionError(f"{name!r} cannot be reached by Tab; these were: {passed}")

    def presses(self, name: str, key: str = "Enter") -> None:
        self.tabs_to(name)
        self.page.keyboard.press(key)

    # ── What is watched ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def picture(self, name: str, *, is_whole: bool = True, page: Page | None = None) -> None:
        """Keep a picture of what stands on the page now."""
        self._pictures += 1
        self.album.mkdir(parents=True, exist_ok=True)
        (page or self.page).screenshot(path=self.album / f"{self._pictures:02d}-{name}.png", full_page=is_whole)

    def cookies(self, prefix: str = "segl-sitting-") -> dict[str, str]:
        return {cookie["name"]: cookie["value"] for cookie in self.context.cookies() if cookie["name"].startswith(prefix)}

    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def violations(self, axe: str) -> list[str]:
        """Return what axe finds wrong with the page as it stands."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe)
        found = self.page.evaluate("tags => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", AXE_RULES)
        return [f"{each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"]]
