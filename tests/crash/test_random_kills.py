"""
Acceptance A5 of the direct flow: processes are killed at random while jobs are created, signed and polled for, and nothing acknowledged is lost.

The seed is printed; SEGL_KILL_SEED repeats a run's choices, and SEGL_KILLS makes it longer.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import pytest
from segl_client import JobStatus

from support.postgresql import PostgresServer
from support.running_segl import RunningSegl, make

from .killing import Killer, family_of, wait_until_dead
from .sending import Noted, Notes, Sender, attached_documents

KILLS = int(os.environ.get("SEGL_KILLS", "50"))
SEED = int(os.environ.get("SEGL_KILL_SEED", "0")) or SystemRandom().getrandbits(32)
SENDERS = 2
FINISHED_WITHIN_SECONDS = 60.0
LEASE_SECONDS = 5

pytestmark = [pytest.mark.database]  # also on PostgreSQL


@dataclass
class Story:
    """What was acknowledged while processes died, and what there was afterwards."""

    seed: int
    notes: Notes
    killed: list[str]
    seconds_to_finish: float | None = None
    """None: not all jobs were finished in time."""
    ledger: dict[str, Any] = field(default_factory=dict)
    sealed: dict[int, bytes] = field(default_factory=dict)
    undelivered: set[int] = field(default_factory=set)
    check: str = ""

    def signed(self) -> list[Noted]:
        """Return the jobs whose signers have all signed."""
        return [noted for noted in self.notes.jobs if noted.acknowledged == set(noted.people)]

    def stored(self, noted: Noted) -> dict[str, Any]:
        row: dict[str, Any] = self.ledger["jobs"][str(noted.job.job_id)]
        return row


def ledger_of(segl: RunningSegl) -> dict[str, Any]:
    program = Path(__file__).with_name("ledger.py")
    read = subprocess.run([sys.executable, str(program)], env=segl.environment, capture_output=True, text=True, timeout=60, check=False)
    assert read.returncode == 0, read.stderr
    rows: dict[str, Any] = json.loads(read.stdout)
    return rows


@pytest.fixture(scope="module")
def segl(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer | None) -> Iterator[RunningSegl]:
    running = make(
        tmp_path_factory.mktemp("crash"), postgres, SEGL_RATE_LIMIT="0", SEGL_POLL_INTERVAL="1", SEGL_POLL_LEASE=str(LEASE_SECONDS)
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def story(segl: RunningSegl) -> Story:
    print(f"SEGL_KILL_SEED={SEED}")
    notes, is_over = Notes(), threading.Event()
    senders = [Sender(segl, notes) for _ in range(SENDERS + 1)]
    *makers, poller = senders
    killer = Killer(segl=segl, chance=Random(SEED), count=KILLS, progress=notes.acknowledged)
    threads = [
        threading.Thread(target=maker.make_and_sign, args=(is_over, Random(SEED + number))) for number, maker in enumerate(makers, start=1)
    ]
    threads.append(threading.Thread(target=poller.poll_and_confirm, args=(is_over,)))
    for thread in threads:
        thread.start()
    try:
        killer.run()
    finally:
        is_over.set()
        for thread in threads:
            thread.join(timeout=120)
    story = Story(seed=SEED, notes=notes, killed=killer.done)
    segl.wait_until_ready()
    _watch(segl, story)
    for noted in story.signed():
        if story.stored(noted)["sealed"]:  # otherwise one of the tests tells
            story.sealed[noted.job.job_id] = makers[0].sealed(noted)
    polled = {noted.job.job_id for noted in story.signed() if noted.is_polled}
    story.undelivered = poller.drain(until=polled, seconds=LEASE_SECONDS + 30)
    story.ledger = ledger_of(segl)
    story.check = segl.command("check").stdout
    for sender in senders:
        sender.close()
    print(
        f"{len(killer.done)} kills, {len(notes.jobs)} jobs acknowledged, {len(story.signed())} signed, {notes.lost_answers.total()} answers lost, "
        f"finished after {story.seconds_to_finish} s"
    )
    return story


def _watch(segl: RunningSegl, story: Story) -> None:
    """Wait until every signed job can be read as finished."""
    began = time.monotonic()
    while time.monotonic() - began < FINISHED_WITHIN_SECONDS:
        story.ledger = ledger_of(segl)
        if all(story.stored(noted)["readable"] == JobStatus.COMPLETED_SUCCESSFULLY for noted in story.signed()):
            story.seconds_to_finish = round(time.monotonic() - began, 1)
            return
        threading.Event().wait(0.5)


class TestFiftyRandomKills:
    def test_have_fallen_on_every_process_amid_the_work(self, story: Story) -> None:
        assert len(story.killed) == KILLS
        assert {"api", "web", "worker", "neighbours"} <= {name.split()[0] for name in story.killed}
        assert len(story.signed()) >= KILLS // 5, story.notes
        assert story.notes.lost_answers.total() > 0

    def test_let_every_process_come_back_by_itself(self, segl: RunningSegl, story: Story) -> None:
        segl.wait_until_ready()

        assert segl.process is not None
        assert segl.process.poll() is None
        assert all(segl.pid(name) for name in ("api", "web", "worker", "neighbours", "demo"))

    def test_meet_only_answers_that_a_kill_explains(self, story: Story) -> None:
        assert story.notes.unexpected == [], story.seed

    def test_lose_no_acknowledged_job(self, story: Story) -> None:
        lost = [noted.job.job_id for noted in story.notes.jobs if str(noted.job.job_id) not in story.ledger["jobs"]]

        assert lost == [], story.seed

    def test_lose_no_acknowledged_signature(self, story: Story) -> None:
        stored = {tuple(row) for row in story.ledger["signatures"]}
        acknowledged = {
            (noted.job.job_id, position)
            for noted in story.notes.jobs
            for position, person in enumerate(noted.people, start=1)
            if person in noted.acknowledged
        }

        assert acknowledged - stored == set(), story.seed

    def test_let_each_signed_job_finish_within_a_minute(self, story: Story) -> None:
        unfinished = {
            noted.job.job_id: story.stored(noted)
            for noted in story.signed()
            if story.stored(noted)["readable"] != JobStatus.COMPLETED_SUCCESSFULLY
        }

        assert story.seconds_to_finish is not None, (story.seed, unfinished, story.ledger["seals"])

    def test_leave_each_document_in_the_sealed_pdf_as_it_was_sent(self, story: Story) -> None:
        for noted in story.signed():
            assert noted.job.job_id in story.sealed, story.seed
            attached = attached_documents(story.sealed[noted.job.job_id])
            sent = {name: hashlib.sha256(content).hexdigest() for name, content in noted.documents.items()}

            assert {name: attached.get(name) for name in sent} == sent, story.seed

    def test_let_nobody_sign_twice(self, story: Story) -> None:
        signatures = [tuple(row) for row in story.ledger["signatures"]]
        events = [tuple(row) for row in story.ledger["signed_events"]]

        assert len(signatures) == len(set(signatures))
        assert sorted(events) == sorted(signatures), story.seed

    def test_deliver_the_last_state_of_each_job_that_is_polled_for(self, story: Story) -> None:
        assert any(noted.is_polled for noted in story.signed())
        assert story.undelivered == set(), story.seed

    def test_leave_all_invariants_as_they_should_be(self, story: Story) -> None:
        assert story.check.strip() == "All invariants hold.", (story.seed, story.check)


class TestTheSupervisor:
    def test_leaves_no_orphan_when_it_is_killed_and_keeps_the_data(self, segl: RunningSegl, story: Story) -> None:
        assert segl.process is not None
        sender = Sender(segl, Notes())
        noted = sender.make(Random(SEED))
        assert noted is not None, sender.notes
        sender.sign(noted, noted.people[0])
        before, family = ledger_of(segl), family_of(segl.process.pid)
        assert len(family) > len(("api", "web", "worker", "neighbours", "demo"))

        segl.process.kill()
        segl.process.wait()

        assert wait_until_dead(family, seconds=15) == []
        segl.start()
        after = ledger_of(segl)
        assert set(before["jobs"]) == set(after["jobs"])
        assert [tuple(row) for row in before["signatures"]] == [tuple(row) for row in after["signatures"]]
        assert noted.acknowledged == {noted.people[0]}
        assert attached_documents(sender.sealed(noted))["document-1.pdf"] == hashlib.sha256(noted.documents["document-1.pdf"]).hexdigest()
        for other in story.signed()[:5]:
            assert sender.sealed(other) == story.sealed[other.job.job_id]
        sender.close()
        assert segl.command("check").stdout.strip() == "All invariants hold."
