"""
The organization's seal on a composed PDF: PAdES-BASELINE-LT, certifying, RSASSA-PSS with SHA-256.

Source: ETSI EN 319 142-1, 6.3; ETSI TS 119 312 V1.5.1 (why PSS: PKCS#1 v1.5 ends in 2029; why RSA: an ECDSA seal makes the file PDF 2.0).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from segl.algorithms import MIN_SEAL_RSA_BITS
from segl.signatures import cms, time_stamp_tokens
from segl.signatures.pdf_revisions import PdfUnfit, with_place_for_seal, with_validation_data
from segl.signatures.time_stamp_tokens import TimeStampRefused, imprint_of
from segl.signatures.validation_data import ValidationDataMissing, gather

TIME_STAMP_ROOM_BYTES = 8 * 1024
"""Room kept for the token before its size is known. A larger one costs a second round, never the seal."""


class UnableToSeal(Exception):
    """No seal of level LT can be put on the PDF. The message says what is wrong; the PDF is left as it was."""


def seal(
    pdf: bytes,
    *,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    private_key: rsa.RSAPrivateKey,
    time_stamp: Callable[[bytes], bytes],
    certificates: Sequence[x509.Certificate],
    revocation_lists: Sequence[x509.CertificateRevocationList],
    at: datetime,
) -> bytes:
    """
    Return `pdf` with the seal and its validation data appended; its own bytes stay as they are.

    `time_stamp` takes a SHA-256 digest and gives a DER token; what it raises passes through. `at` is written as the time of signing.
    `certificates` and `revocation_lists` may hold more than is needed.

    :raises UnableToSeal: if the PDF, the key, the token or the validation data does not allow a seal of level LT.
    """
    if private_key.key_size < MIN_SEAL_RSA_BITS:
        raise UnableToSeal(f"The seal's key has {private_key.key_size} bits. Make one of at least {MIN_SEAL_RSA_BITS}.")
    if certificate.public_key() != private_key.public_key():
        raise UnableToSeal("The seal's key is not the one its certificate names. Put the pair that belongs together in place.")
    attempt = _attempt(
        pdf, certificate=certificate, chain=chain, private_key=private_key, time_stamp=time_stamp, at=at, token_room=TIME_STAMP_ROOM_BYTES
    )
    if attempt.sealed is None:
        # The next token of the same authority may differ a little in size: room for twice this one.
        room = 2 * len(attempt.token)
        attempt = _attempt(
            pdf, certificate=certificate, chain=chain, private_key=private_key, time_stamp=time_stamp, at=at, token_room=room
        )
    if attempt.sealed is None:
        raise UnableToSeal("The time-stamp authority's tokens more than double in size from one to the next. Use another authority.")
    try:
        stamp = time_stamp_tokens.read(attempt.token, imprint=attempt.imprint)
        data = gather(
            (certificate, stamp.certificate),
            embedded=(*chain, *stamp.certificates),
            certificates=certificates,
            revocation_lists=revocation_lists,
            at=stamp.generated_at,
        )
        return with_validation_data(attempt.sealed, data)
    except (TimeStampRefused, ValidationDataMissing, PdfUnfit) as error:
        raise UnableToSeal(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    sealed: bytes | None
    """None when the token did not fit."""
    token: bytes
    imprint: bytes


def _attempt(
    pdf: bytes,
    *,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    private_key: rsa.RSAPrivateKey,
    time_stamp: Callable[[bytes], bytes],
    at: datetime,
    token_room: int,
) -> _Attempt:
    def written(attributes: bytes, signature: bytes, token: bytes | None) -> bytes:
        return cms.signed_data(
            content_type=cms.DATA,
            content=None,
            certificate=certificate,
            certificates=(certificate, *chain),
            attributes=attributes,
            signature=signature,
            time_stamp=token,
        )

    empty = cms.signed_attributes(content_type=cms.DATA, digest=bytes(32), certificate=certificate)
    largest = written(empty, bytes(private_key.key_size // 8), bytes(token_room))
    try:
        revision = with_place_for_seal(pdf, room=len(largest), at=at)
        attributes = cms.signed_attributes(content_type=cms.DATA, digest=revision.digest, certificate=certificate)
        signature = cms.sign(attributes, private_key)
        imprint = imprint_of(signature)
        token = time_stamp(imprint)
        content = written(attributes, signature, token)
        sealed = revision.filled(content) if len(content) <= revision.room else None
        return _Attempt(sealed=sealed, token=token, imprint=imprint)
    except PdfUnfit as error:
        raise UnableToSeal(str(error)) from error
