"""
May this PDF be signed? Either its pages and peculiarities, or a refusal that says what is wrong, on which page, and what to do.

Source: the intake table, reliability.md D7; requirement R33; stack.md PDF traps. Runs on bytes alone, so that a fenced child process can run it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pikepdf

from segl.pdf.active_content import refuse_active_content, refuse_uneven_layers
from segl.pdf.annotations import refuse_undrawable_annotations
from segl.pdf.graphics_state import InlineImageFound, is_balanced, is_page_balanced
from segl.pdf.opening import check_header, opened
from segl.pdf.page_box import page_box
from segl.pdf.refusal import PdfRefused, Reason

MAX_PAGES = 2_000
MAX_CONTENT_BYTES = 64 * 1024 * 1024  # decoded page content of the whole document
MAX_PARSED_BYTES = 8 * 1024 * 1024  # of it, on pages with inline images, which cost a hundred times as much to read
MAX_STREAMS_A_PAGE = 1_000
MAX_FIELDS = 20_000
_HARMLESS_WARNING = "Resources is missing or invalid; repairing"  # a blank page often has none, and every reader takes that for empty


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedPdf:
    """What an accepted PDF is."""

    pages: tuple[tuple[float, float], ...]
    """Width and height of each page in points as a reader shows it."""
    has_form_fields: bool
    has_earlier_signature: bool
    has_attachments: bool


def inspect(pdf: bytes) -> InspectedPdf:
    """
    Return what `pdf` is, if it may be signed.

    :raises PdfRefused: by the intake table; the only exception.
    """
    check_header(pdf)
    with opened(pdf) as document:
        limit_hits = pikepdf.settings.qpdf_limit_errors()
        _refuse_late_version(document)
        page_count = len(document.pages)
        # Some readers count the pages, others believe what the tree says; an empty tree is told below.
        if page_count and document.Root.Pages.get("/Count") != page_count:
            raise PdfRefused(Reason.DAMAGED)
        if page_count == 0:
            raise PdfRefused(Reason.NO_PAGES)
        if page_count > MAX_PAGES:
            raise PdfRefused(Reason.TOO_MANY_PAGES)
        sizes = tuple(page_box(page, number=number).shown_size for number, page in enumerate(document.pages, start=1))
        has_attachments = refuse_active_content(document)
        refuse_uneven_layers(document)
        field_types = _terminal_field_types(document)
        refuse_undrawable_annotations(document)
        _refuse_bad_content(document)
        # What the library only warns of (a repaired object, a duplicate key) another reader understands differently.
        warnings = [text for text in document.get_warnings() if _HARMLESS_WARNING not in str(text)]
        if warnings or pikepdf.settings.qpdf_limit_errors() > limit_hits:
            raise PdfRefused(Reason.DAMAGED)
        return InspectedPdf(
            pages=sizes,
            has_form_fields=any(kind != "signed" for kind in field_types),
            has_earlier_signature="signed" in field_types or "/Perms" in document.Root,
            has_attachments=has_attachments,
        )


def _refuse_late_version(document: pikepdf.Pdf) -> None:
    # The catalog may raise the header's version, and readers follow it.
    if str(document.Root.get("/Version", "/1.7")) not in {f"/1.{minor}" for minor in range(1, 8)}:
        raise PdfRefused(Reason.VERSION)


def _terminal_field_types(document: pikepdf.Pdf) -> set[str]:
    """Return the field types in the form, with a signature field that holds a signature as `signed`."""
    form = document.Root.get("/AcroForm")
    if form is None:
        return set()
    kinds: set[str] = set()
    stack: list[tuple[pikepdf.Object, str, pikepdf.Object | None]] = [(item, "", None) for item in form.get("/Fields", ())]
    seen = 0
    while stack:
        item, inherited_type, inherited_value = stack.pop()
        seen += 1
        if seen > MAX_FIELDS:
            raise PdfRefused(Reason.TOO_COMPLEX)
        kind = str(item.get("/FT", inherited_type))
        value = item.get("/V", inherited_value)
        children = [child for child in item.get("/Kids", ()) if "/T" in child]
        stack.extend((child, kind, value) for child in children)
        if not children:
            kinds.add("signed" if kind == "/Sig" and value is not None else kind)
    return kinds


def _refuse_bad_content(document: pikepdf.Pdf) -> None:
    """Read each page's content: it must decode, and q and Q must pair, or Segl's footer would be drawn in the page's own state."""
    decoded_bytes = parsed_bytes = 0
    judged: dict[tuple[tuple[int, int], ...], bool] = {}
    for number, page in enumerate(document.pages, start=1):
        contents = page.obj.get("/Contents")
        if contents is None:
            continue
        try:
            streams = [contents] if isinstance(contents, pikepdf.Stream) else list(contents)
            # A file may show one stream on two thousand pages; it is read once.
            key = tuple(stream.objgen for stream in streams)
            if key not in judged:
                if len(streams) > MAX_STREAMS_A_PAGE:
                    raise PdfRefused(Reason.TOO_COMPLEX, number)
                content = b"\n".join(stream.read_bytes() for stream in streams)
                decoded_bytes += len(content)
                if decoded_bytes > MAX_CONTENT_BYTES:
                    raise PdfRefused(Reason.TOO_COMPLEX, number)
                try:
                    judged[key] = is_balanced(content)
                except InlineImageFound:
                    parsed_bytes += len(content)
                    if parsed_bytes > MAX_PARSED_BYTES:
                        raise PdfRefused(Reason.TOO_COMPLEX, number) from None
                    judged[key] = is_page_balanced(page)
        except (PdfRefused, MemoryError):
            raise
        except Exception as error:
            raise PdfRefused(Reason.DAMAGED, number) from error
        if not judged[key]:
            raise PdfRefused(Reason.UNBALANCED, number)
