"""The demo sender from a pupil's chair: log in, fill the form, be sent to Segl, come back through each of the three doors."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from demo_sender.agreements import Memory
from demo_sender.application import Application
from demo_sender.settings import Settings
from demo_sender.signing import Desk
from demo_walk.ports import free_ports
from segl_client import SenderCertificate

from .school import MOTHER, PUPIL, WEB, FakeSegl, write_sandbox

FORM = {"company": "Fjordheim Verksted AS", "trade": "Kokk", "starts": "2027-08-15", "ends": "2029-08-14"}


class School:
    """The demo's application over a folder, and a browser at it."""

    def __init__(self, data: Path, segl: FakeSegl, certificate: SenderCertificate) -> None:
        self.data = data
        self.segl = segl
        settings = Settings.from_environment({"SEGL_DATA": str(data)})
        memory = Memory(data / "demo" / "state" / "school.sqlite3")
        desk = Desk(settings=settings, memory=memory, make_client=segl.client(certificate))
        self.application = Application(settings=settings, memory=memory, desk=desk)
        self.browser = self.another_browser()

    def another_browser(self) -> httpx.Client:
        return httpx.Client(transport=httpx.WSGITransport(app=self.application), base_url="http://127.0.0.1:8001")

    def log_in(self, index: int, next_path: str = "/") -> httpx.Response:
        return self.browser.post("/logg-inn", data={"person": str(index), "next": next_path})

    def send_form(self, **changes: str) -> httpx.Response:
        id = re.search(r'name="id" value="([a-z0-9]{32})"', self.browser.get("/").text)
        assert id is not None
        return self.browser.post("/avtaler", data={"id": id[1], **FORM, **changes})

    def come_back(self, door: str, token: str = "right-token") -> httpx.Response:
        exits = dict(re.findall(r"<(completion|rejection|error)-url>([^<]+)<", self.segl.request_xml.decode()))
        address = exits[door].replace("&amp;", "&")
        return self.browser.get(f"{address}&status_query_token={token}")


@pytest.fixture
def school(tmp_path: Path, sender_certificate: SenderCertificate) -> Iterator[School]:
    write_sandbox(tmp_path)
    made = School(tmp_path, FakeSegl(), sender_certificate)
    with made.browser:
        yield made


class TestLoggingIn:
    def test_comes_first_and_sets_a_cookie_of_the_demos_own(self, school: School) -> None:
        assert school.browser.get("/").headers["Location"] == "/logg-inn"
        assert "Jonas &lt;Myhre&gt;" in school.browser.get("/logg-inn").text

        answer = school.log_in(0)

        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert re.fullmatch(r"demo-session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", answer.headers["Set-Cookie"])
        assert "Ingrid Solvang" in school.browser.get("/").text

    def test_never_leads_off_the_site(self, school: School) -> None:
        assert school.log_in(0, "//elsewhere.example/").headers["Location"] == "/"
        assert school.log_in(0, "https://elsewhere.example/").headers["Location"] == "/"

    def test_shows_someone_whose_name_is_unknown(self, school: School) -> None:
        assert "Person uten navn (189296)" in school.browser.get("/logg-inn").text

    def test_out_ends_the_session(self, school: School) -> None:
        school.log_in(0)

        school.browser.post("/logg-ut")

        assert school.browser.get("/").headers["Location"] == "/logg-inn"

    def test_says_so_when_segl_has_made_no_persons_yet(self, school: School) -> None:
        (school.data / "sandbox" / "persons.json").unlink()

        answer = school.browser.get("/logg-inn")

        assert (answer.status_code, "Segl er ikke klar" in answer.text) == (503, True)


