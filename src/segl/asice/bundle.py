"""
The sender's document bundle (ASiC-E): opened, verified and listed. Nothing of it is usable before its signature has been verified.

wire-spec.md 8; the schema of the manifest is judged by `wire`, between unpacking and verifying (wire-spec.md 6.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from cryptography import x509

from segl.asice.refusal import BundleRefused, Refusal
from segl.asice.signatures_xml import names_meant_by, verify_signatures_xml
from segl.asice.zip_file import read_zip
from segl.certificates import CertificateRefused, organization_number
from segl.values import OrganizationNumber

MANIFEST: Final = "manifest.xml"
SIGNATURES: Final = "META-INF/signatures.xml"
MIMETYPE: Final = "mimetype"
MIMETYPE_CONTENT: Final = b"application/vnd.etsi.asic-e+zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedBundle:
    """A bundle whose ZIP is sound but whose signature nobody has verified: good for judging the manifest's form, nothing else."""

    manifest: bytes = field(repr=False)
    signatures: bytes = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    """Every entry that must be signed, by name: manifest and documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One verified document of a bundle."""

    name: str = field(repr=False)
    """Of the entry; it may tell a person's name."""
    content: bytes = field(repr=False)
    sha256: str
    """Lower-case hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A verified bundle. `organization_number` is the signing certificate's; whose it must be is the caller's rule (wire-spec.md 8.2)."""

    files: Mapping[str, bytes] = field(repr=False)
    """Documents only, by entry name."""
    sha256: Mapping[str, str] = field(repr=False)
    """Lower-case hex by entry name, manifest included."""
    certificate: x509.Certificate
    organization_number: OrganizationNumber


def unpack_bundle(data: bytes) -> UnpackedBundle:
    """
    Return the parts of the bundle in `data`, without verifying the signature.

    :raises BundleRefused: if the ZIP is not sound, a part is missing, META-INF holds anything but the one signature file, or there is another
        folder.
    """
    entries = read_zip(data)
    # META-INF/manifest.xml of other ASiC-E profiles is refused too: the bundle profile says it should not exist (wire-spec.md 8.1).
    for number, name in enumerate(entries, start=1):
        if name.partition("/")[0].casefold() == "meta-inf" and name != SIGNATURES:
            raise BundleRefused(
                Refusal.UNEXPECTED_ENTRY,
                f"Entry number {number} of the bundle stands in META-INF, where only signatures.xml may stand. Build the bundle without it.",
            )
        # A document's name becomes an attachment's in the sealed PDF, and from there a file's on the disk of whoever takes it out.
        if "/" in name and name != SIGNATURES:
            raise BundleRefused(
                Refusal.NAME, f"The name of entry number {number} in the bundle leads into a folder. Put the file beside {MANIFEST}."
            )
    signatures, mimetype = entries.pop(SIGNATURES, None), entries.pop(MIMETYPE, None)
    manifest = entries.get(MANIFEST)
    if signatures is None:
        raise BundleRefused(Refusal.SIGNATURE_MISSING, f"The bundle holds no {SIGNATURES}. Sign the bundle.")
    if manifest is None:
        raise BundleRefused(Refusal.MANIFEST_MISSING, f"The bundle holds no {MANIFEST}. Add the manifest and sign again.")
    if mimetype not in (None, MIMETYPE_CONTENT):
        raise BundleRefused(Refusal.MIMETYPE, f'The entry mimetype does not hold "{MIMETYPE_CONTENT.decode()}". Leave it out or mend it.')
    return UnpackedBundle(manifest=manifest, signatures=signatures, files=MappingProxyType(entries))


def verify_bundle(
    unpacked: UnpackedBundle, *, issuers: Sequence[x509.Certificate], now: datetime, signing_time_tolerance: timedelta
) -> Bundle:
    """
    Return the bundle after verifying that an enterprise under one of the CA certificates `issuers` signed every file of it just now.

    `now` is the real time, since the sender's clock takes part (reliability.md B-51). Revocation is asked apart.

    :raises BundleRefused: with the reason.
    """
    signature = verify_signatures_xml(
        unpacked.signatures, files=unpacked.files, issuers=issuers, now=now, signing_time_tolerance=signing_time_tolerance
    )
    try:
        number = organization_number(signature.certificate)
    except CertificateRefused as error:
        raise BundleRefused(Refusal.CERTIFICATE, f"The bundle's certificate is refused. {error.message}") from error
    return Bundle(
        files=MappingProxyType({name: content for name, content in unpacked.files.items() if name != MANIFEST}),
        sha256=MappingProxyType(dict(signature.sha256)),
        certificate=signature.certificate,
        organization_number=number,
    )


def find_document(bundle: Bundle, href: str) -> Document:
    """
    Return the document that a manifest's href means: the name as it stands, else percent-decoded, else form-decoded (wire-spec.md 7.1).

    :raises BundleRefused: DOCUMENT, if it means none.
    """
    for name in names_meant_by(href):
        if name in bundle.files:
            return Document(name=name, content=bundle.files[name], sha256=bundle.sha256[name])
    raise BundleRefused(Refusal.DOCUMENT, "An href of the manifest names no document of the bundle. Let it be the document's name.")


def find_documents(bundle: Bundle, hrefs: Sequence[str]) -> tuple[Document, ...]:
    """
    Return the documents that the manifest's hrefs mean, in their order, and check that each is meant once and none is left over.

    :raises BundleRefused: DOCUMENT, otherwise (wire-spec.md 8.1: what is signed but not in the manifest is refused).
    """
    documents = tuple(find_document(bundle, href) for href in hrefs)
    if len({document.name for document in documents}) != len(documents):
        raise BundleRefused(Refusal.DOCUMENT, "Two hrefs of the manifest name one document. Name each document once.")
    if left_over := len(bundle.files) - len(documents):
        raise BundleRefused(Refusal.DOCUMENT, f"{left_over} of the bundle's documents are not in the manifest. Name each document in it.")
    return documents
