"""The log-in does not go as it should: each time a page in plain words, nothing burned, and the state right."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from segl_client import CeremonyNotCompleted, IdentifierFormat, Signer

from .browser import Visitor
from .conftest import RoughSegl, Someone
from .sending import INGRID, NAMELESS, TORSTEIN, Sender


def comes_to_the_eid(visitor: Visitor, url: str) -> None:
    visitor.opens(url)
    visitor.reads_everything()
    visitor.says_yes()


def is_told(visitor: Visitor, *sentences: str) -> None:
    """The page that asks says what stopped the last attempt, and the focus is on it."""
    expect(visitor.page.locator("#notice")).to_be_focused()
    for sentence in sentences:
        expect(visitor.page.locator("#notice")).to_contain_text(sentence)
    expect(visitor.page.locator("form[data-once] button.primary")).to_be_visible()


class TestAnAbortedLogIn:
    @pytest.mark.requirement("R55")
    def test_leaves_the_signer_waiting_and_signing_still_works(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID)
        ingrid = someone()
        comes_to_the_eid(ingrid, job.signers[0].redirect_url)
        ingrid.page.get_by_role("button", name="Avbryt").click()
        is_told(ingrid, "Du logget ikke inn", "Ingenting er signert. Prøv igjen når du vil.")
        expect(ingrid.page).to_have_title("Du logget ikke inn – Segl")
        ingrid.picture("aborted")
        with pytest.raises(CeremonyNotCompleted):
            public_sender.client.status(job, "any-token")
        ingrid.says_yes()
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        assert public_sender.status_on_arrival() == "SIGNED"


class TestTheWrongPerson:
    def test_is_told_so_without_a_name_and_the_right_one_can_sign(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(INGRID)
        ingrid = someone()
        comes_to_the_eid(ingrid, job.signers[0].redirect_url)
        ingrid.logs_in_as("Jonas Myhre")
        is_told(ingrid, "Du logget inn som en annen enn den dokumentet er sendt til", "Prøv igjen med din egen e-ID.")
        assert "Jonas" not in ingrid.page.content()
        assert "Ingrid" not in ingrid.page.content()
        ingrid.picture("wrong-person")
        ingrid.says_yes()  # not brought straight back by the session of the first log-in
        ingrid.logs_in_as("Ingrid Solvang")
        ingrid.is_back_at_sender()
        assert public_sender.status_on_arrival() == "SIGNED"

    def test_is_anybody_for_an_identifier_of_the_senders_own(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(Signer(identifier="customer-17"), identifier_format=IdentifierFormat.NAME)
        jonas = someone()
        jonas.signs(job.signers[0].redirect_url, name="Jonas Myhre")
        jonas.is_back_at_sender()
        assert public_sender.status_on_arrival("customer-17") == "SIGNED"


class TestALevelThatIsTooLow:
    def test_is_told_with_what_would_do_and_a_better_log_in_signs(self, someone: Someone, private_sender: Sender) -> None:
        job = private_sender.sends(INGRID)
        ingrid = someone()
        comes_to_the_eid(ingrid, job.signers[0].redirect_url)
        ingrid.logs_in_as("Ingrid Solvang", eid="MinID")
        is_told(ingrid, "Denne krever en sikrere innlogging", "Ingenting er signert.")
        ingrid.picture("level")
        ingrid.says_yes()
        ingrid.logs_in_as("Ingrid Solvang", eid="BankID")
        ingrid.is_back_at_sender()
        assert private_sender.status_on_arrival() == "SIGNED"

    def test_is_told_to_one_who_has_nothing_better(self, someone: Someone, private_sender: Sender) -> None:
        job = private_sender.sends(TORSTEIN)
        torstein = someone()
        comes_to_the_eid(torstein, job.signers[0].redirect_url)
        torstein.logs_in_as("Torstein Vik")
        is_told(torstein, "Denne krever en sikrere innlogging")


class TestAPersonWithoutAName:
    def test_cannot_sign_and_the_sender_is_told_why(self, someone: Someone, public_sender: Sender) -> None:
        job = public_sender.sends(NAMELESS)
        person = someone()
        comes_to_the_eid(person, job.signers[0].redirect_url)
        person.logs_in_as("(uten navn)")
        expect(person.heading("Vi fikk ikke navnet ditt")).to_be_visible()
        person.picture("no-name")
        person.page.get_by_role("link", name="Tilbake til Fjordvik kommune").click()
        assert person.is_back_at_sender().startswith(f"{public_sender.site_url}/failed?")
        assert public_sender.status_on_arrival(NAMELESS) == "SIGNERS_NAME_NOT_AVAILABLE"


class TestAnEidThatDoesNotAnswer:
    def test_is_told_and_going_back_fails_until_a_new_link_opens_it_again(
        self, someone: Someone, rough: RoughSegl, rough_sender: Sender
    ) -> None:
        job = rough_sender.sends(INGRID)
        ingrid = someone(at=rough.segl)
        ingrid.opens(job.signers[0].redirect_url)
        ingrid.reads_everything()
        with rough.frozen("neighbours"):
            ingrid.page.get_by_role("button", name="Logg inn og signer").click()
            expect(ingrid.page.get_by_role("heading", name="svarer ikke nå")).to_be_visible()
            is_told(ingrid, "Ingenting er signert. Prøv igjen om litt.")
            ingrid.picture("eid-away")
            ingrid.page.get_by_role("button", name="Gå tilbake til Fjordvik kommune").click()
            assert ingrid.is_back_at_sender().startswith(f"{rough_sender.site_url}/failed?")
        assert rough_sender.status_on_arrival() == "FAILED"

        again = rough_sender.client.new_redirect_url(job.signers[0])
        ingrid.signs(again.redirect_url)
        ingrid.is_back_at_sender()
        assert rough_sender.status_on_arrival() == "SIGNED"


class TestATimeStampThatCannotBeHad:
    def test_means_no_signature_and_nothing_burned(self, someone: Someone, rough: RoughSegl, rough_sender: Sender) -> None:
        job = rough_sender.sends(INGRID)
        ingrid = someone(at=rough.segl)
        comes_to_the_eid(ingrid, job.signers[0].redirect_url)
        with rough.without_time_stamps():
            ingrid.logs_in_as("Ingrid Solvang")
            is_told(ingrid, "Vi kan ikke signere akkurat nå", "En tjeneste vi trenger, svarer ikke. Ingenting er signert.")
            ingrid.picture("no-time-stamp")
            with pytest.raises(CeremonyNotCompleted):
                rough_sender.client.status(job, "any-token")
        ingrid.page.locator("form[data-once] button.primary").click()  # the eID knows the person now, and asks nothing
        ingrid.is_back_at_sender()
        assert rough_sender.status_on_arrival() == "SIGNED"
