"""An enterprise CA of two levels and enterprise certificates as Buypass and Commfides issue them, made in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, ObjectIdentifier

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
FAR_OFF = NOW + timedelta(days=400)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(which: str) -> rsa.RSAPrivateKey:
    """Return the key of this role; making one costs a tenth of a second, so each is made once a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if which == "weak" else 2048)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Key


def name(**attributes: str | list[str]) -> x509.Name:
    """Return a name from `C`, `O`, `CN`, `serialNumber` and `organizationIdentifier`; a list gives an attribute several times."""
    oids = {
        "C": NameOID.COUNTRY_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "serialNumber": NameOID.SERIAL_NUMBER,
        "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
        "CN": NameOID.COMMON_NAME,
    }
    pairs = [(oids[kind], value) for kind, values in attributes.items() for value in ([values] if isinstance(values, str) else values)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


SEID_2 = name(C="NO", O="Bolig AS", organizationIdentifier="NTRNO-987654321", CN="Bolig AS")
SEID_1 = name(C="NO", O="Bolig AS", serialNumber="987654321", CN="Bolig AS")
USAGE_OFF = dict.fromkeys(
    [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ],
    False,
)


def usage(*kinds: str) -> x509.KeyUsage:
    """Return a key usage with just these kinds."""
    return x509.KeyUsage(**(USAGE_OFF | dict.fromkeys(kinds, True)))


def issue(
    subject: x509.Name,
    key: Key,
    *,
    issuer: Holder | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    not_before: datetime = LONG_AGO,
    not_after: datetime = FAR_OFF,
    digest: hashes.HashAlgorithm | None = None,
    serial: int = 0x1FB2_04AC,
) -> x509.Certificate:
    """Return a certificate; without `issuer` it is self-signed. `extensions` are pairs of value and criticality."""
    builder = x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer.certificate.subject if issuer else subject,
        public_key=key.public_key(),
        serial_number=serial,
        not_valid_before=not_before,
        not_valid_after=not_after,
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(issuer.key if issuer else key, digest or hashes.SHA256())


def authority(common_name: str, *, issuer: Holder | None = None, path_length: int | None = None, **more: datetime) -> Holder:
    """Return a CA of this name with a key of its own."""
    key = rsa_key(common_name)
    extensions = ((x509.BasicConstraints(ca=True, path_length=path_length), True), (usage("key_cert_sign", "crl_sign"), True))
    return Holder(certificate=issue(name(C="NO", CN=common_name), key, issuer=issuer, extensions=extensions, **more), key=key)


@cache
def root() -> Holder:
    return authority("Test Root CA")


@cache
def issuing() -> Holder:
    return authority("Test Class 3 CA", issuer=root(), path_length=0)


GOOD_EXTENSIONS = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (usage("digital_signature", "key_encipherment"), True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
)


def enterprise(
    subject: x509.Name = SEID_2,
    *,
    issuer: Holder | None = None,
    key: Key | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = GOOD_EXTENSIONS,
    **more: object,
) -> Holder:
    """Return a good enterprise certificate, but for what is given."""
    key = key or rsa_key("enterprise")
    return Holder(certificate=issue(subject, key, issuer=issuer or issuing(), extensions=extensions, **more), key=key)  # type: ignore[arg-type]  # passed on


@cache
def sender() -> Holder:
    """Return the enterprise that sends bundles in these tests, organization number 987654321."""
    return enterprise()


@cache
def unreadable_certificates() -> dict[str, bytes]:
    """Return DER that cryptography refuses, now or when the part is asked for; OpenSSL reads some of it. Nobody signed them."""
    good = sender().certificate.public_bytes(Encoding.DER)

    def extended(*extensions: tuple[ObjectIdentifier, bytes]) -> bytes:
        unknown = tuple((x509.UnrecognizedExtension(oid, value), False) for oid, value in extensions)
        return enterprise(extensions=(*GOOD_EXTENSIONS, *unknown)).certificate.public_bytes(Encoding.DER)

    first, second = ObjectIdentifier("1.2.3.4"), ObjectIdentifier("1.2.3.5")
    return {
        "nothing in it": b"",
        "a byte too few": good[:-1],
        "a byte too many": good + b"\0",
        "a version that X.509 does not have": good.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020107"), 1),
        "an extension twice": extended((first, b"\5\0"), (second, b"\5\0")).replace(b"\x2a\3\5", b"\x2a\3\4"),
        "an extension that is cut off": extended((ExtensionOID.CERTIFICATE_POLICIES, b"\x30\x05\x30")),
        "an unknown kind of name": extended((ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x04\xa3\x02\x30\x00")),
        "a subject that is no text": good.replace(b"Bolig AS", b"Bolig \xff\xfe"),
        "a subject of bits": good.replace(b"\x0c\x08Bolig AS", b"\x03\x08\0olig AS"),
        "a key of an unknown kind": good.replace(bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010163"), 1),
        "a date that is none": good.replace(f"{LONG_AGO:%y%m%d}".encode(), b"251399", 1),
    }


def issuers() -> tuple[x509.Certificate, ...]:
    """Return what Segl accepts: the issuing and the root certificate."""
    return (issuing().certificate, root().certificate)
