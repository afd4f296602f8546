"""What the supervisor promises to whoever starts Segl: real processes, small ones."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from demo_walk.ports import free_ports

PROGRAM = """
import sys, signal, threading, time
from pathlib import Path
from segl.wiring.server_log import configure_if_unset
from segl.wiring.supervisor import Child, Supervisor, AlreadyRunning, PortTaken
configure_if_unset()
folder = Path(sys.argv[1])
children = [Child(name=name, argv=[sys.executable, "-c", body]) for name, body in zip(sys.argv[3::2], sys.argv[4::2])]
children = [
    Child(name=c.name, argv=c.argv, port=int(c.name[4:]), setting="SEGL_SLOW_PORT") if c.name.startswith("slow") else c for c in children
]
try:
    sys.exit(Supervisor(
        children, data=folder, drain_seconds=float(sys.argv[2]), on_ready=lambda: (folder / "ready").write_text("yes"),
    ).run())
except (AlreadyRunning, PortTaken) as error:
    print(error, file=sys.stderr)
    sys.exit(3)
"""

SLEEP = "import time; time.sleep(60)"
POLITE = """
import pathlib, signal, sys, time
def stop(*_):
    time.sleep(0.3); pathlib.Path('finished').write_text('yes'); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path('polite').write_text('up')
