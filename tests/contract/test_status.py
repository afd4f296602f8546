"""Where the signer goes, and what the sender reads with the token that comes back (wire-spec.md 10, 11, 16.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from wire.wire_xml import custom_signer, signer

from .sending import DONE, ERROR, REJECTED, Draft, Sent, exit_urls, for_one, polling, send, token_of
from .speaking import NS, XML, Answer, Api

STATUS_ORDER = [
    "reference",
    "signature-job-id",
    "signature-job-status",
    "status",
    "confirmation-url",
    "delete-documents-url",
    "xades-url",
    "pades-url",
]


def statuses(answer: Answer) -> list[tuple[str | None, str | None]]:
    return [(element.get("signer"), element.text) for element in answer.xml.iter(f"{NS}status")]


class TestAnExitUrl:
    @pytest.mark.requirement("R50", "R51", "R106")
    @pytest.mark.parametrize(
        ("outcome", "address"), [("sign", DONE), ("reject", REJECTED), ("fail", ERROR)], ids=["sign", "reject", "fail"]
    )
    def test_is_that_of_what_happened_with_a_token_that_needs_no_escape(
        self, public: Api, people: list[str], outcome: str, address: str
    ) -> None:
        exit_url = send(public, for_one(people[0])).act(people[0], outcome).body.decode()

        assert exit_url.startswith(f"{address}?status_query_token=")
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token_of(exit_url))

    @pytest.mark.requirement("R50")
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("https://sender.example/r?a=1&amp;b=%20", r"https://sender\.example/r\?a=1&b=%20&status_query_token=[\w-]{43}"),
            ("https://sender.example/r#/part?x", r"https://sender\.example/r\?status_query_token=[\w-]{43}#/part\?x"),
            ("https://sender.example/r?a=1#f", r"https://sender\.example/r\?a=1&status_query_token=[\w-]{43}#f"),
            ("http://localhost:8888/r", r"http://localhost:8888/r\?status_query_token=[\w-]{43}"),
        ],
        ids=["query", "fragment", "both", "sandbox"],
    )
    def test_keeps_what_the_sender_put_into_it(self, public: Api, people: list[str], given: str, expected: str) -> None:
        job = send(public, for_one(people[0], exits=exit_urls(rejected=given)))

        assert re.fullmatch(expected, job.act(people[0], "reject").body.decode())

    @pytest.mark.requirement("R50")
    def test_has_a_token_for_jobs_that_are_polled_for_too(self, public: Api, people: list[str]) -> None:
        job = send(public, for_one(people[0], after=polling("nobody-polls")))

        assert urlsplit(job.act(people[0], "reject").body.decode()).query.startswith("status_query_token=")

    @pytest.mark.requirement("R56")
    def test_comes_when_status_and_sealed_pdf_are_readable(self, public: Api, people: list[str]) -> None:
        job = send(public, for_one(people[0]))

        answer = job.status(job.token(people[0]))

        assert statuses(answer) == [(people[0], "SIGNED")]
        assert public.get(answer.text("pades-url")).status == 200


class TestAStatus:
    @pytest.mark.requirement("R21", "R22", "R23", "R52")
    def test_of_a_signed_job_has_everything_in_its_order(self, public: Api, people: list[str]) -> None:
        before = datetime.now(UTC) - timedelta(seconds=1)
        job = send(public, for_one(people[0], before="<reference>r æ</reference>"))
        answer = job.status(job.token(people[0]))

        assert (answer.status, answer.header("content-type")) == (200, XML)
        assert [element.tag.removeprefix(NS) for element in answer.xml] == STATUS_ORDER
        assert answer.text("reference") == "r æ"
        assert answer.text("signature-job-id") == str(job.id)
        assert answer.text("signature-job-status") == "COMPLETED_SUCCESSFULLY"
        (status,) = answer.xml.iter(f"{NS}status")
        (xades,) = answer.xml.iter(f"{NS}xades-url")
        assert status.get("signer") == xades.get("signer") == people[0]
        since = datetime.fromisoformat(status.get("since") or "")
        assert since.utcoffset() is not None
        assert before <= since <= datetime.now(UTC) + timedelta(seconds=1)

    @pytest.mark.requirement("R52", "R53", "R107")
    def test_of_two_signers_grows_with_each_signature(self, private: Api, people: list[str]) -> None:
        job = send(private, Draft(signers=[signer(people[0]), custom_signer("kunde 7")]))

        first = job.status(job.token("kunde 7"))

        assert first.text("signature-job-status") == "IN_PROGRESS"
        assert statuses(first) == [(people[0], "WAITING"), ("kunde 7", "SIGNED")]
        assert [element.get("signer") for element in first.xml.iter(f"{NS}xades-url")] == ["kunde 7"]
        assert first.texts("delete-documents-url") == []
        early = private.get(first.text("pades-url")).body
        assert first.text("confirmation-url")

        second = job.status(job.token(people[0]))

        assert second.text("signature-job-status") == "COMPLETED_SUCCESSFULLY"
        assert statuses(second) == [(people[0], "SIGNED"), ("kunde 7", "SIGNED")]
        assert len(second.texts("xades-url")) == 2
        late = private.get(second.text("pades-url")).body
        assert late != early
        assert private.get(second.text("pades-url")).body == late

    @pytest.mark.requirement("R52")
    def test_of_a_waiting_signer_says_since_when(self, private: Api, people: list[str]) -> None:
        job = send(private, Draft(signers=[signer(people[0]), signer(people[1])]))

        answer = job.status(job.token(people[0], "fail"))

        assert statuses(answer) == [(people[0], "FAILED"), (people[1], "WAITING")]
        assert all(datetime.fromisoformat(element.get("since") or "").utcoffset() is not None for element in answer.xml.iter(f"{NS}status"))
        assert answer.text("signature-job-status") == "IN_PROGRESS"

    @pytest.mark.requirement("R86")
    def test_of_a_rejected_job_is_failed_and_keeps_what_was_signed(self, private: Api, people: list[str]) -> None:
        job = send(private, Draft(signers=[signer(people[0]), signer(people[1]), signer(people[2])]))
        job.token(people[0])

        answer = job.status(job.token(people[1], "reject"))

        assert answer.text("signature-job-status") == "FAILED"
        assert statuses(answer) == [(people[0], "SIGNED"), (people[1], "REJECTED"), (people[2], "NOT_APPLICABLE")]
        assert len(answer.texts("xades-url")) == len(answer.texts("pades-url")) == 1
        assert answer.texts("delete-documents-url") == []
        job.act(people[2]).refuses(409, "SIGNER_NOT_WAITING")

    @pytest.mark.requirement("R52")
    def test_may_be_asked_for_as_often_as_one_likes_with_every_token_of_the_job(self, private: Api, people: list[str]) -> None:
        job = send(private, Draft(signers=[signer(people[0]), signer(people[1])]))
        tokens = [job.token(people[0], "fail"), job.token(people[1], "reject")]

        answers = [job.status(token) for token in tokens * 2]

        assert {answer.text("signature-job-status") for answer in answers} == {"FAILED"}
        assert private.get(f"{job.address}/status?polling_queue=x&status_query_token={tokens[0]}").status == 200


class TestAToken:
    @pytest.mark.requirement("R54")
    @pytest.mark.parametrize("query", ["", "?status_query_token=", "?status_query_token", "?token=a"])
    def test_that_is_missing_is_refused(self, public: Api, people: list[str], query: str) -> None:
        job = send(public, for_one(people[0]))
        public.get(f"{job.address}/status{query}").refuses(403, "INVALID_STATUS_QUERY_TOKEN")
        job.token(people[0], "reject")
        public.get(f"{job.address}/status{query}").refuses(403, "INVALID_STATUS_QUERY_TOKEN")

    @pytest.mark.requirement("R54")
    def test_that_is_wrong_is_refused_once_there_is_a_right_one(self, public: Api, people: list[str]) -> None:
        job = send(public, for_one(people[0]))
        token = job.token(people[0], "reject")

        for wrong in (token[:-1], token + "a", token.swapcase(), "%00", "æ".encode().hex()):
            job.status(wrong).refuses(403, "INVALID_STATUS_QUERY_TOKEN")

    @pytest.mark.requirement("R55")
    @pytest.mark.parametrize("token", ["a", "A" * 43, "a" * 2000])
    def test_before_the_ceremony_ended_is_too_early_whatever_it_is(self, public: Api, people: list[str], token: str) -> None:
        send(public, for_one(people[0])).status(token).refuses(404, "SIGNING_CEREMONY_NOT_COMPLETED")


class TestTheSmokeScenariosOfDotNet:
    """wire-spec.md 4.4, in the bytes that .NET sends: no Accept on POST, downloads with both types."""

    @pytest.mark.requirement("R107", "R47", "R73", "R78", "R79")
    def test_one_signer_with_a_new_redirect_url(self, public: Api, people: list[str]) -> None:
        from .sending import DOT_NET_AGENT, dot_net_create

        both = ("Accept", "application/xml, application/octet-stream")
        job = Sent(api=public, answer=public.ask(dot_net_create(public, for_one(people[0], before="<reference>ref</reference>"))))
        assert public.post(job.hrefs[0], DOT_NET_AGENT).status == 200
        status = job.status(job.token(people[0]))
        assert public.get(status.text("xades-url"), both).header("content-type") == XML
        assert public.get(status.text("pades-url"), both).body.startswith(b"%PDF-")
        confirmed = public.post(status.text("confirmation-url"), DOT_NET_AGENT)
        assert (confirmed.status, confirmed.body) == (200, b"")

    @pytest.mark.requirement("R107", "R68")
    def test_a_named_queue_then_nothing_new(self, private: Api, people: list[str]) -> None:
        from .sending import dot_net_create, new_queue

        queue = new_queue("CustomQueue")
        job = Sent(api=private, answer=private.ask(dot_net_create(private, for_one(people[0], after=polling(queue)))))
        job.token(people[0])

        assert private.poll(f"?polling_queue={queue}").text("signature-job-status") == "COMPLETED_SUCCESSFULLY"
        assert private.poll(f"?polling_queue={queue}").status == 204

    @pytest.mark.requirement("R107")
    def test_several_documents(self, private: Api, people: list[str]) -> None:
        from .sending import CONTRACT, dot_net_create

        files = {f"{number}6b9d3a52-7c1e.pdf": CONTRACT for number in range(3)} | {"x-1.txt": "Tekst æøå\n".encode()}
        job = Sent(api=private, answer=private.ask(dot_net_create(private, for_one(people[0], files=files))))

        assert job.status(job.token(people[0])).text("signature-job-status") == "COMPLETED_SUCCESSFULLY"
