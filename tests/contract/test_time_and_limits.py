"""What happens by itself after thirty days, and to who calls too often (wire-spec.md 16.1, 17)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from support.running_segl import RunningSegl
from wire.wire_xml import BUYER, signer

from .conftest import Register, caller
from .sending import Draft, create, for_one, new_queue, polling, send
from .speaking import POLL_TIME, Answer, Api, Connection, public_schema, request

DAY = 24 * 60 * 60


@pytest.fixture
def open_later() -> Iterator[ExitStack]:
    """Closes the connections that a test opened."""
    with ExitStack() as stack:
        yield stack


class TestADirectJob:
    @pytest.mark.requirement("R87")
    def test_expires_thirty_days_after_its_creation(self, own_segl: RunningSegl, register: Register, people: list[str]) -> None:
        api, queue = register.enroll(own_segl), new_queue()
        job = send(api, Draft(signers=[signer(people[0]), signer(people[1])], after=polling(queue)))
        token = job.token(people[0])
        first = api.poll(f"?polling_queue={queue}")
        assert api.post(first.text("confirmation-url")).status == 200

        own_segl.move_clock(30 * DAY - 3600)
        assert job.status(token).text("signature-job-status") == "IN_PROGRESS"
        own_segl.move_clock(3600)

        api.post(job.hrefs[1]).refuses(409, "SIGNER_NOT_WAITING")
        until = time.monotonic() + 30
        while (status := job.status(token)).text("signature-job-status") == "IN_PROGRESS":
            assert time.monotonic() < until, "the worker did not expire the job"
            time.sleep(0.1)
        assert status.text("signature-job-status") == "FAILED"
        rows = [(element.get("signer"), element.text) for element in status.xml if str(element.tag).endswith("}status")]
        assert rows == [(people[0], "SIGNED"), (people[1], "EXPIRED")]
        polled = api.poll(f"?polling_queue={queue}")
        assert polled.text("signature-job-status") == "FAILED"
        job.act(people[1]).refuses(409, "SIGNER_NOT_WAITING")


class TestAnOrganization:
    @pytest.mark.requirement("R83")
    def test_may_make_ten_calls_a_second_for_as_long_as_it_likes(self, limited_segl: RunningSegl, register: Register) -> None:
        api = register.enroll(limited_segl)
        greet = request("GET", f"/api/{api.sender}")

        with api.connect() as connection:
            statuses = []
            for _ in range(25):
                statuses.append(connection.ask(greet).status)
                # From the answer, not from the call: however late the server was, it sees no eleven within a second.
                time.sleep(0.101)

        assert statuses == [200] * 25

    @pytest.mark.requirement("R83", "R64")
    def test_is_blocked_for_half_a_minute_at_the_eleventh_in_all_processes(
        self, limited_segl: RunningSegl, register: Register, people: list[str], open_later: ExitStack
    ) -> None:
        api = register.enroll(limited_segl)
        job = send(api, for_one(people[0]))
        greet = request("GET", f"/api/{api.sender}")

        before, answers, after, connections = _within_a_second([api] * 12, open_later)

        refused = [answer for answer in answers if answer.status == 429]
        assert sorted(answer.status for answer in answers) == [200] * 10 + [429] * 2
        for answer in refused:
            _is_block(answer)
        (until,) = {answer.permitted_at for answer in refused}
        assert before + timedelta(seconds=30) <= until <= after + timedelta(seconds=30, milliseconds=1)

        # All kinds of calls are blocked, and none of them moves the end.
        blocked = [
            create(api, for_one(BUYER)),
            api.poll("?polling_queue"),
            api.post(job.hrefs[0]),
            api.get(f"{job.address}/pades"),
            api.delete(f"{job.address}/documents"),
            *(connection.ask(greet) for connection in connections),
        ]
        for answer in blocked:
            _is_block(answer)
        assert {answer.permitted_at for answer in blocked} == {until}
        # The test endpoint is no call of the sender's, and others are not blocked.
        assert job.act(people[0], "reject").status == 200
        other = caller(limited_segl, "private-sender")
        assert other.get(f"/api/{other.sender}").status == 200

        while datetime.now(UTC) < until:
            time.sleep(0.2)
        assert [connection.ask(greet).status for connection in connections[:2]] == [200, 200]

    @pytest.mark.requirement("R83")
    def test_is_counted_by_the_sender_its_broker_calls_for(self, limited_segl: RunningSegl, open_later: ExitStack) -> None:
        broker, sender = caller(limited_segl, "broker", sender="public-sender"), caller(limited_segl, "public-sender")

        _, answers, _, connections = _within_a_second([broker, *[sender] * 11], open_later)

        assert [answer.status for answer in answers].count(429) == 2
        assert _greet((broker, connections[0])).status == 429


def _within_a_second(callers: list[Api], open_later: ExitStack) -> tuple[datetime, list[Answer], datetime, list[Connection]]:
    """Let all greet at once. A machine too busy to take the calls in one second proves nothing: then again, after any block."""
    public_schema()  # two threads must not be the first to compile a schema
    for _ in range(10):
        connections = [open_later.enter_context(api.connect()) for api in callers]
        time.sleep(1)
        before = datetime.now(UTC)
        with ThreadPoolExecutor(len(callers)) as pool:
            answers = list(pool.map(_greet, zip(callers, connections, strict=True)))
        after = datetime.now(UTC)
        if after - before < timedelta(seconds=1):
            return before, answers, after, connections
        if any(answer.status == 429 for answer in answers):
            time.sleep(30)
    raise AssertionError("This machine does not take twelve calls within a second.")


def _greet(what: tuple[Api, Connection]) -> Answer:
    api, connection = what
    return connection.ask(request("GET", f"/api/{api.sender}"))


def _is_block(answer: Answer) -> None:
    answer.refuses(429, "RATE_LIMITED")
    assert answer.header("dosfilter") is not None
    assert answer.header(POLL_TIME) is not None
    assert int(answer.header("retry-after") or "0") <= 1
