"""
What Segl's certificates look like: roots, issuing CAs, the person CA and the seal.

The extensions are those that EU DSS 6.4 was seen to want of a private PKI and that RFC 5280 asks of every conforming CA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

SANDBOX_ORGANIZATION = "Segl sandbox"
"""Subject organization (O) of everything the sandbox makes: production refuses keys that carry it."""

SEAL_KEY_BITS = 3072  # ETSI TS 119 312 puts an end date on shorter RSA keys
RSA_EXPONENT = 65537


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """From `not_before` up to `not_after`, aware UTC."""

    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """A certificate that signs others, with its key; `certificate` None makes the new certificate its own issuer."""

    certificate: x509.Certificate | None
    private_key: PrivateKey


def new_ec_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def new_rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Make an RSA key of `bits` bits; 3072 bits take some tenths of a second."""
    return rsa.generate_private_key(public_exponent=RSA_EXPONENT, key_size=bits)


def subject(*, organization: str, common_name: str, organization_number: str | None = None, is_seid_2: bool = False) -> x509.Name:
    """Return a Norwegian enterprise subject; the number stands as serialNumber (SEID 1) or organizationIdentifier (SEID 2)."""
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, "NO"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)]
    if organization_number is not None and is_seid_2:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, f"NTRNO-{organization_number}"))
    elif organization_number is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, organization_number))
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64]))  # X.520 ub-common-name
    return x509.Name(attributes)


def key_usage(*, signs: bool = False, binds: bool = False, enciphers: bool = False, issues: bool = False) -> x509.KeyUsage:
    """Return the key usage: `signs` digitalSignature, `binds` nonRepudiation, `enciphers` keyEncipherment, `issues` keyCertSign and cRLSign."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=binds,
        key_encipherment=enciphers,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )


def certificate(
    *,
    name: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    issuer: Issuer,
    validity: Validity,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    revocation_list_url: str | None,
) -> x509.Certificate:
    """
    Issue one certificate with SKI, AKI, the given (extension, critical) pairs and a CRL address.

    A certificate never outlives its issuer, else validators differ in what they say of it.
    """
    issuer_name = name if issuer.certificate is None else issuer.certificate.subject
    not_after = validity.not_after if issuer.certificate is None else min(validity.not_after, issuer.certificate.not_valid_after_utc)
    issuer_public_key = issuer.private_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public_key), critical=False)
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    if revocation_list_url is not None:
        point = x509.DistributionPoint(
            full_name=[x509.UniformResourceIdentifier(revocation_list_url)], relative_name=None, reasons=None, crl_issuer=None
        )
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder.sign(issuer.private_key, hashes.SHA256())


def root(*, name: x509.Name, private_key: PrivateKey, validity: Validity) -> x509.Certificate:
    """Issue a self-signed root. It has no CRL address: nobody above could revoke it."""
    return certificate(
        name=name,
        public_key=private_key.public_key(),
        issuer=Issuer(certificate=None, private_key=private_key),
        validity=validity,
        extensions=[(x509.BasicConstraints(ca=True, path_length=None), True), (key_usage(issues=True), True)],
        revocation_list_url=None,
    )


def issuing_ca(
    *,
    name: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    issuer: Issuer,
    validity: Validity,
    revocation_list_url: str | None,
) -> x509.Certificate:
    """Issue a CA that may issue end certificates only (pathLen 0): the enterprise issuing CA and the person CA."""
    return certificate(
        name=name,
        public_key=public_key,
        issuer=issuer,
        validity=validity,
        extensions=[(x509.BasicConstraints(ca=True, path_length=0), True), (key_usage(issues=True), True)],
        revocation_list_url=revocation_list_url,
    )


def seal(
    *, name: x509.Name, public_key: rsa.RSAPublicKey, issuer: Issuer, validity: Validity, revocation_list_url: str | None
) -> x509.Certificate:
    """Issue the organization's seal: digitalSignature and nonRepudiation, and no extended key usage, which would only narrow it."""
    return certificate(
        name=name,
        public_key=public_key,
        issuer=issuer,
        validity=validity,
        extensions=[(x509.BasicConstraints(ca=False, path_length=None), True), (key_usage(signs=True, binds=True), True)],
        revocation_list_url=revocation_list_url,
    )


def revocation_list(
    certificate: x509.Certificate,
    private_key: PrivateKey,
    *,
    at: datetime,
    fresh_for: timedelta,
    revoked: Sequence[x509.RevokedCertificate] = (),
) -> x509.CertificateRevocationList:
    """Return the list of the CA `certificate`, issued at `at` and good for `fresh_for` (RFC 5280, profile v2: number and key identifier)."""
    issued_at = at.replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(issued_at)
        .next_update(issued_at + fresh_for)
        .add_extension(x509.CRLNumber(int(issued_at.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(private_key.public_key()), critical=False)
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(private_key, hashes.SHA256())
