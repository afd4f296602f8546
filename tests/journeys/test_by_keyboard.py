"""The whole way by Tab, Enter and Space alone, and the whole way in a browser that runs no scripts."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .browser import DESKTOP
from .conftest import Someone
from .sending import INGRID, THREE, Sender


class TestByKeyboardAlone:
    def test_one_reads_signs_and_comes_back(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone()
        page = ingrid.opens(public_sender.sends(INGRID, documents=THREE).signers[0].redirect_url)
        ingrid.presses("Neste dokument")
        expect(page).to_have_title("Les dokument 2 av 3 – Segl")
        ingrid.presses("Tekst")
        expect(page.get_by_role("heading", name="Side 1 av 1")).to_be_visible()
        ingrid.presses("Neste dokument")
        expect(page).to_have_title("Les dokument 3 av 3 – Segl")
        ingrid.presses("Gå videre til signering")
        expect(page).to_have_title("Bekreft – Segl")
        ingrid.tabs_to("Logg inn og signer")
        ingrid.picture("focus-on-the-button", is_whole=False)
        page.keyboard.press("Space")
        page.wait_for_url("**/login?*")
        ingrid.presses("Ingrid Solvang", key="Space")
        ingrid.is_back_at_sender()
        assert public_sender.status_on_arrival() == "SIGNED"

    def test_one_changes_the_language_and_declines(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone(size=DESKTOP)
        page = ingrid.opens(public_sender.sends(INGRID).signers[0].redirect_url)
        ingrid.presses("Bokmål")
        ingrid.presses("English", key="Space")
        expect(page).to_have_title("Read the document – Segl")
        ingrid.presses("I do not want to sign")
        expect(page.get_by_role("heading", name="Do you want to decline the document?")).to_be_visible()
        ingrid.tabs_to("Decline the document")
        ingrid.picture("decline")
        page.keyboard.press("Space")
        ingrid.is_back_at_sender()
        assert public_sender.status_on_arrival() == "REJECTED"

    def test_one_reads_and_signs_in_english(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone(size=DESKTOP, locale="en-GB")
        page = ingrid.opens(public_sender.sends(INGRID).signers[0].redirect_url + "?language=en")
        ingrid.presses("Continue to signing")
        expect(page).to_have_title("Confirm – Segl")
        ingrid.presses("Log in and sign")
        page.wait_for_url("**/login?*")
        ingrid.presses("Cancel")
        expect(page.get_by_role("heading", name="You did not log in")).to_be_visible()
        ingrid.picture("aborted")
        ingrid.presses("Log in and sign")
        page.wait_for_url("**/login?*")
        ingrid.presses("Ingrid Solvang")
        ingrid.is_back_at_sender()
        assert public_sender.status_on_arrival() == "SIGNED"


class TestWithoutScripts:
    def test_one_reads_the_text_or_the_file_signs_and_comes_back(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone(java_script_enabled=False)
        page = ingrid.opens(public_sender.sends(INGRID, documents=THREE).signers[0].redirect_url)
        expect(page.get_by_role("link", name="Last ned dokumentet")).to_be_visible()
        ingrid.picture("read", is_whole=False)
        page.get_by_role("link", name="Du kan også lese det som tekst.").click()
        expect(page.get_by_text("Læretiden er to år.")).to_be_visible()
        ingrid.picture("text")
        with page.expect_download() as download:
            page.get_by_role("link", name=re.compile("^Last ned Læreavtale")).click()
        assert download.value.suggested_filename == "avtale.pdf"
        ingrid.reads_everything()
        ingrid.says_yes()
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        assert public_sender.status_on_arrival() == "SIGNED"

    def test_one_declines(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone(java_script_enabled=False)
        page = ingrid.opens(public_sender.sends(INGRID).signers[0].redirect_url)
        page.get_by_role("link", name="Jeg vil ikke signere").click()
        page.get_by_role("button", name="Avvis dokumentet").click()
        ingrid.is_back_at_sender()
        assert public_sender.status_on_arrival() == "REJECTED"
