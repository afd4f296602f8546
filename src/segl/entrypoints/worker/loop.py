"""
The worker's loop: claim due work, do it, finish it.

Work that meets a neighbour that is down waits with growing pauses for as long as it takes, and says what it waits for; work that fails
otherwise is tried MAX_ATTEMPTS times and then set aside, visible, for the operator.
"""

from __future__ import annotations

import itertools
import random  # noqa: TID251 — spreads load, guards nothing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import FrameType

import structlog
from django.db import close_old_connections

from segl.actions.delete_documents import DELETE_BYTES, delete_bytes
from segl.actions.expire_job import EXPIRE, expire_job
from segl.actions.ports import FenceUnavailable, KeyUnusable, Ports, TimeStampUnavailable, ValidationMaterialUnavailable
from segl.actions.seal_job import SEAL, seal_job
from segl.actions.sweep_orphans import PARTS, sweep_orphans
from segl.database import work
from segl.database.work import Claim
from segl.signatures.pades import UnableToSeal

HANDLERS: Mapping[str, Callable[..., None]] = {SEAL: seal_job, EXPIRE: expire_job, DELETE_BYTES: delete_bytes}
IDLE_SECONDS = 0.1
"""A signer waits for the seal, so the queue is looked at often; an idle look is one indexed read."""
HEARTBEAT_SECONDS = 10
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)
LONGEST_WAIT = timedelta(minutes=1)
"""A signer may be waiting for the seal when the neighbour is back."""
NEIGHBOUR_DOWN = (TimeStampUnavailable, ValidationMaterialUnavailable, KeyUnusable, UnableToSeal, FenceUnavailable, OSError)

log = structlog.get_logger()


def run(ports: Ports) -> None:
    """Work until SIGTERM or SIGINT; the item in hand is finished first."""
    stopping = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("worker-started")
    beat_at, parts = 0.0, parts_from_anywhere()
    while not stopping.is_set():
        if time.monotonic() >= beat_at:
            work.beat("worker")
            sweep_next(ports, parts)
            beat_at = time.monotonic() + HEARTBEAT_SECONDS
        if not work_once(ports):
            stopping.wait(IDLE_SECONDS)
    log.info("worker-stopped")


def parts_from_anywhere() -> Iterator[str]:
    """Yield each part in turn for ever; begun anywhere, or a worker that never lives through a round would leave the last ones."""
    start = random.randrange(len(PARTS))  # noqa: S311
    yield from itertools.cycle(PARTS[start:] + PARTS[:start])


def sweep_next(ports: Ports, parts: Iterator[str]) -> None:
    """Sweep one part of the stored bytes; with one at each heartbeat a round takes three quarters of an hour. What fails waits for the next round."""
    part = next(parts)
    try:
        removed = sweep_orphans(ports, part=part)
    except Exception as failed:
        log.error("sweep-failed", part=part, exc_info=failed)
    else:
        if removed:
            log.info("orphans-removed", part=part, count=removed)


def work_once(ports: Ports) -> int:
    """Claim and do what is due now; return how many items that were."""
    close_old_connections()
    claims = work.claim(now=ports.clock.now())
    for claim in claims:
        _do(ports, claim)
    return len(claims)


def _do(ports: Ports, claim: Claim) -> None:
    done = threading.Event()
    heartbeat = threading.Thread(target=_keep_lease, args=(claim, done), daemon=True)
    heartbeat.start()
    try:
        HANDLERS[claim.kind](ports, key=claim.key)
    except NEIGHBOUR_DOWN as down:
        log.warning("work-waits", kind=claim.kind, key=claim.key, waits_for=type(down).__name__)
        _postpone(ports, claim, waits_for=_reason(down), is_counted=False)
    except Exception as failed:
        log.error("work-failed", kind=claim.kind, key=claim.key, attempt=claim.attempts, exc_info=failed)
        if claim.attempts >= work.MAX_ATTEMPTS:
            work.bury(claim, why=_reason(failed))
        else:
            _postpone(ports, claim, waits_for=_reason(failed), is_counted=True)
    else:
        work.finish(claim)
    finally:
        done.set()
        heartbeat.join()


def _keep_lease(claim: Claim, done: threading.Event) -> None:
    try:
        while not done.wait(HEARTBEAT_SECONDS):
            work.keep(claim)
    finally:
        close_old_connections()


def _postpone(ports: Ports, claim: Claim, *, waits_for: str, is_counted: bool) -> None:
    times, longest = (claim.attempts - 1, LONGEST_PAUSE) if is_counted else (claim.waits, LONGEST_WAIT)
    pause = min(FIRST_PAUSE * 2 ** min(times, 10), longest)
    jitter = random.uniform(0.8, 1.2)  # noqa: S311
    work.postpone(claim, due_at=ports.clock.now() + pause * jitter, waits_for=waits_for, is_counted=is_counted)


def _reason(error: Exception) -> str:
    return " ".join((type(error).__doc__ or type(error).__name__).split())
