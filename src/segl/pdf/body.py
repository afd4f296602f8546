"""
Puts the pages of the signed documents on A4 paper, each as one sealed drawing that a single matrix places.

What a page shows stays; what could act or change (annotations, forms, tags, alternates) is drawn into it or left behind.
Source: stack.md PDF traps; design.md 13; reliability.md D5, B-40; ISO 32000-1, 8.10 (form XObjects).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from segl.pdf.active_content import layer_states
from segl.pdf.annotations import draw_annotations_into_pages
from segl.pdf.opening import opened
from segl.pdf.page_box import page_box
from segl.pdf.refusal import PdfRefused

A4_WIDTH, A4_HEIGHT = 595.2756, 841.8898  # points; 210 × 297 mm, as typst writes it
_SCALE = 0.92
_FROM_TOP = 4 / 25.4 * 72  # points; 4 mm, design.md 13
# Ties to the old file's tags, histories and other versions of a picture; a copied integer key would point into our own tag tree.
_LEFT_BEHIND = ("/StructParent", "/StructParents", "/PieceInfo", "/AF", "/Metadata", "/LastModified", "/Alternates", "/A", "/AA")
PAGE_COUNTS = "/SeglPageCounts"
"""Key in the body's catalog: how many pages each document has, in order."""
ORIGINAL = "/Original"
"""Name of a body page's one drawing; its matrix places it on A4."""


class CompositionFailed(Exception):
    """The sealed PDF could not be composed. The documents passed inspection, so this is a fault of ours: report it."""


def compose_body(renditions: Sequence[bytes]) -> bytes:
    """
    Return a PDF of A4 pages that holds the pages of all `renditions` (inspected PDFs, in order), without front page and footers.

    It depends on the documents alone, so it can be kept and used again at each signature of the job. The same input gives the same bytes.

    :raises CompositionFailed: if a rendition cannot be read after all.
    """
    body = pikepdf.new()
    counts = Array()
    layers: list[pikepdf.Object] = []
    hidden_layers: list[pikepdf.Object] = []
    try:
        # Copied streams are read from their source when the body is saved: all sources stay open until then.
        with ExitStack() as sources:
            for rendition in renditions:
                source = sources.enter_context(opened(rendition))
                states = layer_states(source, event="/View")
                draw_annotations_into_pages(source, states)
                counts.append(len(source.pages))
                seen: set[tuple[str, tuple[int, int]]] = set()
                for number, page in enumerate(source.pages, start=1):
                    _cut_ties(page.obj.get("/Resources", Dictionary()), seen)
                    drawing = body.copy_foreign(_drawing(source, page, number))
                    _add_page(body, drawing)
                for layer in source.Root.get("/OCProperties", Dictionary()).get("/OCGs", ()):
                    copy = body.copy_foreign(layer)
                    layers.append(copy)
                    if not states[layer.objgen]:
                        hidden_layers.append(copy)
            body.Root[PAGE_COUNTS] = counts
            if layers:
                body.Root.OCProperties = body.make_indirect(
                    Dictionary(OCGs=Array(layers), D=Dictionary(OFF=Array(hidden_layers), Order=Array()))
                )
            return saved(body)
    except PdfRefused as error:
        raise CompositionFailed("A document could not be read while composing the sealed PDF. Inspect it again.") from error
    except Exception as error:
        raise CompositionFailed("The pages of the documents could not be composed. Inspect the documents again.") from error


def saved(document: pikepdf.Pdf) -> bytes:
    """Return `document` as PDF 1.7 in one revision, with an /ID made of its content; streams that are compressed stay as they are."""
    target = BytesIO()
    document.save(
        target,
        force_version="1.7",
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        compress_streams=False,
        fix_metadata_version=False,
        deterministic_id=True,
    )
    return target.getvalue()


def compressed(document: pikepdf.Pdf, content: bytes, *, level: int = 6) -> pikepdf.Stream:
    """Return a new stream of `document` with `content`, compressed with Flate at `level`."""
    stream = Stream(document, b"")
    stream.write(zlib.compress(content, level), filter=Name.FlateDecode)
    return stream


def _add_page(body: pikepdf.Pdf, drawing: pikepdf.Object) -> None:
    page = Dictionary(
        Type=Name.Page,
        MediaBox=Array([0, 0, A4_WIDTH, A4_HEIGHT]),
        Resources=Dictionary(XObject=Dictionary({ORIGINAL: drawing})),
        Contents=Stream(body, f"q {ORIGINAL} Do Q".encode()),
    )
    body.pages.append(pikepdf.Page(body.make_indirect(page)))


def _drawing(source: pikepdf.Pdf, page: pikepdf.Page, number: int) -> pikepdf.Stream:
    """Return the page as a form XObject whose matrix places it on A4: at most 92 %, centred, 4 mm from the top."""
    box = page_box(page, number=number)
    width, height = box.shown_size
    scale = min(_SCALE, _SCALE * A4_WIDTH / width, _SCALE * A4_HEIGHT / height)
    matrix = box.placed(x=(A4_WIDTH - width * scale) / 2, y=A4_HEIGHT - _FROM_TOP - height * scale, scale=scale)
    drawing = _content_stream(source, page)
    drawing.Type = Name.XObject
    drawing.Subtype = Name.Form
    drawing.BBox = Array([box.left, box.bottom, box.right, box.top])
    drawing.Matrix = Array([round(value, 6) for value in matrix])
    drawing.Resources = page.obj.get("/Resources", Dictionary())
    group = page.obj.get("/Group")
    if group is not None:
        drawing.Group = group
    return drawing


def _content_stream(source: pikepdf.Pdf, page: pikepdf.Page) -> pikepdf.Stream:
    contents = page.obj.get("/Contents")
    if isinstance(contents, pikepdf.Stream):
        # The raw bytes as they came: nothing is decoded, so nothing can change.
        stream = Stream(source, b"")
        stream.write(contents.read_raw_bytes())
        for key in ("/Filter", "/DecodeParms"):
            if key in contents:
                stream[key] = contents[key]
        return stream
    parts = [] if contents is None else [part.read_bytes() for part in contents]
    return compressed(source, b"\n".join(parts))


def _cut_ties(resources: pikepdf.Object, seen: set[tuple[str, tuple[int, int]]]) -> None:
    """Remove from everything the page draws with what ties it to the old file's tags, history and alternates; `seen` is of the whole file."""
    stack = [resources]
    while stack:
        current = stack.pop()
        if _was_seen(current, "", seen):
            continue
        for category in ("/XObject", "/Pattern", "/Font"):
            things = current.get(category, Dictionary())
            if _was_seen(things, category, seen):
                continue
            for thing in dict(things).values():
                if not isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
                    continue
                if category == "/XObject":
                    for key in _LEFT_BEHIND:
                        if key in thing:
                            del thing[key]
                inner = thing.get("/Resources")
                # A form may draw itself, and its resources need have no number by which they are known again: the form has.
                if inner is not None and not _was_seen(thing, "", seen):
                    stack.append(inner)


def _was_seen(thing: pikepdf.Object, use: str, seen: set[tuple[str, tuple[int, int]]]) -> bool:
    """Return whether this object was met in this use before, and remember it; one without a number stands in one place only."""
    if not thing.is_indirect or (use, thing.objgen) in seen:
        return thing.is_indirect
    seen.add((use, thing.objgen))
    return False
