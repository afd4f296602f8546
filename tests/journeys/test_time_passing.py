"""Time passes while somebody reads: the deadline comes near, the job expires, or the person was away too long."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import RoughSegl, Someone, until
from .sending import INGRID, Sender


class TestAJobThatExpiresWhileOneReads:
    def test_is_told_and_leads_back_to_the_sender(self, someone: Someone, rough: RoughSegl, rough_sender: Sender) -> None:
        job = rough_sender.sends(INGRID)
        rough.move_clock(days=29, hours=23, minutes=40)
        link = rough_sender.client.new_redirect_url(job.signers[0])
        ingrid = someone(at=rough.segl)
        page = ingrid.opens(link.redirect_url)
        expect(page.get_by_text("Signer innen")).to_be_visible()  # hidden in the direct flow until it is near
        ingrid.picture("deadline-is-near", is_whole=False)
        ingrid.reads_everything()
        rough.move_clock(minutes=25)
        until(lambda: _is_over(ingrid.page.url, ingrid.context.request.get(ingrid.page.url).url))
        page.get_by_role("button", name="Logg inn og signer").click()
        expect(ingrid.heading("Fristen er ute")).to_be_visible()
        ingrid.picture("expired")
        page.get_by_role("link", name="Tilbake til Fjordvik kommune").click()
        assert ingrid.is_back_at_sender().startswith(f"{rough_sender.site_url}/failed?")
        assert rough_sender.status_on_arrival() == "EXPIRED"


def _is_over(asked: str, answered: str) -> bool:
    return asked != answered and answered.endswith("/over")


class TestASittingLeftAlone:
    def test_ends_and_says_where_to_begin_again(self, someone: Someone, rough: RoughSegl, rough_sender: Sender) -> None:
        job = rough_sender.sends(INGRID)
        ingrid = someone(at=rough.segl)
        page = ingrid.opens(job.signers[0].redirect_url)
        ingrid.has_drawn(1)  # or the document itself would be asked for too late, which the browser complains of
        rough.move_clock(minutes=31)
        response = page.reload()
        assert response is not None
        assert response.status == 403
        expect(ingrid.heading("Du har vært borte en stund, så vi logget deg ut")).to_be_visible()
        ingrid.picture("timed-out")
        ingrid.signs(rough_sender.client.new_redirect_url(job.signers[0]).redirect_url)
        ingrid.is_back_at_sender()
        assert rough_sender.status_on_arrival() == "SIGNED"
