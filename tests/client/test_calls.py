"""What the client sends and how it takes each answer; the service is played by a function, the answers are written by hand from wire-spec.md."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from segl_client import (
    ApiError,
    BrokerNotAuthorized,
    CeremonyNotCompleted,
    DirectJob,
    Exchange,
    InvalidStatusQueryToken,
    JobStatus,
    NoAnswer,
    NotAuthorized,
    NotSendable,
    RateLimited,
    SeglClient,
    SeglError,
    SenderCertificate,
    TooEagerPolling,
    UnexpectedAnswer,
)

from .conftest import SENDER

Service = Callable[[httpx.Request], httpx.Response]
ClientOf = Callable[[Service], SeglClient]
NS = 'xmlns="http://signering.posten.no/schema/v1"'
JOBS = f"https://api.example:8443/api/{SENDER}/direct/signature-jobs"
CREATED = f"""<?xml version="1.0" encoding="UTF-8"?><direct-signature-job-response {NS}>
<reference>avtale-1</reference><signature-job-id>77</signature-job-id>
<redirect-url signer="01878612345">https://web.example/redirect/a</redirect-url>
<status-url>{JOBS}/77/status</status-url>
<signer href="{JOBS}/77/signers/1"><personal-identification-number>01878612345</personal-identification-number>
<redirect-url>https://web.example/redirect/a</redirect-url></signer>
<signer href="{JOBS}/77/signers/2"><signer-identifier>bedrift-7</signer-identifier>
<redirect-url>https://web.example/redirect/b</redirect-url></signer></direct-signature-job-response>"""
STATUS = f"""<direct-signature-job-status-response {NS}><signature-job-id>77</signature-job-id>
<signature-job-status>IN_PROGRESS</signature-job-status>
<status signer="01878612345" since="2026-05-04T14:00:00.123+02:00">SIGNED</status>
<status signer="bedrift-7" since="2026-05-04T13:00:00Z">SOMETHING_NEW</status>
<confirmation-url>{JOBS}/77/complete/1</confirmation-url>
<xades-url signer="01878612345">{JOBS}/77/xades/1</xades-url><pades-url>{JOBS}/77/pades</pades-url>
<an-element-of-tomorrow/></direct-signature-job-status-response>"""


