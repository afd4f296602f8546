"""
(d) Create, status and poll with 10^5 jobs in the database against the same with 10^3: CPU time of this process and of the database's.

What fills the databases are finished jobs of the same sender, with all that a finished job leaves in the tables that these calls read or write.
The two databases take turns, so that a machine that slows down slows down both.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from bench.measuring import Figure, cpu_seconds_under, segl_here, tell, write_profile

FEW, MANY = 1_000, 100_000
BATCHES, CALLS = 9, 30


def database_seconds() -> float:
    """Return the CPU time that the database's own processes have used; 0 for SQLite, which has none."""
    pid_file = os.environ.get("BENCH_POSTGRES")
    return 0.0 if pid_file is None else cpu_seconds_under(int(Path(pid_file).read_text().split()[0]))


def ms_a_call(action: Callable[[], object]) -> float:
    """Return the CPU time of one call. A batch of them: the database's time is known in hundredths of a second only."""
    action()
    began, elsewhere = time.process_time(), database_seconds()
    for _ in range(CALLS):
        action()
    return (time.process_time() - began + database_seconds() - elsewhere) / CALLS * 1000


def go_to(database: str) -> None:
    """Let Django's connection lead to another database of the same server, or to another file."""
    from django.db import connection

    connection.close()
    close_pool = getattr(connection, "close_pool", None)  # PostgreSQL's has one
    if close_pool is not None:
        close_pool()
    connection.settings_dict["NAME"] = database


