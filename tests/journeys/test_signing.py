"""A person signs: on a phone, at a desk, one document or three, alone or with another; and what the sender can read at that moment."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urlsplit

import pikepdf
import pytest
from playwright.sync_api import expect
from segl_client import IdentifierFormat, JobStatus

from .browser import DESKTOP
from .conftest import Someone
from .sending import INGRID, JONAS, THREE, Sender


def attachments(sealed: bytes) -> list[str]:
    with pikepdf.open(BytesIO(sealed)) as document:
        return sorted(document.attachments)


class TestOneDocumentOnAPhone:
    @pytest.mark.requirement("R50", "R56")
    def test_is_read_signed_and_sealed_before_the_browser_is_back(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID)
        ingrid = someone()
        page = ingrid.opens(job.signers[0].redirect_url)
        expect(page).to_have_title("Les dokumentet – Segl")
        expect(ingrid.heading("Læreavtale")).to_be_visible()
        expect(page.get_by_text("Fjordvik kommune").first).to_be_visible()
        assert "/redirect/" not in page.url  # the token has left the address bar
        ingrid.has_drawn(1)
        ingrid.picture("read", is_whole=False)
        page.locator('[data-page="1"]').scroll_into_view_if_needed()
        ingrid.picture("read-page", is_whole=False)
        ingrid.reads_everything()
        expect(ingrid.heading("Vil du signere dette dokumentet?")).to_be_visible()
        ingrid.picture("confirm")
        ingrid.says_yes()
        ingrid.picture("eid")
        ingrid.logs_in_as("Ingrid Solvang")
        address = ingrid.is_back_at_sender()
        ingrid.picture("back")
        assert urlsplit(address).path == "/signed"
        assert public_sender.status_on_arrival() == "SIGNED"
        change = public_sender.arrivals[-1].status
        assert change is not None
        assert change.status is JobStatus.COMPLETED_SUCCESSFULLY
        assert change.pades_url is not None
        sealed = public_sender.client.pades(change.pades_url)
        assert attachments(sealed) == ["001 avtale.pdf", "002 signature-1.xml"]
        with pikepdf.open(BytesIO(sealed)) as document:
            assert len(document.pages) == 4


class TestThreeDocumentsForTwoAtADesk:
    def test_are_signed_in_english_one_person_after_the_other(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID, JONAS, documents=THREE, identifier_format=IdentifierFormat.DATE_OF_BIRTH_AND_NAME)
        ingrid = someone(size=DESKTOP, locale="en-GB")
        page = ingrid.opens(f"{job.signer(INGRID).redirect_url}?language=en")
        for number in (1, 2, 3):
            expect(page).to_have_title(f"Read document {number} of 3 – Segl")
            ingrid.has_drawn(1)
            ingrid.picture(f"document-{number}", is_whole=False)
            ingrid.primary().click()
        expect(ingrid.heading("Do you want to sign these three documents?")).to_be_visible()
        expect(page.get_by_text("The others who sign and the sender can see them.")).to_be_visible()
        ingrid.picture("confirm")
        ingrid.says_yes()
        expect(page).to_have_title("Test: Log in as a test person")
        ingrid.picture("eid")
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        first = public_sender.arrivals[-1].status
        assert first is not None
        assert (first.status, public_sender.of(first, INGRID).status, public_sender.of(first, JONAS).status) == (
            JobStatus.IN_PROGRESS,
            "SIGNED",
            "WAITING",
        )

        jonas = someone(size=DESKTOP, locale="en-GB")
        jonas.signs(job.signer(JONAS).redirect_url, name="Jonas Myhre")
        jonas.is_back_at_sender()
        both = public_sender.arrivals[-1].status
        assert both is not None
        assert both.status is JobStatus.COMPLETED_SUCCESSFULLY
        assert both.pades_url is not None
        attached = attachments(public_sender.client.pades(both.pades_url))
        assert [name for name in attached if name.endswith(".xml")] == ["004 signature-1.xml", "005 signature-2.xml"]


class TestTheWayBack:
    @pytest.mark.requirement("R50", "R51")
    def test_keeps_the_query_and_the_fragment_of_the_exit_url(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID, exits=lambda site, case: f"{site}/{case}?case=7&x=%C3%A6#the-bottom")
        ingrid = someone()
        ingrid.signs(job.signers[0].redirect_url)
        address = urlsplit(ingrid.is_back_at_sender())
        token = public_sender.arrivals[-1].token
        assert address.query == f"case=7&x=%C3%A6&status_query_token={token}"
        assert address.fragment == "the-bottom"
        assert token.replace("-", "").replace("_", "").isalnum()


class TestTheCookieOfASitting:
    def test_is_hidden_from_scripts_and_other_sites_and_new_after_the_log_in(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID)
        ingrid = someone()
        ingrid.opens(job.signers[0].redirect_url)
        sitting = ingrid.page.url.split("/sign/")[1].split("/")[0]
        before = ingrid.cookies()
        assert list(before) == [f"segl-sitting-{sitting}"]
        for cookie in ingrid.context.cookies():
            assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax"), cookie["name"]
        ingrid.reads_everything()
        ingrid.says_yes()
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        after = ingrid.cookies()
        assert list(after) == list(before)
        assert after != before

        thief = someone()
        thief.context.add_cookies([{"name": name, "value": value, "url": ingrid.web} for name, value in before.items()])
        thief.opens(f"{ingrid.web}/sign/{sitting}/documents/1")
        expect(thief.heading("Vi fant ikke noe du kan signere")).to_be_visible()


class TestTwoJobsInTwoTabs:
    def test_do_not_mix(self, someone: Someone, public_sender: Sender) -> None:
        first, second = public_sender.sends(INGRID, title="Den første"), public_sender.sends(INGRID, title="Den andre", documents=THREE)
        ingrid = someone()
        ingrid.opens(first.signers[0].redirect_url)
        one = ingrid.page
        two = ingrid.page = ingrid.new_page()
        ingrid.opens(second.signers[0].redirect_url)
        ingrid.reads_everything()
        ingrid.says_yes()  # at the eID with the second, when the first goes there too
        ingrid.page = one
        ingrid.reads_everything()
        ingrid.says_yes()
        ingrid.logs_in_as("Ingrid Solvang")
        public_sender.latest = first
        ingrid.is_back_at_sender()
        assert public_sender.arrivals[-1].status is not None
        assert public_sender.arrivals[-1].status.job_id == first.job_id
        ingrid.page = two
        public_sender.latest = second
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        assert public_sender.arrivals[-1].status is not None
        assert public_sender.arrivals[-1].status.job_id == second.job_id
        for job, arrival, names in ((first, -2, {"avtale.pdf"}), (second, -1, {"avtale.pdf", "plan.pdf", "vilkaar.txt"})):
            change = public_sender.client.status(job, public_sender.arrivals[arrival].token)
            assert change.pades_url is not None
            attached = attachments(public_sender.client.pades(change.pades_url))
            assert {name.split(" ", 1)[1] for name in attached if not name.endswith(".xml")} == names
