"""What a call costs: processor time of this process, and by how much its memory grew at the most, libraries in C included."""

from __future__ import annotations

import ctypes
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time

_LIBC = ctypes.CDLL(None)
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A measured cost, or a limit to one."""

    milliseconds: float
    mebibytes: float

    def __str__(self) -> str:
        return f"{self.milliseconds:.0f} ms, {self.mebibytes:.1f} MiB"


def over(limit: Cost, call: Callable[[], object]) -> str:
    """
    Return "" if `call` keeps within `limit`, else what it cost.

    It is called up to three times: other processes make a call dearer, never cheaper.
    """
    costs = []
    for _ in range(3):
        costs.append(cost := cost_of(call))
        if cost.milliseconds <= limit.milliseconds and cost.mebibytes <= limit.mebibytes:
            return ""
    return str(Cost(milliseconds=min(c.milliseconds for c in costs), mebibytes=min(c.mebibytes for c in costs)))


def cost_of(call: Callable[[], object]) -> Cost:
    """Return what one call costs."""
    if _CLEAR.exists():
        # What earlier calls freed goes back to the kernel first, or a call would take it without growing.
        if hasattr(_LIBC, "malloc_trim"):
            _LIBC.malloc_trim(0)
        # The kernel's high-water mark sees what libxml2 and zlib take; writing 5 sets it back to what is used now (proc(5)).
        _CLEAR.write_text("5")
        before, began = _kibibytes("VmHWM"), process_time()
        call()
        return Cost(milliseconds=(process_time() - began) * 1000, mebibytes=(_kibibytes("VmHWM") - before) / 1024)
    tracemalloc.start()
    began = process_time()
    try:
        call()
        return Cost(milliseconds=(process_time() - began) * 1000, mebibytes=tracemalloc.get_traced_memory()[1] / 1_048_576)
    finally:
        tracemalloc.stop()


def _kibibytes(field: str) -> int:
    return next(int(line.split()[1]) for line in _STATUS.read_text().splitlines() if line.startswith(field))
