"""Certificates for the door's tests: one enterprise CA as senders' are, and everything that must not get in."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
ORGANIZATION_IDENTIFIER = NameOID.ORGANIZATION_IDENTIFIER


@lru_cache
def rsa_key(number: int) -> rsa.RSAPrivateKey:
    """Return one of a few RSA keys: making them is the slow part."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def name(*parts: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


@dataclass
class Ca:
    """A CA of the tests."""

    common_name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    above: Ca | None = None
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        subject = name((NameOID.COUNTRY_NAME, "NO"), (NameOID.COMMON_NAME, self.common_name))
        signer = self.above or self
        builder = _builder(subject, self.above.certificate.subject if self.above else subject, self.key, NOW - DAY, NOW + 100 * DAY)
        self.certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(signer.key, hashes.SHA256())
        )

    def issue(
        self,
        subject: x509.Name,
        *,
        key: rsa.RSAPrivateKey | None = None,
        starts: datetime.datetime = NOW - DAY,
        ends: datetime.datetime = NOW + 30 * DAY,
        purpose: ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
        serial_number: int | None = None,
    ) -> x509.Certificate:
        builder = _builder(subject, self.certificate.subject, key or rsa_key(1), starts, ends, serial_number)
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def revocation_list(
        self,
        *revoked: x509.Certificate,
        this_update: datetime.datetime = NOW - datetime.timedelta(hours=1),
        next_update: datetime.datetime = NOW + DAY,
        extension: x509.ExtensionType | None = None,
    ) -> bytes:
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject).last_update(this_update)
        builder = builder.next_update(next_update)
        for certificate in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(this_update).build()
            builder = builder.add_revoked_certificate(entry)
        if extension is not None:
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def write(folder: Path, label: str, *certificates: x509.Certificate, key: rsa.RSAPrivateKey | None = None) -> tuple[Path, Path]:
    """Write `label`.pem and `label`.key and return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pem, private = folder / f"{label}.pem", folder / f"{label}.key"
    pem.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))
    private.write_bytes((key or rsa_key(1)).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pem, private


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    starts: datetime.datetime,
    ends: datetime.datetime,
    serial_number: int | None = None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial_number or x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
    )


def _usage(**marked: bool) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{one: marked.get(one, False) for one in every})
