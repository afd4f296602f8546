"""
Whether what is stored holds together: the invariants of reliability.md 2.1, for `segl check` and for every test that kills something.

Reads everything and changes nothing, so it may run beside the service; work in flight is no violation.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from segl.actions.delete_documents import DELETE_BYTES, digests_of
from segl.actions.ports import Ports
from segl.actions.seal_job import SEAL, seal_key
from segl.actions.visibility import newest_sealed_pdf, signing_order
from segl.database import audit
from segl.database.models import AuditEvent, Job, SealedPdf, SealIntent, Signature, Signer, StatusChange, WorkItem
from segl.jobs.job import JobStatus, SignerStatus, status_of
from segl.signatures.verification import SignatureNotTrusted, verify_sealed, verify_xades

DECIDING = ("signer-signed", "signer-rejected", "signer-name-not-available")
"""Events after which nothing more can happen to a signer (I5)."""
LONGEST_ORPHAN = timedelta(hours=2)
"""Bytes without a row are left by a process that was killed, and are there while a job is being created; the worker sweeps older ones (I7)."""

Held = Mapping[str, bool]
"""Digest of each stored file, and whether the file still has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that does not hold."""

    invariant: str
    """I1 … I8."""
    job_id: int | None
    what: str


def check_invariants(ports: Ports) -> list[Violation]:
    """Return everything that does not hold; an empty list is what it should be."""
    found = list(_look(ports))
    if not found:
        return []
    # Each question is asked of another moment. What only seemed wrong because something happened in between is not seen twice.
    again = set(_look(ports))
    return [violation for violation in found if violation in again]


def young_orphans(ports: Ports) -> list[str]:
    """Return the digests of stored files that belong to no job and are younger than LONGEST_ORPHAN: information, no violation."""
    return [sha256 for sha256 in _orphans(dict(ports.documents.sweep())) if not _is_old(ports, sha256)]


def _look(ports: Ports) -> Iterator[Violation]:
    held = dict(ports.documents.sweep())
    yield from _bytes(held)
    for sha256 in _orphans(held):
        if _is_old(ports, sha256):
            yield Violation(
                invariant="I7", job_id=None, what=f"The bytes {sha256[:12]}… belong to no job. Nobody was told of them; delete the file."
            )
    yield from _signatures(ports, held)
    yield from _seals(ports, held)
    yield from _states()
    yield from _queue()
    yield from _decided_once()
    yield from _audit()


def _bytes(held: Held) -> Iterator[Violation]:
    for job in Job.objects.filter(documents_deleted_at=None).iterator():
        for sha256 in sorted(digests_of(job) - {job.body_sha256}):  # a body that is gone is composed again
            if sha256 not in held:
                yield Violation(invariant="I1", job_id=job.pk, what=f"The bytes {sha256[:12]}… are missing.")
            elif not held[sha256]:
                yield Violation(invariant="I1", job_id=job.pk, what=f"The bytes {sha256[:12]}… have changed.")


def _orphans(held: Held) -> list[str]:
    being_deleted = WorkItem.objects.filter(kind=DELETE_BYTES).values_list("key", flat=True)
    jobs = Job.objects.filter(documents_deleted_at=None) | Job.objects.filter(pk__in=[int(key) for key in being_deleted])
    owned = {sha256 for job in jobs.iterator() for sha256 in digests_of(job)}
    return sorted(held.keys() - owned)


def _is_old(ports: Ports, sha256: str) -> bool:
    stored_at = ports.documents.stored_at(sha256)
    return stored_at is not None and ports.clock.real_now() - stored_at >= LONGEST_ORPHAN


def _signatures(ports: Ports, held: Held) -> Iterator[Violation]:
    for signer in Signer.objects.filter(status=SignerStatus.SIGNED, signature=None):
        yield Violation(invariant="I2", job_id=signer.job_id, what=f"Signer {signer.position} is SIGNED without a signature.")
    for signature in Signature.objects.select_related("signer__job").iterator():
        signer, job = signature.signer, signature.signer.job
        if signer.status != SignerStatus.SIGNED:
            yield Violation(invariant="I2", job_id=job.pk, what=f"Signer {signer.position} has a signature but is not SIGNED.")
        if job.documents_deleted_at is not None or not held.get(signature.xades_sha256):
            continue  # what is missing or damaged is told under I1
        documents = {document.file_name: bytes.fromhex(document.sha256) for document in job.documents.all()}
        content = ports.documents.get(signature.xades_sha256)
        try:
            verified = verify_xades(content, documents=documents, roots=ports.roots, now=ports.clock.now())
        except SignatureNotTrusted as reason:
            yield Violation(invariant="I2", job_id=job.pk, what=f"The signature of signer {signer.position} does not verify. {reason}")
            continue
        if verified.evidence != bytes(signature.evidence):
            yield Violation(
                invariant="I2", job_id=job.pk, what=f"The signature of signer {signer.position} holds another evidence than its row."
            )


def _seals(ports: Ports, held: Held) -> Iterator[Violation]:
    for sealed in SealedPdf.objects.filter(job__documents_deleted_at=None).iterator():
        intent = SealIntent.objects.filter(job_id=sealed.job_id, signers=sealed.signers).first()
        if intent is None:
            yield Violation(invariant="I3", job_id=sealed.job_id, what=f"The sealed PDF of signers {sealed.signers} had no intent.")
            continue
        if not held.get(sealed.sha256):
            continue  # told under I1
        content = ports.documents.get(sealed.sha256)
        if hashlib.sha256(content[: intent.composed_bytes]).hexdigest() != intent.composed_sha256:
            yield Violation(
                invariant="I3", job_id=sealed.job_id, what=f"The sealed PDF of signers {sealed.signers} is not what was intended."
            )
    for job in Job.objects.filter(documents_deleted_at=None, sealed_pdfs__isnull=False).distinct().iterator():
        newest = newest_sealed_pdf(job)
        if newest is None or not held.get(newest.sha256):
            continue
        try:
            verify_sealed(ports.documents.get(newest.sha256), roots=ports.roots, now=ports.clock.now())
        except SignatureNotTrusted as reason:
            yield Violation(invariant="I3", job_id=job.pk, what=f"The sealed PDF of signers {newest.signers} does not verify. {reason}")


def _states() -> Iterator[Violation]:
    """What may be read follows from what happened, and waits for nothing but a seal that somebody is going to make."""
    for job in Job.objects.prefetch_related("signers").iterator(chunk_size=200):
        signers = list(job.signers.all())
        if job.status != status_of(SignerStatus(signer.status) for signer in signers):
            yield Violation(invariant="I5", job_id=job.pk, what=f"The job is {job.status}, but its signers say otherwise.")
        newest = newest_sealed_pdf(job)
        held_by_pdf = set(newest.signers.split(",")) if newest else set()
        for signer in signers:
            if signer.visible_status == SignerStatus.SIGNED and str(signer.position) not in held_by_pdf:
                yield Violation(invariant="I3", job_id=job.pk, what=f"Signer {signer.position} is readable as SIGNED without a sealed PDF.")
        if all(signer.visible_status == signer.status for signer in signers) and job.visible_status == job.status:
            continue
        signed = signing_order(job)
        if not signed or SealedPdf.objects.filter(job=job, signers=signed).exists():
            yield Violation(invariant="I4", job_id=job.pk, what="The job has changed and its seal is made, but the sender cannot read it.")
        elif not WorkItem.objects.filter(kind=SEAL, key=seal_key(job)).exists():
            yield Violation(invariant="I3", job_id=job.pk, what="The job waits for its seal, but no work is queued that makes it.")


def _queue() -> Iterator[Violation]:
    for job in Job.objects.filter(is_polled=True).iterator():
        readable = AuditEvent.objects.filter(job_id=job.pk, kind="state-readable").order_by("-sequence").first()
        newest = StatusChange.objects.filter(job=job).order_by("-sequence").first()
        if newest is None:
            if readable is not None or job.visible_status != JobStatus.IN_PROGRESS:
                yield Violation(invariant="I4", job_id=job.pk, what="The job has changed, but nothing ever entered its queue.")
        elif readable is not None and newest.delivered_at is not None and newest.delivered_at < readable.at:
            yield Violation(invariant="I4", job_id=job.pk, what="The job's newest state never entered its queue.")


def _decided_once() -> Iterator[Violation]:
    decided = Counter(AuditEvent.objects.filter(kind__in=DECIDING).values_list("job_id", "signer"))
    for (job_id, signer), count in decided.items():
        if count > 1:
            yield Violation(invariant="I5", job_id=job_id, what=f"Signer {signer} was decided {count} times.")


def _audit() -> Iterator[Violation]:
    try:
        audit.verify()
    except audit.AuditChainBroken as broken:
        yield Violation(invariant="I8", job_id=None, what=str(broken))
    signed = set(AuditEvent.objects.filter(kind="signer-signed").values_list("job_id", "signer"))
    stored = set(Signature.objects.values_list("signer__job_id", "signer__position"))
    for job_id, position in sorted(stored ^ signed):
        yield Violation(invariant="I8", job_id=job_id, what=f"Signature and audit event of signer {position} do not go together.")
