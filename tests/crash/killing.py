"""The processes of a running Segl, and their end by SIGKILL."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from support.running_segl import RunningSegl

SERVERS = ("api", "web", "neighbours")
"""These are gunicorns: a master, which the supervisor knows, and its workers."""


LONGEST_WAIT_SECONDS = 10.0
"""Without progress for so long the next blow falls all the same."""


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def children_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
    return sorted(found)


def family_of(pid: int) -> list[int]:
    """Return the process and everything below it."""
    return [pid, *(descendant for child in children_of(pid) for descendant in family_of(child))]


def is_alive(pid: int) -> bool:
    """A zombie, which its parent only has to bury, is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass
class Killer:
    """Kills `count` times, each time a random process at a random moment."""

    segl: RunningSegl
    chance: Random
    count: int
    progress: Callable[[], int]
    """How much Segl has acknowledged so far."""
    done: list[str] = field(default_factory=list)
    """What was killed, in order."""

    def run(self) -> None:
        while len(self.done) < self.count:
            # Every fifth blow falls while what the last one hit is just starting again, the others amid work that goes on.
            if self.done and self.chance.random() < 0.2:
                pause(self.chance.uniform(0.05, 0.4))
            else:
                self._wait_for_progress()
                pause(self.chance.uniform(0.0, 1.5))
            self._kill_one()

    def _wait_for_progress(self) -> None:
        before, ends_at = self.progress(), time.monotonic() + LONGEST_WAIT_SECONDS
        while self.progress() == before and time.monotonic() < ends_at:
            pause(0.02)

    def _kill_one(self) -> None:
        # The worker has one process where the servers have two, and seals: it is hit as often as each of them.
        name = self.chance.choice(["api", "web", "worker", "worker", "neighbours"])
        is_child = name in SERVERS and self.chance.random() < 0.5
        try:
            pid = self.segl.pid(name)
        except (OSError, ValueError):
            return  # being started again just now
        if is_child:
            workers = children_of(pid)
            if not workers:
                return
            pid, name = self.chance.choice(workers), f"{name} worker process"
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.done.append(name)


def wait_until_dead(pids: list[int], *, seconds: float) -> list[int]:
    """Return those that are still alive after so long."""
    ends_at = time.monotonic() + seconds
    while (alive := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < ends_at:
        pause(0.1)
    return alive
