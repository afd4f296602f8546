"""
One foreground supervisor for all of Segl's processes: starts them, starts a dead one again, stops them together, leaves no orphan.

Children write their own log lines to the same output; the supervisor adds JSON lines of its own. Linux only, as gunicorn's worker is Unix only.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

import structlog

DRAIN_SECONDS = 30.0
HEALTHY_SECONDS = 5.0
"""A process that lived so long is started again at once; one that dies sooner again and again waits longer each time."""

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 15.0
PORT_SECONDS = 5.0
NOT_READY_SECONDS = 60.0
_TICK_SECONDS = 0.2
_PR_SET_PDEATHSIG = 1

_log = structlog.get_logger("segl.supervisor")


class AlreadyRunning(Exception):
    """Another supervisor runs on the same data folder. Stop it, or choose another SEGL_DATA."""


class PortTaken(Exception):
    """Something else answers at a child's port, and would be taken for it. Stop it, or choose another port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process to keep alive."""

    name: str
    argv: Sequence[str]
    port: int | None = None
    """Where it accepts connections once it is ready. None, and no socket either: ready as soon as it runs."""
    host: str = "127.0.0.1"
    path: Path | None = None
    """A Unix socket in place of host and port."""
    setting: str = ""
    """The setting that port or path comes from."""


