"""Queues of status changes: their names, the permitted time, leases and confirmations (wire-spec.md 12 and 13.1)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from asice.enterprise import name as subject
from support.running_segl import RunningSegl
from wire.wire_xml import custom_signer, signer

from .conftest import Register, caller
from .sending import DOT_NET_AGENT, JAVA_HEADERS, Draft, Sent, for_one, new_queue, polling, send
from .speaking import POLL_TIME, XML, Answer, Api, request


def rejected(api: Api, who: str, queue: str | None) -> Sent:
    """Return a job that has ended quickly: a rejection needs neither log-in nor seal."""
    job = send(api, for_one(who, after=polling(queue)))
    job.token(who, "reject")
    return job


def ids(answers: list[Answer]) -> list[str]:
    return [answer.text("signature-job-id") for answer in answers if answer.status == 200]


class TestAPoll:
    @pytest.mark.requirement("R57", "R52")
    def test_gives_the_jobs_state_as_a_token_does_with_a_confirmation_url_of_its_own(self, public: Api, people: list[str]) -> None:
        queue = new_queue()
        job = send(public, for_one(people[0], after=polling(queue)))
        by_token = job.status(job.token(people[0], "reject"))

        polled = public.poll(f"?polling_queue={queue}")

        assert (polled.status, polled.header("content-type")) == (200, XML)
        mine, theirs = polled.text("confirmation-url"), by_token.text("confirmation-url")
        assert mine.startswith(f"{job.address}/complete/")
        assert polled.body.replace(mine.encode(), theirs.encode()) == by_token.body

    @pytest.mark.requirement("R57")
    def test_gives_only_jobs_that_are_polled_for(self, public: Api, people: list[str]) -> None:
        queue = new_queue()
        after = f"<status-retrieval-method>WAIT_FOR_CALLBACK</status-retrieval-method><polling-queue>{queue}</polling-queue>"
        send(public, for_one(people[0], after=after)).token(people[0], "reject")
        send(public, for_one(people[0], after=polling(queue)))

        assert public.poll(f"?polling_queue={queue}").status == 204

    @pytest.mark.requirement("R58")
    def test_of_the_default_queue_may_be_written_in_three_ways(self, segl: RunningSegl, register: Register, people: list[str]) -> None:
        api = register.enroll(segl)
        jobs = [rejected(api, people[0], queue) for queue in (None, "", None)]

        answers = [api.poll(query) for query in ("?polling_queue", "?polling_queue=", "")]

        assert sorted(ids(answers)) == sorted(str(job.id) for job in jobs)
        assert api.poll("").status == 204
        assert [api.poll(query).error_code for query in ("?polling_queue", "?polling_queue=")] == ["TOO_EAGER_POLLING"] * 2

    @pytest.mark.requirement("R59")
    @pytest.mark.parametrize("name", ["my queue/æ+b", "ÆØÅ", "a/b", "1+1", "  ", "100%", "日本"])
    def test_finds_a_named_queue_in_either_clients_encoding(self, public: Api, people: list[str], name: str) -> None:
        queue = f"{new_queue()}{name}"
        jobs = [rejected(public, people[0], queue) for _ in range(2)]
        java = quote(queue, safe="").replace("%2A", "*")
        dot_net = quote(queue, safe="/+&=?:@!$'()*,;~")  # what .NET's Uri leaves as it is

        answers = [
            public.ask(request("GET", f"{public.jobs}?polling_queue={java}", ("Accept", XML), *JAVA_HEADERS)),
            public.ask(request("GET", f"{public.jobs}?polling_queue={dot_net}", ("Accept", XML), DOT_NET_AGENT)),
        ]

        assert ids(answers) == [str(job.id) for job in jobs]

    @pytest.mark.requirement("R59")
    def test_tells_queues_apart_byte_by_byte(self, public: Api, people: list[str]) -> None:
        queue = new_queue("Q")
        rejected(public, people[0], queue)

        for other in (queue.lower(), f"{queue}%20", f"%20{queue}", queue + "%C3%A6"):
            assert public.poll(f"?polling_queue={other}").status == 204
        assert public.poll(f"?polling_queue={queue}").status == 200

    @pytest.mark.requirement("R59", "R81")
    @pytest.mark.parametrize("query", ["?polling_queue=%zz", "?polling_queue=%ff", "?polling_queue=%00", "?polling_queue=" + "a" * 256])
    def test_of_a_name_that_none_can_have_is_refused(self, public: Api, query: str) -> None:
        public.poll(query).refuses(400, "MALFORMED_REQUEST")

    @pytest.mark.requirement("R60")
    def test_sees_nothing_of_another_organization_or_another_name(self, public: Api, private: Api, people: list[str]) -> None:
        queue = new_queue()
        job = rejected(public, people[0], queue)

        assert private.poll(f"?polling_queue={queue}").status == 204
        assert public.poll(f"?polling_queue={queue}2").status == 204
        # The other gates being closed closes not this one.
        assert ids([public.poll(f"?polling_queue={queue}")]) == [str(job.id)]

    @pytest.mark.requirement("R60")
    def test_by_a_broker_is_the_senders_own_queue(self, public: Api, broker: Api, people: list[str]) -> None:
        queue = new_queue()
        job = rejected(public, people[0], queue)

        assert ids([broker.poll(f"?polling_queue={queue}")]) == [str(job.id)]
        assert broker.poll(f"?polling_queue={queue}").status == 204
        public.poll(f"?polling_queue={queue}").refuses(429, "TOO_EAGER_POLLING")


class TestThePermittedTime:
    @pytest.mark.requirement("R61", "R62", "R63", "R64")
    def test_stands_on_every_answer_and_does_not_move(self, own_segl: RunningSegl, people: list[str]) -> None:
        api, queue = caller(own_segl, "public-sender"), new_queue()
        rejected(api, people[0], queue)

        given = api.poll(f"?polling_queue={queue}")
        assert given.status == 200
        assert given.permitted_at <= datetime.now(UTC)

        before = datetime.now(UTC)
        nothing = api.poll(f"?polling_queue={queue}")
        after = datetime.now(UTC)
        assert nothing.status == 204
        # Milliseconds are rounded up on the wire, never down: a client that keeps the time is never early.
        assert before + timedelta(seconds=600) <= nothing.permitted_at <= after + timedelta(seconds=600, milliseconds=1)

        early = [api.poll(f"?polling_queue={queue}") for _ in range(12)]
        for answer in early:
            answer.refuses(429, "TOO_EAGER_POLLING")
            assert answer.header("retry-after") is None
        assert {answer.header(POLL_TIME) for answer in early} == {nothing.header(POLL_TIME)}

    @pytest.mark.requirement("R62", "R63")
    def test_is_the_first_moment_at_which_a_poll_is_taken(self, public: Api) -> None:
        queue = new_queue()
        permitted = public.poll(f"?polling_queue={queue}").permitted_at
        public.poll(f"?polling_queue={queue}").refuses(429, "TOO_EAGER_POLLING")

        while datetime.now(UTC) < permitted:
            time.sleep((permitted - datetime.now(UTC)).total_seconds() if permitted > datetime.now(UTC) else 0)

        assert public.poll(f"?polling_queue={queue}").status == 204

    @pytest.mark.requirement("R63")
    def test_holds_in_all_processes_of_the_api(self, own_segl: RunningSegl) -> None:
        api, queue = caller(own_segl, "private-sender"), new_queue()
        assert api.poll(f"?polling_queue={queue}").status == 204

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: api.poll(f"?polling_queue={queue}"), range(40)))

        assert {answer.status for answer in answers} == {429}
        assert len({answer.header(POLL_TIME) for answer in answers}) == 1


class TestADelivery:
    @pytest.mark.requirement("R66")
    def test_is_made_once_to_twenty_who_poll_at_the_same_time(self, own_segl: RunningSegl, register: Register, people: list[str]) -> None:
        api, queue = register.enroll(own_segl, lambda number: subject(CN=number)), new_queue()
        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(lambda _: rejected(api, people[0], queue).id, range(100)))

        def drain(_: int) -> list[str]:
            found: list[str] = []
            with api.connect() as connection:
                while (answer := connection.ask(request("GET", f"{api.jobs}?polling_queue={queue}"))).status == 200:
                    found.append(answer.text("signature-job-id"))
                assert answer.status in {204, 429}
            return found

        with ThreadPoolExecutor(20) as pool:
            delivered = [job for found in pool.map(drain, range(20)) for job in found]

        assert sorted(delivered) == sorted(str(job) for job in made)

    @pytest.mark.requirement("R68")
    def test_that_is_not_confirmed_is_not_made_again_at_once(self, public: Api, people: list[str]) -> None:
        queue = new_queue()
        rejected(public, people[0], queue)

        assert public.poll(f"?polling_queue={queue}").text("signature-job-status") == "FAILED"
        assert public.poll(f"?polling_queue={queue}").status == 204

    @pytest.mark.requirement("R65")
    def test_comes_back_after_ten_minutes_unless_it_is_confirmed(
        self, own_segl: RunningSegl, register: Register, people: list[str]
    ) -> None:
        api, queues = register.enroll(own_segl), [new_queue() for _ in range(2)]
        lost, kept = (rejected(api, people[0], queue) for queue in queues)
        for queue in queues:
            answer = api.poll(f"?polling_queue={queue}")
            if answer.text("signature-job-id") == str(kept.id):
                assert api.post(answer.text("confirmation-url")).status == 200

        own_segl.move_clock(540)  # the lease's end to the second is proved where no time passes (tests/actions)
        later = send(api, for_one(people[0], after=polling(queues[0])))
        later.token(people[0], "reject")
        # Still under lease: only what is new comes.
        assert ids([api.poll(f"?polling_queue={queues[0]}")]) == [str(later.id)]

        own_segl.move_clock(60)
        assert ids([api.poll(f"?polling_queue={queues[0]}")]) == [str(lost.id)]
        assert api.poll(f"?polling_queue={queues[1]}").status == 204


class TestAConfirmation:
    @pytest.mark.requirement("R73")
    def test_may_be_repeated_and_takes_nothing_away(self, public: Api, people: list[str]) -> None:
        queue = new_queue()
        job = send(public, for_one(people[0], after=polling(queue)))
        token = job.token(people[0])
        polled = public.poll(f"?polling_queue={queue}")

        for _ in range(3):
            answer = public.ask(request("POST", polled.text("confirmation-url"), ("Content-Length", "0")))
            assert (answer.status, answer.header("content-length"), answer.header("content-type")) == (200, "0", None)

        assert public.post(f"{job.address}/complete").status == 200
        assert public.get(polled.text("pades-url")).status == 200
        assert public.get(polled.text("xades-url")).status == 200
        assert job.status(token).status == 200

    @pytest.mark.requirement("R73")
    def test_of_a_job_with_a_token_only_is_taken_too(self, public: Api, people: list[str]) -> None:
        job = send(public, for_one(people[0]))
        status = job.status(job.token(people[0], "reject"))

        assert [public.post(status.text("confirmation-url")).status for _ in range(2)] == [200, 200]

    @pytest.mark.requirement("R67")
    def test_of_an_older_delivery_leaves_the_newer_one(self, private: Api, people: list[str]) -> None:
        queue = new_queue()
        job = send(private, Draft(signers=[custom_signer("kunde 7"), signer(people[0])], after=polling(queue)))
        job.token("kunde 7")
        first = private.poll(f"?polling_queue={queue}")
        assert first.text("signature-job-status") == "IN_PROGRESS"
        job.token(people[0], "reject")

        assert private.post(first.text("confirmation-url")).status == 200

        second = private.poll(f"?polling_queue={queue}")
        assert second.text("signature-job-status") == "FAILED"
        assert second.text("confirmation-url") != first.text("confirmation-url")
        assert private.post(second.text("confirmation-url")).status == 200
        assert private.poll(f"?polling_queue={queue}").status == 204

    @pytest.mark.requirement("R67")
    def test_without_number_takes_what_was_delivered_and_nothing_more(self, private: Api, people: list[str]) -> None:
        queue = new_queue()
        job = rejected(private, people[0], queue)

        assert private.post(f"{job.address}/complete").status == 200

        assert ids([private.poll(f"?polling_queue={queue}")]) == [str(job.id)]

    def test_is_needed_once_for_changes_that_collapsed_into_the_newest_state(self, private: Api, people: list[str]) -> None:
        queue = new_queue()
        job = send(private, Draft(signers=[signer(people[0]), signer(people[1])], after=polling(queue)))
        job.token(people[0], "fail")
        job.token(people[1], "reject")

        assert private.poll(f"?polling_queue={queue}").text("signature-job-status") == "FAILED"
        assert private.poll(f"?polling_queue={queue}").status == 204
