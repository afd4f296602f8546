"""Whose things one may see: every route, asked by everybody whose it is not (reliability.md B-25). A new route needs a row here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, reverse

from segl.database.models import Job, PollGate
from support.direct_jobs import AMINA, BROKER, INGRID, JONAS, PRIVATE, PUBLIC, Asked, Visitor, create, visit, work
from support.neighbours import Neighbourhood

from .calling import API, WEB, address, call, everything_stored, routes, told

JOBS = "api/<str:organization>/direct/signature-jobs"
ONE = JOBS + "/<str:job_id>"
UNKNOWN = 2_147_000_000
OWN, JOB = "own", "job"
TOKEN = "?status_query_token={token}"

API_ROWS: dict[str, list[tuple[str, str, str, int]]] = {
    "health": [],
    "api/<str:organization>": [("GET", "", OWN, 200)],
    JOBS: [("GET", "", OWN, 200), ("GET", "?polling_queue=theirs", OWN, 204), ("POST", "", OWN, 400)],
    f"{ONE}/status": [("GET", TOKEN, JOB, 200)],
    f"{ONE}/signers/<str:position>": [("POST", "", JOB, 200)],
    f"{ONE}/complete": [("POST", "", JOB, 200)],
    f"{ONE}/complete/<str:sequence>": [("POST", "", JOB, 200)],
    f"{ONE}/documents": [("DELETE", "", JOB, 409)],
    f"{ONE}/pades": [("GET", "", JOB, 200)],
    f"{ONE}/xades/<str:position>": [("GET", "", JOB, 200)],
    "web/signature-jobs/<str:job_id>/devmodesign": [("POST", "?signer=" + JONAS + "&outcome=reject", JOB, 200)],
}
"""By route: method, query, whether it is about a job, and what the owner is answered. A route without rows asks for nobody's things."""

NOT_THERE = (404, "SIGNATURE_JOB_NOT_FOUND")
CALLERS: dict[str, tuple[str | None, str, tuple[int, str]]] = {
    "another sender": ("private-sender", PRIVATE, NOT_THERE),
    "another sender at the owner's address": ("private-sender", PUBLIC, (403, "BROKER_NOT_AUTHORIZED")),
    "the owner at another's address": ("public-sender", PRIVATE, (403, "BROKER_NOT_AUTHORIZED")),
    "a broker for another sender": ("broker", PRIVATE, NOT_THERE),
    "a broker for itself": ("broker", BROKER, NOT_THERE),
    "a stranger": ("stranger", PUBLIC, (403, "NOT_AUTHORIZED")),
    "a stranger at its own address": ("stranger", "315325838", (403, "NOT_AUTHORIZED")),
    "who was revoked": ("revoked", "318741360", (403, "NOT_AUTHORIZED")),
    "who was revoked at the owner's address": ("revoked", PUBLIC, (403, "NOT_AUTHORIZED")),
    "nobody": (None, PUBLIC, (403, "NOT_AUTHORIZED")),
}
"""By who calls: the certificate, the organization in the address, and the answer to whatever is about the owner's job."""


@dataclass
class Owned:
    """A job of the public sender's: one signer has signed, another waits, and a change is queued."""

    job: Job
    token: str

    def path(self, route: str, query: str, *, organization: str, job_id: int | None = None) -> str:
        kinds = {
            "<str:organization>": organization,
            "<str:job_id>": str(job_id or self.job.pk),
            "<str:position>": "1",
            "<str:sequence>": "1",
        }
        for kind, value in kinds.items():
            route = route.replace(kind, value)
        return "/" + route + query.format(token=self.token)


@pytest.fixture
def owned(near: Neighbourhood) -> Owned:
    near.set_policy(rate_limit=100_000)
    created = create(near, Asked(signers=[INGRID, JONAS]))
    visitor = visit(near, created)
    visitor.signs()
    work(near)
    near.clock.move(minutes=1)
    return Owned(job=created.job, token=visitor.leaves().partition("status_query_token=")[2].partition("#")[0])


class TestTheRowsOfTheApi:
    def test_are_all_routes(self) -> None:
        assert set(API_ROWS) == routes(API)

    def test_answer_the_owner_so_the_refusals_below_mean_something(self, near: Neighbourhood, owned: Owned) -> None:
        with address(near, API):
            for route, rows in API_ROWS.items():
                for method, query, kind, status in rows:
                    if "signers" in route:
                        route = route.replace("<str:position>", "2")
                    answer = call(near, "public-sender", method, owned.path(route, query, organization=PUBLIC))
                    assert answer.status_code == status, f"{method} {route}: {answer.content!r}"
                    assert kind == OWN or b"NOT_FOUND" not in answer.content


