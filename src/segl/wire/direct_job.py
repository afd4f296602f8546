"""
The direct flow's XML as senders write it: the request, the manifest in the bundle, and the wish for a new redirect URL.

Elements and their order are wire-spec.md 6.2, 7.1, 7.2 and 9; what is read here has passed the XSD, so only what an XSD cannot say is
checked once more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from segl.values import (
    IdentifierFormat,
    Level,
    NationalIdentityNumber,
    OnBehalfOf,
    OrganizationNumber,
    SignatureType,
    ValueRefused,
)
from segl.wire.addresses import ExitUrl, read_exit_url
from segl.wire.errors import ErrorCode, RequestRefused
from segl.wire.polling import DEFAULT_QUEUE
from segl.wire.reading import child, children, read, text

MAX_SIGNER_IDENTIFIER_CHARACTERS = 80
"""wire-spec.md 17."""


class StatusRetrieval(StrEnum):
    """The wire's `status-retrieval-method`: how the sender learns of changes."""

    WAIT_FOR_CALLBACK = "WAIT_FOR_CALLBACK"
    """The browser brings a token to the exit URL; the job is never queued."""
    POLLING = "POLLING"


@dataclass(frozen=True, slots=True)
class SignerIdentifier:
    """
    The sender's own name for a signer, 1 to 80 characters, echoed exactly as written. Often personal: never shown in `repr`.

    :raises ValueRefused: if it is empty or longer.
    """

    value: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.value) <= MAX_SIGNER_IDENTIFIER_CHARACTERS:
            raise ValueRefused(f"A signer identifier has 1 to {MAX_SIGNER_IDENTIFIER_CHARACTERS} characters. Choose another.")

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return "SignerIdentifier(…)"


SignerIdentity = NationalIdentityNumber | SignerIdentifier
"""How a direct flow's signer is addressed. `str()` gives what the wire's @signer holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitUrls:
    """Where the signer's browser goes when the ceremony is over."""

    completion: ExitUrl
    rejection: ExitUrl
    error: ExitUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectJobRequest:
    """`direct-signature-job-request`."""

    reference: str | None
    """The sender's own reference, echoed unchanged; None when the element is absent, which is not the same as empty."""
    exit_urls: ExitUrls
    status_retrieval: StatusRetrieval
    polling_queue: str
    """Empty for the default queue; byte-exact otherwise. Without effect unless `status_retrieval` is POLLING."""

    def __repr__(self) -> str:
        return f"DirectJobRequest(status_retrieval={self.status_retrieval!r}, …)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSigner:
    """One signer as the manifest has it."""

    identity: SignerIdentity
    signature_type: SignatureType | None
    """None: the sector's default."""
    on_behalf_of: OnBehalfOf


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDocument:
    """One document as the manifest has it."""

    href: str
    """The file's name in the bundle, as written: raw from .NET, URL-encoded from Java (wire-spec.md 7.1)."""
    mime: str
    title: str

    def __repr__(self) -> str:
        return f"ManifestDocument(mime={self.mime!r}, …)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectManifest:
    """`direct-signature-job-manifest`, either form; the older form's document gives the job its title and description."""

    signers: tuple[ManifestSigner, ...]
    sender: OrganizationNumber
    title: str
    description: str | None
    """None when the element is absent or empty."""
    documents: tuple[ManifestDocument, ...]
    required_authentication: Level | None
    """None: the sector's default."""
    identifier_in_signed_documents: IdentifierFormat | None
    """None: the sector's default."""

    def __repr__(self) -> str:
        return f"DirectManifest(sender={self.sender!r}, …)"


def parse_request(xml: bytes, *, is_sandbox: bool) -> DirectJobRequest:
    """
    Return what the multipart body's XML asks for; `is_sandbox` lets exit URLs be http to this machine.

    :raises RequestRefused: SCHEMA_VALIDATION_ERROR or INVALID_EXIT_URL.
    """
    root = read(xml, root="direct-signature-job-request", what="request")
    urls = {name: read_exit_url(_required(root, "exit-urls", name), is_sandbox=is_sandbox, what=name) for name in _EXIT_URLS}
    completion, rejection, error = (urls[name] for name in _EXIT_URLS)
    return DirectJobRequest(
        reference=text(root, "reference"),
        exit_urls=ExitUrls(completion=completion, rejection=rejection, error=error),
        status_retrieval=StatusRetrieval(text(root, "status-retrieval-method") or StatusRetrieval.WAIT_FOR_CALLBACK),
        polling_queue=text(root, "polling-queue") or DEFAULT_QUEUE,
    )


