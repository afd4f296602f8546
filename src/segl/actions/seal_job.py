"""
Sealing: from the signatures of a job to the one PDF that carries them all. Done by the worker, again after each signature.

  (1) Compose the PDF: front page, originals, footers, attachments. The same input always gives the same bytes.
  (2) Write down what is about to be sealed: the seal intent, committed before the seal is made (invariant I3).
  (3) Seal; what came out must begin with exactly what was intended.
  (4) One transaction: the sealed PDF's row, and the job's state becomes readable.

A worker killed anywhere starts again and reaches the same end; a neighbour that is down makes the work wait, never a lesser file.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import datetime

from segl.actions.access import locked_job
from segl.actions.ports import COMPOSITION, DocumentDamaged, DocumentMissing, Ports
from segl.actions.sweep_orphans import put_if_gone
from segl.actions.visibility import make_visible, signing_order
from segl.database import audit
from segl.database.models import Document, Job, SealedPdf, SealIntent, Signature
from segl.database.transactions import durable
from segl.jobs.job import JobStatus
from segl.pdf import assembly
from segl.pdf.body import compose_body
from segl.pdf.front_page import DocumentNote, FrontPageSigner, notes_on
from segl.signatures import pades
from segl.values import Level, SignatureType

SEAL = "seal"
"""The kind of this work; its key is seal_key()."""


def seal_key(job: Job) -> str:
    """Return the key of the seal work for the signatures the job has now, to be called in the signature's own transaction."""
    return f"{job.pk}:{signing_order(job)}"


class SealDiffersFromIntent(Exception):
    """The sealed bytes are not what was intended. Nothing was published; read the worker's log and retry the work."""


def seal_job(ports: Ports, *, key: str) -> None:
    """
    Seal the job that `key` names with the signatures it has now, and let its state be read.

    :raises TimeStampUnavailable, ValidationMaterialUnavailable, FenceUnavailable: a neighbour is down; try again later.
    :raises FencedOut: if the documents take more than COMPOSITION allows.
    :raises SealDiffersFromIntent: a defect; nothing is published.
    """
    job = Job.objects.get(pk=int(key.split(":")[0]))
    signers = signing_order(job)
    if not SealedPdf.objects.filter(job=job, signers=signers).exists():
        composed = _compose(ports, job, signers)  # (1) and (2)
        sealed = _seal(ports, composed)  # (3)
        sha256 = ports.documents.put(sealed)
        with durable():  # (4)
            job = locked_job(job.pk)
            if not SealedPdf.objects.filter(job=job, signers=signers).exists():  # another worker may have been faster
                if not SealIntent.objects.filter(job=job, signers=signers, composed_sha256=hashlib.sha256(composed).hexdigest()).exists():
                    raise SealDiffersFromIntent
                SealedPdf.objects.create(
                    job=job,
                    signers=signers,
                    signature_count=signers.count(",") + 1,
                    sha256=sha256,
                    size_bytes=len(sealed),
                    created_at=ports.clock.now(),
                )
                audit.record("job-sealed", at=ports.clock.now(), job_id=job.pk, signers=signers, sha256=sha256)
                put_if_gone(ports, {sha256: sealed})
            make_visible(job, at=ports.clock.now())
        return
    with durable():
        make_visible(locked_job(job.pk), at=ports.clock.now())


def _compose(ports: Ports, job: Job, signers: str) -> bytes:
    known = SealIntent.objects.filter(job=job, signers=signers).first()
    sealed_at = known.sealed_at if known else ports.clock.now().replace(microsecond=0)
    composed, digest = _composed(ports, job, signers, sealed_at)
    if known is not None and known.composed_sha256 == digest:
        return composed
    with durable():
        locked_job(job.pk)
        # Read again, locked: an intent that another worker has written meanwhile may already be sealed, and must not change.
        intent = SealIntent.objects.filter(job=job, signers=signers).first()
        if intent is None or (intent.sealed_at == sealed_at and not SealedPdf.objects.filter(job=job, signers=signers).exists()):
            # A composed PDF differs from an older intent of the same time only when Segl itself was upgraded in between.
            SealIntent.objects.update_or_create(
                job=job,
                signers=signers,
                defaults={"composed_sha256": digest, "composed_bytes": len(composed), "sealed_at": sealed_at},
            )
            audit.record("seal-intended", at=ports.clock.now(), job_id=job.pk, signers=signers, composed=digest)
            return composed
    return _composed(ports, job, signers, intent.sealed_at)[0]