time.sleep(60)
"""
STUBBORN = (
    "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); pathlib.Path('stubborn').write_text('up'); time.sleep(60)"
)
SLOW = """
import pathlib, socket, time
while not pathlib.Path('slow.ready').exists(): time.sleep(0.02)
server = socket.create_server(('127.0.0.1', PORT))
time.sleep(60)
"""
PARENT = "import subprocess, sys, pathlib; c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); pathlib.Path('grandchild').write_text(str(c.pid)); c.wait()"

Start = Callable[..., "subprocess.Popen[bytes]"]


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 15) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"{what} did not come within {seconds} seconds"
        threading.Event().wait(0.02)


def pid_of(folder: Path, name: str) -> int:
    path = folder / "run" / f"{name}.pid"
    wait_until(lambda: path.exists() and path.read_text().strip(), f"{name}.pid")
    return int(path.read_text())


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(*children: str, drain: float = 5) -> subprocess.Popen[bytes]:
        with (tmp_path / f"log{len(started)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(tmp_path), str(drain), *children],
                cwd=tmp_path,
                stdout=log,
                stderr=subprocess.PIPE,
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def lines(folder: Path, number: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"log{number}").read_text().splitlines()]


class TestTheSupervisor:
    def test_tells_when_everything_is_ready_and_not_before(self, start: Start, tmp_path: Path, unused_port: int) -> None:
        start(f"slow{unused_port}", SLOW.replace("PORT", str(unused_port)), "quick", SLEEP)
        pid_of(tmp_path, "quick")
        threading.Event().wait(0.5)
        assert not (tmp_path / "ready").exists()

        (tmp_path / "slow.ready").touch()

        wait_until((tmp_path / "ready").exists, "the word that all is ready")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_lets_its_processes_finish_what_they_do(self, start: Start, tmp_path: Path, number: signal.Signals) -> None:
        supervisor = start("polite", POLITE, "other", SLEEP)
        wait_until((tmp_path / "polite").exists, "the polite one")
        pids = [pid_of(tmp_path, "polite"), pid_of(tmp_path, "other")]

        supervisor.send_signal(number)

        assert supervisor.wait(10) == 0
        assert (tmp_path / "finished").read_text() == "yes"
        assert not any(is_alive(pid) for pid in pids)
        assert not list((tmp_path / "run").glob("*.pid"))
        assert lines(tmp_path)[-1]["event"] == "stopped"

    def test_kills_who_does_not_stop_in_time(self, start: Start, tmp_path: Path) -> None:
        supervisor = start("stubborn", STUBBORN, drain=0.5)
        wait_until((tmp_path / "stubborn").exists, "the stubborn one")
        pid = pid_of(tmp_path, "stubborn")

        supervisor.terminate()

        assert supervisor.wait(10) == 0
        assert not is_alive(pid)
        assert {"event": "processes-killed", "children": ["stubborn"]}.items() <= lines(tmp_path)[-2].items()

    def test_kills_at_the_second_signal(self, start: Start, tmp_path: Path) -> None:
        supervisor = start("stubborn", STUBBORN, drain=60)
        wait_until((tmp_path / "stubborn").exists, "the stubborn one")

        supervisor.send_signal(signal.SIGINT)
        threading.Event().wait(0.3)
        assert supervisor.poll() is None
        supervisor.send_signal(signal.SIGINT)

        assert supervisor.wait(10) == 0

    def test_leaves_no_orphan_when_it_is_killed(self, start: Start, tmp_path: Path) -> None:
        supervisor = start("one", SLEEP, "two", STUBBORN)
        wait_until((tmp_path / "stubborn").exists, "the stubborn one")
        pids = [pid_of(tmp_path, "one"), pid_of(tmp_path, "two")]

        supervisor.kill()
        supervisor.wait()

        wait_until(lambda: not any(is_alive(pid) for pid in pids), "the end of all")

    def test_runs_once_on_a_data_folder(self, start: Start, tmp_path: Path) -> None:
        first = start("one", SLEEP)
        pid = pid_of(tmp_path, "one")

        second = start("one", SLEEP)

        assert second.wait(10) == 3
        assert second.stderr is not None
        assert f"Segl runs already on {tmp_path}. Stop it first" in second.stderr.read().decode()
        assert first.poll() is None
        assert pid_of(tmp_path, "one") == pid

    def test_does_not_take_a_stranger_at_the_port_for_its_own(self, start: Start, tmp_path: Path, unused_port: int) -> None:
        with socket.create_server(("127.0.0.1", unused_port)):
            supervisor = start(f"slow{unused_port}", SLEEP)
            assert supervisor.wait(15) == 3

        assert supervisor.stderr is not None
        told = supervisor.stderr.read().decode()
        assert f"Something else answers at port {unused_port}, which slow{unused_port} needs." in told
        assert "Stop it, or choose another port with SEGL_SLOW_PORT." in told
        assert not (tmp_path / "ready").exists()
        assert not list((tmp_path / "run").glob("*.pid"))

    def test_starts_again_after_it_was_killed(self, start: Start, tmp_path: Path) -> None:
        first = start("one", SLEEP)
        pid_of(tmp_path, "one")
        first.kill()
        first.wait()
        (tmp_path / "ready").unlink(missing_ok=True)

        start("one", SLEEP)

        wait_until((tmp_path / "ready").exists, "the second start")
        assert is_alive(pid_of(tmp_path, "one"))


class TestADeadProcess:
    def test_is_started_again_at_once(self, start: Start, tmp_path: Path) -> None:
        start("one", SLEEP, "two", SLEEP)
        first, other = pid_of(tmp_path, "one"), pid_of(tmp_path, "two")
        began = time.monotonic()

        os.kill(first, signal.SIGKILL)
        wait_until(lambda: pid_of(tmp_path, "one") != first, "another process")

        assert time.monotonic() - began < 1.5
        assert pid_of(tmp_path, "two") == other
        died = next(line for line in lines(tmp_path) if line["event"] == "process-died")
        assert (died["child"], died["code"]) == ("one", -signal.SIGKILL)

    def test_takes_its_own_children_with_it(self, start: Start, tmp_path: Path) -> None:
        start("parent", PARENT)
        wait_until((tmp_path / "grandchild").exists, "the grandchild")
        wait_until(lambda: (tmp_path / "grandchild").read_text(), "its number")
        grandchild = int((tmp_path / "grandchild").read_text())

        os.kill(pid_of(tmp_path, "parent"), signal.SIGKILL)

        wait_until(lambda: not is_alive(grandchild), "the end of the grandchild")

    def test_that_dies_again_and_again_waits_longer_each_time(self, start: Start, tmp_path: Path) -> None:
        start("broken", "raise SystemExit(7)")

        def pauses() -> list[float]:
            return [line["pause_seconds"] for line in lines(tmp_path) if line["event"] == "process-died"]

        wait_until(lambda: len(pauses()) >= 4, "four deaths")
        assert pauses()[:4] == [0.0, 0.25, 0.5, 1.0]


@pytest.fixture
def unused_port() -> int:
    [port] = free_ports(1)
    return port
