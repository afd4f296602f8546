"""The polling queue: one change a call, a lease of ten minutes, a gate while there is nothing (reliability.md B-11 to B-13)."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections

from segl.actions.access import JobNotFound, locked_job
from segl.actions.confirm_status import confirm_status
from segl.actions.create_job import CreatedJob
from segl.actions.poll_status import Polled, PolledTooEarly, poll_status
from segl.actions.reject import reject
from segl.actions.visibility import make_visible
from segl.database.job_rows import state_of, write_state
from segl.database.models import AuditEvent, Job, StatusChange
from segl.database.transactions import durable
from segl.jobs.job import SignerRejected
from segl.sandbox.material import Role
from segl.values import Flow
from support.direct_jobs import INGRID, JONAS, PRIVATE, PUBLIC, Asked, create, visit, work
from support.neighbours import NOW, Neighbourhood

INTERVAL = timedelta(seconds=600)
POLLERS, CHANGES = 20, 100


def poll(near: Neighbourhood, *, sender: str = PUBLIC, queue: str = "", flow: Flow = Flow.DIRECT) -> Polled:
    return poll_status(near.ports, sender=sender, flow=flow, queue=queue)


def confirm(near: Neighbourhood, job: CreatedJob, sequence: int | None, *, sender: str = PUBLIC) -> None:
    confirm_status(near.ports, sender=sender, job_id=job.job.pk, flow=Flow.DIRECT, sequence=sequence)


def rejected(near: Neighbourhood, asked: Asked | None = None) -> CreatedJob:
    """A job that has ended and whose change is in its queue."""
    job = create(near, asked)
    visitor = visit(near, job)
    reject(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
    return job


def sign(near: Neighbourhood, job: CreatedJob, position: int) -> None:
    visit(near, job, position=position).signs()
    work(near)


def assert_empty(near: Neighbourhood, **more: str) -> None:
    polled = poll(near, **more)  # type: ignore[arg-type]
    assert (polled.state, polled.sequence) == (None, None)
    near.clock.real += INTERVAL  # the gate is on real time; Segl's clock and with it the leases stand still


class TestADelivery:
    @pytest.mark.requirement("R62")
    def test_gives_the_oldest_change_and_leaves_the_gate_open(self, near: Neighbourhood) -> None:
        first, second = rejected(near), rejected(near)
        polled = poll(near)
        assert polled.state is not None
        assert (polled.state.job_id, polled.state.status, polled.sequence) == (first.job.pk, "FAILED", 1)
        assert polled.next_permitted_at <= near.clock.real_now()
        again = poll(near)
        assert again.state is not None
        assert again.state.job_id == second.job.pk

    @pytest.mark.requirement("R65")
    def test_is_leased_for_ten_minutes_to_the_second(self, near: Neighbourhood) -> None:
        rejected(near)
        delivered = poll(near)
        near.clock.move(minutes=9, seconds=59)
        assert_empty(near)
        near.clock.move(seconds=1)
        assert poll(near).state == delivered.state

    @pytest.mark.requirement("R65")
    def test_comes_back_as_often_as_it_is_not_confirmed(self, near: Neighbourhood) -> None:
        rejected(near)
        for _ in range(4):
            assert poll(near).sequence == 1
            near.clock.move(minutes=10)
        assert StatusChange.objects.get().delivered_at == NOW

    def test_never_comes_back_once_confirmed(self, near: Neighbourhood) -> None:
        job = rejected(near)
        confirm(near, job, poll(near).sequence)
        near.clock.move(days=29)
        assert_empty(near)

    @pytest.mark.requirement("R57")
    def test_is_never_of_a_callback_job_nor_of_a_new_one(self, near: Neighbourhood) -> None:
        rejected(near, Asked(is_polled=False))
        create(near)
        assert_empty(near)

    @pytest.mark.requirement("R68")
    def test_of_a_completed_job_leaves_nothing_for_the_next_poll(self, near: Neighbourhood) -> None:
        sign(near, create(near), 1)
        first = poll(near)
        assert first.state is not None
        assert (first.state.status, first.state.has_pades) == ("COMPLETED_SUCCESSFULLY", True)
        assert_empty(near)


class TestSeveralChangesOfOneJob:
    def test_that_nobody_fetched_are_one_entry_with_the_newest_state(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        sign(near, job, 1)
        near.clock.move(seconds=1)
        sign(near, job, 2)
        polled = poll(near)
        assert polled.state is not None
        assert (polled.state.status, polled.sequence) == ("COMPLETED_SUCCESSFULLY", 1)
        assert_empty(near)

    def test_are_two_entries_when_the_first_was_delivered(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        sign(near, job, 1)
        first = poll(near)
        assert first.state is not None
        assert (first.state.status, first.sequence) == ("IN_PROGRESS", 1)
        near.clock.move(seconds=1)
        sign(near, job, 2)
        second = poll(near)
        assert second.state is not None
        assert (second.state.status, second.sequence) == ("COMPLETED_SUCCESSFULLY", 2)

    @pytest.mark.requirement("R67")
    def test_are_not_swallowed_by_a_late_confirmation_of_the_first(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        sign(near, job, 1)
        first = poll(near)
        near.clock.move(seconds=1)
        sign(near, job, 2)
        for sequence in (first.sequence, None):
            confirm(near, job, sequence)
        assert poll(near).sequence == 2

    def test_are_all_confirmed_with_the_last(self, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        sign(near, job, 1)
        poll(near)
        near.clock.move(seconds=1)
        sign(near, job, 2)
        confirm(near, job, poll(near).sequence)
        near.clock.move(minutes=11)
        assert_empty(near)

    def test_lose_none_when_the_job_changes_while_the_entry_is_handed_out(self, near: Neighbourhood) -> None:
        """The change is collapsed into an undelivered entry while a poll delivers that entry with the state from before."""
        job = create(near, Asked(signers=(INGRID, JONAS)))
        sign(near, job, 1)
        has_changed, has_polled = threading.Event(), threading.Event()

        def jonas_rejects() -> None:
            try:
                with durable():
                    row = locked_job(job.job.pk)
                    write_state(row, state_of(row).after(SignerRejected(signer=2, at=near.clock.now())))
                    make_visible(row, at=near.clock.now())
                    has_changed.set()
                    has_polled.wait(1)  # SQLite lets the poll in only after this commit
            finally:
                connections.close_all()

        changing = threading.Thread(target=jonas_rejects)
        changing.start()
        assert has_changed.wait(10)
        seen = [poll(near).state]
        has_polled.set()
        changing.join()
        near.clock.real += INTERVAL
        seen.append(poll(near).state)

        told = [[signer.status.value for signer in state.signers] for state in seen if state is not None]
        assert ["SIGNED", "REJECTED"] in told


class TestTheGate:
    @pytest.mark.requirement("R62", "R63")
    def test_closes_for_the_interval_when_nothing_is_new(self, near: Neighbourhood) -> None:
        assert poll(near).next_permitted_at == NOW + INTERVAL
        near.clock.pass_time(seconds=599)
        for _ in range(3):
            with pytest.raises(PolledTooEarly) as refused:
                poll(near)
            assert refused.value.next_permitted_at == NOW + INTERVAL
        near.clock.pass_time(seconds=1)
        assert poll(near).state is None

    @pytest.mark.requirement("R63")
    def test_keeps_a_change_waiting_that_arrives_while_it_is_closed(self, near: Neighbourhood) -> None:
        poll(near)
        rejected(near)
        with pytest.raises(PolledTooEarly):
            poll(near)
        near.clock.pass_time(minutes=10)
        assert poll(near).state is not None

    def test_stays_on_real_time_when_the_sandbox_moves_its_clock(self, near: Neighbourhood) -> None:
        poll(near)
        near.clock.move(days=1)
        with pytest.raises(PolledTooEarly):
            poll(near)

    @pytest.mark.requirement("R60")
    def test_is_one_for_each_queue_flow_and_organization(self, near: Neighbourhood) -> None:
        poll(near)
        assert poll(near, queue="other").state is None
        assert poll(near, sender=PRIVATE).state is None
        assert poll(near, flow=Flow.PORTAL).state is None


class TestQueues:
    @pytest.mark.requirement("R58", "R59", "R60")
    def test_are_apart_and_their_names_exact(self, near: Neighbourhood) -> None:
        names = ["", "kø", "KØ", "kø ", "a/b+c d", "a%20b"]
        jobs = {name: rejected(near, Asked(queue=name)).job.pk for name in names}
        for name in reversed(names):
            polled = poll(near, queue=name)
            assert polled.state is not None
            assert polled.state.job_id == jobs[name]
            assert_empty(near, queue=name)

    @pytest.mark.requirement("R60")
    def test_of_another_organization_stay_closed(self, near: Neighbourhood) -> None:
        rejected(near)
        private = rejected(near, Asked(sender=PRIVATE, signed_by=Role.PRIVATE_SENDER))
        polled = poll(near, sender=PRIVATE)
        assert polled.state is not None
        assert polled.state.job_id == private.job.pk
        assert_empty(near, sender=PRIVATE)

    @pytest.mark.requirement("R66")
    def test_give_each_of_a_hundred_changes_to_one_of_twenty_pollers(self, near: Neighbourhood) -> None:
        template = rejected(near).job
        for number in range(1, CHANGES):
            job = Job.objects.get(pk=template.pk)
            job.pk = template.pk + number
            job.save(force_insert=True)
            StatusChange.objects.create(job=job, sender_number=PUBLIC, flow=Flow.DIRECT, sequence=1, created_at=NOW)

        def until_empty(_: int) -> list[int]:
            got = []
            try:
                while True:
                    try:
                        polled = poll(near)
                    except PolledTooEarly:
                        return got
                    if polled.state is not None:
                        got.append(polled.state.job_id)
                    elif polled.next_permitted_at > near.clock.real_now():
                        return got
            finally:
                connections.close_all()

        with ThreadPoolExecutor(POLLERS) as pool:
            delivered = Counter(job_id for got in pool.map(until_empty, range(POLLERS)) for job_id in got)
        assert set(delivered.values()) == {1}
        assert len(delivered) == CHANGES


class TestAConfirmation:
    @pytest.mark.requirement("R73")
    def test_may_be_repeated(self, near: Neighbourhood) -> None:
        job = rejected(near)
        sequence = poll(near).sequence
        for _ in range(3):
            confirm(near, job, sequence)
        assert AuditEvent.objects.filter(kind="status-confirmed").count() == 1

    def test_of_a_change_that_was_not_delivered_does_nothing(self, near: Neighbourhood) -> None:
        job = rejected(near)
        for sequence in (1, 7, None):
            confirm(near, job, sequence)
        assert poll(near).sequence == 1

    def test_of_a_callback_job_is_welcome(self, near: Neighbourhood) -> None:
        confirm(near, rejected(near, Asked(is_polled=False)), 0)

    @pytest.mark.requirement("R82")
    def test_of_another_organizations_job_is_one_of_none(self, near: Neighbourhood) -> None:
        job = rejected(near)
        poll(near)
        with pytest.raises(JobNotFound):
            confirm(near, job, 1, sender=PRIVATE)
        with pytest.raises(JobNotFound):
            confirm_status(near.ports, sender=PUBLIC, job_id=job.job.pk + 1, flow=Flow.DIRECT, sequence=1)
        with pytest.raises(JobNotFound):
            confirm_status(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.PORTAL, sequence=1)
        assert StatusChange.objects.get().confirmed_at is None
