"""
(c) From the last signature to a sealed PDF that can be read, at five jobs a second on two cores; and (d) two workers against one.

Five jobs a second is the whole service with its sandbox neighbours, and the one who creates and signs is on the same cores. The workers' race is
the worker's own loop over signed jobs that wait, in processes that have their time-stamp authority inside.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import django

from bench.creating import job_of, sender, sign
from bench.measuring import Figure, document, running_segl, segl_here, tell, variant, write_profile

SECONDS, JOBS_A_SECOND = 60, 5
WAITING_JOBS, TURNS = 60, 3
READY, DONE = "ready", "done"


def seconds_until_readable() -> list[float]:
    """Return for each job, sorted, how long it took from the signature to the state that the sender may read, by the audit trail."""
    django.setup()
    from segl.database.models import AuditEvent

    signed = dict(AuditEvent.objects.filter(kind="signer-signed").values_list("job_id", "at"))
    readable = dict(AuditEvent.objects.filter(kind="state-readable").values_list("job_id", "at"))
    return sorted((at - signed[job]).total_seconds() for job, at in readable.items() if job in signed)


def steady_stream() -> Iterator[Figure]:
    """Have jobs created and signed at a steady pace."""
    pdf = document(size=100_000, pages=3)
    with running_segl(SEGL_WORKERS="2") as segl, ThreadPoolExecutor(24) as pool:
        client, certificate, people = sender(segl)

        def one(number: int) -> None:
            person = people[number % len(people)]
            sign(segl, certificate, client.create_direct_job(job_of(person, variant(pdf, number))), person)

        began = time.monotonic()
        asked = []
        for number in range(SECONDS * JOBS_A_SECOND):
            time.sleep(max(0.0, began + number / JOBS_A_SECOND - time.monotonic()))
            asked.append(pool.submit(one, number))
        failed = sum(each.exception() is not None for each in asked)
        rate = len(asked) / (time.monotonic() - began)
        client.close()
    yield Figure(what="jobs that failed", measured=failed, unit="jobs", bar=0)
    yield Figure(what="jobs done a second", measured=rate, unit="jobs/s", bar=0.95 * JOBS_A_SECOND, is_least=True)
    taken = seconds_until_readable()
    yield Figure(what="signature to sealed PDF, p95", measured=taken[int(0.95 * len(taken))], unit="s", bar=1)


def work_until_done() -> None:
    """Seal what waits, in a process of its own: the worker's loop, until nothing is due."""
    near = segl_here()
    near.ports.keys.seal()  # loading it takes longer than a seal
    from segl.entrypoints.worker import loop

    print(READY, flush=True)
    sys.stdin.readline()
    while loop.work_once(near.ports):
        pass
    print(DONE, flush=True)


def race(workers: int) -> float:
    """Return how many seconds so many workers take over all that waits."""
    command = [sys.executable, "-m", "bench.sealing", "worker"]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
    for worker in started:
        _hear(worker, READY)
    began = time.monotonic()
    for worker in started:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in started:
        _hear(worker, DONE)
    seconds = time.monotonic() - began
    for worker in started:
        worker.communicate()
    return seconds


def _hear(worker: subprocess.Popen[str], words: str) -> None:
    for line in worker.stdout or ():
        if line.strip() == words:
            return
    raise RuntimeError("A worker ended before its work. Read what it wrote above.")


def two_workers() -> Iterator[Figure]:
    """Let one worker and two workers seal the same number of jobs, in turns."""
    near = segl_here()
    from segl.entrypoints.worker import loop
    from support import direct_jobs

    pdf = document(size=1_000_000)

    def sign_jobs() -> None:
        for number in range(WAITING_JOBS):
            asked = direct_jobs.Asked(documents={"leieavtale.pdf": variant(pdf, number)})
            direct_jobs.visit(near, direct_jobs.create(near, asked)).signs()

    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(TURNS):
        for workers, seconds in taken.items():
            sign_jobs()
            seconds.append(race(workers))
    one, two = (WAITING_JOBS / statistics.median(seconds) for seconds in taken.values())
    yield Figure(what="two workers, 1 MB each", measured=two, unit="seals/s", against="one", floor=one, bar=1.8, is_least=True)
    sign_jobs()
    write_profile("sealing", lambda: loop.work_once(near.ports), rounds=WAITING_JOBS)


def measure() -> Iterator[Figure]:
    """Measure the stream, then the race."""
    yield from steady_stream()
    yield from two_workers()


if __name__ == "__main__":
    work_until_done() if sys.argv[1:] == ["worker"] else tell(measure())
