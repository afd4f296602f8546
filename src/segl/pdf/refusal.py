"""
Why a sender's document may not be signed, in words the sender can act on.

One member a row of the intake table; the sentence says what is wrong and what to do. Source: reliability.md D7, wire-spec.md 18, requirement R33.
"""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """What the document holds or lacks; the value is (what, what to do)."""

    NOT_A_PDF = ("does not begin with a PDF header", "Send a PDF file.")
    VERSION = ("is not of version 1.1 to 1.7", "Save it again as PDF 1.7 or older.")
    TRAILING_BYTES = ("has other bytes than white space after its end", "Save it again as PDF.")
    TOO_LARGE = ("is larger than 10 485 760 bytes", "Make it smaller, for example with smaller images.")
    ENCRYPTED = ("is encrypted or protected by a password", "Save it without password and without restrictions.")
    DAMAGED = ("is damaged and would need repair to be read", "Save it again as PDF.")
    NO_PAGES = ("has no pages", "Send a document with at least one page.")
    TOO_MANY_PAGES = ("has more than 2 000 pages", "Divide it into several documents.")
    TOO_COMPLEX = ("has more objects or content than can be examined", "Print it to PDF, and send that file.")
    TOO_COSTLY = ("takes more memory or time to read than a document may", "Print it to PDF, and send that file.")
    PAGE_SIZE = ("has a page smaller than 3 or larger than 14 400 points", "Give the page a size that readers can show.")
    JAVASCRIPT = ("contains JavaScript", "Remove it, for example by printing to PDF.")
    LAUNCH = ("starts another program", "Remove the action, for example by printing to PDF.")
    OTHER_FILE = ("leads into another file", "Remove the action, for example by printing to PDF.")
    SENDS_DATA = ("sends or fetches form data", "Remove the action, for example by printing to PDF.")
    MULTIMEDIA = ("contains sound, film, 3D or other rich media", "Remove it, for example by printing to PDF.")
    ACTION = ("contains an action that changes what is shown", "Remove the action, for example by printing to PDF.")
    XFA = ("contains an XFA form", "Print the form to PDF, and send that file.")
    EXTERNAL_STREAM = ("takes content from outside the file", "Save it again with everything inside.")
    UNBALANCED = ("saves and restores the graphics state unevenly (q and Q)", "Print it to PDF, and send that file.")
    LAYERS = ("has a layer that shows on screen but not in print, or the other way round", "Flatten the layers.")
    NO_APPEARANCE = (
        "has an annotation or a form field without an appearance, which readers draw differently",
        "Flatten it, for example by printing to PDF.",
    )
    FORM_FIELD = (
        "has a form field that readers are told to draw anew, in a way that Segl cannot draw",
        "Flatten the form before sending, for example by printing to PDF.",
    )
    FORM_LETTERS = ("has a filled-in form field whose letters Segl cannot draw", "Flatten the form, for example by printing to PDF.")

    @property
    def what(self) -> str:
        """Return the rest of the sentence that begins "The PDF"."""
        return self.value[0]

    @property
    def remedy(self) -> str:
        """Return the sentence that says what to do."""
        return self.value[1]

    def __reduce_ex__(self, protocol: object) -> tuple[type[Reason], tuple[tuple[str, str]]]:
        # Python 3.11.2, which is Debian 12's, would let the reader call `getattr`: the fence lets an answer call nothing.
        return Reason, (self.value,)


class PdfRefused(Exception):
    """The document may not be signed: it breaks the intake table."""

    def __init__(self, reason: Reason, page: int | None = None, field: str = "") -> None:
        self.reason = reason
        self.page = page
        """Counted from 1; None when the trouble is not on one page."""
        self.field = field
        """Name of the form field with the trouble; empty when it is none."""
        places = [f"page {page}"] if page is not None else []
        if field:
            places.append(f'form field "{field}"')
        where = f" ({', '.join(places)})" if places else ""
        self.message = f"The PDF {reason.what}{where}. {reason.remedy}"
        super().__init__(reason, page, field)  # what it is made of, so that it can cross to another process

    def __str__(self) -> str:
        return self.message
