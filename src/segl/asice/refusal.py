"""
Why a sender's document bundle is refused: one error for the whole room, with a reason that stays the same and a message that says what to do.

The wire's code is ASICE_VALIDATION_FAILED for every one of them (wire-spec.md 15).
"""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Stable reasons, for logs and tests; the message is for people."""

    TOO_LARGE = "too-large"
    """Bytes, entries, expanded size or ratio over the limits (reliability.md B-33)."""
    NOT_A_ZIP = "not-a-zip"
    ZIP_UNSUPPORTED = "zip-unsupported"
    """Encryption, zip64, other methods, links, comments: legal in some archive, not in a bundle."""
    ZIP_DISAGREES = "zip-disagrees"
    """Local headers, descriptors, central directory and the bytes between them tell different stories (B-34)."""
    DAMAGED = "damaged"
    """An entry does not inflate to the size and checksum that stand in the archive."""
    NAME = "name"
    MIMETYPE = "mimetype"
    MANIFEST_MISSING = "manifest-missing"
    SIGNATURE_MISSING = "signature-missing"
    UNEXPECTED_ENTRY = "unexpected-entry"
    """Something else than the one signature file in META-INF."""
    SIGNATURE_XML = "signature-xml"
    """signatures.xml is not XML that Segl reads."""
    SIGNATURE_SHAPE = "signature-shape"
    """An element, attribute or text stands where the bundle profile has none: also every wrapping."""
    ALGORITHM = "algorithm"
    REFERENCE = "reference"
    """A reference names nothing, or more than one thing, or something outside the bundle."""
    NOT_SIGNED = "not-signed"
    """A file that no reference covers."""
    DIGEST = "digest"
    """A file or the signed properties are not those that were signed."""
    SIGNATURE_VALUE = "signature-value"
    CERTIFICATE = "certificate"
    CERTIFICATE_DIGEST = "certificate-digest"
    SIGNING_TIME = "signing-time"
    DOCUMENT = "document"
    """The manifest and the bundle do not hold the same documents."""


class BundleRefused(Exception):
    """The bundle is not one Segl can accept: `reason` is stable, `message` says what, which and what to do."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
