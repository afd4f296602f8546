"""
The two revisions that sealing appends to a PDF: the seal's own, and the one with validation data (DSS).

Source: ISO 32000-1, 7.5.6 and 12.8; ETSI EN 319 142-1, 5.4.2 and 6.3. Equal input gives equal bytes, which verification.py relies on.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import InvisSigSettings, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import PdfSignedData

from segl.signatures.certificate_paths import UNREADABLE
from segl.signatures.validation_data import ValidationData

FIELD_NAME = "Seal"


class PdfUnfit(Exception):
    """The PDF cannot take the revision. It is damaged, encrypted or sealed already."""


class _Revision(IncrementalPdfFileWriter):
    """pyHanko's incremental writer without chance and clock: the same file gets the same revision."""

    @classmethod
    def _handle_id(cls, prev: Any) -> generic.ArrayObject:
        stream = prev.stream
        stream.seek(0)
        second = generic.ByteStringObject(sha256(stream.read()).digest()[:16])
        try:
            first = generic.ByteStringObject(prev.trailer["/ID"][0].original_bytes)
        except (KeyError, IndexError, AttributeError):
            first = second
        return generic.ArrayObject([first, second])

    def _update_meta(self) -> None:
        # The composed PDF says when and with what it was made; sealing changes neither.
        return


@contextmanager
def fenced() -> Generator[None]:
    """
    Turn whatever pyHanko lets out on an odd file into one error.

    :raises PdfUnfit: for each of them.
    """
    try:
        yield
    except (PdfError, RecursionError, NotImplementedError, AssertionError, zlib.error, *UNREADABLE) as error:
        raise PdfUnfit("The PDF's structure cannot be read or extended. Compose it again, or restore it from backup.") from error


@dataclass(slots=True, kw_only=True)
class SealRevision:
    """A PDF with an empty place for the seal's CMS."""

    digest: bytes
    """SHA-256 over the byte range, to be signed."""
    room: int
    """Bytes of DER that fit."""
    _embedding: Generator[Any, Any, Any]
    _output: BytesIO

    def filled(self, signature: bytes) -> bytes:
        """
        Return the PDF with the CMS `signature` in its place; it must fit into `room`.

        :raises PdfUnfit: if it does not.
        """
        with fenced():
            self._embedding.send(signature)
        return self._output.getvalue()


def with_place_for_seal(pdf: bytes, *, room: int, at: datetime) -> SealRevision:
    """
    Append the revision of an invisible certifying signature (DocMDP P=1) with `room` bytes for its CMS; the bytes of `pdf` stay as they are.

    :raises PdfUnfit: if the PDF cannot be read, is encrypted or has a signature already.
    """
    with fenced():
        writer: Any = _Revision(BytesIO(pdf), strict=True)  # typed in part only
        if writer.prev.encrypted:
            raise PdfUnfit("The PDF is encrypted. Compose it without encryption.")
        if writer.prev.embedded_signatures:
            raise PdfUnfit("The PDF carries a signature already. Seal the composed PDF, never a sealed one.")
        writer.ensure_output_version(version=(1, 7))
        if writer.output_version < (2, 0):
            writer.register_extension(ESIC_EXTENSION_1)
        # PDF/A forbids hidden annotations: the widget is empty and printable instead.
        field = SigFieldSpec(FIELD_NAME, invis_sig_settings=InvisSigSettings(set_print_flag=True, set_hidden_flag=False))
        embedding = PdfCMSEmbedder(new_field_spec=field).write_cms(field_name=FIELD_NAME, writer=writer)
        next(embedding)
        place = PdfSignedData(generic.pdf_name("/Sig"), subfilter=SigSeedSubFilter.PADES, timestamp=at, bytes_reserved=room * 2)
        certifying = SigMDPSetup(md_algorithm="sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
        embedding.send(SigObjSetup(sig_placeholder=place, mdp_setup=certifying))
        prepared, output = embedding.send(SigIOSetup(md_algorithm="sha256", in_place=True))
    return SealRevision(digest=prepared.document_digest, room=room, _embedding=embedding, _output=output)


def with_validation_data(pdf: bytes, data: ValidationData) -> bytes:
    """
    Append the revision with the document security store: each certificate and list as a stream, no VRI.

    :raises PdfUnfit: if the PDF cannot be read.
    """
    with fenced():
        output = BytesIO(pdf)
        writer: Any = _Revision(output, strict=True)  # typed in part only
        store: dict[Any, Any] = {generic.pdf_name("/Type"): generic.pdf_name("/DSS")}
        for key, pieces in (("/Certs", data.certificates), ("/CRLs", data.revocation_lists)):
            streams = (generic.StreamObject(stream_data=each.public_bytes(Encoding.DER)) for each in pieces)
            store[generic.pdf_name(key)] = generic.ArrayObject(writer.add_object(stream) for stream in streams)
        writer.root[generic.pdf_name("/DSS")] = writer.add_object(_dictionary(store))
        writer.update_root()
        writer.write_in_place()
    return output.getvalue()


def _dictionary(entries: dict[Any, Any]) -> generic.DictionaryObject:
    make: Any = generic.DictionaryObject  # its constructor is untyped
    made: generic.DictionaryObject = make(entries)
    return made
