"""
Segl's side of the fence: hands each piece of work to a child of the helper, and tells apart what the document did and what befell the helper.

Source: reliability.md B-37, B-42. May be used from many threads, and made before a fork: each process starts a helper of its own.
"""

from __future__ import annotations

import io
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, TypeVarTuple

import structlog

from segl.actions.ports import FencedOut, FenceUnavailable, Limits
from segl.pdf.body import CompositionFailed
from segl.pdf.inspection import InspectedPdf
from segl.pdf.refusal import PdfRefused, Reason
from segl.pdf.text import TextNotExtracted

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
AT_ONCE = max(2, os.cpu_count() or 2)
"""Pieces of work at one time in one process; the memory that bombs can take is this times the limit."""
TURN_SECONDS = 20.0
_ANSWERS = {(kind.__module__, kind.__name__): kind for kind in (InspectedPdf, PdfRefused, Reason, CompositionFailed, TextNotExtracted)}
_PASSED_ON = ("PYTHONPATH", "LANG", "LC_ALL")
"""All that the helper sees of the environment: Segl's settings hold secrets."""

_log = structlog.get_logger("segl.fence")


class _Answer(pickle.Unpickler):
    """Reads what a child answers. A document that has taken its reader over must not reach farther by its answer: no other class is made."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if (module_name, global_name) not in _ANSWERS:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is no answer.")
        return _ANSWERS[module_name, global_name]


@dataclass(frozen=True, slots=True)
class _Forker:
    """The helper of one process."""

    control: socket.socket
    process: subprocess.Popen[bytes]
    owner: int
    """The process that started it; after a fork it is somebody else's."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while the control socket is written to or closed: its number may be another socket's a moment after."""

    @classmethod
    def started(cls) -> _Forker:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-m", "segl.adapters.fence.helper"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                )
        except OSError:
            ours.close()
            raise
        return cls(ours, process, os.getpid())

    def ask(self, request: bytes, *, seconds: float) -> bytes:
        """Return all that a child said: that it begins, then its answer. Either may be missing."""
        ours, theirs = socket.socketpair()
        ends_at = time.monotonic() + seconds
        answer = bytearray()
        with ours:
            try:
                with theirs, self.lock:
                    socket.send_fds(self.control, [b"w"], [theirs.fileno()])
                ours.settimeout(seconds)
                ours.sendall(request)
                ours.shutdown(socket.SHUT_WR)
                while part := ours.recv(1 << 20):
                    answer += part
                    ours.settimeout(max(ends_at - time.monotonic(), 0.001))
            except OSError:
                pass  # out of time, or the helper is gone
        return bytes(answer)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        with self.lock:
            self.control.close()
        self.process.kill()
        self.process.wait()


class ProcessFence:
    """The fence of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._helper: _Forker | None = None

    def start(self) -> None:
        """See actions/ports.py."""
        self._running()

    def close(self) -> None:
        """End the helper. The next piece of work would start another."""
        with self._lock:
            if self._helper is not None and self._helper.owner == os.getpid():
                self._helper.end()
            self._helper = None

    def run(self, work: Callable[[*Ts], T], *given: *Ts, within: Limits) -> T:
        """See actions/ports.py."""
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise FenceUnavailable
        try:
            answer = self._answer(pickle.dumps((within.memory_bytes, within.cpu_seconds, within.seconds, work, given), protocol=5), within)
        finally:
            self._turns.release()
        try:
            is_done, value = _Answer(io.BytesIO(answer)).load()
        except Exception as error:  # cut short by a limit, or not an answer at all: whatever unpickling makes of it
            _log.warning("fenced-out", work=work.__name__, memory_bytes=within.memory_bytes, seconds=within.seconds)
            raise FencedOut from error
        if not is_done:
            raise value
        return value  # type: ignore[no-any-return]  # a child answers what `work` returns

    def _answer(self, request: bytes, within: Limits) -> bytes:
        for _ in range(2):
            helper = self._running()
            said = helper.ask(request, seconds=within.seconds + 1)
            if len(said) > 1 or (said and helper.is_alive()):
                return said[1:]
            # A helper that dies takes its children along, and one that dies or hangs lets none begin. That says nothing of the document.
            helper.end()
        raise FenceUnavailable

    def _running(self) -> _Forker:
        with self._lock:
            helper = self._helper
            if helper is None or helper.owner != os.getpid() or not helper.is_alive():
                if helper is not None:
                    helper.control.close()  # dead, or the one of the process that this one was forked from
                try:
                    helper = self._helper = _Forker.started()
                except OSError as error:
                    raise FenceUnavailable from error
            return helper
