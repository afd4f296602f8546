"""
A sample of `script/crash`: each action killed at boundaries that a printed seed chooses, and nothing acknowledged is lost (reliability.md B-01).

SEGL_CRASH_SEED repeats a run's choices; SEGL_CRASH_EVERY=1 makes it whole.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from random import SystemRandom

import pytest

from .rows import ROWS

TESTS = Path(__file__).parents[1]
SEED = os.environ.get("SEGL_CRASH_SEED") or str(SystemRandom().getrandbits(32))
EVERY = os.environ.get("SEGL_CRASH_EVERY", "80")
ACTIONS = [row.name for row in ROWS if row.is_sound]
COUNTS = re.compile(r"^([a-z-]+) +(\d+) boundaries +(\d+) kills +(\d+) refusals +(\d+) violations", re.MULTILINE)

pytestmark = [pytest.mark.database]  # also on PostgreSQL


def crash(*arguments: str, program: str = "crash.every_boundary") -> subprocess.CompletedProcess[str]:
    """Run the program, as script/crash does. It has a process, a database and a sandbox of its own, because it forks."""
    database = os.environ.get("SEGL_TEST_DATABASE", "sqlite")
    command = [sys.executable, "-m", program, "--database", database, *arguments]
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=600, check=False)


def counts_in(printed: str) -> dict[str, tuple[int, int, int]]:
    """Return boundaries, blows and violations by action."""
    return {row[1]: (int(row[2]), int(row[3]) + int(row[4]), int(row[5])) for row in COUNTS.finditer(printed)}


class TestAKillAtABoundary:
    def test_loses_nothing_and_lets_nothing_happen_twice(self) -> None:
        done = crash("--every", EVERY, "--seed", SEED)
        print(done.stdout)
        counts = counts_in(done.stdout)

        assert done.returncode == 0, done.stdout + done.stderr
        assert {*ACTIONS, "all"} == set(counts), done.stdout
        for action in ACTIONS:
            boundaries, blows, violations = counts[action]
            assert boundaries >= 15, action
            assert blows >= 2 * boundaries // int(EVERY), action  # a kill before and one after each
            assert violations == 0, action


class TestTheHarness:
    def test_finds_an_acknowledgement_that_came_too_early(self) -> None:
        done = crash("broken", "--every", "10")

        assert done.returncode == 1, done.stdout + done.stderr
        assert "undisturbed as" in done.stdout

    def test_names_an_action_that_it_does_not_know(self) -> None:
        done = crash("sing")

        assert done.returncode == 2
        assert "there is no action sing" in done.stderr
