"""
The ten-minute certificate that binds a person who has just logged in to a key that signs once.

Source: RFC 5280, RFC 9608 (noRevAvail), ETSI EN 319 412-1, 5.1.3 (PNO semantics) and 5.2.2 (validity assured, short term).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from segl.signatures import der
from segl.signatures.certificate_paths import NO_REVOCATION_AVAILABLE

LIFETIME = timedelta(minutes=10)
BACKDATED = timedelta(seconds=60)
"""Validators on clocks a little behind must find SigningTime inside the validity."""

MAX_NAME_BYTES = 64

VALIDITY_ASSURED_SHORT_TERM = ObjectIdentifier("0.4.0.194121.2.1")


class UnableToIssue(Exception):
    """No certificate can be issued to the person. Check the person CA's certificate and the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSubject:
    """Who the certificate names. The identity number only when the job's identifier is number + name (issue line 21)."""

    name: str
    national_identity_number: str | None = None
    country: str = "NO"

    def __repr__(self) -> str:
        return "PersonSubject(…)"


def issue(
    *,
    certificate: x509.Certificate,
    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    public_key: ec.EllipticCurvePublicKey,
    subject: PersonSubject,
    serial: int,
    now: datetime,
) -> x509.Certificate:
    """
    Return a certificate of the person CA `certificate` with its `private_key`, valid from a minute before `now` for ten minutes.

    `serial` is a random positive number of at most 159 bits.

    :raises UnableToIssue: if the CA may not issue, or not for these ten minutes, or the name is empty.
    """
    begins = now.replace(microsecond=0) - BACKDATED
    ends = begins + LIFETIME
    if begins < certificate.not_valid_before_utc or ends > certificate.not_valid_after_utc:
        raise UnableToIssue("The person CA's certificate does not cover the next ten minutes. Renew it, or check the clock.")
    if not subject.name.strip():
        raise UnableToIssue("The log-in gave no name for the person. Ask the identity provider for the name claim.")
    try:
        issuer_key_identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound as error:
        raise UnableToIssue("The person CA's certificate has no subject key identifier. Make it anew.") from error
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    try:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name(_name_attributes(subject)))
            .issuer_name(certificate.subject)
            .public_key(public_key)
            .serial_number(serial)
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key_identifier), critical=False)
            .add_extension(x509.UnrecognizedExtension(NO_REVOCATION_AVAILABLE, der.NULL), critical=False)
            .add_extension(x509.UnrecognizedExtension(VALIDITY_ASSURED_SHORT_TERM, der.NULL), critical=False)
            .sign(private_key, hashes.SHA256())
        )
    except ValueError:
        # The cause quotes the name: it must not reach a log by way of the traceback.
        raise UnableToIssue("The person's name or the serial number cannot stand in a certificate. Check what the log-in gave.") from None


def _name_attributes(subject: PersonSubject) -> Sequence[x509.NameAttribute[str]]:
    # X.520 bounds commonName at 64, and cryptography counts bytes and warns at every reading of a longer one. The evidence has the whole name.
    name = subject.name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, subject.country), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if subject.national_identity_number is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, f"PNO{subject.country}-{subject.national_identity_number}"))
    return attributes
