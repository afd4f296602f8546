"""
How a certificate is led back to a trusted root, and which revocation lists speak of the way there.

Source: RFC 5280, 6.1 and 6.3, restricted to what a private PKI uses: no name constraints, no policies, lists signed by the issuer itself.
certificates.py leads senders' certificates by another rule: each accepted CA is trusted without its root, and needs no key usage extension.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID, ObjectIdentifier

NO_REVOCATION_AVAILABLE = ObjectIdentifier("2.5.29.56")
"""RFC 9608, 2: no revocation information will ever be published for this certificate."""

_KNOWN = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.CERTIFICATE_POLICIES,
}


UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OSError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography and asn1crypto let out on damaged certificates, lists and signatures, some of it only when a part is asked for."""


class NoPath(Exception):
    """A certificate does not lead back to a trusted root. Check the chain that came with it and the roots."""


class NotRevocable(Exception):
    """The revocation lists at hand do not prove that a certificate was good. Fetch a fresh list of its issuer."""


@lru_cache(maxsize=1024)  # it depends on these two alone, and the same few authorities come with every signature
def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether `issuer` names and signed `certificate` and may sign certificates."""
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except (InvalidSignature, x509.ExtensionNotFound, *UNREADABLE):
        return False
    return constraints.ca and usage.key_cert_sign


def path(
    certificate: x509.Certificate, *, certificates: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> tuple[x509.Certificate, ...]:
    """
    Return the certificate, its issuers and the trusted root, in that order, each valid at `at`.

    :raises NoPath: if no way leads to one of `roots`, a certificate on it is out of date, or one holds a critical extension unknown here.
    """
    way = [certificate]
    while True:
        lowest = way[-1]
        _refuse_unfit(lowest, at=at)
        if lowest in roots:
            return _within_lengths(tuple(way))
        root = next((each for each in roots if is_issued_by(lowest, each)), None)
        issuer = root or next((each for each in certificates if each not in way and is_issued_by(lowest, each)), None)
        if issuer is None:
            raise NoPath("No trusted root stands above the certificate. Add its issuers, or trust its root.")
        if len(way) > 8:
            raise NoPath("The chain above the certificate is longer than eight. Shorten it.")
        way.append(issuer)


def _refuse_unfit(certificate: x509.Certificate, *, at: datetime) -> None:
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise NoPath(f"Certificate {certificate.serial_number:x} is not valid at {at.isoformat()}. Check its dates and the clock.")
    try:
        unknown = [each.oid.dotted_string for each in certificate.extensions if each.critical and each.oid not in _KNOWN]
    except UNREADABLE as error:
        raise NoPath(f"Certificate {certificate.serial_number:x} has extensions that cannot be read. Replace it.") from error
    if unknown:
        raise NoPath(f"Certificate {certificate.serial_number:x} holds the unknown critical extension {unknown[0]}. Replace it.")


def _within_lengths(way: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    for below, issuer in enumerate(way[1:]):
        length = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        if length is not None and below > length:
            raise NoPath(f"Certificate {issuer.serial_number:x} allows {length} authorities below it and has {below}. Correct the chain.")
    return way


def needs_revocation_data(certificate: x509.Certificate) -> bool:
    """Return False for a certificate of which no list will ever speak (RFC 9608)."""
    return all(each.oid != NO_REVOCATION_AVAILABLE for each in certificate.extensions)


def revocation_list_for(
    certificate: x509.Certificate, issuer: x509.Certificate, revocation_lists: Sequence[x509.CertificateRevocationList], *, at: datetime
) -> x509.CertificateRevocationList:
    """
    Return the newest list of `issuer` that may be used for `certificate` at `at` and does not name it.

    A list made before the certificate's validity began proves nothing of it (EU DSS refuses it: a list kept from before a key change).
    One made after `at` is welcome: it proves more.

    :raises NotRevocable: if there is none, or it names the certificate.
    """
    fit = [
        each
        for each in revocation_lists
        if each.issuer == issuer.subject
        and each.last_update_utc >= certificate.not_valid_before_utc
        and (each.next_update_utc is None or each.next_update_utc > at)
        and _is_signed_by(each, issuer)
    ]
    serial = f"{certificate.serial_number:x}"
    if not fit:
        raise NotRevocable(f"No revocation list in force speaks of certificate {serial}. Fetch a fresh list of its issuer.")
    newest = max(fit, key=lambda each: each.last_update_utc)
    if newest.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        raise NotRevocable(f"Certificate {serial} is revoked. Replace it.")
    return newest


def _is_signed_by(revocation_list: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    try:
        return revocation_list.is_signature_valid(key)  # type: ignore[arg-type]
    except UNREADABLE:
        return False