def measure() -> Iterator[Figure]:
    """Measure with few jobs, fill the database, and measure again."""
    near = segl_here()
    from django.db import connection

    from segl.actions.access import hashed
    from segl.actions.confirm_status import confirm_status
    from segl.actions.poll_status import poll_status
    from segl.actions.read_status import status_by_token
    from segl.database import models
    from segl.values import Flow
    from support import direct_jobs
    from support.neighbours import NOW

    def fill(numbers: range) -> None:
        """Write finished jobs, one signer and one document each, as quickly as the database takes them."""
        made_at = NOW - timedelta(days=3)
        ids = [2**31 + number for number in numbers]  # above all that a real job draws
        common = {"level": 4, "identifier_format": "NAME", "is_polled": True, "created_at": made_at, "completed_at": made_at}
        done, signed = "COMPLETED_SUCCESSFULLY", "SIGNED"
        models.Job.objects.bulk_create(
            models.Job(
                id=n, flow="DIRECT", sender_id=direct_jobs.PUBLIC, creator_organization=direct_jobs.PUBLIC, title="Avtale",
                bundle_sha256=hashed(f"bundle {n}"), status=done, visible_status=done, **common,
            )
            for n in ids
        )  # fmt: skip
        groups = models.SignerGroup.objects.bulk_create(
            models.SignerGroup(job_id=n, order=0, activated_at=made_at, deadline_at=made_at + timedelta(days=30)) for n in ids
        )
        signers = models.Signer.objects.bulk_create(
            models.Signer(
                job_id=n, group=group, position=1, national_identity_number=direct_jobs.INGRID, on_behalf_of="SELF", status=signed,
                signature_type="AUTHENTICATED_ELECTRONIC_SIGNATURE", since=made_at, visible_status=signed, visible_since=made_at,
            )
            for n, group in zip(ids, groups, strict=True)
        )  # fmt: skip
        models.Document.objects.bulk_create(
            models.Document(
                job_id=n, position=1, title="Avtale", file_name="avtale.pdf", mime="application/pdf", sha256=hashed(f"document {n}"),
                size_bytes=1, rendition_sha256=hashed(f"document {n}"), pages=[[595, 842]],
            )
            for n in ids
        )  # fmt: skip
        models.RedirectToken.objects.bulk_create(
            models.RedirectToken(sha256=hashed(f"redirect {n}"), signer=signer, issued_at=made_at, expires_at=made_at, consumed_at=made_at)
            for n, signer in zip(ids, signers, strict=True)
        )
        models.StatusQueryToken.objects.bulk_create(
            models.StatusQueryToken(sha256=hashed(f"status {n}"), job_id=n, issued_at=made_at) for n in ids
        )
        models.SealedPdf.objects.bulk_create(
            models.SealedPdf(job_id=n, signers="1", signature_count=1, sha256=hashed(f"sealed {n}"), size_bytes=1, created_at=made_at)
            for n in ids
        )
        models.StatusChange.objects.bulk_create(
            models.StatusChange(
                job_id=n, sender_number=direct_jobs.PUBLIC, flow="DIRECT", sequence=1, created_at=made_at, delivered_at=made_at,
                confirmed_at=made_at,
            )
            for n in ids
        )  # fmt: skip
        models.WorkItem.objects.bulk_create(models.WorkItem(kind="expire", key=str(n), due_at=NOW + timedelta(days=27)) for n in ids)
        head = models.AuditHead.objects.get_or_create(pk=1)[0]
        # Six events a job, as many as a real one has. Nothing verifies the chain here.
        models.AuditEvent.objects.bulk_create(
            models.AuditEvent(
                sequence=head.sequence + 1 + at, at=made_at, kind="job-created", job_id=ids[at // 6], details="{}", sha256="0" * 64
            )
            for at in range(6 * len(ids))
        )
        models.AuditHead.objects.update(sequence=head.sequence + 6 * len(ids))

    def tidy() -> None:
        """Do what PostgreSQL does by itself after so many new rows, but not in the middle of the measuring."""
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")

    bundle = direct_jobs.bundle_of(near, direct_jobs.Asked())
    jobs: list[int] = []

    def create() -> None:
        jobs.append(direct_jobs.create(near, bundle=bundle).job.pk)

    asked = iter(range(10**9))

    def status() -> None:
        number = next(asked) % FEW
        status_by_token(sender=direct_jobs.PUBLIC, job_id=2**31 + number, token=f"status {2**31 + number}")

    def poll() -> None:
        polled = poll_status(near.ports, sender=direct_jobs.PUBLIC, flow=Flow.DIRECT, queue="")
        assert polled.state is not None
        confirm_status(near.ports, sender=direct_jobs.PUBLIC, job_id=polled.state.job_id, flow=Flow.DIRECT, sequence=polled.sequence)

    def enqueue_changes() -> None:
        models.StatusChange.objects.bulk_create(
            models.StatusChange(job_id=n, sender_number=direct_jobs.PUBLIC, flow="DIRECT", sequence=1, created_at=NOW) for n in jobs
        )
        jobs.clear()

    def all_three() -> dict[str, float]:
        taken = {"create": ms_a_call(create), "status": ms_a_call(status)}
        enqueue_changes()
        return taken | {"poll and confirm": ms_a_call(poll)}

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("CREATE DATABASE few")
    many = connection.settings_dict["NAME"]
    few = "few" if connection.vendor == "postgresql" else f"{many}.few"
    for start in range(0, MANY, 10_000):
        fill(range(start, start + 10_000))
    tidy()
    go_to(few)
    segl_here()
    fill(range(FEW))
    tidy()
    taken: dict[str, list[dict[str, float]]] = {few: [], many: []}
    for _ in range(BATCHES):
        for database, batches in taken.items():
            go_to(database)
            batches.append(all_three())
    for call in taken[many][0]:
        with_few, with_many = (statistics.median(batch[call] for batch in batches) for batches in taken.values())
        yield Figure(what=f"{call}, 100 000 jobs", measured=with_many, unit="ms CPU", against="with 1 000", floor=with_few, bar=1.2)
    write_profile("crowded-create", create)
    write_profile("crowded-status", status)
    enqueue_changes()
    write_profile("crowded-poll", poll, rounds=5)


if __name__ == "__main__":
    tell(measure())
