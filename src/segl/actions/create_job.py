"""
A sender creates a direct signature job: request and bundle are checked to the last byte, then everything is stored at once.

  (1) Multipart, then the request's XML (wire-spec.md 6.3).
  (2) The bundle: archive, the manifest's XML, the signature, who signed it.
  (3) The manifest belongs to this sender.
  (4) The documents: there, of an accepted type, readable, within the limits.
  (5) The terms of the sender's sector.
  (6) Bytes into the store, then one transaction with every row. A 200 means all of it is on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from segl.actions.expire_job import EXPIRE
from segl.actions.issue_redirect_url import IssuedRedirect, new_token
from segl.actions.ports import INSPECTION, FencedOut, Ports
from segl.actions.sweep_orphans import put_if_gone
from segl.asice.bundle import Bundle, find_documents, unpack_bundle, verify_bundle
from segl.asice.bundle import Document as BundleDocument
from segl.database import audit, work
from segl.database.models import Document, Job, Organization, Signer, SignerGroup
from segl.database.transactions import durable
from segl.jobs.terms import DIRECT_LIFETIME, AskedSigner, Terms, settle
from segl.pdf.inspection import InspectedPdf, inspect
from segl.pdf.refusal import PdfRefused, Reason
from segl.pdf.text import TextRefused, decode_text, typeset_text
from segl.values import Flow, NationalIdentityNumber, Sector
from segl.wire import direct_job, multipart
from segl.wire.errors import ErrorCode, RequestRefused

MAX_DOCUMENT_BYTES = 10_485_760
"""All documents of a job together (wire-spec.md 17)."""
PDF_MIME = "application/pdf"
TEXT_MIME = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Creator:
    """The certificate that calls."""

    organization: str
    certificate_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedJob:
    """A job that exists, with its one-time redirect tokens in clear."""

    job: Job
    redirects: tuple[IssuedRedirect, ...]
    """One a signer, in the manifest's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadyDocument:
    """A document that may be signed."""

    title: str
    mime: str
    file_name: str
    original: bytes
    rendition: bytes
    seen: InspectedPdf


def create_direct_job(
    ports: Ports,
    *,
    sender: Organization,
    creator: Creator,
    content_type: str,
    body: bytes,
) -> CreatedJob:
    """
    Create the job that `body` asks for.

    :raises RequestRefused: with the wire's error code; nothing is created.
    :raises BundleRefused, PdfRefused, TextRefused, TermsRefused, CertificateRefused, RevocationUnknown, FenceUnavailable: the same, for the door to
        translate; a note says which of several documents it is.
    """
    parts = multipart.split(content_type, body)  # (1)
    request = direct_job.parse_request(parts.metadata, is_sandbox=ports.policy.is_sandbox)
    unpacked = unpack_bundle(parts.bundle)  # (2)
    manifest = direct_job.parse_manifest(unpacked.manifest)
    bundle = verify_bundle(
        unpacked,
        issuers=ports.enterprise.issuers(),
        now=ports.clock.real_now(),
        signing_time_tolerance=ports.policy.signing_time_tolerance,
    )
    ports.enterprise.check(bundle.certificate)
    if str(bundle.organization_number) not in {sender.number, creator.organization}:
        raise RequestRefused(
            ErrorCode.ASICE_VALIDATION_FAILED,
            "The bundle is signed by an organization that is neither the sender nor the caller. Sign it with the certificate that calls.",
        )
    if manifest.sender.value != sender.number:  # (3)
        raise RequestRefused(
            ErrorCode.SENDER_MISMATCH,
            "The manifest names another sender than the address. Use the same organization number in both.",
        )
    documents = _ready_documents(ports, bundle, manifest, may_send_text=sender.may_send_text)  # (4)
    terms = settle(  # (5)
        sector=Sector(sender.sector),
        may_use_name_only=sender.may_use_name_only,
        signers=[
            AskedSigner(is_known_by_number=isinstance(signer.identity, NationalIdentityNumber), signature_type=signer.signature_type)
            for signer in manifest.signers
        ],
        document_count=len(documents),
        level=manifest.required_authentication,
        identifier_format=manifest.identifier_in_signed_documents,
    )
    return _store(ports, sender, creator, request, manifest, documents, terms, parts.bundle)  # (6)


def _ready_documents(ports: Ports, bundle: Bundle, manifest: direct_job.DirectManifest, *, may_send_text: bool) -> list[_ReadyDocument]:
    documents = find_documents(bundle, [asked.href for asked in manifest.documents])
    total = sum(len(document.content) for document in documents)
    if total > MAX_DOCUMENT_BYTES:
        raise RequestRefused(
            ErrorCode.DOCUMENTS_TOO_LARGE,
            f"The documents are {total} bytes together, and the limit is {MAX_DOCUMENT_BYTES}. Send smaller documents, or fewer.",
        )
    ready = []
    for position, (asked, document) in enumerate(zip(manifest.documents, documents, strict=True), start=1):
        try:
            ready.append(_ready(ports, asked, document, may_send_text=may_send_text))
        except (PdfRefused, TextRefused) as refused:
            if len(documents) > 1:
                refused.add_note(f"It is document {position} of {len(documents)} in the manifest.")
            raise
    return ready


