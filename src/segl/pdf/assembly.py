"""
Composes the sealed PDF before it is sealed: front page, documents on A4 with footers, and everything that proves it as attachments.

Bytes in, bytes out; the same content gives the same bytes, so that the digest can be written down before sealing (reliability.md I3).
Source: wire-spec.md 18, requirement R105; design.md 13; stack.md PDF traps.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from xml.sax.saxutils import escape

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from segl.pdf.body import ORIGINAL, PAGE_COUNTS, CompositionFailed, compose_body, compressed, saved
from segl.pdf.front_page import DocumentNote, FrontPage, FrontPageDocument, FrontPageSigner, typeset_front_page
from segl.pdf.typesetting import drawable_text

__all__ = ["CompositionFailed", "SealedContent", "SealedDocument", "SignatureFile", "compose", "compose_body"]

_PDF = "application/pdf"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>nb-NO</rdf:li></rdf:Bag></dc:language><xmp:CreateDate>{date}</xmp:CreateDate><xmp:ModifyDate>{date}</xmp:ModifyDate>
<xmp:MetadataDate>{date}</xmp:MetadataDate><xmp:CreatorTool>Segl</xmp:CreatorTool><pdf:Producer>Segl</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDocument:
    """One document of the job."""

    number: int
    title: str
    file_name: str
    mime: str
    original: bytes
    """As the sender sent it; attached unchanged."""
    rendition: bytes
    """The PDF whose pages are shown: the original itself, or the typeset text."""
    notes: tuple[DocumentNote, ...] = ()

    @property
    def sha256(self) -> str:
        """Return the digest of the original in lower-case hex."""
        return hashlib.sha256(self.original).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFile:
    """One signer's XAdES file."""

    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContent:
    """Everything the sealed PDF is made of."""

    job_id: str
    title: str
    sealed_at: datetime
    """The only time written into the file; no clock is read."""
    documents: tuple[SealedDocument, ...]
    signers: tuple[FrontPageSigner, ...]
    signer_count: int
    signature_files: tuple[SignatureFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attachment:
    file_name: str
    mime: str
    content: bytes
    relationship: str
    description: str


def compose(content: SealedContent, *, body: bytes) -> bytes:
    """
    Return the PDF 1.7 to be sealed: front page or pages, the pages of `body`, a footer on each, and originals and XAdES files attached.

    `body` is what `compose_body` made of the documents' renditions, in the same order. All pages are A4 portrait; there are no annotations,
    forms or actions in the file, and it has one revision.

    :raises CompositionFailed: if `body` does not fit the documents, or cannot be read.
    :raises TypesettingFailed: if the front page cannot be typeset.
    """
    try:
        with pikepdf.open(BytesIO(body)) as body_pdf:
            counts = [int(count) for count in body_pdf.Root[PAGE_COUNTS]]
            if len(counts) != len(content.documents):
                raise CompositionFailed("The composed body belongs to other documents. Compose the body again.")
            front_page = _front_page(content, counts)
            with pikepdf.open(BytesIO(typeset_front_page(front_page))) as sealed:
                first_body_page = len(sealed.pages) - sum(counts)
                _put_originals_under_footers(sealed, body_pdf, first_body_page)
                _tag_originals(sealed, front_page, first_body_page)
                _list_documents_in_outline(sealed, front_page, first_body_page)
                _attach(sealed, _attachments(content))
                _describe(sealed, content)
                return saved(sealed)
    except (pikepdf.PdfError, KeyError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise CompositionFailed("The sealed PDF could not be put together. Compose the body again.") from error


def _front_page(content: SealedContent, counts: list[int]) -> FrontPage:
    return FrontPage(
        job_id=content.job_id,
        title=content.title,
        sealed_at=content.sealed_at,
        documents=tuple(
            FrontPageDocument(number=document.number, title=document.title, sha256=document.sha256, page_count=count, notes=document.notes)
            for document, count in zip(content.documents, counts, strict=True)
        ),
        signers=content.signers,
        signer_count=content.signer_count,
    )


def _put_originals_under_footers(sealed: pikepdf.Pdf, body: pikepdf.Pdf, first: int) -> None:
    drawing_operators = sealed.make_indirect(compressed(sealed, f"/P <</MCID 0>> BDC q {ORIGINAL} Do Q EMC\n".encode()))
    for page, body_page in zip(list(sealed.pages)[first:], body.pages, strict=True):
        drawing = sealed.copy_foreign(body_page.obj.Resources.XObject[ORIGINAL])
        # typst may give several pages one resource dictionary; each page gets its own before it is changed.
        resources = Dictionary(dict(page.obj.Resources.items()))
        resources.XObject = Dictionary({**dict(resources.get("/XObject", Dictionary()).items()), ORIGINAL: drawing})
        page.obj.Resources = resources
        page.obj.Contents = Array([drawing_operators, page.obj.Contents])
    if "/OCProperties" in body.Root:
        sealed.Root.OCProperties = sealed.copy_foreign(body.Root.OCProperties)


def _tag_originals(sealed: pikepdf.Pdf, front_page: FrontPage, first: int) -> None:
    """Put each document as a section, with one element a page, into the tag tree that typst began; the footers are artifacts already."""
    tree = sealed.Root.StructTreeRoot
    top = tree.K[0]
    tree.ParentTree = sealed.make_indirect(tree.ParentTree)
    parents = pikepdf.NumberTree(tree.ParentTree)
    next_key = int(tree.ParentTreeNextKey)
    pages = iter(list(sealed.pages)[first:])
    for document in front_page.documents:
        section = sealed.make_indirect(
            Dictionary(Type=Name.StructElem, S=Name.Sect, P=top, T=String(drawable_text(document.title)), K=Array())
        )
        top.K.append(section)
        for _ in range(document.page_count):
            page = next(pages).obj
            element = sealed.make_indirect(Dictionary(Type=Name.StructElem, S=Name.P, P=section, Pg=page, K=0))
            section.K.append(element)
            page.StructParents = next_key
            parents[next_key] = sealed.make_indirect(Array([element]))
            next_key += 1
    tree.ParentTreeNextKey = next_key


def _list_documents_in_outline(sealed: pikepdf.Pdf, front_page: FrontPage, first: int) -> None:
    """Add a bookmark for each document after those that typst made for the front page."""
    with sealed.open_outline() as outline:
        for document in front_page.documents:
            outline.root.append(pikepdf.OutlineItem(f"Dokument {document.number}: {drawable_text(document.title)}", first, "Fit"))
            first += document.page_count


def _attachments(content: SealedContent) -> list[_Attachment]:
    originals = [
        _Attachment(
            file_name=document.file_name,
            mime=document.mime,
            content=document.original,
            relationship="/Source",
            description=f"Dokument {document.number}, originalen som ble signert / Document {document.number}, the original that was signed",
        )
        for document in content.documents
    ]
    signatures = [
        _Attachment(
            file_name=file.file_name,
            mime="application/xml",
            content=file.content,
            relationship="/Supplement",
            description=f"Signatur {number} (XAdES) / Signature {number} (XAdES)",
        )
        for number, file in enumerate(content.signature_files, start=1)
    ]
    return originals + signatures


def _attach(sealed: pikepdf.Pdf, attachments: list[_Attachment]) -> None:
    files = Array()
    names = Array()
    taken: set[str] = set()
    for number, attachment in enumerate(attachments, start=1):
        # Two files of one name would overwrite each other when a reader saves them all.
        name = attachment.file_name if attachment.file_name not in taken else f"{number}-{attachment.file_name}"
        taken.add(name)
        # A PDF is compressed already: level 0 only wraps it, which is many times faster and no larger.
        stream = compressed(sealed, attachment.content, level=0 if attachment.mime == _PDF else 6)
        stream.Type = Name.EmbeddedFile
        stream.Subtype = Name(f"/{attachment.mime}")
        stream.Params = Dictionary(Size=len(attachment.content))
        file = sealed.make_indirect(
            Dictionary(
                Type=Name.Filespec,
                F=String(name),
                UF=String(name),
                EF=Dictionary(F=stream, UF=stream),
                Desc=String(attachment.description),
                AFRelationship=Name(attachment.relationship),
            )
        )
        files.append(file)
        # The key only orders the list: originals first, then signatures.
        names.append(String(f"{number:03d} {name}"))
        names.append(file)
    sealed.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=names))
    sealed.Root.AF = files


def _describe(sealed: pikepdf.Pdf, content: SealedContent) -> None:
    instant = content.sealed_at.astimezone(UTC)
    title = drawable_text(content.title)
    packet = _XMP.format(title=escape(title), date=f"{instant:%Y-%m-%dT%H:%M:%SZ}")
    # XMP stays uncompressed so that tools find it without reading the file's structure.
    metadata = sealed.make_stream(packet.encode(), Type=Name.Metadata, Subtype=Name.XML)
    sealed.Root.Metadata = metadata
    date = String(f"D:{instant:%Y%m%d%H%M%S}Z")
    sealed.trailer.Info = sealed.make_indirect(
        Dictionary(Title=String(title), Creator=String("Segl"), Producer=String("Segl"), CreationDate=date, ModDate=date)
    )
    sealed.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    sealed.Root.Lang = String("nb-NO")