class TestTheForm:
    def test_becomes_a_job_and_sends_the_pupil_to_segl(self, school: School) -> None:
        school.log_in(0)

        answer = school.send_form(terms="yes")

        assert (answer.status_code, answer.headers["Location"]) == (303, f"{WEB}/redirect/secret-1")
        assert school.segl.requests == ["POST /api/123456785/direct/signature-jobs"]
        assert list(school.segl.files) == ["laerekontrakt.pdf", "vilkaar.txt", "manifest.xml", "META-INF/signatures.xml"]
        assert school.segl.files["laerekontrakt.pdf"].startswith(b"%PDF-1.7")
        assert list(school.segl.statuses) == [PUPIL]
        assert b"AUTHENTICATED_ELECTRONIC_SIGNATURE" in school.segl.files["manifest.xml"]

    def test_goes_out_from_the_private_school_when_asked(self, school: School) -> None:
        school.log_in(0)

        school.send_form(kind="private-advanced")

        assert school.segl.requests == ["POST /api/987654325/direct/signature-jobs"]
        assert b">ADVANCED_ELECTRONIC_SIGNATURE<" in school.segl.files["manifest.xml"]

    def test_sent_twice_makes_one_job(self, school: School) -> None:
        school.log_in(0)
        id = "0123456789abcdef" * 2
        school.browser.post("/avtaler", data={"id": id, **FORM})

        again = school.browser.post("/avtaler", data={"id": id, **FORM})

        assert again.headers["Location"] == f"/avtaler/{id}"
        assert len(school.segl.requests) == 1

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"company": "  "}, "Skriv navnet på bedriften"),
            ({"starts": "i morgen"}, "Fyll ut begge datoene"),
            ({"ends": "2020-01-01"}, "må slutte etter at den begynner"),
            ({"second": "guardian", "second_person": "0"}, "Det kan ikke være deg selv"),
            ({"kind": "public-advanced", "terms": "yes"}, "bare sende ett dokument til avansert signatur"),
        ],
    )
    def test_filled_wrongly_says_why_and_keeps_what_was_typed(self, school: School, changes: dict[str, str], words: str) -> None:
        school.log_in(0)

        answer = school.send_form(**{"company": "Bedrift & Sønn", **changes})

        assert answer.status_code == 422
        assert words in answer.text
        assert ("Bedrift &amp; Sønn" in answer.text) == ("company" not in changes)
        assert school.segl.requests == []

    def test_refused_by_segl_shows_the_reason_and_the_call(self, school: School) -> None:
        school.log_in(0)
        school.segl.refuse = "DOCUMENT_REJECTED"

        answer = school.send_form()

        assert "Segl tok ikke imot avtalen: Do otherwise (DOCUMENT_REJECTED)" in answer.text
        assert "POST /api/123456785/direct/signature-jobs" in answer.text
        assert "Dine avtaler" not in school.browser.get("/").text

    def test_can_be_sent_again_when_segl_gave_no_answer(self, school: School) -> None:
        school.log_in(0)
        school.segl.is_unreachable = True
        unsent = school.send_form()
        assert "fikk ikke svar fra Segl" in unsent.text

        school.segl.is_unreachable = False
        again = re.search(r'action="(/avtaler/[a-z0-9]{32}/signer)"', unsent.text)
        assert again is not None

        assert school.browser.post(again[1]).headers["Location"].startswith(f"{WEB}/redirect/")

    def test_from_another_site_is_refused(self, school: School) -> None:
        school.log_in(0)

        answer = school.browser.post("/avtaler", data=FORM, headers={"Origin": "https://elsewhere.example"})

        assert answer.status_code == 403
        assert school.segl.requests == []


class TestComingBack:
    def test_signed_fetches_the_document_confirms_and_offers_the_copy(self, school: School) -> None:
        school.log_in(0)
        school.send_form()
        school.segl.statuses[PUPIL] = "SIGNED"

        answer = school.come_back("completion")
        shown = school.browser.get(answer.headers["Location"])
        copy = re.search(r'href="(/copy/[a-z0-9]{32}\.pdf)"', shown.text)

        assert "<h1>Avtalen er signert</h1>" in shown.text
        assert "token" not in answer.headers["Location"]
        assert [request.rsplit("/", 1)[-1] for request in school.segl.requests[1:]] == ["status", "pades", "1"]
        assert copy is not None
        assert school.browser.get(copy[1]).content == school.segl.pades

    def test_rejected_says_so_and_offers_no_second_attempt(self, school: School) -> None:
        school.log_in(0)
        school.send_form()
        school.segl.statuses[PUPIL] = "REJECTED"

        shown = school.browser.get(school.come_back("rejection").headers["Location"])

        assert "<h1>Du avviste avtalen</h1>" in shown.text
        assert '/signer"' not in shown.text
        assert "/copy/" not in shown.text

    def test_after_an_error_can_try_again_with_a_new_redirect_url(self, school: School) -> None:
        school.log_in(0)
        school.send_form()
        school.segl.statuses[PUPIL] = "FAILED"
        page = school.come_back("error").headers["Location"]
        assert "<h1>Signeringen ble avbrutt</h1>" in school.browser.get(page).text

        again = school.browser.post(f"{page}/signer")

        assert again.headers["Location"] == f"{WEB}/redirect/secret-2"
        assert school.segl.requests[-1] == "POST /api/123456785/direct/signature-jobs/77/signers/1"

    def test_with_a_wrong_token_changes_nothing(self, school: School) -> None:
        school.log_in(0)
        school.send_form()

        answer = school.come_back("completion", token="wrong")

        assert (answer.status_code, "INVALID_STATUS_QUERY_TOKEN" in answer.text) == (502, True)
        assert "<h1>Du har ikke signert ennå</h1>" in answer.text

    def test_without_a_token_or_agreement_is_a_page_that_says_so(self, school: School) -> None:
        school.log_in(0)

        assert school.browser.get("/back/completed").status_code == 404
        assert school.browser.get("/back/completed?avtale=x&status_query_token=y").status_code == 404


