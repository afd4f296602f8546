"""
Many do the same at the same time: `script/crash races` (reliability.md B-04, B-12, B-21, B-63).

Each race runs in eight processes, and afterwards one has won, or each thing was done once.
"""

from __future__ import annotations

import argparse
import sys
import time

from .every_boundary import stage_on


def main() -> int:
    given = _arguments()
    with stage_on(given.database) as stage:
        from .races import RACES

        names = {race.name: race for race in RACES}
        if unknown := set(given.races) - set(names):
            print(f"script/crash: there is no race {', '.join(sorted(unknown))}. There are {', '.join(names)}.", file=sys.stderr)
            return 2
        found = 0
        for race in [names[name] for name in given.races] or [race for race in RACES if race.is_sound]:
            began = time.monotonic()
            racers = max(2, race.racers // given.share)
            violations = [violation for _ in range(given.rounds) for violation in stage.race(race, racers)]
            seconds = time.monotonic() - began
            print(f"{race.name:8} {given.rounds:3} rounds {racers:5} racers {len(violations):5} violations ({seconds:.1f} s)")
            for violation in violations:
                print(f"    {violation}")
            sys.stdout.flush()
            found += len(violations)
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/crash races", description="Let many do the same at the same time.")
    parser.add_argument("races", nargs="*", help="names of rows in tests/crash/races.py; none: all of them")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=1, metavar="N")
    parser.add_argument("--share", type=int, default=1, metavar="N", help="let only one in N run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
