"""
Kill at every boundary: `script/crash` (reliability.md B-01, B-03, B-05, B-06).

Each action runs again and again, and each time its process is killed at another boundary; a new process goes on, and nothing may be lost.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING

import django

from support.postgresql import PostgresServer

if TYPE_CHECKING:
    from .boundaries import Blow
    from .stage import Result, Stage


def main() -> int:
    given = _arguments()
    with stage_on(given.database) as stage:
        return _play(given, stage)


@contextmanager
def stage_on(database: str) -> Iterator[Stage]:
    """A stage with a data folder, a sandbox and a database of its own."""
    root = Path(tempfile.mkdtemp(prefix="segl-crash-"))
    postgres = PostgresServer.start() if database == "postgresql" else None
    try:
        _set_up(root, postgres)
        from .stage import Stage

        yield Stage(root, postgres)
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if postgres is not None:
            postgres.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/crash", description="Kill each action at each of its boundaries.")
    parser.add_argument("actions", nargs="*", help="names of rows in tests/crash/rows.py; none: all of them")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th blow, beginning where the seed says")
    parser.add_argument("--seed", type=int, default=SystemRandom().getrandbits(32))
    parser.add_argument("--list", action="store_true", help="print the boundaries too")
    return parser.parse_args()


def _set_up(root: Path, postgres: PostgresServer | None) -> None:
    for name in [name for name in os.environ if name.startswith("SEGL_")]:
        del os.environ[name]
    os.environ["SEGL_DATA"] = str(root / "data")
    os.environ["DJANGO_SETTINGS_MODULE"] = "segl.wiring.django_settings"
    if postgres is not None:
        os.environ["SEGL_DATABASE_URL"] = postgres.url("segl")
    (root / "data").mkdir()
    django.setup()
    logging.disable()


def _play(given: argparse.Namespace, stage: Stage) -> int:
    from .rows import ROWS

    names = {row.name: row for row in ROWS}
    if unknown := set(given.actions) - set(names):
        print(f"script/crash: there is no action {', '.join(sorted(unknown))}. There are {', '.join(names)}.", file=sys.stderr)
        return 2
    rows = [names[name] for name in given.actions] or [row for row in ROWS if row.is_sound]
    print(f"seed {given.seed}, every {given.every}. blow, {given.database}", flush=True)
    results = []
    for row in rows:
        began = time.monotonic()
        result = stage.play(row, _every(given.every, f"{given.seed} {row.name}"))
        result.seconds = time.monotonic() - began
        results.append(result)
        _print(result, is_long=given.list)
    _print_total(results)
    return 1 if any(result.violations or result.missed for result in results) else 0


def _every(n: int, seed: str) -> Callable[[Sequence[Blow]], Sequence[Blow]]:
    return lambda blows: blows[Random(seed).randrange(n) :: n]


def _print(result: Result, *, is_long: bool) -> None:
    print(_line(result.row, len(result.boundaries), result.kills, result.refusals, len(result.violations)), end="")
    more = {"never hit": len(result.missed), "times files of no job were left": result.leftovers}
    print(f" ({result.seconds:.1f} s" + "".join(f", {count} {what}" for what, count in more.items() if count) + ")")
    for violation in result.violations:
        print(f"    {violation}")
    for missed in result.missed:
        print(f"    {missed}")
    if is_long:
        for number, name in enumerate(result.boundaries, start=1):
            print(f"    {number:4} {name}")
    sys.stdout.flush()


def _print_total(results: Sequence[Result]) -> None:
    total: Counter[str] = Counter()
    for result in results:
        total.update(boundaries=len(result.boundaries), kills=result.kills, refusals=result.refusals, violations=len(result.violations))
    print(_line("all", total["boundaries"], total["kills"], total["refusals"], total["violations"]))


def _line(name: str, boundaries: int, kills: int, refusals: int, violations: int) -> str:
    return f"{name:12} {boundaries:5} boundaries {kills:5} kills {refusals:5} refusals {violations:5} violations"


if __name__ == "__main__":
    sys.exit(main())
