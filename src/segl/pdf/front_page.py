"""
What the front page and the footers of a sealed PDF say, in bokmål with English beside it, and when a sentence is true.

They are not part of what was signed, and the page says so. Source: design.md 13 and picture 14; wire-spec.md 18; reliability.md D5.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol, assert_never
from zoneinfo import ZoneInfo

from segl.pdf.typesetting import JsonValue, drawable_text, typeset
from segl.values import Level, SignatureType

_NORWEGIAN_TIME = ZoneInfo("Europe/Oslo")
_DAYS = ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag")
_MONTHS = ("januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember")
_NUMBERS = ("null", "én", "to", "tre", "fire", "fem", "seks", "sju", "åtte", "ni", "ti", "elleve", "tolv")
_TEMPLATE = "front_page.typ"


class DocumentNote(Enum):
    """What became of something in the sender's file that a page cannot carry; the value is the sentence in bokmål."""

    FORM_FIELDS = "Skjemafeltene er låst."
    EARLIER_SIGNATURE = "Originalen har en tidligere signatur."
    ATTACHMENTS = "Originalen har vedlegg."
    PLAIN_TEXT = "Originalen er ren tekst."
    """The document was sent as text/plain and typeset by Segl."""


_ORIGINAL_IS_ATTACHED = "Originalen ligger uendret som vedlegg i denne PDF-en."


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPageDocument:
    """One document as the front page lists it."""

    number: int
    title: str
    sha256: str
    """Of the original, lower-case hex."""
    page_count: int
    notes: tuple[DocumentNote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPageSigner:
    """One person who has signed."""

    name: str
    identifier_line: str | None
    """As asked for by the sender, for example `Født 14.03.2007`; None when only the name is to stand."""
    signed_at: datetime
    signature_type: SignatureType
    authenticated_at: datetime
    """When the log-in took place: at a running session of the eID provider's it may be long before the signature."""
    eid: str
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPage:
    """All that the front page tells. It knows nothing of the sender (requirement R105)."""

    job_id: str
    title: str
    sealed_at: datetime
    documents: tuple[FrontPageDocument, ...]
    signers: tuple[FrontPageSigner, ...]
    """In the order in which they signed; at least one."""
    signer_count: int
    """How many were asked to sign in all."""

    def __post_init__(self) -> None:
        if not self.signers or self.signer_count < len(self.signers):
            raise ValueError("A sealed PDF names at least one signer, and no more than were asked. Compare signers with signer_count.")


class Noted(Protocol):
    """A document whose inspection is known: an InspectedPdf, or what was stored of it."""

    @property
    def has_form_fields(self) -> bool: ...

    @property
    def has_earlier_signature(self) -> bool: ...

    @property
    def has_attachments(self) -> bool: ...


def notes_on(inspected: Noted) -> tuple[DocumentNote, ...]:
    """Return what the front page must say about an accepted PDF (reliability.md D5)."""
    found = (
        (inspected.has_form_fields, DocumentNote.FORM_FIELDS),
        (inspected.has_earlier_signature, DocumentNote.EARLIER_SIGNATURE),
        (inspected.has_attachments, DocumentNote.ATTACHMENTS),
    )
    return tuple(note for is_true, note in found if is_true)


def long_time(instant: datetime) -> str:
    """Return Norwegian time in bokmål, as in `onsdag 25. november 2026 kl. 10.40.12, norsk tid`."""
    local = instant.astimezone(_NORWEGIAN_TIME)
    return f"{_DAYS[local.weekday()]} {local.day}. {_MONTHS[local.month - 1]} {local.year} kl. {local:%H.%M.%S}, norsk tid"


def short_time(instant: datetime) -> str:
    """Return Norwegian time in bokmål, as in `23.11.2026 kl. 14.32.08`."""
    return f"{instant.astimezone(_NORWEGIAN_TIME):%d.%m.%Y kl. %H.%M.%S}"


def level_words(level: Level) -> str:
    """Return the level in bokmål."""
    match level:
        case Level.SUBSTANTIAL:
            return "betydelig nivå (3)"
        case Level.HIGH:
            return "høyt nivå (4)"
        case _:
            assert_never(level)


def type_words(signature_type: SignatureType) -> str:
    """Return the signature type in bokmål."""
    match signature_type:
        case SignatureType.AUTHENTICATED:
            return "Autentisert elektronisk signatur"
        case SignatureType.ADVANCED:
            return "Avansert elektronisk signatur"
        case _:
            assert_never(signature_type)


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def state_sentence(*, signed: int, asked: int) -> str:
    """Return who has signed: all of those asked, or some of them. Nothing is said of the others (design.md 13)."""
    if signed < asked:
        return f"{_number(signed).capitalize()} av {_number(asked)} har signert."
    if asked == 1:
        return "Én person har signert."
    if asked == 2:
        return "Begge har signert."
    return f"Alle {_number(asked)} har signert."


def _document_rows(document: FrontPageDocument) -> JsonValue:
    sentences = [note.value for note in document.notes]
    notes: list[JsonValue] = [" ".join([*sentences, _ORIGINAL_IS_ATTACHED])] if sentences else []
    return {
        "number": document.number,
        "title": drawable_text(document.title),
        "sha256": document.sha256,
        "pages": document.page_count,
        "notes": notes,
    }


def _signer_rows(signer: FrontPageSigner) -> JsonValue:
    return {
        "name": drawable_text(signer.name),
        "identifier_line": None if signer.identifier_line is None else drawable_text(signer.identifier_line),
        "type": f"{type_words(signer.signature_type)}, logget inn {short_time(signer.authenticated_at)}",
        "signed_at": short_time(signer.signed_at),
        "eid": f"{drawable_text(signer.eid)}, {level_words(signer.level)}",
    }


def typeset_front_page(front_page: FrontPage) -> bytes:
    """
    Return the tagged A4 PDF that holds the front page or pages, then one page with only its footer for each page of the documents.

    :raises TypesettingFailed: if the template does not compile.
    """
    state = state_sentence(signed=len(front_page.signers), asked=front_page.signer_count)
    content: JsonValue = {
        "job_id": drawable_text(front_page.job_id),
        "title": drawable_text(front_page.title),
        "state_sentence": f"{state} Forseglet {long_time(front_page.sealed_at)}.",
        "documents": [_document_rows(document) for document in front_page.documents],
        "signers": [_signer_rows(signer) for signer in front_page.signers],
        "footer_names": [drawable_text(signer.name) for signer in front_page.signers],
    }
    return typeset(_TEMPLATE, content=content, unix_seconds=int(front_page.sealed_at.timestamp()))