class TestTwoSigners:
    def test_sign_one_after_the_other(self, school: School) -> None:
        school.log_in(0)
        school.send_form(second="guardian", second_person="1")
        assert list(school.segl.statuses) == [PUPIL, MOTHER]
        school.segl.statuses[PUPIL] = "SIGNED"
        page = school.come_back("completion").headers["Location"]
        shown = school.browser.get(page).text
        assert "<h1>Du har signert</h1>" in shown
        assert "Nå er det Jonas &lt;Myhre&gt; sin tur" in shown
        first_copy = school.browser.get(f"/copy/{page.rsplit('/', 1)[1]}.pdf").content

        school.log_in(1, page)
        assert "<h1>Du har ikke signert ennå</h1>" in school.browser.get(page).text
        assert school.browser.post(f"{page}/signer").headers["Location"].startswith(f"{WEB}/redirect/")
        assert school.segl.requests[-1].endswith("/signers/2")
        school.segl.statuses[MOTHER] = "SIGNED"
        school.come_back("completion")

        assert "<h1>Avtalen er signert</h1>" in school.browser.get(page).text
        assert school.browser.get(f"/copy/{page.rsplit('/', 1)[1]}.pdf").content == school.segl.pades != first_copy


class TestAnAgreement:
    def test_is_not_there_for_somebody_else(self, school: School) -> None:
        school.log_in(0)
        school.send_form()
        school.segl.statuses[PUPIL] = "SIGNED"
        page = school.come_back("completion").headers["Location"]

        school.log_in(2)

        for address in (page, page.replace("avtaler", "copy") + ".pdf"):
            assert school.browser.get(address).status_code == 404
        assert school.browser.post(f"{page}/signer").status_code == 404

    def test_shows_its_calls_without_tokens_and_identity_numbers(self, school: School) -> None:
        school.log_in(0)
        school.send_form()
        school.segl.statuses[PUPIL] = "SIGNED"

        shown = school.browser.get(school.come_back("completion").headers["Location"]).text

        for line in ("POST /api/123456785/direct/signature-jobs</code>", "/77/status?status_query_token=•••</code>", "/77/pades</code>"):
            assert line in shown
        assert "148307•••••" in shown
        for secret in (PUPIL, "right-token", "secret-1"):
            assert secret not in shown

    def test_survives_the_process(self, school: School, sender_certificate: SenderCertificate) -> None:
        school.log_in(0)
        school.send_form()
        school.segl.statuses[PUPIL] = "SIGNED"
        page = school.come_back("completion").headers["Location"]

        reborn = School(school.data, school.segl, sender_certificate)
        with reborn.browser:
            reborn.log_in(0)

            assert "<h1>Avtalen er signert</h1>" in reborn.browser.get(page).text

    def test_keeps_no_session_token_in_the_file(self, school: School) -> None:
        token = school.log_in(0).headers["Set-Cookie"].split("=")[1].split(";")[0]

        connection = sqlite3.connect(school.data / "demo" / "state" / "school.sqlite3")
        rows = connection.execute("SELECT * FROM session").fetchall()
        connection.close()

        assert len(rows) == 1
        assert token not in str(rows)


class TestEveryPage:
    def test_may_lead_its_forms_to_segl_and_nowhere_else(self, school: School) -> None:
        policy = school.browser.get("/logg-inn").headers["Content-Security-Policy"]

        assert policy.startswith("default-src 'none';")
        assert policy.endswith("form-action 'self' http://localhost:8000")

    def test_lives_at_one_address(self, school: School) -> None:
        moved = school.browser.get("/logg-inn?next=/x", headers={"Host": "localhost:8001"})

        assert moved.headers["Location"] == "http://127.0.0.1:8001/logg-inn?next=/x"


class TestTheProcess:
    def test_answers_until_it_is_told_to_stop(self, tmp_path: Path) -> None:
        write_sandbox(tmp_path)
        [port] = free_ports(1)
        folder = Path(__file__).parents[2] / "examples" / "demo-sender"
        environment = {**os.environ, "SEGL_DATA": str(tmp_path), "SEGL_DEMO_PORT": str(port)}

        with subprocess.Popen(
            [sys.executable, "-m", "demo_sender"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == f"Eksempelskolen: http://127.0.0.1:{port}\n"
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as browser:
                assert browser.get("/health").text == "ok\n"
                assert "Ingrid Solvang" in browser.get("/logg-inn").text
            process.terminate()
            assert process.wait(timeout=15) == 0
