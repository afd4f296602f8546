"""A signer reads a document: the very bytes that will be signed."""

from __future__ import annotations

from dataclasses import dataclass

from segl.actions.access import SittingNotFound, locked_job, sitting_row
from segl.actions.ports import READING, Ports
from segl.database import audit
from segl.database.models import Document, Sitting
from segl.database.transactions import durable
from segl.pdf.text import extract_text


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentContent:
    """A document with its bytes."""

    title: str
    file_name: str
    mime: str
    original: bytes
    rendition: bytes
    """The PDF that is shown: the original itself, or what a plain text was typeset to."""


def read_document(ports: Ports, *, sitting_id: str, secret: str | None, number: int) -> DocumentContent:
    """
    Return document `number` (from 1). Nothing is marked.

    :raises SittingNotFound: also when there is no such document, or its job's documents are deleted.
    :raises SittingTimedOut: see access.py.
    """
    document = _document(ports, sitting_id, secret, number)
    original = ports.documents.get(document.sha256)
    is_pdf = document.rendition_sha256 == document.sha256
    return DocumentContent(
        title=document.title,
        file_name=document.file_name,
        mime=document.mime,
        original=original,
        rendition=original if is_pdf else ports.documents.get(document.rendition_sha256),
    )


def text_of(ports: Ports, *, sitting_id: str, secret: str | None, number: int) -> tuple[str, ...]:
    """
    Return the document's text, one string a page. Raises as read_document.

    :raises TextNotExtracted, FencedOut, FenceUnavailable: the pages can still be shown.
    """
    document = _document(ports, sitting_id, secret, number)
    return ports.fence.run(extract_text, ports.documents.get(document.rendition_sha256), within=READING)


def mark_opened(ports: Ports, *, sitting_id: str, secret: str | None, number: int) -> None:
    """Remember that the person has opened the document. Raises as read_document."""
    document = _document(ports, sitting_id, secret, number)
    row = sitting_row(ports, sitting_id=sitting_id, secret=secret)
    if document.position in row.opened_documents:
        return
    with durable():
        locked_job(row.signer.job_id)
        fresh = Sitting.objects.get(pk=row.pk)
        fresh.opened_documents = sorted({*fresh.opened_documents, document.position})
        fresh.save(update_fields=["opened_documents"])
        audit.record(
            "document-opened", at=ports.clock.now(), job_id=row.signer.job_id, signer=row.signer.position, document=document.position
        )


def _document(ports: Ports, sitting_id: str, secret: str | None, number: int) -> Document:
    row = sitting_row(ports, sitting_id=sitting_id, secret=secret)
    job = row.signer.job
    document = job.documents.filter(position=number).first()
    if document is None or job.documents_deleted_at is not None:
        raise SittingNotFound
    return document
