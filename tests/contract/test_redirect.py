"""The signer's way in: redirect URLs that work once, and new ones (wire-spec.md 9)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from support.running_segl import RunningSegl
from wire.wire_xml import BUYER, custom_signer, java_form, request, signer

from .sending import DOT_NET_AGENT, JAVA_HEADERS, Draft, for_one, polling, send
from .speaking import NS, XML, Api, chunked
from .speaking import request as http

UPDATE = java_form(request("<redirect-url/>", root="direct-signer-update-request"))


@pytest.fixture
def browser(segl: RunningSegl) -> Iterator[httpx.Client]:
    with segl.browser() as client:
        yield client


def java_update(href: str) -> bytes:
    """Return what the Java client posts, its misused Content-Encoding included."""
    headers = [("Accept", XML), ("Transfer-Encoding", "chunked"), ("Content-Type", "application/xml; charset=UTF-8")]
    return http("POST", href, *headers, ("Content-Encoding", "UTF-8"), *JAVA_HEADERS, body=chunked(UPDATE))


def dot_net_update(href: str) -> bytes:
    return http("POST", href, DOT_NET_AGENT, ("Content-Length", "0"))


class TestANewRedirectUrl:
    @pytest.mark.requirement("R46", "R47")
    @pytest.mark.parametrize("asked", [java_update, dot_net_update], ids=["Java", ".NET"])
    @pytest.mark.parametrize("who", [signer(BUYER), custom_signer("kunde 7")])
    def test_comes_with_the_signer_it_is_for(self, public: Api, asked: object, who: str) -> None:
        job = send(public, Draft(signers=[signer("10987654321"), who]))

        answer = public.ask(asked(job.hrefs[1]))  # type: ignore[operator]

        assert (answer.status, answer.header("content-type")) == (200, XML)
        assert answer.xml.tag == f"{NS}direct-signer-response"
        assert answer.xml.get("href") == job.hrefs[1]
        names = ["personal-identification-number" if BUYER in who else "signer-identifier", "redirect-url"]
        assert [element.tag.removeprefix(NS) for element in answer.xml] == names
        assert answer.xml[0].text == (BUYER if BUYER in who else "kunde 7")
        assert answer.text("redirect-url") not in job.redirects

    @pytest.mark.requirement("R46")
    def test_is_given_to_a_job_that_is_polled_for_too(self, public: Api) -> None:
        assert public.post(send(public, for_one(BUYER, after=polling("q"))).hrefs[0]).status == 200

    @pytest.mark.requirement("R49")
    def test_makes_the_earlier_one_fail_and_works_itself(self, public: Api, browser: httpx.Client) -> None:
        job = send(public, for_one(BUYER))
        fresh = public.ask(java_update(job.hrefs[0])).text("redirect-url")

        assert browser.get(job.redirects[0]).status_code in {403, 404, 410}
        assert browser.get(fresh).status_code == 303

    @pytest.mark.requirement("R46")
    @pytest.mark.parametrize("body", [b"<x/>", b"<redirect-url/>", b"nonsense", request("", root="direct-signer-update-request")])
    def test_is_not_given_for_a_wrong_body(self, public: Api, body: bytes) -> None:
        job = send(public, for_one(BUYER))

        public.post(job.hrefs[0], ("Content-Type", XML), body=body).refuses(400, "SCHEMA_VALIDATION_ERROR")

    @pytest.mark.requirement("R46")
    @pytest.mark.parametrize("outcome", ["sign", "reject"])
    def test_is_not_given_to_who_has_acted(self, public: Api, people: list[str], outcome: str) -> None:
        job = send(public, for_one(people[0]))
        job.token(people[0], outcome)

        public.post(job.hrefs[0]).refuses(409, "SIGNER_NOT_WAITING")

    @pytest.mark.requirement("R46")
    def test_opens_a_failed_job_again(self, public: Api, people: list[str]) -> None:
        job = send(public, for_one(people[0]))
        token = job.token(people[0], "fail")
        assert job.status(token).text("signature-job-status") == "FAILED"

        assert public.post(job.hrefs[0]).status == 200

        assert job.status(token).text("signature-job-status") == "IN_PROGRESS"
        assert job.status(job.token(people[0])).text("signature-job-status") == "COMPLETED_SUCCESSFULLY"


class TestARedirectUrl:
    @pytest.mark.requirement("R48")
    def test_works_once_and_then_only_with_the_cookie(self, public: Api, browser: httpx.Client) -> None:
        url = send(public, for_one(BUYER)).redirects[0]

        first = browser.get(url)
        assert first.status_code == 303
        page = str(first.url.join(first.headers["Location"]))
        for _ in range(2):
            assert browser.get(page, follow_redirects=True).status_code == 200
        with public.segl.browser() as other:
            assert other.get(url).status_code in {403, 404, 410}
            assert other.get(page).status_code in {403, 404, 410}
        again = browser.get(url)
        assert (again.status_code, again.headers.get("Location")) == (303, first.headers["Location"])

    @pytest.mark.requirement("R48")
    @pytest.mark.parametrize(
        ("method", "headers"),
        [
            ("HEAD", {}),
            ("GET", {"Sec-Purpose": "prefetch"}),
            ("GET", {"Purpose": "prefetch"}),
            ("GET", {"Sec-Purpose": "prefetch;prerender"}),
        ],
    )
    def test_is_not_used_up_by_who_only_looks(self, public: Api, browser: httpx.Client, method: str, headers: dict[str, str]) -> None:
        url = send(public, for_one(BUYER)).redirects[0]

        with public.segl.browser() as scanner:
            looked = scanner.request(method, url, headers=headers)

        assert "set-cookie" not in looked.headers
        assert looked.status_code < 500
        assert browser.get(url).status_code == 303
