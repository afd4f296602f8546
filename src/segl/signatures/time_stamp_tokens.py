"""
RFC 3161 time-stamps as bytes: the request, the response, and every check before a token is believed.

Source: RFC 3161, 2.3–2.4; RFC 5816 (signing-certificate-v2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar

from asn1crypto import cms as asn1_cms
from asn1crypto import core as asn1_core
from asn1crypto import tsp as asn1_tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from segl.signatures import cms, der
from segl.signatures.certificate_paths import UNREADABLE, NoPath, path

SHA256 = "2.16.840.1.101.3.4.2.1"


class TimeStampRefused(Exception):
    """A time-stamp, or the answer that should hold one, is wrong. Nothing may rest on it; ask again or ask another authority."""


class _Response(asn1_core.Sequence):  # type: ignore[misc]  # asn1crypto is untyped
    """TimeStampResp. asn1crypto's own demands a token even of a refusal."""

    _fields: ClassVar = [("status", asn1_tsp.PKIStatusInfo), ("time_stamp_token", asn1_cms.ContentInfo, {"optional": True})]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStamp:
    """A token that was verified."""

    generated_at: datetime
    certificate: x509.Certificate
    """The authority's."""
    certificates: tuple[x509.Certificate, ...]
    """All that the token carries."""


def request(imprint: bytes, *, nonce: int) -> bytes:
    """Return the DER TimeStampReq for the SHA-256 digest `imprint`, asking for the authority's certificates."""
    return der.sequence(
        der.integer(1),
        der.sequence(der.algorithm(SHA256, der.NULL), der.octet_string(imprint)),
        der.integer(nonce),
        der.TRUE,
    )


def token_in_response(response: bytes, *, imprint: bytes, nonce: int, roots: Sequence[x509.Certificate]) -> bytes:
    """
    Return the DER TimeStampToken of a DER TimeStampResp, after every check.

    :raises TimeStampRefused: if the authority refused, or its answer belongs to another request or does not verify.
    """
    with cms.ONE_AT_A_TIME:
        token = _granted(response)
    verify(token, imprint=imprint, roots=roots, nonce=nonce)
    return token


def _granted(response: bytes) -> bytes:
    try:
        parsed = _Response.load(response, strict=True)
        status = parsed["status"]["status"].native
        if status not in ("granted", "granted_with_mods"):
            failure = parsed["status"]["fail_info"].native
            raise TimeStampRefused(f"The time-stamp authority answered {status} ({', '.join(sorted(failure or ())) or 'no reason given'}).")
        token: bytes = parsed["time_stamp_token"].dump()
        return token
    except UNREADABLE as error:
        raise TimeStampRefused(
            "The time-stamp authority's answer cannot be read. Check that the address is an RFC 3161 authority."
        ) from error


def verify(token: bytes, *, imprint: bytes, roots: Sequence[x509.Certificate], nonce: int | None = None) -> TimeStamp:
    """
    Return what a DER TimeStampToken proves, after every check; the authority's certificate must lead to one of `roots` at the token's time.

    `imprint` is a SHA-256 digest. `nonce` None: the token's own is not compared.

    :raises TimeStampRefused: if anything is wrong.
    """
    with cms.ONE_AT_A_TIME:
        stamp, stamped_nonce = _read(token, imprint=imprint)
    if nonce is not None and stamped_nonce != nonce:
        raise TimeStampRefused("The time-stamp's nonce is another than the request's. The answer belongs to another request.")
    _refuse_wrong_purpose(stamp.certificate)
    try:
        path(stamp.certificate, certificates=stamp.certificates, roots=roots, at=stamp.generated_at)
    except NoPath as error:
        raise TimeStampRefused(f"The time-stamp authority is not trusted. {error}") from error
    return stamp


def read(token: bytes, *, imprint: bytes) -> TimeStamp:
    """
    Return what a DER TimeStampToken over the SHA-256 digest `imprint` says; its signature is checked, its authority is not.

    :raises TimeStampRefused: if it cannot be read, stamps another digest, or its signature is wrong.
    """
    with cms.ONE_AT_A_TIME:
        return _read(token, imprint=imprint)[0]


@lru_cache(maxsize=16)  # each token is read twice, when it comes and when its signature is completed; what it says never changes
def _read(token: bytes, *, imprint: bytes) -> tuple[TimeStamp, int | None]:
    try:
        signature = cms.read(token)
        if signature.content_type != cms.TIME_STAMP_INFO or signature.content is None:
            raise TimeStampRefused("The token holds no time-stamp. Check that the address is an RFC 3161 authority.")
        cms.verify(signature)
        info = asn1_tsp.TSTInfo.load(signature.content, strict=True)
        stamped = info["message_imprint"]
        if stamped["hash_algorithm"]["algorithm"].dotted != SHA256 or stamped["hashed_message"].native != imprint:
            raise TimeStampRefused(
                "The time-stamp is over another digest. The answer belongs to another request, or the content was changed."
            )
        stamp = TimeStamp(generated_at=info["gen_time"].native, certificate=signature.certificate, certificates=signature.certificates)
        return stamp, info["nonce"].native
    except cms.CmsRefused as error:
        raise TimeStampRefused(f"The time-stamp does not verify. {error}") from error
    except UNREADABLE as error:
        raise TimeStampRefused("The time-stamp cannot be read. It is damaged.") from error


def _refuse_wrong_purpose(certificate: x509.Certificate) -> None:
    # RFC 3161, 2.3: the extension must be critical and name time-stamping only.
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, *UNREADABLE):
        usage = None
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise TimeStampRefused("The time-stamp was signed with a certificate that is not for time-stamping. Check the authority.")


def imprint_of(content: bytes) -> bytes:
    """Return the digest that a time-stamp is asked for."""
    return sha256(content).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStampRequest:
    """A request as an authority reads it."""

    algorithm: str
    """Dotted identifier of the digest algorithm."""
    imprint: bytes
    policy: str | None
    nonce: int | None
    is_certificate_wanted: bool
    has_extensions: bool


def read_request(content: bytes) -> TimeStampRequest:
    """
    Return what a DER TimeStampReq asks for.

    :raises TimeStampRefused: if it cannot be read.
    """
    with cms.ONE_AT_A_TIME:
        return _read_request(content)


def _read_request(content: bytes) -> TimeStampRequest:
    try:
        parsed = asn1_tsp.TimeStampReq.load(content, strict=True)
        if parsed["version"].native != "v1":
            raise TimeStampRefused("The time-stamp request is of another version than 1.")
        imprint = parsed["message_imprint"]
        return TimeStampRequest(
            algorithm=imprint["hash_algorithm"]["algorithm"].dotted,
            imprint=imprint["hashed_message"].native,
            policy=None if isinstance(parsed["req_policy"], asn1_core.Void) else parsed["req_policy"].dotted,
            nonce=parsed["nonce"].native,
            is_certificate_wanted=bool(parsed["cert_req"].native),
            has_extensions=bool(parsed["extensions"].native),
        )
    except UNREADABLE as error:
        raise TimeStampRefused("The time-stamp request cannot be read. Send a DER TimeStampReq.") from error
