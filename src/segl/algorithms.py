"""
Which signature and digest algorithms Segl accepts from senders, and until when.

Only what is used stands here. End dates are those of ETSI TS 119 312 V1.5.1 as reliability.md B-49 gives them; Segl refuses the rest (wire-spec.md 8.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Final, assert_never

from cryptography.hazmat.primitives import hashes

MIN_RSA_BITS: Final = 2048
"""Senders' enterprise certificates."""
MIN_SEAL_RSA_BITS: Final = 3072
"""Segl's own seal, whose signatures are kept for twenty years (reliability.md B-49)."""


class AlgorithmRefused(Exception):
    """An algorithm is not accepted, or no longer. The message names it."""


class Use(Enum):
    """Where an algorithm stands: what is safe to recognise in one place is not safe in another."""

    SENDERS_SIGNATURE = "signature of a document bundle"
    SENDERS_REFERENCE = "digest of a file in a document bundle"
    SENDERS_CERTIFICATE_DIGEST = "digest that names the certificate of a document bundle"


class Digest(StrEnum):
    """Digest algorithms, by the URI that XML Signature names them with."""

    SHA_1 = "http://www.w3.org/2000/09/xmldsig#sha1"
    SHA_256 = "http://www.w3.org/2001/04/xmlenc#sha256"
    SHA_384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
    SHA_512 = "http://www.w3.org/2001/04/xmlenc#sha512"

    @property
    def hash_algorithm(self) -> hashes.HashAlgorithm:
        """Return cryptography's algorithm of this name."""
        match self:
            case Digest.SHA_1:
                # Only to recognise the certificate in a sender's CertDigest, where the bundle profile demands it (reliability.md D2, B-50).
                return hashes.SHA1()  # noqa: S303
            case Digest.SHA_256:
                return hashes.SHA256()
            case Digest.SHA_384:
                return hashes.SHA384()
            case Digest.SHA_512:
                return hashes.SHA512()
            case _:
                assert_never(self)


class Signature(StrEnum):
    """Signature algorithms, by the URI that XML Signature names them with (RFC 6931, RFC 9231)."""

    RSA_PKCS1_SHA_256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    RSA_PKCS1_SHA_384 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
    RSA_PKCS1_SHA_512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"

    @property
    def digest(self) -> Digest:
        """Return the digest algorithm inside."""
        match self:
            case Signature.RSA_PKCS1_SHA_256:
                return Digest.SHA_256
            case Signature.RSA_PKCS1_SHA_384:
                return Digest.SHA_384
            case Signature.RSA_PKCS1_SHA_512:
                return Digest.SHA_512
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One row: an algorithm in one use, and the instant from which it is refused there."""

    use: Use
    algorithm: Digest | Signature
    ends_at: datetime | None
    """None: no end date is set."""


# Why 2029: ETSI TS 119 312 V1.5.1 ends RSASSA-PKCS1-v1_5 there (reliability.md B-49).
_PKCS1_ENDS: Final = datetime(2029, 1, 1, tzinfo=UTC)

TERMS: Final = (
    Term(use=Use.SENDERS_SIGNATURE, algorithm=Signature.RSA_PKCS1_SHA_256, ends_at=_PKCS1_ENDS),
    Term(use=Use.SENDERS_SIGNATURE, algorithm=Signature.RSA_PKCS1_SHA_384, ends_at=_PKCS1_ENDS),
    Term(use=Use.SENDERS_SIGNATURE, algorithm=Signature.RSA_PKCS1_SHA_512, ends_at=_PKCS1_ENDS),
    Term(use=Use.SENDERS_REFERENCE, algorithm=Digest.SHA_256, ends_at=None),
    Term(use=Use.SENDERS_CERTIFICATE_DIGEST, algorithm=Digest.SHA_1, ends_at=None),
    Term(use=Use.SENDERS_CERTIFICATE_DIGEST, algorithm=Digest.SHA_256, ends_at=None),
)


def accepted_signature(uri: str, *, use: Use, now: datetime) -> Signature:
    """
    Return the signature algorithm that `uri` names, accepted in `use` at `now`.

    :raises AlgorithmRefused: if it is unknown, not accepted in this use, or past its date.
    """
    algorithm = _accepted(uri, use=use, now=now)
    if not isinstance(algorithm, Signature):
        raise AlgorithmRefused(f'The algorithm "{_shown(uri)}" is not a signature algorithm. Use {_names(use, now)}.')
    return algorithm


def accepted_digest(uri: str, *, use: Use, now: datetime) -> Digest:
    """
    Return the digest algorithm that `uri` names, accepted in `use` at `now`.

    :raises AlgorithmRefused: if it is unknown, not accepted in this use, or past its date.
    """
    algorithm = _accepted(uri, use=use, now=now)
    if not isinstance(algorithm, Digest):
        raise AlgorithmRefused(f'The algorithm "{_shown(uri)}" is not a digest algorithm. Use {_names(use, now)}.')
    return algorithm


def _accepted(uri: str, *, use: Use, now: datetime) -> Digest | Signature:
    for term in TERMS:
        if term.use is use and term.algorithm == uri:
            if term.ends_at is not None and now >= term.ends_at:
                raise AlgorithmRefused(f'The algorithm "{_shown(uri)}" ended on {term.ends_at:%Y-%m-%d} for the {use.value}.')
            return term.algorithm
    raise AlgorithmRefused(f'The algorithm "{_shown(uri)}" is not accepted for the {use.value}. Use {_names(use, now)}.')


def _names(use: Use, now: datetime) -> str:
    return " or ".join(term.algorithm.value for term in TERMS if term.use is use and (term.ends_at is None or now < term.ends_at))


def _shown(uri: str) -> str:
    return uri if len(uri) <= 100 and uri.isprintable() else "…"
