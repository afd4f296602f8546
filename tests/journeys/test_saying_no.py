"""A person does not want to sign, or another did not: what is asked first, what is registered, and where the browser goes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from segl_client import CeremonyNotCompleted, JobStatus

from .conftest import Someone
from .sending import INGRID, JONAS, Sender


class TestRejecting:
    @pytest.mark.requirement("R50", "R56")
    def test_asks_once_and_leads_to_the_rejection_url(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID)
        ingrid = someone()
        page = ingrid.opens(job.signers[0].redirect_url)
        page.get_by_role("link", name="Jeg vil ikke signere").click()
        expect(ingrid.heading("Vil du avvise dokumentet?")).to_be_visible()
        expect(page.get_by_text("Du kan ikke angre.")).to_be_visible()
        with pytest.raises(CeremonyNotCompleted):  # nothing has happened yet
            public_sender.client.status(job, "any-token")
        ingrid.picture("asked-once")
        page.get_by_role("button", name="Avvis dokumentet").click()
        address = ingrid.is_back_at_sender()
        ingrid.picture("back")
        assert address.startswith(f"{public_sender.site_url}/rejected?")
        assert public_sender.status_on_arrival() == "REJECTED"
        change = public_sender.arrivals[-1].status
        assert change is not None
        assert change.status is JobStatus.FAILED
        assert change.pades_url is None

    def test_can_be_thought_better_of(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone()
        page = ingrid.opens(public_sender.sends(INGRID).signers[0].redirect_url)
        page.get_by_role("link", name="Jeg vil ikke signere").click()
        page.get_by_role("link", name="Tilbake til dokumentet").click()
        ingrid.reads_everything()
        ingrid.says_yes()
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        assert public_sender.status_on_arrival() == "SIGNED"


class TestAnotherSignersRejection:
    def test_is_told_to_the_one_who_reads_and_leads_to_the_error_url(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID, JONAS)
        ingrid, jonas = someone(), someone()
        ingrid.opens(job.signer(INGRID).redirect_url)
        ingrid.has_drawn(1)
        page = jonas.opens(job.signer(JONAS).redirect_url)
        page.get_by_role("link", name="Jeg vil ikke signere").click()
        page.get_by_role("button", name="Avvis dokumentet").click()
        jonas.is_back_at_sender()

        ingrid.primary().click()
        expect(ingrid.heading("Signeringen er stoppet")).to_be_visible()
        expect(ingrid.page.get_by_text("En av de andre ville ikke signere.")).to_be_visible()
        assert "Jonas" not in ingrid.page.content()
        ingrid.picture("stopped")
        ingrid.page.get_by_role("link", name="Tilbake til Fjordvik kommune").click()
        assert ingrid.is_back_at_sender().startswith(f"{public_sender.site_url}/failed?")
        assert public_sender.status_on_arrival(INGRID) == "NOT_APPLICABLE"
        assert public_sender.status_on_arrival(JONAS) == "REJECTED"