def _composed(ports: Ports, job: Job, signers: str, sealed_at: datetime) -> tuple[bytes, str]:
    content = _content(ports, job, signers, sealed_at)
    composed = assembly.compose(content, body=_body(ports, job, content))
    return composed, hashlib.sha256(composed).hexdigest()


def _body(ports: Ports, job: Job, content: assembly.SealedContent) -> bytes:
    """Return the documents' composed pages: those of the signature before, or composed now and kept while others are still to sign."""
    if job.body_sha256:
        with suppress(DocumentMissing, DocumentDamaged):  # it follows from the documents alone, so nothing is lost with it
            return ports.documents.get(job.body_sha256)
    body = ports.fence.run(compose_body, [document.rendition for document in content.documents], within=COMPOSITION)
    if job.status == JobStatus.IN_PROGRESS:
        sha256 = ports.documents.put(body)
        Job.objects.filter(pk=job.pk, documents_deleted_at=None).update(body_sha256=sha256)
    return body


def _content(ports: Ports, job: Job, signers: str, sealed_at: datetime) -> assembly.SealedContent:
    by_position = {signature.signer.position: signature for signature in Signature.objects.filter(signer__job=job).select_related("signer")}
    signatures = [by_position[int(position)] for position in signers.split(",")]
    return assembly.SealedContent(
        job_id=str(job.pk),
        title=job.title,
        sealed_at=sealed_at,
        documents=tuple(_sealed_document(ports, document) for document in job.documents.all()),
        signers=tuple(_front_page_signer(signature) for signature in signatures),
        signer_count=job.signers.count(),
        signature_files=tuple(
            assembly.SignatureFile(
                file_name=f"signature-{signature.signer.position}.xml", content=ports.documents.get(signature.xades_sha256)
            )
            for signature in signatures
        ),
    )


def _sealed_document(ports: Ports, document: Document) -> assembly.SealedDocument:
    original = ports.documents.get(document.sha256)
    is_pdf = document.rendition_sha256 == document.sha256
    return assembly.SealedDocument(
        number=document.position,
        title=document.title,
        file_name=document.file_name,
        mime=document.mime,
        original=original,
        rendition=original if is_pdf else ports.documents.get(document.rendition_sha256),
        notes=notes_on(document) if is_pdf else (*notes_on(document), DocumentNote.PLAIN_TEXT),
    )


def _front_page_signer(signature: Signature) -> FrontPageSigner:
    line = None
    if signature.national_identity_number is not None:
        line = f"Fødselsnummer {signature.national_identity_number}"
    elif signature.birth_date is not None:
        line = f"Født {signature.birth_date:%d.%m.%Y}"
    return FrontPageSigner(
        name=signature.name,
        identifier_line=line,
        signed_at=signature.signed_at,
        signature_type=SignatureType(signature.signer.signature_type),
        authenticated_at=datetime.fromisoformat(json.loads(bytes(signature.evidence))["how"]["authenticatedAt"]),
        eid=signature.eid,
        level=Level(signature.level),
    )


def _seal(ports: Ports, composed: bytes) -> bytes:
    key = ports.keys.seal()
    sealed = pades.seal(
        composed,
        certificate=key.certificate,
        chain=key.chain,
        private_key=key.private_key,
        time_stamp=ports.time_stamps.time_stamp,
        certificates=ports.validation.certificates(),
        revocation_lists=ports.validation.revocation_lists(),
        at=ports.clock.now(),
    )
    if not sealed.startswith(composed):
        raise SealDiffersFromIntent
    return sealed
