"""
How long the door waits for a client: a start, and more time for each byte that really comes or goes.

An idle limit alone lets a client hold a thread for ever by sending one byte now and then (reliability.md B-65).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 10.0
"""stack.md: read time-out at most ten seconds."""

READ_GRACE_SECONDS = 10.0
READ_BYTES_A_SECOND = 16 * 1024
"""Slower than this after the grace, and the connection is cut: 10 MiB may take eleven minutes, a request's head ten seconds."""

WRITE_IDLE_SECONDS = 180.0
WRITE_GRACE_SECONDS = 300.0
WRITE_BYTES_A_SECOND = 8 * 1024
"""Java holds a download open until its caller closes it; slow readers must not be cut before minutes (wire-spec.md 13.4)."""


@dataclass(slots=True, kw_only=True)
class Patience:
    """Time left for one direction of one request; seconds of the monotonic clock."""

    grace_seconds: float
    bytes_a_second: int
    idle_seconds: float
    ends_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin anew, for the next request."""
        self.ends_at = time.monotonic() + self.grace_seconds

    def earn(self, count: int) -> None:
        """Lengthen the time for `count` bytes that moved."""
        self.ends_at += count / self.bytes_a_second

    def left(self) -> float:
        """Return the seconds that the next read or write may take; 0 when patience is at an end."""
        return max(0.0, min(self.idle_seconds, self.ends_at - time.monotonic()))


def reading() -> Patience:
    """Return the patience for a request."""
    return Patience(grace_seconds=READ_GRACE_SECONDS, bytes_a_second=READ_BYTES_A_SECOND, idle_seconds=IDLE_SECONDS)


def writing() -> Patience:
    """Return the patience for an answer."""
    return Patience(grace_seconds=WRITE_GRACE_SECONDS, bytes_a_second=WRITE_BYTES_A_SECOND, idle_seconds=WRITE_IDLE_SECONDS)
