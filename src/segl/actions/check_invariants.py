"""
Whether what is stored holds together: the invariants of reliability.md 2.1, for `segl check` and for every test that kills something.

Reads everything and changes nothing, so it may run beside the service; work in flight is no violation.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from segl.actions.delete_documents import digests_of
from segl.actions.ports import DocumentMissing, Ports
from segl.database import audit
from segl.database.models import AuditEvent, Job, SealedPdf, SealIntent, Signature, Signer, StatusChange
from segl.jobs.job import SignerStatus

DECIDING = ("signer-signed", "signer-rejected", "signer-name-not-available")
"""Events after which nothing more can happen to a signer (I5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that does not hold."""

    invariant: str
    """I1 … I8."""
    job_id: int | None
    what: str


def check_invariants(ports: Ports) -> list[Violation]:
    """Return everything that does not hold; an empty list is what it should be."""
    return [*_bytes(ports), *_signatures(), *_seals(ports), *_queue(), *_decided_once(), *_audit()]


def _bytes(ports: Ports) -> Iterator[Violation]:
    for job in Job.objects.filter(documents_deleted_at=None).iterator():
        for sha256 in sorted(digests_of(job)):
            try:
                content = ports.documents.get(sha256)
            except DocumentMissing:
                yield Violation(invariant="I1", job_id=job.pk, what=f"The bytes {sha256[:12]}… are missing.")
                continue
            if hashlib.sha256(content).hexdigest() != sha256:
                yield Violation(invariant="I1", job_id=job.pk, what=f"The bytes {sha256[:12]}… have changed.")


def _signatures() -> Iterator[Violation]:
    for signer in Signer.objects.filter(status=SignerStatus.SIGNED, signature=None):
        yield Violation(invariant="I2", job_id=signer.job_id, what=f"Signer {signer.position} is SIGNED without a signature.")
    for signature in Signature.objects.exclude(signer__status=SignerStatus.SIGNED).select_related("signer"):
        yield Violation(
            invariant="I2", job_id=signature.signer.job_id, what=f"Signer {signature.signer.position} has a signature but is not SIGNED."
        )


def _seals(ports: Ports) -> Iterator[Violation]:
    for sealed in SealedPdf.objects.filter(job__documents_deleted_at=None).iterator():
        intent = SealIntent.objects.filter(job_id=sealed.job_id, signers=sealed.signers).first()
        if intent is None:
            yield Violation(invariant="I3", job_id=sealed.job_id, what=f"The sealed PDF of signers {sealed.signers} had no intent.")
            continue
        try:
            content = ports.documents.get(sealed.sha256)
        except DocumentMissing:
            continue  # told under I1
        if hashlib.sha256(content[: intent.composed_bytes]).hexdigest() != intent.composed_sha256:
            yield Violation(
                invariant="I3", job_id=sealed.job_id, what=f"The sealed PDF of signers {sealed.signers} is not what was intended."
            )
    held_back = Signer.objects.filter(visible_status=SignerStatus.SIGNED).exclude(job__sealed_pdfs__isnull=False)
    for signer in held_back:
        yield Violation(invariant="I3", job_id=signer.job_id, what=f"Signer {signer.position} is readable as SIGNED without a sealed PDF.")


def _queue() -> Iterator[Violation]:
    changed = Job.objects.filter(is_polled=True).exclude(signers__visible_status=SignerStatus.WAITING)
    for job in changed.distinct():
        if not StatusChange.objects.filter(job=job).exists():
            yield Violation(invariant="I4", job_id=job.pk, what="The job has changed, but nothing ever entered its queue.")


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
