"""
A small PKI of the shape Segl's sandbox has: person CA, time-stamp authority and seal, each under a root of its own, with revocation lists.

Keys are made once for the whole run: an RSA-3072 key takes a tenth of a second and more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from segl.sandbox import time_stamp_authority
from segl.signatures import time_stamp_tokens

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

NOW = datetime.now(UTC).replace(microsecond=0)
YEARS = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A certificate with its key."""

    certificate: x509.Certificate
    private_key: Key


def usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=not is_authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def certify(
    name: str,
    private_key: Key,
    *,
    issuer: Holder | None = None,
    is_authority: bool = False,
    extended: x509.ExtendedKeyUsage | None = None,
    is_extended_critical: bool = True,
    begins: datetime | None = None,
    serial: int | None = None,
) -> Holder:
    subject = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "NO"), x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = begins or NOW - timedelta(days=1)
    public_key = private_key.public_key()
    issuer_key = issuer.private_key if issuer else private_key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public_key)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + YEARS)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage(is_authority=is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if extended is not None:
        builder = builder.add_extension(extended, critical=is_extended_critical)
    return Holder(certificate=builder.sign(issuer_key, hashes.SHA256()), private_key=private_key)


def revocation_list(
    issuer: Holder, *, revoked: tuple[x509.Certificate, ...] = (), at: datetime | None = None, lifetime: timedelta = timedelta(days=1)
) -> x509.CertificateRevocationList:
    at = at or NOW - timedelta(minutes=5)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(at)
        .next_update(at + lifetime)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.private_key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(at).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.private_key, hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pki:
    person_root: Holder
    person_ca: Holder
    tsa_root: Holder
    tsa: Holder
    seal_root: Holder
    seal: Holder
    stranger: Holder
    """Signs like a root, and nobody trusts it."""

    @property
    def roots(self) -> list[x509.Certificate]:
        return [self.person_root.certificate, self.tsa_root.certificate, self.seal_root.certificate]

    @property
    def certificates(self) -> list[x509.Certificate]:
        return [*self.roots, self.person_ca.certificate, self.tsa.certificate, self.seal.certificate]

    def revocation_lists(self, *, at: datetime | None = None) -> list[x509.CertificateRevocationList]:
        return [revocation_list(root, at=at) for root in (self.person_root, self.tsa_root, self.seal_root)]

    def time_stamps(self, *, at: datetime = NOW, authority: Holder | None = None) -> Callable[[bytes], bytes]:
        """Return the authority as a function from digest to token."""
        holder = authority or self.tsa

        def time_stamp(imprint: bytes) -> bytes:
            response = time_stamp_authority.answer(
                time_stamp_tokens.request(imprint, nonce=7),
                certificate=holder.certificate,
                chain=(self.tsa_root.certificate,),
                private_key=holder.private_key,
                now=at,
            )
            return time_stamp_tokens.token_in_response(response, imprint=imprint, nonce=7, roots=[self.tsa_root.certificate])

        return time_stamp


TIME_STAMPING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])


def elliptic() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def pki() -> Pki:
    person_root = certify("Test person root", elliptic(), is_authority=True)
    tsa_root = certify("Test time-stamp root", elliptic(), is_authority=True)
    seal_root = certify("Test seal root", elliptic(), is_authority=True)
    return Pki(
        person_root=person_root,
        person_ca=certify("Test person CA", elliptic(), issuer=person_root, is_authority=True),
        tsa_root=tsa_root,
        tsa=certify("Test time-stamp authority", elliptic(), issuer=tsa_root, extended=TIME_STAMPING),
        seal_root=seal_root,
        seal=certify("Test seal", rsa.generate_private_key(public_exponent=65537, key_size=3072), issuer=seal_root),
        stranger=certify("Test stranger", elliptic(), is_authority=True),
    )