class TestAnotherOrganizationsJob:
    @pytest.mark.requirement("R82", "R8", "R9")
    def test_is_answered_on_every_route_as_one_that_is_not_there_and_nothing_comes_of_it(self, near: Neighbourhood, owned: Owned) -> None:
        asked = 0
        before = everything_stored(near)
        with address(near, API):
            for who, (role, organization, expected) in CALLERS.items():
                for route, rows in API_ROWS.items():
                    for method, query, kind, _ in rows:
                        if kind == OWN and expected[0] == 404:
                            continue  # its own things: see the next test
                        if route.startswith("web/") and role in {"public-sender", "broker"}:
                            continue  # the owner itself, and its broker: there is no organization in this address
                        about = f"{who}: {method} {route}"
                        real = call(near, role, method, owned.path(route, query, organization=organization))
                        other = call(near, role, method, owned.path(route, query, organization=organization, job_id=UNKNOWN))
                        assert _refusal(real) == (NOT_THERE if route.startswith("web/") and role == "private-sender" else expected), about
                        assert told(real, str(owned.job.pk)) == told(other, str(UNKNOWN)), about
                        asked += 1
        assert everything_stored(near) == before
        assert not PollGate.objects.filter(sender_number=PUBLIC).exists()
        assert asked >= 100

    def test_is_in_no_other_organizations_queue(self, near: Neighbourhood, owned: Owned) -> None:
        before = everything_stored(near)
        with address(near, API):
            for role, organization in (("private-sender", PRIVATE), ("broker", PRIVATE), ("broker", BROKER)):
                for query in ("", "?polling_queue", "?polling_queue=theirs"):
                    PollGate.objects.all().delete()
                    assert call(near, role, "GET", f"/api/{organization}/direct/signature-jobs{query}").status_code == 204
            answer = call(near, "broker", "GET", f"/api/{PUBLIC}/direct/signature-jobs")
        assert str(owned.job.pk) in answer.content.decode()
        assert [row["id"] for row in before["Job"]] == [owned.job.pk]

    def test_is_not_reached_by_its_own_token_at_another_job(self, near: Neighbourhood, owned: Owned) -> None:
        theirs = create(near, Asked(sender=PRIVATE, signed_by="private-sender", reference=None))  # type: ignore[arg-type]  # a role is its name
        path = f"/api/{PRIVATE}/direct/signature-jobs/{theirs.job.pk}/status?status_query_token="
        with address(near, API):
            answers = [call(near, "private-sender", "GET", path + token) for token in (owned.token, "never-given")]
        assert [_refusal(answer) for answer in answers] == [(404, "SIGNING_CEREMONY_NOT_COMPLETED")] * 2
        assert told(answers[0]) == told(answers[1])


def _refusal(answer: HttpResponse) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/xml"
    return answer.status_code, answer.content.decode().partition("<error-code>")[2].partition("<")[0]


SITTING = "sign/<slug:sitting_id>"
OPEN = {
    "health",
    "language",
    "help",
    "privacy",
    "accessibility",
    "static/<slug:of_digest>/<path:name>",
    "",
    "sandbox/clock",
    "sandbox/persons",
    "sandbox/requests",
    "sandbox/requests.json",
    "sandbox/static/<str:name>",
}
"""Routes that show the same to everybody; those below /sandbox are not there in production."""
BY_TOKEN = {"redirect/<str:token>", "eid/callback"}
BY_COOKIE = {
    f"{SITTING}{rest}"
    for rest in (
        "/",
        "/documents/<int:number>",
        "/documents/<int:number>/text",
        "/documents/<int:number>/pages.pdf",
        "/documents/<int:number>/file",
        "/confirm",
        "/reject",
        "/problem",
        "/give-up",
        "/progress",
        "/progress.json",
        "/leave",
        "/over",
    )
}


