"""Sittings, documents and a small PDF, made in code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import typst

from segl.ceremony.sitting import DocumentView, Outcome, OverReason, PageSize, Problem, SittingView, Stage
from segl.values import IdentifierFormat, Language, Level, SignatureType

NOW = datetime(2026, 11, 23, 13, 32, tzinfo=UTC)
SENDER = "Havbris fylkeskommune"
TITLE = "Læreavtale i elektrikerfaget"
TITLES = (TITLE, "Plan for opplæringen", "Timeplan", "Lønn", "Vedlegg A", "Vedlegg B", "Vedlegg C")
SECRET = "the-browsers-own-secret"
A4 = PageSize(width=595.28, height=841.89)

_numbers = count(1)


def documents(*, number: int = 2, opened: int = 0, pages: int = 3, is_text: bool = False) -> tuple[DocumentView, ...]:
    return tuple(
        DocumentView(number=n, title=title, is_text=is_text, size_bytes=184_000, pages=(A4,) * pages, is_opened=n <= opened)
        for n, title in enumerate(TITLES[:number], start=1)
    )


def sitting(**changes: Any) -> SittingView:
    """A signer of two documents, both unread, ten days before the deadline."""
    values: dict[str, Any] = {
        "sitting_id": f"sitting-{next(_numbers)}",
        "language": Language.BOKMAL,
        "sender_name": SENDER,
        "title": TITLE,
        "description": "Hei! Ta kontakt med oss hvis noe ikke stemmer.",
        "documents": documents(),
        "deadline_at": NOW + timedelta(days=10),
        "is_on_behalf_of_other": False,
        "signature_type": SignatureType.ADVANCED,
        "level": Level.HIGH,
        "identifier_format": IdentifierFormat.DATE_OF_BIRTH_AND_NAME,
        "signer_count": 3,
        "stage": Stage.READING,
        "outcome": None,
        "over_reason": None,
        "problem": None,
        "acted_at": None,
    }
    return SittingView(**(values | changes))


def read(**changes: Any) -> SittingView:
    """The same with both documents opened."""
    return sitting(**({"documents": documents(opened=2)} | changes))


def sealing(**changes: Any) -> SittingView:
    return read(**({"stage": Stage.SEALING, "outcome": Outcome.SIGNED, "acted_at": NOW - timedelta(seconds=5)} | changes))


def done(**changes: Any) -> SittingView:
    return read(**({"stage": Stage.DONE, "outcome": Outcome.SIGNED, "acted_at": NOW} | changes))


def over(reason: OverReason = OverReason.EXPIRED, **changes: Any) -> SittingView:
    return sitting(**({"stage": Stage.OVER, "over_reason": reason} | changes))


def with_problem(problem: Problem, **changes: Any) -> SittingView:
    return read(**({"problem": problem} | changes))


def pdf(*, pages: int = 3, words: str = "Avtalen gjelder opplaering i bedrift") -> bytes:
    """A PDF of `pages` A4 pages with a line of text on each, uncompressed and untagged."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n in range(pages):
        stream = f"BT /F1 18 Tf 72 760 Td ({words}, side {n + 1}) Tj ET" if words else "0.2 0.4 0.4 rg 100 100 300 500 re f"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.28 841.89] /Contents {5 + 2 * n} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body, offsets = "%PDF-1.7\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return (f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}").encode("ascii")


def tagged_pdf() -> bytes:
    """A page with a heading, a table and a list, tagged as such."""
    made: bytes = typst.compile(
        b"""#set document(title: "Avtale")
= Partene
#table(columns: 2, table.header[Rolle][Navn], [Laerling], [Ingrid Solvang])
- Ett
- To
"""
    )
    return made
