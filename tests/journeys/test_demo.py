"""The demo sender as anybody meets it after `script/server`: form, signing, and back on each of the three exit URLs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pikepdf
import pytest
from playwright.sync_api import expect

from support.running_segl import RunningSegl

from .browser import DESKTOP, PHONE, Visitor
from .conftest import Someone
from .sending import client_of
from .test_every_page import Inspection

ROOT = Path(__file__).parents[2]


def fills_the_form(
    pupil: Visitor, demo: str, *, person: str = "Ingrid Solvang", second: str | None = None, with_terms: bool = False
) -> None:
    page = pupil.opens(demo)
    page.get_by_role("button", name=person).click()
    page.get_by_label("Bedrift", exact=True).fill("Fjordheim Verksted AS")
    if second:
        page.get_by_label("En foresatt").check()
        page.get_by_label("Hvem da?").select_option(label=second)
    if with_terms:
        page.get_by_label("Ta med vilkårene").check()


class TestTheDemo:
    @pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
    def test_leads_from_the_form_to_a_copy_with_the_same_bytes_as_the_api_gives(
        self, someone: Someone, segl: RunningSegl, size: dict[str, int], axe: str
    ) -> None:
        pupil = someone(size=size)
        looks = Inspection(pupil, axe)
        page = pupil.opens(segl.demo_url)
        looks.of("log-in")
        fills_the_form(pupil, segl.demo_url, with_terms=True)
        looks.of("form")
        page.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict of the same keys
        page.get_by_role("button", name="Signer avtalen").click()
        pupil.has_drawn(1)
        pupil.picture("read", is_whole=False)
        pupil.reads_everything()
        pupil.picture("confirm")
        pupil.says_yes()
        pupil.logs_in_as("Ingrid Solvang")
        expect(pupil.heading("Avtalen er signert")).to_be_visible()
        assert "status_query_token" not in page.url
        looks.of("signed")
        with page.expect_download() as download:
            page.get_by_role("link", name="Last ned kopi").click()
        copy = download.value.path().read_bytes()
        page.get_by_text("Se API-kallene").click()
        calls = page.locator("details").inner_text()
        pades = re.findall(r"https://localhost:\d+/api/\d+/direct/signature-jobs/\d+/pades", calls)
        with client_of(segl, "public-sender") as client:
            assert client.pades(pades[-1]) == copy
        assert looks.found == {}

    def test_takes_a_rejection_back(self, someone: Someone, segl: RunningSegl, axe: str) -> None:
        pupil = someone()
        fills_the_form(pupil, segl.demo_url)
        pupil.page.get_by_role("button", name="Signer avtalen").click()
        pupil.page.get_by_role("link", name="Jeg vil ikke signere").click()
        pupil.page.get_by_role("button", name="Avvis dokumentet").click()
        expect(pupil.heading("Du avviste avtalen")).to_be_visible()
        looks = Inspection(pupil, axe)
        looks.of("rejected")
        assert looks.found == {}

    def test_survives_an_aborted_log_in_and_a_closed_page(self, someone: Someone, segl: RunningSegl, axe: str) -> None:
        pupil = someone()
        fills_the_form(pupil, segl.demo_url)
        pupil.page.get_by_role("button", name="Signer avtalen").click()
        pupil.reads_everything()
        pupil.says_yes()
        pupil.page.get_by_role("button", name="Avbryt").click()
        expect(pupil.page.get_by_role("heading", name="Du logget ikke inn")).to_be_visible()
        pupil.picture("aborted")
        pupil.opens(segl.demo_url)
        pupil.page.locator("ul.earlier a").first.click()
        expect(pupil.heading("Du har ikke signert ennå")).to_be_visible()
        looks = Inspection(pupil, axe)
        looks.of("waiting")
        pupil.page.get_by_role("button", name="Signer avtalen").click()
        pupil.reads_everything()
        pupil.says_yes()
        pupil.logs_in_as("Ingrid Solvang")
        expect(pupil.heading("Avtalen er signert")).to_be_visible()
        assert looks.found == {}

    def test_lets_two_sign_each_in_a_browser_of_their_own(self, someone: Someone, segl: RunningSegl, axe: str) -> None:
        pupil, guardian = someone(), someone(size=DESKTOP)
        fills_the_form(pupil, segl.demo_url, second="Jonas Myhre")
        pupil.page.get_by_role("button", name="Signer avtalen").click()
        pupil.reads_everything()
        pupil.says_yes()
        pupil.logs_in_as("Ingrid Solvang")
        expect(pupil.heading("Du har signert")).to_be_visible()
        looks = Inspection(pupil, axe)
        looks.of("one-has-signed")
        guardian.opens(segl.demo_url + urlsplit(pupil.page.url).path)
        guardian.page.get_by_role("button", name="Jonas Myhre").click()
        guardian.page.get_by_role("button", name="Signer avtalen").click()
        guardian.reads_everything()
        guardian.says_yes()
        guardian.logs_in_as("Jonas Myhre")
        expect(guardian.heading("Avtalen er signert")).to_be_visible()
        assert looks.found == {}


class TestScriptDemo:
    def test_walks_through_a_running_segl_and_leaves_its_pictures(self, segl: RunningSegl) -> None:
        walked = subprocess.run(
            [sys.executable, "-m", "demo_walk"],
            cwd=ROOT,
            env={**segl.environment, "PYTHONPATH": str(ROOT / "examples/demo-walk")},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert walked.returncode == 0, walked.stdout + walked.stderr
        folder = segl.data / "demo" / "walk"
        assert str(folder / "signed-contract.pdf") in walked.stdout
        with pikepdf.open(folder / "signed-contract.pdf") as sealed:
            assert len(sealed.pages) == len(list(folder.glob("page-*.png"))) == 3
        assert len(list(folder.glob("[0-9][0-9]-*.png"))) == 10

    def test_says_what_to_do_and_fails_when_no_demo_sender_answers(self, segl: RunningSegl) -> None:
        walked = subprocess.run(
            [sys.executable, "-m", "demo_walk"],
            cwd=ROOT,
            env={**segl.environment, "SEGL_DEMO_PORT": "9", "PYTHONPATH": str(ROOT / "examples/demo-walk")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert walked.returncode == 1
        assert "no demo sender answers at http://127.0.0.1:9. Start both with script/server." in walked.stderr
