"""
Plain text and PDF: the text of a PDF's pages for the viewer's text view, and a text/plain document typeset as the PDF that people sign.

Source: design.md 7 (text view, text documents); wire-spec.md 18, requirement R34; stack.md PDF traps.
"""

from __future__ import annotations

import threading
from enum import Enum

import pypdfium2

from segl.pdf.typesetting import JsonValue, code_point_label, drawable_text, typeset

MAX_TEXT_BYTES = 1_048_576  # about 400 full pages; nobody reads more before signing, and a page costs some milliseconds to set
MAX_TEXT_LINES = 60_000
_TAB_COLUMNS = 8
_UNBROKEN_COLUMNS = 60  # a longer run without a space, such as an address, may break at every twentieth character; a line holds 86
_BREAK_EVERY_COLUMNS = 20
_LINES_A_PASSAGE = 40
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_BREAK_OPPORTUNITY = "\N{ZERO WIDTH SPACE}"
_TEMPLATE = "text_document.typ"
# pdfium marks a hyphen at a line's end with U+0002 or U+FFFE. The rest are the spaces and breaks of a typeset text.
_FROM_PDFIUM = {ord("\r"): None, 0x02: "-", 0xFFFE: "-", 0x00: None, ord(_NO_BREAK_SPACE): " ", ord(_BREAK_OPPORTUNITY): None}
_pdfium_lock = threading.Lock()
"""pdfium is not safe in several threads, not even on different documents."""


class TextReason(Enum):
    """Why a text/plain document may not be signed; the value is (what, what to do)."""

    EMPTY = ("is empty", "Send a text with at least one visible character.")
    TOO_LARGE = ("is larger than 1 048 576 bytes or 60 000 lines", "Divide it into several documents, or send it as PDF.")
    NOT_UTF8 = ("is not UTF-8", "Save it as UTF-8.")
    CONTROL_CHARACTER = ("holds a control character other than tab, line break and form feed", "Remove it.")
    HIDDEN_CHARACTER = ("holds a character that reorders or hides text", "Remove it.")


class TextRefused(Exception):
    """A text/plain document may not be signed."""

    def __init__(self, reason: TextReason, line: int | None = None) -> None:
        self.reason = reason
        self.line = line
        """Counted from 1; None when the trouble is not on one line."""
        where = f" (line {line})" if line is not None else ""
        self.message = f"The text {reason.value[0]}{where}. {reason.value[1]}"
        super().__init__(self.message)


class TextNotExtracted(Exception):
    """The text of the PDF could not be read. The pages themselves can still be shown."""


def extract_text(pdf: bytes) -> tuple[str, ...]:
    """
    Return the text of each page of `pdf`, an inspected PDF, with `\\n` between lines; empty for a page without text.

    :raises TextNotExtracted: if the reader fails.
    """
    try:
        with _pdfium_lock:
            document = pypdfium2.PdfDocument(pdf)
            try:
                return tuple(_page_text(document, index) for index in range(len(document)))
            finally:
                document.close()
    except Exception as error:
        # pdfium's binding lets many exceptions out, and all mean the same here.
        raise TextNotExtracted("The text of the PDF could not be read. Show the pages instead.") from error


def _page_text(document: pypdfium2.PdfDocument, index: int) -> str:
    page = document[index]
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_range()
    finally:
        text_page.close()
        page.close()
    return text.translate(_FROM_PDFIUM).strip("\n")


def decode_text(text: bytes) -> str:
    """
    Return the text of a text/plain document with `\\n` between lines, without byte order mark.

    :raises TextRefused: if it is not readable UTF-8 text, or longer than can be set.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise TextRefused(TextReason.TOO_LARGE)
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextRefused(TextReason.NOT_UTF8, text.count(b"\n", 0, error.start) + 1) from error
    decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    _refuse_text(decoded)
    return decoded


def _refuse_text(text: str) -> None:
    if not text.strip():
        raise TextRefused(TextReason.EMPTY)
    if text.count("\n") + text.count("\f") >= MAX_TEXT_LINES or len(text.encode()) > MAX_TEXT_BYTES:
        raise TextRefused(TextReason.TOO_LARGE)
    for number, line in enumerate(text.split("\n"), start=1):
        for character in line:
            if character in "\t\f":
                continue
            if character < " " or "\x7f" <= character <= "\x9f":
                raise TextRefused(TextReason.CONTROL_CHARACTER, number)
            if character in _HIDING:
                raise TextRefused(TextReason.HIDDEN_CHARACTER, number)


# Bidirectional embeddings, overrides and isolates (Unicode UAX 9), and the invisible operators: they make the page say another thing than the bytes.
_HIDING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad")


def typeset_text(text: str, *, title: str) -> bytes:
    """
    Return `text` as a tagged A4 PDF in a monospaced face, with `title` above and page numbers below each page.

    Long lines wrap, tabs stand at every eighth column, a form feed begins a page. A character no font has is shown by its number, as in
    `[U+4E2D]`, so that nothing is lost. The same arguments give the same bytes.

    :raises TextRefused: by the same rules as `decode_text`.
    :raises TypesettingFailed: if the template does not compile.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _refuse_text(text)
    sheets: list[JsonValue] = [_passages(sheet) for sheet in text.rstrip("\n\f").split("\f")]
    return typeset(_TEMPLATE, content={"title": drawable_text(title), "sheets": sheets}, unix_seconds=0)


def _passages(sheet: str) -> JsonValue:
    """Cut one sheet's lines into passages: one paragraph for all would be laid out as a whole, and one for each line costs more."""
    lines: list[JsonValue] = [_breakable(line) for line in sheet.removeprefix("\n").split("\n")]
    passages: list[JsonValue] = [lines[start : start + _LINES_A_PASSAGE] for start in range(0, len(lines), _LINES_A_PASSAGE)]
    return passages


def _breakable(line: str) -> str:
    """Return the line as it is to be set: columns kept by no-break spaces, and break opportunities in long runs."""
    expanded = drawable_text(line.expandtabs(_TAB_COLUMNS).rstrip(), otherwise=code_point_label)
    body = expanded.lstrip(" ")
    indent = len(expanded) - len(body)
    words = []
    for word in body.split(" "):
        pieces = [word[start : start + _BREAK_EVERY_COLUMNS] for start in range(0, len(word), _BREAK_EVERY_COLUMNS)]
        words.append(_BREAK_OPPORTUNITY.join(pieces) if len(word) > _UNBROKEN_COLUMNS else word)
    set_line = _NO_BREAK_SPACE * indent
    for index, word in enumerate(words):
        # Of several spaces only the last may break the line, so that columns of a table keep their place.
        is_last_space = index + 1 < len(words) and words[index + 1] != ""
        set_line += word + ("" if index + 1 == len(words) else " " if is_last_space else _NO_BREAK_SPACE)
    return set_line or _NO_BREAK_SPACE
