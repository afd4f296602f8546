"""Every answer that is a refusal is the wire's own XML, and the connection lives on (wire-spec.md 14, 15; R81, R82, R110)."""

from __future__ import annotations

import re
import secrets

import pytest

from support.running_segl import RunningSegl
from wire.wire_xml import BUYER

from .conftest import caller
from .sending import JAVA_HEADERS, create, for_one, java_create, send
from .speaking import Api, request

UNKNOWN = 2_147_000_000


class TestAnError:
    @pytest.mark.requirement("R81", "R23")
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/", 404, "NOT_FOUND"),
            ("GET", "/api", 404, "NOT_FOUND"),
            ("GET", "/api/{org}/", 404, "NOT_FOUND"),
            ("GET", "/api/{org}/direct/signature-jobs/", 404, "NOT_FOUND"),
            ("GET", "/api/{org}/direct/signature-jobs/abc/pades", 404, "NOT_FOUND"),
            ("GET", "/api/{org}/direct/signature-jobs/1/xades/x", 404, "NOT_FOUND"),
            ("GET", "/api/{org}/direct/signature-jobs/99999999999999999999/pades", 404, "NOT_FOUND"),
            ("GET", "/api/{org}/direct/signature-jobs/999999999999999999/pades", 404, "SIGNATURE_JOB_NOT_FOUND"),
            ("GET", "/web/signature-jobs/x/devmodesign?signer=1", 404, "SIGNATURE_JOB_NOT_FOUND"),
            ("POST", "/api/{org}", 405, "METHOD_NOT_ALLOWED"),
            ("PUT", "/api/{org}/direct/signature-jobs", 405, "METHOD_NOT_ALLOWED"),
            ("DELETE", "/api/{org}/direct/signature-jobs", 405, "METHOD_NOT_ALLOWED"),
            ("OPTIONS", "/api/{org}/direct/signature-jobs", 405, "METHOD_NOT_ALLOWED"),
            ("GET", "/api/{org}/direct/signature-jobs/1/signers/1", 405, "METHOD_NOT_ALLOWED"),
            ("GET", "/api/{org}/direct/signature-jobs/1/complete", 405, "METHOD_NOT_ALLOWED"),
            ("POST", "/api/{org}/direct/signature-jobs/1/documents", 405, "METHOD_NOT_ALLOWED"),
            ("HEAD", "/api/{org}/direct/signature-jobs/1/pades", 405, ""),
            ("GET", "/api/{org}?" + "a" * 9000, 414, "URI_TOO_LONG"),
        ],
    )
    def test_is_xml_wherever_it_comes_from(self, public: Api, method: str, path: str, status: int, code: str) -> None:
        answer = public.ask(request(method, path.format(org=public.sender), ("Content-Length", "0")))

        assert answer.status == status
        assert not code or answer.error_code == code

    @pytest.mark.requirement("R81")
    @pytest.mark.parametrize(
        ("raw", "status", "code"),
        [
            (b"nonsense\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (b"GET / HTTP/1.1\r\nHost: l\r\nBad Name: a\r\n\r\n", 400, "MALFORMED_REQUEST"),
            (b"GET / HTTP/1.1\r\nHost: l\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
            (b"POST / HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "MALFORMED_REQUEST"),
        ],
    )
    def test_of_the_server_is_xml_too(self, public: Api, raw: bytes, status: int, code: str) -> None:
        public.ask(raw).refuses(status, code)

    @pytest.mark.requirement("R81")
    def test_in_a_body_that_is_framed_wrongly_is_xml_too(self, public: Api) -> None:
        raw = request("POST", public.jobs, ("Transfer-Encoding", "chunked"), ("Content-Type", "multipart/mixed; boundary=b"))

        public.ask(raw + b"zz\r\n\r\n").refuses(400, "MALFORMED_REQUEST")

    @pytest.mark.requirement("R81", "R110")
    def test_of_our_own_shows_an_incident_that_the_log_tells_of_and_nothing_else(self, own_segl: RunningSegl) -> None:
        api = caller(own_segl, "public-sender")
        # Root, who runs tests in containers, writes into folders whatever their mode says: a file stands where the folder should.
        store = own_segl.data / "documents"
        send(api, for_one(BUYER))
        assert store.is_dir()
        store.rename(own_segl.data / "documents.away")
        store.write_text("where the folder should be")
        try:
            with api.connect() as connection:
                answer = connection.ask(java_create(api, for_one(BUYER)))
                # The connection and the process go on.
                assert connection.ask(request("GET", f"/api/{api.sender}")).status == 200
        finally:
            store.unlink()
            (own_segl.data / "documents.away").rename(store)

        answer.refuses(500, "INTERNAL_ERROR")
        found = re.search(r"incident ([0-9A-F]{8})", answer.message)
        assert found is not None
        assert found[1] in own_segl.log.read_text()
        assert "Error" not in answer.message
        assert str(own_segl.data) not in answer.message
        assert create(api, for_one(BUYER)).status == 200

    @pytest.mark.requirement("R110")
    def test_leaves_the_connection_usable_and_a_hundred_calls_go_over_it(self, public: Api) -> None:
        greet = request("GET", f"/api/{public.sender}", *JAVA_HEADERS)
        wrong = request("GET", f"{public.jobs}/{UNKNOWN}/pades", *JAVA_HEADERS)
        unread = request("PUT", public.jobs, ("Content-Length", "5000"), *JAVA_HEADERS, body=b"x" * 5000)

        with public.connect() as connection:
            statuses = [connection.ask((greet, wrong, unread, greet)[number % 4]).status for number in range(100)]

        assert statuses == [200, 404, 405, 200] * 25


class TestAJobThatIsNotOnes:
    @pytest.mark.requirement("R82")
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "status?status_query_token=a"),
            ("POST", "signers/1"),
            ("POST", "complete"),
            ("POST", "complete/1"),
            ("DELETE", "documents"),
            ("GET", "pades"),
            ("GET", "xades/1"),
        ],
    )
    def test_is_answered_as_one_that_does_not_exist(self, public: Api, private: Api, method: str, path: str) -> None:
        theirs = send(private, for_one(BUYER)).id

        answers = [public.ask(request(method, f"{public.jobs}/{job}/{path}", ("Content-Length", "0"))) for job in (theirs, UNKNOWN)]

        for answer in answers:
            answer.refuses(404, "SIGNATURE_JOB_NOT_FOUND")
        assert answers[0].body == answers[1].body
        without_date = [[header for header in answer.headers if header[0] != "date"] for answer in answers]
        assert without_date[0] == without_date[1]

    @pytest.mark.requirement("R82", "R106")
    @pytest.mark.parametrize(("role", "status"), [("public-sender", 404), ("stranger", 403)])
    def test_is_answered_so_at_the_test_endpoint_too(self, segl: RunningSegl, private: Api, role: str, status: int) -> None:
        theirs = send(private, for_one(BUYER)).id
        api = caller(segl, role)

        answers = [api.post(f"/web/signature-jobs/{job}/devmodesign?signer={BUYER}") for job in (theirs, UNKNOWN)]

        assert [answer.status for answer in answers] == [status, status]
        assert answers[0].body == answers[1].body

    @pytest.mark.requirement("R82")
    def test_or_a_signer_that_is_none_is_not_found(self, public: Api) -> None:
        job = send(public, for_one(BUYER))

        for position in ("0", "2", str(10**17)):
            public.post(f"{job.address}/signers/{position}").refuses(404, "SIGNATURE_JOB_NOT_FOUND")
            public.get(f"{job.address}/xades/{position}").refuses(404, "SIGNATURE_JOB_NOT_FOUND")
        assert public.post(f"{job.address}/complete/{10**17}").status == 200

    @pytest.mark.requirement("R82")
    def test_is_not_found_by_a_token_of_another_job(self, public: Api, people: list[str]) -> None:
        mine, other = send(public, for_one(people[0])), send(public, for_one(people[0]))
        token = mine.token(people[0], "reject")
        other.token(people[0], "reject")

        assert mine.status(token).status == 200
        other.status(token).refuses(403, "INVALID_STATUS_QUERY_TOKEN")
        other.status(secrets.token_urlsafe(32)).refuses(403, "INVALID_STATUS_QUERY_TOKEN")