def _ready(ports: Ports, asked: direct_job.ManifestDocument, document: BundleDocument, *, may_send_text: bool) -> _ReadyDocument:
    media_type = asked.mime.split(";")[0].strip().lower()
    if media_type not in {PDF_MIME, TEXT_MIME}:
        raise RequestRefused(ErrorCode.DOCUMENT_REJECTED, "A document has a type that is not accepted. Send application/pdf or text/plain.")
    if media_type == TEXT_MIME and not may_send_text:
        raise RequestRefused(ErrorCode.FEATURE_NOT_AVAILABLE, "Plain-text documents are not enabled for this organization. Send a PDF.")
    is_pdf = media_type == PDF_MIME
    rendition = document.content if is_pdf else typeset_text(decode_text(document.content), title=asked.title)
    try:
        seen = ports.fence.run(inspect, rendition, within=INSPECTION)
    except FencedOut as error:
        raise PdfRefused(Reason.TOO_COSTLY) from error
    return _ReadyDocument(
        title=asked.title, mime=media_type, file_name=document.name, original=document.content, rendition=rendition, seen=seen
    )


def _store(
    ports: Ports,
    sender: Organization,
    creator: Creator,
    request: direct_job.DirectJobRequest,
    manifest: direct_job.DirectManifest,
    documents: Sequence[_ReadyDocument],
    terms: Terms,
    bundle: bytes,
) -> CreatedJob:
    now = ports.clock.now()
    bundle_sha256 = ports.documents.put(bundle)
    stored = {bundle_sha256: bundle}
    digests = []
    for ready in documents:
        sha256 = ports.documents.put(ready.original)
        rendition_sha256 = sha256 if ready.rendition is ready.original else ports.documents.put(ready.rendition)
        stored |= {sha256: ready.original, rendition_sha256: ready.rendition}
        digests.append((sha256, rendition_sha256))
    with durable():
        job = Job.objects.create(
            id=_unused_id(ports),
            flow=Flow.DIRECT,
            sender=sender,
            creator_organization=creator.organization,
            creator_certificate_sha256=creator.certificate_sha256,
            title=manifest.title,
            description=manifest.description,
            reference=request.reference,
            level=terms.level,
            identifier_format=terms.identifier_format,
            is_polled=request.status_retrieval is direct_job.StatusRetrieval.POLLING,
            polling_queue=request.polling_queue,
            completion_url=request.exit_urls.completion.value,
            rejection_url=request.exit_urls.rejection.value,
            error_url=request.exit_urls.error.value,
            bundle_sha256=bundle_sha256,
            created_at=now,
        )
        group = SignerGroup.objects.create(job=job, order=0, activated_at=now, deadline_at=now + DIRECT_LIFETIME)
        signers = _store_signers(job, group, manifest, terms, now)
        for position, (ready, (sha256, rendition_sha256)) in enumerate(zip(documents, digests, strict=True), start=1):
            Document.objects.create(
                job=job,
                position=position,
                title=ready.title,
                file_name=ready.file_name,
                mime=ready.mime,
                sha256=sha256,
                size_bytes=len(ready.original),
                rendition_sha256=rendition_sha256,
                pages=ready.seen.pages,
                has_form_fields=ready.seen.has_form_fields,
                has_earlier_signature=ready.seen.has_earlier_signature,
                has_attachments=ready.seen.has_attachments,
            )
        work.enqueue(EXPIRE, str(job.pk), due_at=now + DIRECT_LIFETIME)
        audit.record("job-created", at=now, job_id=job.pk, sender=sender.number, bundle=bundle_sha256)
        # The event holds the audit chain's head: from here no bytes are removed, by another job's deletion (delete_documents) or by the sweep.
        put_if_gone(ports, stored)
        redirects = tuple(
            new_token(ports, signer, now=now, lifetime=ports.policy.redirect_lifetime, deadline_at=now + DIRECT_LIFETIME)
            for signer in signers
        )
        return CreatedJob(job=job, redirects=redirects)


def _store_signers(job: Job, group: SignerGroup, manifest: direct_job.DirectManifest, terms: Terms, now: datetime) -> list[Signer]:
    return [
        Signer.objects.create(
            job=job,
            group=group,
            position=position,
            national_identity_number=asked.identity.value if isinstance(asked.identity, NationalIdentityNumber) else None,
            custom_identifier=None if isinstance(asked.identity, NationalIdentityNumber) else asked.identity.value,
            signature_type=signature_type,
            on_behalf_of=asked.on_behalf_of,
            since=now,
            visible_since=now,
        )
        for position, (asked, signature_type) in enumerate(zip(manifest.signers, terms.signature_types, strict=True), start=1)
    ]


def _unused_id(ports: Ports) -> int:
    """Random and below 2^31: the .NET client's test helper casts it to int32 (wire-spec.md 4.4). The primary key settles a collision."""
    while True:
        candidate = ports.chance.bits(31)
        if candidate > 0 and not Job.objects.filter(pk=candidate).exists():
            return candidate
