"""
Opens a PDF without repairing it and within limits, and lets nothing but `PdfRefused` out.

A file that needs repair is read in two ways by two readers, so repair is a refusal. Source: stack.md PDF traps; reliability.md D7, B-37, B-42.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO

import pikepdf

from segl.pdf.refusal import PdfRefused, Reason

MAX_PDF_BYTES = 10_485_760  # wire-spec.md 17: total document size of a job, so no single document can be larger
MAX_DECODED_STREAM_BYTES = 64 * 1024 * 1024  # a whole content or object stream; images are never decoded here
_HEADER = re.compile(rb"[\x00\t\n\x0c\r ]*%PDF-([0-9]\.[0-9])(?=[\x00\t\n\x0c\r ]|%)")
_HEADER_MUST_BEGIN_WITHIN = 1024  # bytes; reliability.md D7
_END = re.compile(rb"%%EOF[\x00\t\n\x0c\r ]*\Z")


@cache
def _set_limits_once() -> None:
    # Process-wide in qpdf. Without them a 100 kB file unpacks to gigabytes before anybody has looked at it.
    pikepdf.settings.set_qpdf_limits(
        parser_max_nesting=200,
        parser_max_container_size=2_000_000,
        max_stream_filters=5,
        flate_max_memory=MAX_DECODED_STREAM_BYTES,
        png_max_memory=MAX_DECODED_STREAM_BYTES,
        run_length_max_memory=MAX_DECODED_STREAM_BYTES,
        tiff_max_memory=MAX_DECODED_STREAM_BYTES,
        dct_max_memory=MAX_DECODED_STREAM_BYTES,
        dct_max_progressive_scans=50,
        doc_max_warnings=100,
    )


def check_header(pdf: bytes) -> None:
    """
    Check that `pdf` begins as PDF 1.1 to 1.7 and ends where it says it ends.

    :raises PdfRefused: NOT_A_PDF, VERSION, DAMAGED, TRAILING_BYTES or TOO_LARGE.
    """
    if len(pdf) > MAX_PDF_BYTES:
        raise PdfRefused(Reason.TOO_LARGE)
    header = _HEADER.match(pdf[: _HEADER_MUST_BEGIN_WITHIN + 16])
    if header is None or pdf.index(b"%PDF-") > _HEADER_MUST_BEGIN_WITHIN:
        raise PdfRefused(Reason.NOT_A_PDF)
    if header[1] not in {b"1.1", b"1.2", b"1.3", b"1.4", b"1.5", b"1.6", b"1.7"}:
        raise PdfRefused(Reason.VERSION)
    if b"%%EOF" not in pdf:
        raise PdfRefused(Reason.DAMAGED)
    if _END.search(pdf, pdf.rindex(b"%%EOF")) is None:
        raise PdfRefused(Reason.TRAILING_BYTES)


@contextmanager
def opened(pdf: bytes) -> Iterator[pikepdf.Pdf]:
    """
    Open `pdf` as it stands and close it again; whatever the library raises inside becomes a refusal.

    :raises PdfRefused: ENCRYPTED, TOO_COSTLY or DAMAGED, besides what the body raises.
    """
    _set_limits_once()
    try:
        with pikepdf.open(BytesIO(pdf), attempt_recovery=False, suppress_warnings=True) as document:
            if document.is_encrypted:
                raise PdfRefused(Reason.ENCRYPTED)
            yield document
    except PdfRefused:
        raise
    except pikepdf.PasswordError as error:
        raise PdfRefused(Reason.ENCRYPTED) from error
    except MemoryError as error:
        raise PdfRefused(Reason.TOO_COSTLY) from error
    except Exception as error:
        if isinstance(error, pikepdf.PdfError) and "no pages found" in str(error):
            # qpdf refuses this while opening, in these words (10.18); other words would only make it DAMAGED.
            raise PdfRefused(Reason.NO_PAGES) from error
        # Hostile files reach TypeError, ValueError, RuntimeError and more in the library; all mean that the file cannot be read as it stands.
        raise PdfRefused(Reason.DAMAGED) from error