def parse_manifest(xml: bytes) -> DirectManifest:
    """
    Return what the bundle's manifest.xml says.

    :raises RequestRefused: SCHEMA_VALIDATION_ERROR, also for a title that shows nothing; INVALID_SIGNER if two signers have the same
        identifier; DOCUMENT_REJECTED if two documents name the same file.
    """
    root = read(xml, root="direct-signature-job-manifest", what="manifest")
    legacy = child(root, "document")
    texts = root if legacy is None else legacy
    documents = children(root, "documents", "document") if legacy is None else [legacy]
    level = text(root, "required-authentication")
    identifier_format = text(root, "identifier-in-signed-documents")
    manifest = DirectManifest(
        signers=tuple(_signer(element) for element in children(root, "signer")),
        sender=OrganizationNumber(_required(root, "sender", "organization-number")),
        title=_required(texts, "title"),
        description=text(texts, "description") or None,
        documents=tuple(_document(element) for element in documents),
        required_authentication=Level(int(level)) if level else None,
        identifier_in_signed_documents=IdentifierFormat(identifier_format) if identifier_format else None,
    )
    _check_readable(manifest.title, "the job")
    for position, document in enumerate(manifest.documents, start=1):
        _check_readable(document.title, f"document {position}")
    # Clients find a signer by the text alone, so a number and a custom identifier of the same text are the same to them (wire-spec.md 7.2).
    _check_differ(
        (str(signer.identity) for signer in manifest.signers),
        ErrorCode.INVALID_SIGNER,
        "Signers {} and {} of the manifest have the same identifier. Give each signer an identifier of their own.",
    )
    _check_differ(
        (document.href for document in manifest.documents),
        ErrorCode.DOCUMENT_REJECTED,
        "Documents {} and {} of the manifest name the same file. Give each document a file of its own.",
    )
    return manifest


def parse_signer_update(body: bytes) -> None:
    """
    Accept a wish for a new redirect URL: the XML that Java sends, or the empty body that .NET sends. There is nothing else to wish for.

    :raises RequestRefused: SCHEMA_VALIDATION_ERROR, if a body that is not empty is anything else.
    """
    if body:
        read(body, root="direct-signer-update-request", what="request")


_EXIT_URLS = ("completion-url", "rejection-url", "error-url")
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def _signer(element: etree._Element) -> ManifestSigner:
    number = text(element, "personal-identification-number")
    identity = NationalIdentityNumber(number) if number is not None else SignerIdentifier(_required(element, "signer-identifier"))
    signature_type = text(element, "signature-type")
    return ManifestSigner(
        identity=identity,
        signature_type=SignatureType(signature_type) if signature_type else None,
        on_behalf_of=OnBehalfOf(text(element, "on-behalf-of") or OnBehalfOf.SELF),
    )


def _document(element: etree._Element) -> ManifestDocument:
    return ManifestDocument(href=element.get("href", ""), mime=element.get("mime", ""), title=_required(element, "title"))


def _check_differ(texts: Iterable[str], code: ErrorCode, message: str) -> None:
    seen: dict[str, int] = {}
    for position, each in enumerate(texts, start=1):
        first = seen.setdefault(each, position)
        if first != position:
            raise RequestRefused(code, message.format(first, position))


def _check_readable(title: str, whose: str) -> None:
    # White space and format characters (Unicode's Z, Cc, Cf) leave no mark, and people would be asked to sign what has no name.
    if all(unicodedata.category(character) in _UNSEEN for character in title):
        raise RequestRefused(
            ErrorCode.SCHEMA_VALIDATION_ERROR, f"The title of {whose} in the manifest shows nothing. Write one that people can read."
        )


def _required(parent: etree._Element, *names: str) -> str:
    # The XSD lets nothing through without it.
    return text(parent, *names) or ""
