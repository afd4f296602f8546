"""What a sealed PDF is made of, with good values, and eyes to look at the result with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pypdfium2
from PIL import Image

from segl.pdf.assembly import SealedContent, SealedDocument, SignatureFile, compose, compose_body
from segl.pdf.front_page import DocumentNote, FrontPageSigner
from segl.values import Level, SignatureType

SEALED_AT = datetime(2026, 11, 25, 9, 40, 12, tzinfo=UTC)


def signer(
    name: str,
    *,
    identifier_line: str | None = "Født 14.03.2007",
    level: Level = Level.HIGH,
    signature_type: SignatureType = SignatureType.ADVANCED,
) -> FrontPageSigner:
    return FrontPageSigner(
        name=name,
        identifier_line=identifier_line,
        signed_at=datetime(2026, 11, 23, 13, 32, 8, tzinfo=UTC),
        signature_type=signature_type,
        authenticated_at=datetime(2026, 11, 23, 13, 31, 50, tzinfo=UTC),
        eid="BankID",
        level=level,
    )


def document(original: bytes, *, number: int = 1, title: str = "Avtale", notes: tuple[DocumentNote, ...] = ()) -> SealedDocument:
    return SealedDocument(
        number=number,
        title=title,
        file_name=f"dokument-{number}.pdf",
        mime="application/pdf",
        original=original,
        rendition=original,
        notes=notes,
    )


def content(
    documents: Sequence[SealedDocument],
    *,
    names: Sequence[str] = ("Ingrid Solvang",),
    asked: int | None = None,
    title: str = "Læreavtale",
    signers: Sequence[FrontPageSigner] | None = None,
) -> SealedContent:
    people = tuple(signer(name) for name in names) if signers is None else tuple(signers)
    return SealedContent(
        job_id="40718265",
        title=title,
        sealed_at=SEALED_AT,
        documents=tuple(documents),
        signers=people,
        signer_count=len(people) if asked is None else asked,
        signature_files=tuple(
            SignatureFile(file_name=f"signatur-{number}.xml", content=f"<XAdES{number}/>".encode()) for number in range(1, len(people) + 1)
        ),
    )


def composed(given: SealedContent) -> bytes:
    return compose(given, body=compose_body([item.rendition for item in given.documents]))


def drawn(pdf: bytes, page: int, *, scale: float = 1.0) -> Image.Image:
    """Return page `page`, counted from 1, as a reader shows it, `scale` pixels a point."""
    reader = pypdfium2.PdfDocument(pdf)
    try:
        return reader[page - 1].render(scale=scale).to_pil().convert("RGB")
    finally:
        reader.close()
