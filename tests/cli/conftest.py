"""The operator's commands in this process, over the neighbours of the test."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import override_settings

from segl.entrypoints.cli.commands import add_commands
from support.neighbours import Neighbourhood


@dataclass
class Operator:
    """Somebody at the command line."""

    capsys: pytest.CaptureFixture[str]

    def runs(self, *arguments: str) -> tuple[int, str, str]:
        """Run `segl …` and return exit status, stdout and stderr."""
        parser = argparse.ArgumentParser(prog="segl")
        add_commands(parser.add_subparsers(required=True))
        self.capsys.readouterr()
        try:
            given = parser.parse_args(arguments)
            status: int = given.run(given)
        except SystemExit as left:  # argparse's own refusals
            status = int(left.code or 0)
        out, err = self.capsys.readouterr()
        return status, out, err

    def reads(self, *arguments: str) -> list[dict[str, Any]]:
        """Run `segl … --json`, which must succeed, and return its rows."""
        status, out, err = self.runs(*arguments, "--json")
        assert status in {0, 1}, err
        rows: list[dict[str, Any]] = json.loads(out)
        return rows


class _Settings:
    """Segl's settings, with the keys of the test's sandbox."""

    def __init__(self, near: Neighbourhood) -> None:
        self.keys = near.material.keys
        self.server_organization_number = "984661185"


@pytest.fixture
def operator(near: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> Iterator[Operator]:
    with override_settings(SEGL_PORTS=near.ports, SEGL=_Settings(near)):
        yield Operator(capsys)
