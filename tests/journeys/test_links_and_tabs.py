"""A link works once, machines that look ahead use nothing up, and no reload, back button or second tab signs twice or loses the place."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from .browser import Visitor
from .conftest import RoughSegl, Someone
from .sending import INGRID, THREE, Sender


def refusal(visitor: Visitor) -> str:
    """Return what the page says, without its reference."""
    expect(visitor.heading("Lenken virker ikke lenger")).to_be_visible()
    return re.sub(r"[2-9A-Z]{4}-[2-9A-Z]{2}", "REFERENCE", visitor.page.locator("main").inner_text())


class TestALink:
    @pytest.mark.requirement("R49")
    def test_says_the_same_when_it_is_used_replaced_unknown_or_too_old(
        self, someone: Someone, rough: RoughSegl, rough_sender: Sender
    ) -> None:
        job = rough_sender.sends(INGRID)
        owner, other = someone(at=rough.segl), someone(at=rough.segl)
        owner.opens(job.signers[0].redirect_url)
        owner.opens(job.signers[0].redirect_url)  # the same browser may open it again, and comes to where it was
        expect(owner.heading("Vil du signere dette dokumentet?")).to_be_visible()

        response = other.page.goto(job.signers[0].redirect_url)
        assert response is not None
        assert response.status == 403
        used = refusal(other)
        other.picture("used")
        rough_sender.client.new_redirect_url(job.signers[0])
        replaced_link = rough_sender.sends(INGRID).signers[0]
        newer = rough_sender.client.new_redirect_url(replaced_link)
        other.opens(replaced_link.redirect_url)
        replaced = refusal(other)
        other.opens(f"{rough.segl.web_url}/redirect/unknown")
        unknown = refusal(other)
        rough.move_clock(hours=2)
        other.opens(newer.redirect_url)
        too_old = refusal(other)
        assert used == replaced == unknown == too_old

    def test_is_not_used_up_by_what_looks_ahead(self, someone: Someone, public_sender: Sender) -> None:
        url = public_sender.sends(INGRID).signers[0].redirect_url
        with httpx.Client(trust_env=False) as machine:
            for answer in (
                machine.head(url),
                machine.get(url, headers={"Sec-Purpose": "prefetch"}),
                machine.get(url, headers={"Sec-Purpose": "prefetch;prerender"}),
                machine.get(url, headers={"Purpose": "prefetch"}),
            ):
                assert (answer.status_code, answer.headers.get("Set-Cookie")) == (204, None)
        ingrid = someone()
        ingrid.opens(url)
        expect(ingrid.heading("Læreavtale")).to_be_visible()

    def test_does_not_mark_a_document_opened_that_was_only_looked_ahead_at(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone()
        page = ingrid.opens(public_sender.sends(INGRID, documents=THREE).signers[0].redirect_url)
        looked = ingrid.context.request.get(page.url.replace("/1", "/2"), headers={"Sec-Purpose": "prefetch"})
        assert looked.ok
        page.goto(page.url.replace("/documents/1", "/confirm"))
        expect(page).to_have_title("Les dokument 2 av 3 – Segl")


class TestThePlace:
    def test_is_kept_by_reload_and_by_a_second_tab(self, someone: Someone, public_sender: Sender) -> None:
        ingrid = someone()
        page = ingrid.opens(public_sender.sends(INGRID, documents=THREE).signers[0].redirect_url)
        ingrid.primary().click()
        expect(page).to_have_title("Les dokument 2 av 3 – Segl")
        page.reload()
        expect(page).to_have_title("Les dokument 2 av 3 – Segl")
        page.go_back()
        expect(page).to_have_title("Les dokument 1 av 3 – Segl")
        sitting = page.url.split("/documents/")[0]
        tab = ingrid.new_page()
        tab.goto(f"{sitting}/")
        expect(tab).to_have_title("Les dokument 3 av 3 – Segl")

    def test_after_signing_is_the_way_out_for_reload_back_button_and_second_tab(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID)
        ingrid = someone()
        page = ingrid.opens(job.signers[0].redirect_url)
        ingrid.reads_everything()
        sitting = page.url.removesuffix("/confirm")
        tab = ingrid.new_page()
        tab.goto(f"{sitting}/confirm")
        ingrid.says_yes()
        at_eid = page.url
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        first = public_sender.arrivals[-1].status
        assert first is not None

        tab.get_by_role("button", name="Logg inn og signer").click()
        expect(tab.get_by_role("heading", name="Tilbake hos avsenderen")).to_be_visible()
        for place in ("confirm", "documents/1", "reject", "problem", "progress", ""):
            tab.goto(f"{sitting}/{place}")
            expect(tab.get_by_role("heading", name="Tilbake hos avsenderen")).to_be_visible()
            assert tab.url.startswith(f"{public_sender.site_url}/signed?")
        page.goto(at_eid)  # the eID's page is still there, and pressing it again must not sign again
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        last = public_sender.arrivals[-1].status
        assert last is not None
        assert last.signers == first.signers
        assert page.url.startswith(f"{public_sender.site_url}/signed?")

    def test_is_past_for_the_back_button_from_the_senders_site(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID)
        ingrid = someone()
        page = ingrid.opens(f"{public_sender.site_url}/start")
        ingrid.signs(job.signers[0].redirect_url)
        ingrid.is_back_at_sender()
        signed = public_sender.arrivals[-1].status
        assert signed is not None
        for _ in range(3):
            with page.expect_navigation(wait_until="commit"):
                page.evaluate("setTimeout(() => history.back())")
            # Either the eID's own page, or a page of the sitting, which leads out again.
            expect(page.get_by_role("heading", name=re.compile("Logg inn som testperson|Tilbake hos avsenderen"))).to_be_visible()
        assert public_sender.client.status(job, public_sender.arrivals[-1].token).signers == signed.signers
