"""
What a sender says about a job, and what the service says back.

Limits (80 characters of title, 20 documents and so on) are the service's to judge; only what would make an unreadable bundle is refused
here. Words and shapes are those of the API's direct flow (wire-spec.md 6, 7, 11, 12).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .errors import NotSendable


class SignatureType(StrEnum):
    """The wire's `signature-type`."""

    AUTHENTICATED = "AUTHENTICATED_ELECTRONIC_SIGNATURE"
    ADVANCED = "ADVANCED_ELECTRONIC_SIGNATURE"


class OnBehalfOf(StrEnum):
    """The wire's `on-behalf-of`."""

    SELF = "SELF"
    OTHER = "OTHER"


class IdentifierFormat(StrEnum):
    """The wire's `identifier-in-signed-documents`: how a signer is named in the signed document."""

    PERSONAL_IDENTIFICATION_NUMBER_AND_NAME = "PERSONAL_IDENTIFICATION_NUMBER_AND_NAME"
    DATE_OF_BIRTH_AND_NAME = "DATE_OF_BIRTH_AND_NAME"
    NAME = "NAME"


class StatusRetrieval(StrEnum):
    """The wire's `status-retrieval-method`."""

    WAIT_FOR_CALLBACK = "WAIT_FOR_CALLBACK"
    POLLING = "POLLING"


class JobStatus(StrEnum):
    """The wire's job status, a closed set: the thing to act on."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED_SUCCESSFULLY = "COMPLETED_SUCCESSFULLY"
    FAILED = "FAILED"


class DocumentType(StrEnum):
    """Media types the service takes."""

    PDF = "application/pdf"
    TEXT = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document. `name` is its file name in the bundle, and the name the signed file carries it under; by default `document-N`."""

    title: str
    content: bytes = field(repr=False)
    type: DocumentType = DocumentType.PDF
    name: str | None = None

    def __post_init__(self) -> None:
        if self.name is None:
            return
        taken = self.name.casefold() in ("manifest.xml", "mimetype", "meta-inf")
        odd = any(unicodedata.category(character)[0] == "C" or character in "/\\:" for character in self.name)
        if taken or odd or not 4 <= len(self.name) <= 100 or self.name != unicodedata.normalize("NFC", self.name):
            raise NotSendable(
                "A document's file name cannot stand in a bundle. Use 4 to 100 characters (NFC) without / \\ : and not manifest.xml or mimetype."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One who shall sign, addressed by national identity number (eleven digits) or by an identifier of the sender's own."""

    national_identity_number: str | None = field(default=None, repr=False)
    identifier: str | None = None
    signature_type: SignatureType | None = None
    on_behalf_of: OnBehalfOf | None = None

    def __post_init__(self) -> None:
        if (self.national_identity_number is None) == (self.identifier is None):
            raise NotSendable("A signer has a national identity number or an identifier. Give exactly one of them.")

    @property
    def key(self) -> str:
        """Return what the service calls this signer by in its answers."""
        return self.national_identity_number or self.identifier or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitUrls:
    """Where the signer's browser goes afterwards; each is given `status_query_token` by the service."""

    completion: str
    rejection: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectJob:
    """A job whose signers the sender sends to the service himself. None means that the element is left out: the service's default."""

    title: str
    documents: tuple[Document, ...]
    signers: tuple[Signer, ...]
    exit_urls: ExitUrls
    description: str | None = None
    reference: str | None = None
    required_level: int | None = None
    """3 or 4."""
    identifier_format: IdentifierFormat | None = None
    status_retrieval: StatusRetrieval | None = None
    polling_queue: str | None = None

    def __post_init__(self) -> None:
        names = [name.casefold() for name, _ in self.named_documents()]
        if len(set(names)) != len(names):
            raise NotSendable("Two documents of a job have the same file name. Give each its own.")

    def named_documents(self) -> tuple[tuple[str, Document], ...]:
        """Return each document with the file name it has in the bundle, in order."""
        endings = {DocumentType.PDF: "pdf", DocumentType.TEXT: "txt"}
        return tuple((d.name or f"document-{n}.{endings[d.type]}", d) for n, d in enumerate(self.documents, start=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedSigner:
    """One signer of a created job: `href` is worth keeping, `redirect_url` works once and soon."""

    href: str
    signer: str = field(repr=False)
    """The national identity number or identifier, as sent."""
    redirect_url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedJob:
    """A job that exists. `status_url` is None for a job that is to be polled for."""

    job_id: int
    reference: str | None
    status_url: str | None
    signers: tuple[CreatedSigner, ...]

    def signer(self, key: str) -> CreatedSigner:
        """
        Return the signer called `key` (number or identifier, as sent).

        :raises KeyError: if the job has no such signer.
        """
        for signer in self.signers:
            if signer.signer == key:
                return signer
        raise KeyError("The job has no such signer.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerStatus:
    """Where one signer stands. `status` is an open set of words (SIGNED, WAITING, …); unknown ones are to be tolerated."""

    signer: str = field(repr=False)
    status: str
    since: datetime
    xades_url: str | None

    @property
    def has_signed(self) -> bool:
        """Return whether this signer has signed."""
        return self.status == "SIGNED"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """A job's state, asked for by token or delivered by polling. A URL is None while what it names is not to be had."""

    job_id: int
    reference: str | None
    status: JobStatus
    signers: tuple[SignerStatus, ...]
    confirmation_url: str | None
    delete_documents_url: str | None
    pades_url: str | None
    next_permitted_poll_at: datetime | None = None
    """Set when the change came by polling."""
