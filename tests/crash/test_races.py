"""A sample of `script/crash races`: fewer racers, the same table (reliability.md B-04, B-12, B-21, B-63)."""

from __future__ import annotations

import re

import pytest

from .races import RACES
from .test_boundaries import crash

ROUNDS = re.compile(r"^([a-z]+) +\d+ rounds +(\d+) racers +(\d+) violations", re.MULTILINE)

pytestmark = [pytest.mark.database]  # also on PostgreSQL


class TestManyAtTheSameTime:
    def test_have_one_winner_or_do_each_thing_once(self) -> None:
        done = crash("--share", "5", program="crash.every_race")
        print(done.stdout)

        assert done.returncode == 0, done.stdout + done.stderr
        assert {row[1] for row in ROUNDS.finditer(done.stdout)} == {race.name for race in RACES if race.is_sound}
        assert all((int(row[2]) >= 2, row[3]) == (True, "0") for row in ROUNDS.finditer(done.stdout)), done.stdout


class TestTheRaceTrack:
    def test_finds_more_winners_than_one(self) -> None:
        done = crash("broken", "--share", "5", program="crash.every_race")

        assert done.returncode == 1, done.stdout + done.stderr
        assert "there are 10 of winners, not 1" in done.stdout
