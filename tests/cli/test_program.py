"""`segl …` as an operator types it, in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.postgresql import PostgresServer
from support.running_segl import RunningSegl, make


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer | None) -> RunningSegl:
    """A Segl that has its data folder and tables, and is not started."""
    segl = make(tmp_path_factory.mktemp("operated"), postgres)
    done = segl.command("prepare")
    assert done.returncode == 0, done.stderr
    return segl


@pytest.mark.database
class TestTheProgram:
    def test_prints_json_and_nothing_else(self, prepared: RunningSegl) -> None:
        done = prepared.command("organization", "list", "--json")
        assert done.returncode == 0, done.stderr
        assert {row["sector"] for row in json.loads(done.stdout)} == {"PUBLIC", "PRIVATE"}

    def test_keeps_errors_out_of_stdout(self, prepared: RunningSegl) -> None:
        done = prepared.command("job", "show", "7", "--json")
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "segl: There is no signature job 7. Check the number.\n")

    def test_checks_a_new_segl(self, prepared: RunningSegl) -> None:
        done = prepared.command("check")
        assert (done.returncode, done.stdout) == (0, "All invariants hold.\n")

    def test_says_in_one_line_that_there_are_no_tables(self, tmp_path: Path, postgres: PostgresServer | None) -> None:
        done = make(tmp_path, postgres).command("organization", "list")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("segl: ")
        assert done.stderr.count("\n") == 1

    def test_shows_help_for_an_unknown_command(self, prepared: RunningSegl) -> None:
        done = prepared.command("organisation")
        assert (done.returncode, done.stdout) == (2, "")
        assert "organization" in done.stderr
