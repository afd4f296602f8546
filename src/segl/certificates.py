"""
Enterprise certificates: whose they are, who issued them, and whether they may be used now.

wire-spec.md 4.1 (SEID 1 and 2, RSA, key usage, issuers held by the server); certificate and revocation list profiles are those of RFC 5280.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar, assert_never

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from segl.algorithms import MIN_RSA_BITS
from segl.values import OrganizationNumber

MAX_PATH: Final = 5
"""Certificates above the leaf; Norwegian enterprise CAs have two."""
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises for a certificate or revocation list that it cannot read: much of it only when a part is asked for."""
_DOCUMENT_SIGNING: Final = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
_KNOWN_CRITICAL: Final = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.CertificatePolicies)

_NAMED: Final = {NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier", NameOID.SERIAL_NUMBER: "serialNumber"}

ExtensionT = TypeVar("ExtensionT", bound=x509.ExtensionType)


class Purpose(StrEnum):
    """What the certificate is used for: it stands in messages."""

    TLS = "to call the API"
    BUNDLE = "to sign a document bundle"


class CertificateRefusal(StrEnum):
    """Why a certificate is refused; stable, for logs and the sandbox's request page (reliability.md B-27)."""

    UNREADABLE = "unreadable"
    NO_ORGANIZATION_NUMBER = "no-organization-number"
    UNKNOWN_ISSUER = "unknown-issuer"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    ISSUER_NOT_VALID = "issuer-not-valid"
    IS_AUTHORITY = "is-authority"
    KEY_USAGE = "key-usage"
    EXTENDED_KEY_USAGE = "extended-key-usage"
    KEY_KIND = "key-kind"
    WEAK_SIGNATURE = "weak-signature"
    UNKNOWN_EXTENSION = "unknown-extension"
    REVOKED = "revoked"


class CertificateRefused(Exception):
    """A certificate may not be used. `reason` is stable, the message says what is wrong and what to do."""

    def __init__(self, reason: CertificateRefusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class CertificateRevoked(CertificateRefused):
    """The issuer took the certificate back."""

    def __init__(self, message: str) -> None:
        super().__init__(CertificateRefusal.REVOKED, message)


class RevocationUnknown(Exception):
    """No revocation list answers for the certificate: fetch a fresh one of its issuer. Not the certificate's fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDescription:
    """What the wire tells of a refused certificate (wire-spec.md 15, NOT_AUTHORIZED)."""

    subject: str
    """RFC 4514."""
    issuer: str
    """RFC 4514."""
    not_before: datetime
    not_after: datetime
    serial_hex: str
    """Lower-case, without leading zeros."""


def read_certificate(der: bytes) -> x509.Certificate:
    """
    Return the certificate in `der` after reading each part of it once, so that none fails when it is asked for later.

    :raises CertificateRefused: UNREADABLE.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key()
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except UNREADABLE as error:
        raise _unreadable() from error
    return certificate


def _unreadable() -> CertificateRefused:
    return CertificateRefused(CertificateRefusal.UNREADABLE, "The certificate cannot be read. Use another certificate.")


def describe(certificate: x509.Certificate) -> CertificateDescription:
    """Return the certificate's identity for a message; it names an enterprise, never a person."""
    return CertificateDescription(
        subject=certificate.subject.rfc4514_string(_NAMED),
        issuer=certificate.issuer.rfc4514_string(_NAMED),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        serial_hex=f"{certificate.serial_number:x}",
    )


def organization_number(certificate: x509.Certificate) -> OrganizationNumber:
    """
    Return the organization that the certificate's subject names: organizationIdentifier `NTRNO-` (SEID 2), serialNumber (SEID 1), or a CN of nine digits.

    The places are asked in this order and the first that is there must hold the number, except that a serialNumber or CN may be about
    something else. A place that is there twice is refused, since two readers could choose differently.

    :raises CertificateRefused: NO_ORGANIZATION_NUMBER, or UNREADABLE.
    """
    try:
        subject = certificate.subject
    except UNREADABLE as error:
        raise _unreadable() from error
    places = (
        (NameOID.ORGANIZATION_IDENTIFIER, r"NTRNO-([0-9]{9})"),
        (NameOID.SERIAL_NUMBER, r"([0-9]{9})"),
        (NameOID.COMMON_NAME, r"([0-9]{9})"),
    )
    for oid, pattern in places:
        values = [str(attribute.value) for attribute in subject.get_attributes_for_oid(oid)]
        matches = [match for value in values if (match := re.fullmatch(pattern, value))]
        if len(values) > 1 and matches:
            raise CertificateRefused(
                CertificateRefusal.NO_ORGANIZATION_NUMBER,
                "The certificate's subject holds the same attribute twice, so its organization number is in doubt. Use another certificate.",
            )
        if matches:
            return OrganizationNumber(matches[0][1])
        if values and oid == NameOID.ORGANIZATION_IDENTIFIER:
            break
    raise CertificateRefused(
        CertificateRefusal.NO_ORGANIZATION_NUMBER,
        "The certificate's subject holds no Norwegian organization number. Use an enterprise certificate from Buypass or Commfides.",
    )


def check_enterprise_certificate(
    leaf: x509.Certificate, *, issuers: Sequence[x509.Certificate], now: datetime, purpose: Purpose
) -> tuple[x509.Certificate, ...]:
    """
    Check that `leaf` was issued by one of `issuers`, is valid at `now` as they are, and may be used for `purpose`; revocation is asked apart.

    `issuers` are the accepted CA certificates, each of them trusted in itself: a root is not needed. Returns the issuers found above
    `leaf`, nearest first.

    :raises CertificateRefused: with the reason.
    """
    try:
        _check_leaf(leaf, purpose)
        path = _path(leaf, issuers, now)
        _check_validity(leaf, path, now)
    except UNREADABLE as error:
        raise _unreadable() from error
    return path


def check_not_revoked(
    certificate: x509.Certificate, *, revocation_list: x509.CertificateRevocationList, issuers: Sequence[x509.Certificate], now: datetime
) -> None:
    """
    Check that the issuer's list, itself signed by one of `issuers` and fresh at `now`, does not hold the certificate.

    :raises CertificateRevoked: if it does, on hold included.
    :raises RevocationUnknown: if the list is another issuer's, not signed by it, stale, early, partial or a delta.
    """
    try:
        _check_list(revocation_list, certificate, issuers, now)
        entry = revocation_list.get_revoked_certificate_by_serial_number(certificate.serial_number)
    except UNREADABLE as error:
        raise RevocationUnknown("The revocation list cannot be read. Fetch it again.") from error
    if entry is not None:
        raise CertificateRevoked(
            f"The certificate was revoked by its issuer on {entry.revocation_date_utc:%Y-%m-%d}. Use another certificate."
        )


def _check_list(
    revocation_list: x509.CertificateRevocationList, certificate: x509.Certificate, issuers: Sequence[x509.Certificate], now: datetime
) -> None:
    if revocation_list.issuer != certificate.issuer:
        raise RevocationUnknown("The revocation list is another issuer's. Fetch the list of the certificate's own issuer.")
    if not any(_is_signed_by(revocation_list, issuer) for issuer in issuers if _is_issued_by(certificate, issuer)):
        raise RevocationUnknown("The revocation list is not signed by the certificate's issuer. Fetch it again.")
    if now < revocation_list.last_update_utc:
        raise RevocationUnknown("The revocation list is from the future. Check the clock and fetch it again.")
    if revocation_list.next_update_utc is None or now >= revocation_list.next_update_utc:
        raise RevocationUnknown("The revocation list is stale. Fetch a fresh one.")
    for extension in revocation_list.extensions:
        value = extension.value
        whole = isinstance(value, x509.IssuingDistributionPoint) and not (
            value.only_contains_ca_certs or value.only_contains_attribute_certs or value.indirect_crl or value.only_some_reasons
        )
        # A partial list that lacks the certificate says nothing; RFC 5280 marks such lists with a critical extension.
        if extension.critical and not whole:
            raise RevocationUnknown("The revocation list is partial. Fetch the whole list.")


def _is_signed_by(revocation_list: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    usage = _extension(issuer, x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        return False
    key = issuer.public_key()
    try:
        return revocation_list.is_signature_valid(key)  # type: ignore[arg-type]  # raises TypeError for other kinds of key
    except (TypeError, InvalidSignature):
        return False


def _check_leaf(leaf: x509.Certificate, purpose: Purpose) -> None:
    constraints, usage = _extension(leaf, x509.BasicConstraints), _extension(leaf, x509.KeyUsage)
    if constraints is not None and constraints.ca:
        raise CertificateRefused(CertificateRefusal.IS_AUTHORITY, "The certificate is an issuer's own. Use an enterprise certificate.")
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise CertificateRefused(
            CertificateRefusal.KEY_KIND, f"The certificate's key is not RSA of {MIN_RSA_BITS} bits or more. Use another certificate."
        )
    if usage is None or not usage.digital_signature:
        raise CertificateRefused(
            CertificateRefusal.KEY_USAGE,
            "The certificate's key usage lacks digitalSignature. Use the enterprise certificate for authentication.",
        )
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is not None and not _allowed_usages(purpose) & set(extended):
        raise CertificateRefused(
            CertificateRefusal.EXTENDED_KEY_USAGE,
            f"The certificate's extended key usage does not let it be used {purpose.value}. Use another certificate.",
        )
    _check_extensions(leaf)


def _allowed_usages(purpose: Purpose) -> set[ObjectIdentifier]:
    match purpose:
        case Purpose.TLS:
            return {ExtendedKeyUsageOID.CLIENT_AUTH}
        case Purpose.BUNDLE:
            # The wire has one certificate for both (wire-spec.md 4.1); these are the usages under which such certificates sign.
            return {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION, _DOCUMENT_SIGNING}
        case _:
            assert_never(purpose)


def _path(leaf: x509.Certificate, issuers: Sequence[x509.Certificate], now: datetime) -> tuple[x509.Certificate, ...]:
    path: list[x509.Certificate] = []
    below = leaf
    # A renewed issuer has the same name and key as the old one: those valid now are asked first.
    issuers = sorted(issuers, key=lambda issuer: not _is_valid(issuer, now))
    while len(path) < MAX_PATH and not (path and below.issuer == below.subject):
        issuer = next((candidate for candidate in issuers if candidate not in path and _may_have_issued(candidate, below, len(path))), None)
        if issuer is None:
            break
        path.append(issuer)
        below = issuer
    if not path:
        raise CertificateRefused(
            CertificateRefusal.UNKNOWN_ISSUER,
            "The certificate is not issued by an accepted enterprise CA. Use a certificate of this environment.",
        )
    for certificate in (leaf, *path[:-1]):
        if not isinstance(certificate.signature_hash_algorithm, (hashes.SHA256, hashes.SHA384, hashes.SHA512)):
            raise CertificateRefused(
                CertificateRefusal.WEAK_SIGNATURE, "The certificate is signed with a weak digest algorithm. Use a newer certificate."
            )
    return tuple(path)


def _may_have_issued(issuer: x509.Certificate, certificate: x509.Certificate, authorities_between: int) -> bool:
    if not _is_issued_by(certificate, issuer):
        return False
    constraints, usage = _extension(issuer, x509.BasicConstraints), _extension(issuer, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        return False
    return constraints.path_length is None or constraints.path_length >= authorities_between


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_validity(leaf: x509.Certificate, path: Sequence[x509.Certificate], now: datetime) -> None:
    if now < leaf.not_valid_before_utc:
        raise CertificateRefused(
            CertificateRefusal.NOT_YET_VALID, f"The certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC."
        )
    if now > leaf.not_valid_after_utc:
        raise CertificateRefused(
            CertificateRefusal.EXPIRED,
            f"The certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC. Use a newer certificate.",
        )
    for issuer in path:
        if not _is_valid(issuer, now):
            raise CertificateRefused(
                CertificateRefusal.ISSUER_NOT_VALID,
                "An issuer above the certificate is not valid now. Use a certificate of a newer issuer.",
            )
        _check_extensions(issuer)


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _check_extensions(certificate: x509.Certificate) -> None:
    # RFC 5280: an unknown critical extension must end the validation. Name constraints count as unknown, since nothing here obeys them.
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.NameConstraints) or (extension.critical and not isinstance(extension.value, _KNOWN_CRITICAL)):
            raise CertificateRefused(
                CertificateRefusal.UNKNOWN_EXTENSION,
                f"The certificate or an issuer holds the extension {extension.oid.dotted_string}, which Segl does not know.",
            )


def _extension(certificate: x509.Certificate, kind: type[ExtensionT]) -> ExtensionT | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
