"""The walk itself: what a pupil presses from the school's log-in page to the signed contract, with a picture of each page on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from .running import Place

PERSON = "Ingrid Solvang"
SIZE = {"width": 390, "height": 844}
PATIENCE_MS = 30_000
MOST_DOCUMENTS = 20
FLAGS = (
    "--no-sandbox",  # root in a container has no namespaces to give; every page of the walk is on this machine
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Stumbled(Exception):
    """The walk came to a page that it should not have come to. The message says which."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """One walk and its pictures."""

    page: Page
    folder: Path
    tell: Callable[[str], None]
    count: int = field(default=0)

    def note(self, name: str, words: str, *, is_whole: bool = True) -> None:
        """Take a picture of the whole page or of what is in sight, and say what it shows."""
        self.count += 1
        file = f"{self.count:02d}-{name}.png"
        self.page.wait_for_load_state("load")
        self.page.screenshot(path=self.folder / file, full_page=is_whole)
        self.tell(f"  {self.count}. {words}  ({file})")


def walk_through(place: Place, folder: Path, *, tell: Callable[[str], None]) -> Path:
    """
    Sign a contract and return the sealed PDF, saved in `folder` beside a picture of each step.

    :raises Stumbled: if a page is not what it should be.
    :raises playwright.sync_api.Error: if something that should be on a page is not there within half a minute.
    """
    with _a_browser() as context:
        walk = Walk(page=context.new_page(), folder=folder, tell=tell)
        _fill_the_form(walk, place)
        _read(walk)
        _sign(walk)
        return _come_back(walk, place)


@contextmanager
def _a_browser() -> Iterator[BrowserContext]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise Stumbled("Chromium is not installed. Install the package chromium (script/install test does it where it can).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        context = browser.new_context(
            viewport={"width": SIZE["width"], "height": SIZE["height"]}, device_scale_factor=2, locale="nb-NO", accept_downloads=True
        )
        context.set_default_timeout(PATIENCE_MS)
        yield context
        browser.close()


def _fill_the_form(walk: Walk, place: Place) -> None:
    page = walk.page
    page.goto(f"{place.web_url}/")
    walk.note("start", "Segl's start page")
    page.goto(f"{place.demo_url}/")
    walk.note("school-log-in", "The school asks who you are")
    page.get_by_role("button", name=PERSON).click()
    page.get_by_label("Bedrift", exact=True).fill("Fjordheim Verksted AS")
    page.get_by_label("Ta med vilkårene").check()
    walk.note("form", "The contract's form, filled in")
    page.get_by_role("button", name="Signer avtalen").click()


def _read(walk: Walk) -> None:
    page = walk.page
    for number in range(1, MOST_DOCUMENTS + 1):
        page.wait_for_url("**/documents/*")
        expect(page.locator('[data-page="1"].drawn canvas')).to_be_attached(timeout=PATIENCE_MS)
        # A picture of the whole page would show the bar that stays in sight in the middle of it.
        walk.note(f"document-{number}", f"Document {number}: who asks, and what", is_whole=False)
        page.locator('[data-page="1"]').scroll_into_view_if_needed()
        walk.note(f"document-{number}-page", f"Document {number}, read in the page", is_whole=False)
        onward = page.get_by_role("link", name="Gå videre til signering")
        if onward.count():
            onward.click()
            page.wait_for_url("**/confirm")
            return
        page.get_by_role("link", name="Neste dokument").click()
        page.wait_for_url(f"**/documents/{number + 1}")
    raise Stumbled("The documents do not end.")


def _sign(walk: Walk) -> None:
    walk.note("confirm", "What signing means")
    walk.page.get_by_role("button", name="Logg inn og signer").click()
    walk.page.wait_for_url("**/login?*")
    walk.note("eid", "The test identity provider, in place of BankID")
    walk.page.get_by_role("button", name=PERSON).click()


def _come_back(walk: Walk, place: Place) -> Path:
    page = walk.page
    page.wait_for_url(f"{place.demo_url}/avtaler/*")
    walk.note("back", "Back at the school")
    if page.get_by_role("heading", name="Avtalen er signert").count() != 1:
        raise Stumbled(f"The school does not say that the contract is signed, but: {page.title()}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Last ned kopi").click()
    sealed = walk.folder / "signed-contract.pdf"
    download.value.save_as(sealed)
    return sealed
