"""The signature is stored and the seal is not made yet: the page says so, says more after 30 seconds, and leads on by itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from segl_client import CeremonyNotCompleted

from .conftest import RoughSegl, Someone
from .sending import INGRID, Sender


class TestTheProgressPage:
    @pytest.mark.requirement("R56")
    def test_waits_with_the_signer_and_leads_on_when_the_seal_is_there(
        self, someone: Someone, rough: RoughSegl, rough_sender: Sender
    ) -> None:
        job = rough_sender.sends(INGRID)
        ingrid = someone(at=rough.segl)
        ingrid.opens(job.signers[0].redirect_url)
        ingrid.reads_everything()
        ingrid.says_yes()
        with rough.frozen("worker"):
            ingrid.logs_in_as("Ingrid Solvang")
            expect(ingrid.heading("Signaturen din er lagret")).to_be_visible()
            expect(ingrid.page.get_by_text("Du kan lukke siden.").first).to_be_visible()
            ingrid.picture("progress")
            with pytest.raises(CeremonyNotCompleted):  # not readable before its seal
                rough_sender.client.status(job, "any-token")
            rough.move_clock(seconds=31)
            expect(ingrid.page.get_by_role("status")).to_have_text(
                "Det tar lengre tid enn vanlig. Signaturen din er lagret. Du kan lukke siden og hente dokumentet senere."
            )
            ingrid.picture("slow")
            ingrid.page.reload()
            expect(ingrid.heading("Signaturen din er lagret")).to_be_visible()
            shown = someone(at=rough.segl, java_script_enabled=False)
            shown.context.add_cookies(ingrid.context.cookies())
            shown.opens(ingrid.page.url)
            expect(shown.heading("Signaturen din er lagret")).to_be_visible()
            shown.picture("without-javascript")
        ingrid.is_back_at_sender()
        assert rough_sender.status_on_arrival() == "SIGNED"
        shown.is_back_at_sender()

    def test_is_never_shown_when_the_seal_is_made_within_a_second(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone()
        ingrid.signs(public_sender.sends(INGRID).signers[0].redirect_url)
        ingrid.is_back_at_sender()
        assert [url for url in ingrid.pages_seen if url.endswith("/progress.json")] == []
