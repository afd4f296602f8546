"""Signing without a browser, in the sandbox only (wire-spec.md 2, rows 14 and 15)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from support.postgresql import PostgresServer
from support.running_segl import RunningSegl
from wire.wire_xml import BUYER, custom_signer, signer

from .conftest import caller
from .production import NUMBER, production_api
from .sending import Draft, for_one, send, token_of
from .speaking import NS, TEXT, Api, request


class TestATestSigner:
    @pytest.mark.requirement("R106")
    @pytest.mark.parametrize("who", ["number", "kunde 7/æ"])
    def test_signs_by_the_identifier_as_it_was_submitted(self, private: Api, people: list[str], who: str) -> None:
        identifier = people[0] if who == "number" else who
        job = send(private, Draft(signers=[signer(identifier) if who == "number" else custom_signer(identifier)]))

        # As .NET's helper does: an empty POST without outcome.
        answer = private.post(f"/web/signature-jobs/{job.id}/devmodesign?signer={quote(identifier)}")

        assert (answer.status, answer.header("content-type")) == (200, TEXT)
        first = parse_qsl(urlsplit(answer.body.decode()).query)[0]
        assert first[0] == "status_query_token"
        status = job.status(first[1])
        assert status.text("signature-job-status") == "COMPLETED_SUCCESSFULLY"
        assert private.get(status.text("pades-url")).status == 200

    @pytest.mark.requirement("R106")
    @pytest.mark.parametrize(("outcome", "status"), [("reject", "REJECTED"), ("fail", "FAILED"), ("sign", "SIGNED")])
    def test_does_what_is_asked(self, public: Api, people: list[str], outcome: str, status: str) -> None:
        job = send(public, for_one(people[0]))

        answer = job.status(job.token(people[0], outcome))

        assert [element.text for element in answer.xml.iter(f"{NS}status")] == [status]

    @pytest.mark.requirement("R106")
    @pytest.mark.parametrize("who", ["", "?signer=", "?signer=22222222222", "?signer=kunde"])
    def test_that_the_job_does_not_have_is_not_found(self, public: Api, people: list[str], who: str) -> None:
        job = send(public, for_one(people[0]))

        public.post(f"/web/signature-jobs/{job.id}/devmodesign{who}").refuses(404, "SIGNATURE_JOB_NOT_FOUND")

    @pytest.mark.requirement("R106")
    def test_who_is_nobody_of_the_sandbox_cannot_log_in(self, public: Api) -> None:
        send(public, for_one(BUYER)).act(BUYER).refuses(404, "SIGNATURE_JOB_NOT_FOUND")

    @pytest.mark.requirement("R106")
    @pytest.mark.parametrize("first", ["sign", "reject"])
    def test_who_has_acted_or_whose_job_has_ended_is_told_so(self, private: Api, people: list[str], first: str) -> None:
        job = send(private, for_one(people[0]))
        job.token(people[0], first)

        for outcome in ("sign", "reject", "fail"):
            job.act(people[0], outcome).refuses(409, "SIGNER_NOT_WAITING")

    @pytest.mark.requirement("R106", "R81")
    def test_is_asked_for_by_post_and_with_a_known_outcome(self, public: Api, people: list[str]) -> None:
        job = send(public, for_one(people[0]))

        public.get(f"/web/signature-jobs/{job.id}/devmodesign?signer={people[0]}").refuses(405, "METHOD_NOT_ALLOWED")
        job.act(people[0], "dance").refuses(400, "MALFORMED_REQUEST", "sign, reject and fail")

    @pytest.mark.requirement("R106")
    def test_may_be_asked_for_by_the_senders_broker_and_by_nobody_else(
        self, segl: RunningSegl, public: Api, broker: Api, people: list[str]
    ) -> None:
        job = send(public, for_one(people[0]))
        path = f"/web/signature-jobs/{job.id}/devmodesign?signer={people[0]}&outcome=reject"

        caller(segl, "private-sender").post(path).refuses(404, "SIGNATURE_JOB_NOT_FOUND")
        assert broker.post(path).status == 200

    @pytest.mark.requirement("R106")
    def test_acts_once_though_three_ask_at_the_same_time(self, private: Api, people: list[str]) -> None:
        job = send(private, for_one(people[0]))

        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: job.act(people[0]), range(3)))

        assert {answer.status for answer in answers} <= {200, 409}
        (first, *_) = [answer for answer in answers if answer.status == 200]
        status = job.status(token_of(first.body.decode()))
        assert [element.text for element in status.xml.iter(f"{NS}status")] == ["SIGNED"]
        assert len(status.texts("xades-url")) == 1


class TestInProduction:
    @pytest.mark.requirement("R106")
    def test_there_is_no_signing_without_a_browser(self, tmp_path: Path, postgres: PostgresServer | None) -> None:
        with production_api(tmp_path, postgres) as connection:
            until = time.monotonic() + 30
            # Nobody is let in before the CA's revocation list has been fetched.
            while (greeting := connection.ask(request("GET", f"/api/{NUMBER}"))).status == 503 and time.monotonic() < until:
                time.sleep(0.1)
            answers = [
                connection.ask(request("POST", path, ("Content-Length", "0")))
                for path in (
                    f"/web/signature-jobs/1/devmodesign?signer={BUYER}",
                    "/web/portal/signature-jobs/1/devmodesign",
                    "/sandbox/clock",
                )
            ]

        assert greeting.body.decode() == f"You are {NUMBER}"
        for answer in answers:
            answer.refuses(404, "NOT_FOUND")
