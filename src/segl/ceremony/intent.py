"""
The signing intent: exactly what a person is about to sign, written down before the log-in.

Its SHA-256 is the OIDC nonce, so that the identity provider's own signature covers the documents. Canonical bytes: JSON with sorted
keys and no spaces, UTF-8.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from segl.values import IdentifierFormat, SignatureType

SALT_BITS = 256
"""So that nobody who knows the documents can guess the nonce, or recognize it in the provider's log."""


def canonical_json(value: dict[str, Any]) -> bytes:  # Any: JSON values of any shape
    """Return `value` as canonical JSON: the same value always gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntendedDocument:
    """One document of the intent."""

    file_name: str
    sha256: str
    """Of the original bytes, lower-case hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIntent:
    """What one person is about to sign."""

    job_id: int
    signer: int
    documents: tuple[IntendedDocument, ...]
    identifier_format: IdentifierFormat
    signature_type: SignatureType
    salt: str

    def canonical(self) -> bytes:
        """Return the bytes that are stored and hashed."""
        return canonical_json(
            {
                "documents": [{"fileName": document.file_name, "sha256": document.sha256} for document in self.documents],
                "identifierFormat": self.identifier_format.value,
                "job": self.job_id,
                "salt": self.salt,
                "signatureType": self.signature_type.value,
                "signer": self.signer,
            }
        )


def nonce_of(canonical: bytes) -> str:
    """Return the OIDC nonce of an intent's canonical bytes: SHA-256, base64url without padding (43 characters)."""
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