def xml(body: str, status: int = 200, **headers: str) -> httpx.Response:
    sent = {"Content-Type": "application/xml", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.Response(status, content=body.encode(), headers=sent)


def error(code: str, status: int, **headers: str) -> httpx.Response:
    return xml(
        f"<error {NS}><error-code>{code}</error-code><error-message>What to do</error-message><error-type>CLIENT</error-type></error>",
        status,
        **headers,
    )


class TestCreate:
    def test_sends_the_request_and_the_bundle_as_multipart_mixed(self, client_of: ClientOf, job: DirectJob) -> None:
        seen: list[httpx.Request] = []

        def service(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return xml(CREATED)

        created = client_of(service).create_direct_job(job)

        assert (seen[0].method, str(seen[0].url)) == ("POST", JOBS)
        assert seen[0].headers["Accept"] == "application/xml"
        assert seen[0].headers["User-Agent"].startswith("segl-client/")
        whole = b"Content-Type: " + seen[0].headers["Content-Type"].encode() + b"\r\n\r\n" + seen[0].content
        parts = list(email.message_from_bytes(whole, policy=email.policy.HTTP).iter_parts())
        assert [part.get_content_type() for part in parts] == ["application/xml", "application/octet-stream"]
        assert b"direct-signature-job-request" in parts[0].get_payload(decode=True)
        assert parts[1].get_payload(decode=True).startswith(b"PK")
        assert (created.job_id, created.reference, created.status_url) == (77, "avtale-1", f"{JOBS}/77/status")
        assert created.signer("bedrift-7").redirect_url == "https://web.example/redirect/b"
        with pytest.raises(KeyError, match="no such signer"):
            created.signer("stranger")

    def test_is_never_repeated_when_no_answer_comes(self, client_of: ClientOf, job: DirectJob) -> None:
        calls = 0

        def service(request: httpx.Request) -> httpx.Response:
            nonlocal calls
            calls += 1
            raise httpx.ReadTimeout("late", request=request)

        with pytest.raises(NoAnswer, match="ReadTimeout"):
            client_of(service).create_direct_job(job)

        assert calls == 1

    def test_is_not_repeated_when_the_service_is_unavailable(self, client_of: ClientOf, job: DirectJob) -> None:
        calls = 0

        def service(_: httpx.Request) -> httpx.Response:
            nonlocal calls
            calls += 1
            return error("UNAVAILABLE", 503, Retry_After="1")

        with pytest.raises(ApiError, match="UNAVAILABLE: What to do") as refused:
            client_of(service).create_direct_job(job)

        assert (calls, refused.value.http_status, refused.value.type) == (1, 503, "CLIENT")


class TestTheOtherCalls:
    def test_greeting_is_text(self, client_of: ClientOf) -> None:
        client = client_of(lambda request: httpx.Response(200, text=f"You are {request.url.path.removeprefix('/api/')}"))

        assert client.greeting() == f"You are {SENDER}"

    def test_a_broker_calls_the_address_of_another_sender(self, client_of: ClientOf) -> None:
        client = client_of(lambda request: httpx.Response(200, text=request.url.path)).for_sender("987654325")

        assert client.greeting() == "/api/987654325"

    def test_a_new_redirect_url_is_asked_for_at_the_signers_href(self, client_of: ClientOf) -> None:
        seen: list[httpx.Request] = []

        def service(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return xml(
                f'<direct-signer-response {NS} href="{JOBS}/77/signers/2"><signer-identifier>bedrift-7</signer-identifier>'
                "<redirect-url>https://web.example/redirect/c</redirect-url></direct-signer-response>"
            )

        fresh = client_of(service).new_redirect_url(f"{JOBS}/77/signers/2")

        assert fresh.redirect_url == "https://web.example/redirect/c"
        assert str(seen[0].url) == f"{JOBS}/77/signers/2"
        assert b"<redirect-url/>" in seen[0].content

    def test_status_carries_the_token_and_tolerates_words_and_elements_of_tomorrow(self, client_of: ClientOf) -> None:
        seen: list[str] = []

        def service(request: httpx.Request) -> httpx.Response:
            seen.append(str(request.url))
            return xml(STATUS)

        change = client_of(service).status(f"{JOBS}/77/status", "abc_-1")

        assert seen == [f"{JOBS}/77/status?status_query_token=abc_-1"]
        assert change.status is JobStatus.IN_PROGRESS
        assert [(s.status, s.has_signed, s.xades_url) for s in change.signers] == [
            ("SIGNED", True, f"{JOBS}/77/xades/1"),
            ("SOMETHING_NEW", False, None),
        ]
        assert change.signers[0].since == datetime(2026, 5, 4, 12, 0, 0, 123000, tzinfo=UTC)
        assert (change.delete_documents_url, change.next_permitted_poll_at) == (None, None)

    def test_status_of_a_polled_job_is_not_asked_for(self, client_of: ClientOf) -> None:
        client = client_of(lambda _: xml(CREATED.replace(f"<status-url>{JOBS}/77/status</status-url>", "")))
        created = client.create_direct_job_from(request=b"<r/>", bundle=b"")

        with pytest.raises(NotSendable, match="polled"):
            client.status(created, "token")

    def test_confirm_posts_nothing_to_the_confirmation_url(self, client_of: ClientOf) -> None:
        seen: list[tuple[str, str, bytes]] = []

        def service(request: httpx.Request) -> httpx.Response:
            seen.append((request.method, str(request.url), request.content))
            return xml(STATUS) if request.method == "GET" else httpx.Response(200)

        client = client_of(service)
        client.confirm(client.status(f"{JOBS}/77/status", "t"))

        assert seen[1] == ("POST", f"{JOBS}/77/complete/1", b"")

    def test_delete_is_not_sent_without_its_url(self, client_of: ClientOf) -> None:
        client = client_of(lambda _: xml(STATUS))

        with pytest.raises(NotSendable, match="cannot be deleted now"):
            client.delete_documents(client.status(f"{JOBS}/77/status", "t"))

    def test_delete_uses_its_method(self, client_of: ClientOf) -> None:
        seen: list[str] = []

        def service(request: httpx.Request) -> httpx.Response:
            seen.append(request.method)
            return httpx.Response(204)

        client_of(service).delete_documents(f"{JOBS}/77/documents")

        assert seen == ["DELETE"]

    def test_downloads_give_the_very_bytes(self, client_of: ClientOf, tmp_path: Path) -> None:
        body = bytes(range(256)) * 1000
        client = client_of(lambda _: httpx.Response(200, content=body, headers={"Content-Type": "application/octet-stream"}))

        assert client.pades(f"{JOBS}/77/pades") == body
        assert client.xades(f"{JOBS}/77/xades/1") == body
        assert client.save(f"{JOBS}/77/pades", tmp_path / "signed.pdf").read_bytes() == body

    def test_a_refused_download_leaves_no_file(self, client_of: ClientOf, tmp_path: Path) -> None:
        client = client_of(lambda _: error("SIGNATURE_JOB_NOT_FOUND", 404))

        with pytest.raises(ApiError, match="SIGNATURE_JOB_NOT_FOUND"):
            client.save(f"{JOBS}/77/pades", tmp_path / "signed.pdf")

        assert list(tmp_path.iterdir()) == []


class TestPolling:
    NEXT = "2026-05-04T14:10:00.000+02:00"
    THEN = datetime(2026, 5, 4, 12, 10, tzinfo=UTC)

    @pytest.mark.parametrize(("queue", "query"), [("", ""), ("my queue/æ+&b", "?polling_queue=my%20queue%2F%C3%A6%2B%26b")])
    def test_names_the_queue_percent_encoded(self, client_of: ClientOf, queue: str, query: str) -> None:
        seen: list[str] = []

        def service(request: httpx.Request) -> httpx.Response:
            seen.append(str(request.url))
            return xml(STATUS, X_Next_permitted_poll_time=self.NEXT)

        change = client_of(service).poll(queue)

        assert seen == [JOBS + query]
        assert change is not None
        assert change.next_permitted_poll_at == self.THEN

    def test_gives_none_when_there_is_no_change_and_remembers_when_to_come_back(self, client_of: ClientOf) -> None:
        client = client_of(lambda _: httpx.Response(204, headers={"X-Next-permitted-poll-time": self.NEXT}))

        assert client.next_permitted_poll_at() is None
        assert client.poll() is None
        assert client.next_permitted_poll_at() == self.THEN
        assert client.next_permitted_poll_at("other") is None

    def test_too_early_tells_when(self, client_of: ClientOf) -> None:
        client = client_of(lambda _: error("TOO_EAGER_POLLING", 429, X_Next_permitted_poll_time=self.NEXT))

        with pytest.raises(TooEagerPolling) as early:
            client.poll("q")

        assert early.value.next_permitted_poll_at == client.next_permitted_poll_at("q") == self.THEN

    def test_at_the_rate_limit_tells_when_calls_work_again(self, client_of: ClientOf) -> None:
        client = client_of(lambda _: error("RATE_LIMITED", 429, DoSFilter="unavailable", X_Next_permitted_poll_time=self.NEXT))

        with pytest.raises(RateLimited) as limited:
            client.poll()

        assert limited.value.next_permitted_call_at == self.THEN
        assert client.next_permitted_poll_at() is None


class TestAnErrorOfTheService:
    @pytest.mark.parametrize(
        ("code", "status", "kind"),
        [
            ("NOT_AUTHORIZED", 403, NotAuthorized),
            ("BROKER_NOT_AUTHORIZED", 403, BrokerNotAuthorized),
            ("INVALID_STATUS_QUERY_TOKEN", 403, InvalidStatusQueryToken),
            ("SIGNING_CEREMONY_NOT_COMPLETED", 404, CeremonyNotCompleted),
            ("A_CODE_OF_TOMORROW", 400, ApiError),
        ],
    )
    def test_has_the_type_of_its_code(self, client_of: ClientOf, code: str, status: int, kind: type[ApiError]) -> None:
        with pytest.raises(ApiError) as refused:
            client_of(lambda _: error(code, status)).status(f"{JOBS}/77/status", "t")

        assert type(refused.value) is kind
        assert (refused.value.code, refused.value.message, refused.value.http_status) == (code, "What to do", status)

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(502, text="<html>Bad gateway</html>"),
            httpx.Response(500, text=""),
            httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
            xml(STATUS.replace("IN_PROGRESS", "HALF_DONE")),
            xml(STATUS.replace(' since="2026-05-04T13:00:00Z"', "")),
            xml("<!DOCTYPE x []>" + STATUS),
            xml(CREATED),
        ],
        ids=["html", "empty", "redirect", "unknown job status", "no since", "doctype", "another element"],
    )
    def test_that_the_api_does_not_promise_is_an_unexpected_answer(self, client_of: ClientOf, answer: httpx.Response) -> None:
        with pytest.raises(UnexpectedAnswer) as odd:
            client_of(lambda _: answer).status(f"{JOBS}/77/status", "t")

        assert odd.value.http_status == answer.status_code
        assert isinstance(odd.value, SeglError)


class TestAnObserver:
    def test_is_told_of_each_answered_call(self, sender_certificate: SenderCertificate, job: DirectJob) -> None:
        told: list[Exchange] = []
        client = SeglClient(
            "https://api.example:8443/api/",
            SENDER,
            certificate=sender_certificate,
            transport=httpx.MockTransport(lambda r: xml(CREATED) if r.method == "POST" else error("X", 404)),
            observer=told.append,
        )

        client.create_direct_job(job)
        with pytest.raises(ApiError):
            client.pades(f"{JOBS}/77/pades")

        assert [(e.method, e.url, e.http_status) for e in told] == [("POST", JOBS, 200), ("GET", f"{JOBS}/77/pades", 404)]
        assert b"direct-signature-job-request" in told[0].request_xml
        assert b"PK" not in told[0].request_xml
