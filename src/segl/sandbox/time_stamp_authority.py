"""
A real RFC 3161 time-stamp authority for the sandbox: request in, response out, nothing remembered and nothing logged.

Source: RFC 3161, 2.4; RFC 5816. Its time is what it is told: in the sandbox, Segl's movable clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from segl.signatures import cms, der
from segl.signatures.time_stamp_tokens import TimeStampRefused, TimeStampRequest, read_request

POLICY = "2.25.204577138642205186302158104823760451339"
"""Names the sandbox's practice, which promises nothing: a random UUID as object identifier (X.667), so that it collides with nobody's."""

_DIGEST_SIZES = {"2.16.840.1.101.3.4.2.1": 32, "2.16.840.1.101.3.4.2.2": 48, "2.16.840.1.101.3.4.2.3": 64}


class Failure(IntEnum):
    """PKIFailureInfo's bits (RFC 3161, 2.4.2)."""

    BAD_ALGORITHM = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16


def answer(
    request: bytes,
    *,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    now: datetime,
) -> bytes:
    """Return the DER TimeStampResp to a DER TimeStampReq; a bad request is answered with the failure that RFC 3161 names for it."""
    try:
        asked = read_request(request)
    except TimeStampRefused:
        return _rejection(Failure.BAD_DATA_FORMAT, "The request is not a DER TimeStampReq.")
    if asked.algorithm not in _DIGEST_SIZES:
        return _rejection(Failure.BAD_ALGORITHM, "Only SHA-256, SHA-384 and SHA-512 digests are stamped.")
    if len(asked.imprint) != _DIGEST_SIZES[asked.algorithm]:
        return _rejection(Failure.BAD_DATA_FORMAT, "The digest has another length than its algorithm gives.")
    if asked.policy not in (None, POLICY):
        return _rejection(Failure.UNACCEPTED_POLICY, "The sandbox stamps under its own policy only.")
    if asked.has_extensions:
        return _rejection(Failure.UNACCEPTED_EXTENSION, "No extension is known here.")
    token = _token(asked, certificate=certificate, chain=chain, private_key=private_key, now=now)
    return der.sequence(der.sequence(der.integer(0)), token)


def _rejection(failure: Failure, text: str) -> bytes:
    return der.sequence(der.sequence(der.integer(2), der.sequence(der.utf8_string(text)), der.bit_string_of_flag(failure)))


def _token(
    asked: TimeStampRequest,
    *,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    now: datetime,
) -> bytes:
    whole_second = now.replace(microsecond=0)
    # RFC 3161 wants a number of its own for each token. Time and request make one without a counter that would have to be kept.
    number = int.from_bytes(sha256(now.isoformat().encode() + asked.imprint + str(asked.nonce).encode()).digest()[:19], "big")
    info = der.sequence(
        der.integer(1),
        der.object_identifier(POLICY),
        der.sequence(der.algorithm(asked.algorithm, der.NULL), der.octet_string(asked.imprint)),
        der.integer(number),
        der.generalized_time(whole_second),
        der.sequence(der.integer(1)),
        b"" if asked.nonce is None else der.integer(asked.nonce),
    )
    # PKCS#1 v1.5 where the key is RSA, as authorities do: `openssl ts` cannot verify RSASSA-PSS.
    attributes = cms.signed_attributes(
        content_type=cms.TIME_STAMP_INFO, digest=sha256(info).digest(), certificate=certificate, is_pss=False
    )
    return cms.signed_data(
        content_type=cms.TIME_STAMP_INFO,
        content=info,
        certificate=certificate,
        certificates=(certificate, *chain) if asked.is_certificate_wanted else (),
        attributes=attributes,
        signature=cms.sign(attributes, private_key, is_pss=False),
        is_pss=False,
    )