@dataclass
class Sittings:
    """Ingrid's, whom everybody is after; Jonas's in the same job, and Amina's in another sender's."""

    ingrid: Visitor
    jonas: Visitor
    amina: Visitor

    def browsers(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Give each foreign browser's cookies; `*` stands for the sitting that is asked for."""
        yield "no cookie", {}
        yield "an empty cookie", {"*": ""}
        yield "a guessed cookie", {"*": "guessed"}
        yield "the id for a cookie", {"*": self.ingrid.sitting_id}
        yield "a signer of another job", {self.amina.sitting_id: self.amina.secret}
        yield "another signer of this job", {self.jonas.sitting_id: self.jonas.secret}
        yield "another signer's secret under this name", {"*": self.jonas.secret}
        yield "the stored hash of the secret", {"*": _stored_hash(self.ingrid)}
        yield "a cookie with NUL and quotes", {"*": 'a"b'}


@pytest.fixture
def sittings(near: Neighbourhood) -> Sittings:
    job = create(near, Asked(signers=[INGRID, JONAS]))
    other = create(near, Asked(sender=PRIVATE, signed_by="private-sender", signers=[AMINA]))  # type: ignore[arg-type]  # a role is its name
    return Sittings(ingrid=visit(near, job), jonas=visit(near, job, position=2), amina=visit(near, other))


class TestTheRowsOfTheSigners:
    def test_are_all_routes(self) -> None:
        assert routes(WEB) == OPEN | BY_TOKEN | BY_COOKIE


class TestAnotherPersonsSitting:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
    def test_is_answered_on_every_route_as_one_that_is_not_there_and_nothing_comes_of_it(
        self, near: Neighbourhood, sittings: Sittings, method: str
    ) -> None:
        before, statuses = everything_stored(near), set()
        with address(near, WEB):
            for who, cookies in sittings.browsers():
                for name in names_by_cookie():
                    real, random = (ask(method, name, sitting, cookies) for sitting in (sittings.ingrid.sitting_id, "a" * 43))
                    assert real == random, f"{who}: {method} {name}"
                    assert "Set-Cookie" not in real[2]
                    statuses.add(real[0])
        assert statuses <= {404, 405}
        assert everything_stored(near) == before

    def test_is_the_persons_own_on_every_route_so_the_refusals_mean_something(self, near: Neighbourhood, sittings: Sittings) -> None:
        own = {"*": sittings.ingrid.secret}
        with address(near, WEB):
            statuses = {name: ask("GET", name, sittings.ingrid.sitting_id, own)[0] for name in names_by_cookie()}
        assert 404 not in {status for name, status in statuses.items() if name != "document-text"}, statuses

    def test_is_not_opened_by_its_used_token(self, near: Neighbourhood, sittings: Sittings) -> None:
        job = create(near, Asked())
        visit(near, job)
        before = everything_stored(near)
        with address(near, WEB):
            for _, cookies in sittings.browsers():
                used, unknown = (
                    told(_browser(cookies, "-").get(f"/redirect/{token}"), token) for token in (job.redirects[0].token, "b" * 43)
                )
                assert used == unknown
                assert used[0] == 403
        assert everything_stored(near) == before

    def test_is_not_signed_in_by_who_brings_its_log_in(self, near: Neighbourhood, sittings: Sittings) -> None:
        answer = sittings.ingrid.logs_in(sittings.ingrid.begins())
        before = everything_stored(near)
        with address(near, WEB):
            for who, cookies in sittings.browsers():
                real = told(_browser(cookies, sittings.ingrid.sitting_id).get("/eid/callback", answer))
                random = told(_browser(cookies, "a" * 43).get("/eid/callback", {**answer, "state": "c" * 43}))
                assert real == random, who
                assert real[0] == 404
        assert everything_stored(near) == before
        sittings.ingrid.comes_back(answer)
        assert len(everything_stored(near)["Signature"]) == 1


def names_by_cookie() -> list[str]:
    return [str(each.name) for each in get_resolver("segl.entrypoints.signing.urls").url_patterns if str(each.pattern) in BY_COOKIE]


def _browser(cookies: dict[str, str], sitting_id: str) -> Client:
    browser = Client(raise_request_exception=False)
    for name, value in cookies.items():
        browser.cookies[f"segl-sitting-{sitting_id if name == '*' else name}"] = value
    return browser


def ask(method: str, name: str, sitting_id: str, cookies: dict[str, str]) -> tuple[int, str, dict[str, str]]:
    given = {"sitting_id": sitting_id, **({"number": 1} if name.startswith("document") else {})}
    answer = _browser(cookies, sitting_id).generic(method, reverse(name, kwargs=given), {} if method == "POST" else "")
    if answer.streaming or answer.headers["Content-Type"] == "application/pdf":
        return answer.status_code, "", dict(answer.headers)
    return told(answer, sitting_id)


def _stored_hash(visitor: Visitor) -> str:
    from segl.database.models import Sitting

    return Sitting.objects.get(pk=visitor.sitting_id).secret_sha256