@dataclass(slots=True, kw_only=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    starts_at: float = 0.0
    early_deaths: int = 0
    has_been_ready: bool = False


@dataclass(slots=True)
class Supervisor:
    """Keeps `children` alive until SIGTERM or SIGINT."""

    children: Sequence[Child]
    _: KW_ONLY
    data: Path
    """Its folder `run` holds the lock and `<name>.pid` of each running child, for tests and operators."""
    on_ready: Callable[[], None] = lambda: None
    """Called once, when all children have been ready."""
    drain_seconds: float = DRAIN_SECONDS
    _running: list[_Running] = field(init=False, default_factory=list)
    _stop_signals: int = field(init=False, default=0)

    @property
    def run_folder(self) -> Path:
        """Return where the lock and the process ids are."""
        return self.data / "run"

    def run(self) -> int:
        """
        Start everything; return 0 after everything has been told to stop and has stopped.

        SIGTERM or SIGINT lets the children finish within `drain_seconds`; a second one kills them. Must run in the main thread.

        :raises AlreadyRunning: if another supervisor holds the lock in `run_folder`.
        :raises PortTaken: if a port that a child needs is not given free within five seconds.
        """
        self.run_folder.mkdir(parents=True, exist_ok=True)
        with (self.run_folder / "supervisor.lock").open("a+") as lock:
            self._take(lock)
            self._wait_for_ports()
            self._running = [_Running(child=child) for child in self.children]
            with _woken_by_signals(self._notice) as wait:
                try:
                    self._keep_alive(wait)
                finally:
                    self._stop(wait)
        return 0

    def _take(self, lock: IO[str]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"Segl runs already on {self.data}. Stop it first (Ctrl-C there), or choose another folder with SEGL_DATA."
            raise AlreadyRunning(message) from error
        # Whoever held it before is gone, and what it left with it.
        for path in self.run_folder.glob("*.pid"):
            path.unlink()
        self._pid_file("supervisor").write_text(f"{os.getpid()}\n")

    def _wait_for_ports(self) -> None:
        # What a killed supervisor left may still be ending.
        ends_at = time.monotonic() + PORT_SECONDS
        for child in self.children:
            while (child.port or child.path) and _answers(child):
                if time.monotonic() > ends_at:
                    self._pid_file("supervisor").unlink()
                    kind = "port" if child.path is None else "socket"
                    raise PortTaken(
                        f"Something else answers at {kind} {child.path or child.port}, which {child.name} needs. "
                        f"Stop it, or choose another {kind} with {child.setting}."
                    )
                time.sleep(_TICK_SECONDS)

    def _notice(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop_signals += 1

    def _keep_alive(self, wait: Callable[[float], None]) -> None:
        began_at = time.monotonic()
        is_told, is_complained = False, False
        while not self._stop_signals:
            now = time.monotonic()
            for running in self._running:
                if running.process is not None and running.process.poll() is not None:
                    self._bury(running, now)
                if running.process is None and now >= running.starts_at:
                    self._start(running)
            if not is_told:
                waiting = [running.child.name for running in self._running if not self._is_ready(running)]
                if not waiting:
                    is_told = True
                    self.on_ready()
                elif not is_complained and now - began_at > NOT_READY_SECONDS:
                    is_complained = True
                    _log.warning("not-ready", waiting_for=waiting, seconds=NOT_READY_SECONDS)
            wait(_TICK_SECONDS)

    def _is_ready(self, running: _Running) -> bool:
        if not running.has_been_ready and running.process is not None:
            running.has_been_ready = not (running.child.port or running.child.path) or _answers(running.child)
        return running.has_been_ready

    def _start(self, running: _Running) -> None:
        try:
            running.process = subprocess.Popen(
                running.child.argv,
                stdin=subprocess.DEVNULL,
                # A group of its own: Ctrl-C in the terminal reaches the supervisor alone, and a whole group can be killed.
                process_group=0,
                # Safe because the supervisor has one thread.
                preexec_fn=_DieWithParent(os.getpid()),
            )
        except OSError as error:
            running.early_deaths += 1
            running.starts_at = time.monotonic() + LONGEST_PAUSE_SECONDS
            _log.error("process-not-started", child=running.child.name, error=error.strerror or type(error).__name__)
            return
        running.started_at = time.monotonic()
        self._pid_file(running.child.name).write_text(f"{running.process.pid}\n")
        _log.info("process-started", child=running.child.name, pid=running.process.pid)

    def _bury(self, running: _Running, now: float) -> None:
        process = running.process
        if process is None:
            return
        # Its own children would go on holding its port: a gunicorn that was killed leaves workers for a second or more.
        _kill_group(process.pid, signal.SIGKILL)
        running.early_deaths = 0 if now - running.started_at >= HEALTHY_SECONDS else running.early_deaths + 1
        pause = 0.0
        if running.early_deaths > 1:
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (running.early_deaths - 2))
        running.starts_at = now + pause
        running.process = None
        with contextlib.suppress(FileNotFoundError):
            self._pid_file(running.child.name).unlink()
        _log.error("process-died", child=running.child.name, pid=process.pid, code=process.returncode, pause_seconds=pause)

    def _stop(self, wait: Callable[[float], None]) -> None:
        alive = [(running, running.process) for running in self._running if running.process is not None]
        for _, process in alive:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        ends_at = time.monotonic() + self.drain_seconds
        while any(process.poll() is None for _, process in alive):
            if time.monotonic() > ends_at or self._stop_signals > 1:
                names = [running.child.name for running, process in alive if process.poll() is None]
                _log.warning("processes-killed", children=names)
                break
            wait(min(_TICK_SECONDS, self.drain_seconds))
        for running, process in alive:
            _kill_group(process.pid, signal.SIGKILL)
            process.wait()
            with contextlib.suppress(FileNotFoundError):
                self._pid_file(running.child.name).unlink()
        with contextlib.suppress(FileNotFoundError):
            self._pid_file("supervisor").unlink()
        _log.info("stopped")

    def _pid_file(self, name: str) -> Path:
        return self.run_folder / f"{name}.pid"


class _DieWithParent:
    """Run in the new process before its program: kill -9 of the supervisor must leave no orphan."""

    def __init__(self, parent: int) -> None:
        self._parent = parent
        # Loaded here, in the parent: little is safe between fork and exec.
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl

    def __call__(self) -> None:
        self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self._parent:
            os._exit(1)


def _answers(child: Child) -> bool:
    try:
        if child.path is None:
            socket.create_connection((child.host, child.port or 0), timeout=0.5).close()
        else:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(child.path))
    except OSError:
        return False
    return True


def _kill_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


@contextlib.contextmanager
def _woken_by_signals(notice: Callable[[int], None]) -> Iterator[Callable[[float], None]]:
    """Give a function that waits so many seconds, or until one of our signals or a child's death; what was set before is restored."""
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    os.set_blocking(receiving, False)

    def wake(number: int, _: FrameType | None) -> None:
        """Be there, so that the number is written to the pipe and no default action is taken."""

    before = {number: signal.signal(number, wake) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)}
    before_wake = signal.set_wakeup_fd(sending, warn_on_full_buffer=False)

    with selectors.DefaultSelector() as selector:
        selector.register(receiving, selectors.EVENT_READ)

        def wait(seconds: float) -> None:
            if selector.select(seconds):
                for number in os.read(receiving, 512):
                    notice(number)

        try:
            yield wait
        finally:
            signal.set_wakeup_fd(before_wake)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(receiving)
            os.close(sending)
