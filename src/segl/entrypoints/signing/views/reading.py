"""Reading: each document in the page, as text, and as a file. What is shown are the very bytes that will be signed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from segl.actions import read_document
from segl.actions.access import SittingNotFound
from segl.actions.ports import FencedOut, FenceUnavailable
from segl.ceremony.sitting import DocumentView, SittingView, Stage
from segl.entrypoints.signing import dates, pages
from segl.entrypoints.signing.catalogue import text
from segl.entrypoints.signing.headers import DOCUMENT_POLICY
from segl.entrypoints.signing.views.answers import SeeOther, is_only_a_look
from segl.entrypoints.signing.visits import Visit, now, ports, visit
from segl.pdf.text import TextNotExtracted


@require_safe
def sitting(request: HttpRequest, sitting_id: str) -> HttpResponse:
    """Lead to where the sitting stands."""
    return SeeOther(pages.place_of(visit(request, sitting_id).view))


@require_safe
def document(request: HttpRequest, sitting_id: str, number: int) -> HttpResponse:
    """Return the page of one document and mark it opened."""
    seen = visit(request, sitting_id)
    if seen.view.stage is not Stage.READING:
        return SeeOther(pages.place_of(seen.view))
    shown = _document(seen.view, number)
    if not is_only_a_look(request):
        read_document.mark_opened(ports(), sitting_id=sitting_id, secret=seen.secret, number=number)
    return pages.render_page(request, "signing/read.html", language=seen.view.language, **_context(seen.view, shown), is_text_view=False)


@require_safe
def as_text(request: HttpRequest, sitting_id: str, number: int) -> HttpResponse:
    """Return one document as plain text. It is a help beside the pages, so it does not mark them opened."""
    seen = visit(request, sitting_id)
    if seen.view.stage is not Stage.READING:
        return SeeOther(pages.place_of(seen.view))
    shown = _document(seen.view, number)
    try:
        texts = read_document.text_of(ports(), sitting_id=sitting_id, secret=seen.secret, number=number)
    except (TextNotExtracted, FencedOut, FenceUnavailable):
        texts = ()
    return pages.render_page(
        request,
        "signing/read.html",
        language=seen.view.language,
        **_context(seen.view, shown),
        is_text_view=True,
        texts=[(page, content.strip()) for page, content in enumerate(texts, start=1)],
    )


@require_safe
def rendition(request: HttpRequest, sitting_id: str, number: int) -> HttpResponse:
    """Return the PDF that the viewer draws."""
    seen = _reader(request, sitting_id, number)
    content = read_document.read_document(ports(), sitting_id=sitting_id, secret=seen.secret, number=number)
    response = HttpResponse(content.rendition, content_type="application/pdf")
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = DOCUMENT_POLICY
    return response


@require_safe
def file(request: HttpRequest, sitting_id: str, number: int) -> HttpResponse:
    """Return the sender's file for download; whoever takes the file has opened the document."""
    seen = _reader(request, sitting_id, number)
    content = read_document.read_document(ports(), sitting_id=sitting_id, secret=seen.secret, number=number)
    if not is_only_a_look(request):
        read_document.mark_opened(ports(), sitting_id=sitting_id, secret=seen.secret, number=number)
    # A text file is not given a charset: its bytes are the sender's own.
    response = HttpResponse(content.original, content_type=content.mime)
    response.headers["Content-Disposition"] = content_disposition_header(True, content.file_name) or "attachment"
    response.headers["Content-Security-Policy"] = DOCUMENT_POLICY
    return response


def _reader(request: HttpRequest, sitting_id: str, number: int) -> Visit:
    seen = visit(request, sitting_id)
    _document(seen.view, number)
    if seen.view.stage is not Stage.READING:
        raise SittingNotFound
    return seen


def _document(view: SittingView, number: int) -> DocumentView:
    for each in view.documents:
        if each.number == number:
            return each
    raise SittingNotFound


def _context(view: SittingView, shown: DocumentView) -> dict[str, Any]:  # Any: whatever the template shows
    names = {"sitting_id": view.sitting_id, "number": shown.number}
    following = pages.next_unopened(view, after=shown.number)
    kind, size = pages.kind_of(shown, view.language), dates.size(shown.size_bytes, view.language)
    return {
        "view": view,
        "shown": shown,
        "kind": kind,
        "download_kind": kind.split(",")[0],
        "size": size,
        "page_title": text("read.page_title", view.language, count=len(view.documents), document=shown.number),
        "steps": pages.steps(1, view.language),
        "step_name": text("step.read", view.language),
        "rows": pages.document_rows(view, current=shown.number),
        "is_folded": len(view.documents) >= pages.FOLD_FROM,
        "deadline": pages.near_deadline(view, now()),
        "pages_href": reverse("document", kwargs=names),
        "text_href": reverse("document-text", kwargs=names),
        "file_href": reverse("document-file", kwargs=names),
        "pdf_href": reverse("document-pages", kwargs=names),
        "next_href": pages.document_address(view.sitting_id, following)
        if following is not None
        else reverse("confirm", kwargs={"sitting_id": view.sitting_id}),
        "is_last": following is None,
    }
