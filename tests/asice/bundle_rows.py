"""Rows of refused bundles: changed after signing, out of time, by certificates that may not sign, or packed otherwise; and all rows together."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha1, sha256, sha512

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from segl.asice.refusal import Refusal

from .enterprise import (
    GOOD_EXTENSIONS,
    NOW,
    SEID_1,
    SEID_2,
    Holder,
    authority,
    enterprise,
    issue,
    issuing,
    name,
    rsa_key,
    sender,
    unreadable_certificates,
    usage,
)
from .signature_rows import ALGORITHMS, AS_CLIENTS, DOCUMENTS, REFERENCES, Row, both, drop, put, swap, swap_pattern
from .wrapping_rows import WRAPPINGS


def resigned_with_another_key() -> Holder:
    return Holder(certificate=sender().certificate, key=rsa_key("stranger"))


def resigned(change: Callable[[bytes], bytes]) -> Callable[[str], str]:
    """Return a change of the signature value."""

    def changed(text: str) -> str:
        value = b64decode(re.findall("<SignatureValue>([^<]*)", text)[0].replace("&#13;", ""))
        return swap_pattern("<SignatureValue>[^<]*", f"<SignatureValue>{b64encode(change(value)).decode()}")(text)

    return changed


@dataclass(frozen=True, slots=True)
class PssKey:
    """Signs with RSA-PSS whatever padding is asked for."""

    key: rsa.RSAPrivateKey

    def sign(self, data: bytes, _: padding.PKCS1v15, algorithm: hashes.HashAlgorithm) -> bytes:
        return self.key.sign(data, padding.PSS(padding.MGF1(algorithm), padding.PSS.MAX_LENGTH), algorithm)


@dataclass(frozen=True, slots=True)
class Sha1Key:
    """Signs over a SHA-1 digest whatever digest is asked for."""

    key: rsa.RSAPrivateKey

    def sign(self, data: bytes, scheme: padding.PKCS1v15, _: hashes.HashAlgorithm) -> bytes:
        return self.key.sign(data, scheme, hashes.SHA1())


def named(der: bytes) -> Callable[[str], str]:
    """Return a change that puts this certificate into KeyInfo and its digest into SigningCertificate."""
    return both(
        swap_pattern("<X509Certificate>[^<]*", f"<X509Certificate>{b64encode(der).decode()}"),
        swap_pattern("<ns2:DigestValue>[^<]*", f"<ns2:DigestValue>{b64encode(sha1(der).digest()).decode()}"),
    )


def certificate_element(certificate: x509.Certificate) -> str:
    return f"<X509Certificate>{b64encode(certificate.public_bytes(Encoding.DER)).decode()}</X509Certificate>"


CHANGES = [
    Row(
        what="a changed document",
        entries=put("a.pdf", b"%PDF-1.7 A"),
        reason=Refusal.DIGEST,
        message="The bytes of the file of reference number 1 are not what was signed. Sign the bundle after its last change.",
    ),
    Row(
        what="a changed manifest",
        entries=lambda entries: {**entries, "manifest.xml": entries["manifest.xml"] + b"\n"},
        reason=Refusal.DIGEST,
        message="The bytes of the file of reference number 3 are not what was signed. Sign the bundle after its last change.",
    ),
    Row(
        what="two documents that changed places",
        entries=lambda entries: {**entries, "a.pdf": entries["b.pdf"], "b.pdf": entries["a.pdf"]},
        reason=Refusal.DIGEST,
        message="The bytes of the file of reference number 1 are not what was signed. Sign the bundle after its last change.",
    ),
    Row(
        what="a changed signing time",
        after=swap_pattern(r"<SigningTime>2026-03-02T10:15:00", "<SigningTime>2026-03-02T10:15:01"),
        reason=Refusal.DIGEST,
        message="The signed properties are not what was signed. Sign the bundle after its last change.",
    ),
    Row(
        what="a changed document with its digest changed too",
        entries=put("a.pdf", b""),
        after=swap_pattern(r'(URI="a\.pdf">.*?<DigestValue>)[^<]*', r"\g<1>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        reason=Refusal.SIGNATURE_VALUE,
        message="The signature value does not hold with the bundle's certificate. Sign the bundle again.",
    ),
    Row(
        what="a reference with another URI after signing",
        entries=lambda entries: {("c.pdf" if key == "a.pdf" else key): value for key, value in entries.items()},
        after=swap('URI="a.pdf"', 'URI="c.pdf"'),
        reason=Refusal.SIGNATURE_VALUE,
        message="The signature value does not hold with the bundle's certificate. Sign the bundle again.",
    ),
    Row(
        what="an empty signature value",
        after=swap_pattern("<SignatureValue>.*?</SignatureValue>", "<SignatureValue/>"),
        reason=Refusal.SIGNATURE_VALUE,
        message="The signature value does not hold with the bundle's certificate. Sign the bundle again.",
    ),
    Row(
        what="another key than the certificate's",
        signer=resigned_with_another_key,
        reason=Refusal.SIGNATURE_VALUE,
        message="The signature value does not hold with the bundle's certificate. Sign the bundle again.",
    ),
    Row(
        what="another certificate digest",
        before=swap_pattern(r"<ns2:DigestValue>[^<]*", f"<ns2:DigestValue>{b64encode(bytes(20)).decode()}"),
        reason=Refusal.CERTIFICATE_DIGEST,
        message="SigningCertificate does not name exactly one certificate of KeyInfo. Sign with the certificate that is named.",
    ),
    Row(
        what="the issuer named as the signer",
        before=lambda text: text.replace(
            re.findall(r"<ns2:DigestValue>([^<]*)", text)[0],
            b64encode(issuing().certificate.fingerprint(hashes.SHA1())).decode(),
        ),
        chain=lambda: (issuing().certificate,),
        reason=Refusal.SIGNATURE_VALUE,
        message="The signature value does not hold with the bundle's certificate. Sign the bundle again.",
    ),
    Row(
        what="the signer's certificate twice",
        chain=lambda: (sender().certificate,),
        reason=Refusal.CERTIFICATE_DIGEST,
        message="SigningCertificate does not name exactly one certificate of KeyInfo. Sign with the certificate that is named.",
    ),
    *(
        Row(
            what=f"a signature value {what}",
            after=resigned(change),
            reason=Refusal.SIGNATURE_VALUE,
            message="The signature value does not hold with the bundle's certificate. Sign the bundle again.",
        )
        for what, change in [
            ("a byte too short", lambda value: value[:-1]),
            ("a byte too long", lambda value: value + b"\0"),
            ("with a zero before it", lambda value: b"\0" + value),
            ("of zeros", lambda value: bytes(len(value))),
            ("of one", lambda value: bytes(len(value) - 1) + b"\1"),
            ("larger than the key", lambda value: b"\xff" * len(value)),
            ("of a megabit", lambda value: b"\x5a" * 131_072),
            ("backwards", lambda value: value[::-1]),
        ]
    ),
    *(
        Row(
            what=f"signed by {what}",
            signer=lambda make=make: Holder(certificate=sender().certificate, key=make(rsa_key("enterprise"))),
            reason=Refusal.SIGNATURE_VALUE,
            message="The signature value does not hold with the bundle's certificate. Sign the bundle again.",
        )
        for what, make in [("RSA-PSS", PssKey), ("a digest of SHA-1", Sha1Key)]
    ),
    *(
        Row(
            what=f"a file's digest {what}",
            before=swap("<DigestValue></DigestValue>", f"<DigestValue>{b64encode(value).decode()}</DigestValue>"),
            reason=Refusal.DIGEST,
            message="The bytes of the file of reference number 1 are not what was signed. Sign the bundle after its last change.",
        )
        for what, value in [
            ("cut short", sha256(DOCUMENTS["a.pdf"]).digest()[:16]),
            ("with a byte more", sha256(DOCUMENTS["a.pdf"]).digest() + b"\0"),
            ("in hexadecimal", sha256(DOCUMENTS["a.pdf"]).hexdigest().encode()),
            ("of another file", sha256(DOCUMENTS["b.pdf"]).digest()),
            ("of SHA-512", sha512(DOCUMENTS["a.pdf"]).digest()),
        ]
    ),
    Row(
        what="a file without digest",
        before=swap("<DigestValue></DigestValue>", "<DigestValue/>"),
        reason=Refusal.DIGEST,
        message="The bytes of the file of reference number 1 are not what was signed. Sign the bundle after its last change.",
    ),
    Row(
        what="signed properties without digest",
        before=swap_pattern(r"(<Transforms>.*?)<DigestValue></DigestValue>", r"\1<DigestValue/>"),
        reason=Refusal.DIGEST,
        message="The signed properties are not what was signed. Sign the bundle after its last change.",
    ),
    Row(
        what="the certificate of another",
        after=swap_pattern("<X509Certificate>.*</X509Certificate>", certificate_element(issuing().certificate)),
        reason=Refusal.CERTIFICATE_DIGEST,
        message="SigningCertificate does not name exactly one certificate of KeyInfo. Sign with the certificate that is named.",
    ),
    Row(
        what="the certificate of another of the same key, named after signing",
        after=lambda text: named(enterprise(SEID_1).certificate.public_bytes(Encoding.DER))(text),
        reason=Refusal.DIGEST,
        message="The signed properties are not what was signed. Sign the bundle after its last change.",
    ),
    Row(
        what="no certificate in base64",
        after=swap_pattern("<X509Certificate>.*</X509Certificate>", "<X509Certificate>-----BEGIN CERTIFICATE-----</X509Certificate>"),
        reason=Refusal.SIGNATURE_XML,
        message="The element X509Certificate does not hold base64. Sign the bundle again.",
    ),
    Row(
        what="eleven certificates",
        before=lambda text: text.replace("</X509Data>", certificate_element(issuing().certificate) * 10 + "</X509Data>"),
        reason=Refusal.SIGNATURE_SHAPE,
        message="The element X509Data holds 11 of the element X509Certificate in its place, not 1 to 10" + AS_CLIENTS,
    ),
]

FAR = "SigningTime is more than 300 seconds from Segl's clock. Set the sender's clock and sign again."
NOT_A_TIME = "SigningTime is not a date and time with offset. Write it so."

TIMES = [
    Row(what="signed long ago", offset=timedelta(seconds=-301), reason=Refusal.SIGNING_TIME, message=FAR),
    Row(what="signed in the future", offset=timedelta(seconds=301), reason=Refusal.SIGNING_TIME, message=FAR),
    *(
        Row(
            what=f"signed at {text}",
            before=swap_pattern("<SigningTime>[^<]*", f"<SigningTime>{text}"),
            reason=Refusal.SIGNING_TIME,
            message=NOT_A_TIME,
        )
        for text in (
            "2026-03-02T09:15:00",
            "2026-03-02",
            "",
            "2026-02-30T09:15:00Z",
            "2026-03-02T09:15:00+99:00",
            "0001-01-01T00:00:00+14:00",
            "10000-01-01T00:00:00Z",
            "-2026-03-02T09:15:00Z",
            "2026-03-02T24:00:01Z",
            "2026-03-02T09:15:60Z",
            "2026-03-02T09:15:00.1234567890Z",
            "2026-03-02T09:15:00,5Z",
            "2026-03-02T09:15:00z",
            "2026-03-02 09:15:00Z",
            "2026-03-02T09:15:00+0100",
            "2026-3-2T9:15:00Z",
            "２０２６-03-02T09:15:00Z",
            "20260302T091500Z",
            "1772442900",
        )
    ),
]


def refused_holder(**more: object) -> Callable[[], Holder]:
    return lambda: enterprise(**more)  # type: ignore[arg-type]  # a table of arguments


CERTIFICATES = [
    Row(
        what="a certificate of another CA",
        signer=lambda: enterprise(issuer=authority("Stranger CA")),
        reason=Refusal.CERTIFICATE,
        message=(
            "The bundle's certificate is refused. The certificate is not issued by an accepted enterprise CA. "
            "Use a certificate of this environment."
        ),
        requirements=("R44",),
    ),
    Row(
        what="a CA of the same name and another key",
        signer=lambda: enterprise(issuer=Holder(certificate=issuing().certificate, key=rsa_key("stranger"))),
        reason=Refusal.CERTIFICATE,
        message=(
            "The bundle's certificate is refused. The certificate is not issued by an accepted enterprise CA. "
            "Use a certificate of this environment."
        ),
        requirements=("R44",),
    ),
    Row(
        what="an expired certificate",
        signer=refused_holder(not_after=NOW - timedelta(minutes=1)),
        reason=Refusal.CERTIFICATE,
        message="The bundle's certificate is refused. The certificate expired on 2026-03-02 09:14 UTC. Use a newer certificate.",
    ),
    Row(
        what="a certificate that is not valid yet",
        signer=refused_holder(not_before=NOW + timedelta(minutes=1)),
        reason=Refusal.CERTIFICATE,
        message="The bundle's certificate is refused. The certificate is not valid before 2026-03-02 09:16 UTC.",
    ),
    Row(
        what="a certificate for encryption only",
        signer=refused_holder(extensions=((usage("key_encipherment"), True),)),
        reason=Refusal.CERTIFICATE,
        message=(
            "The bundle's certificate is refused. The certificate's key usage lacks digitalSignature. "
            "Use the enterprise certificate for authentication."
        ),
    ),
    Row(
        what="a certificate for servers only",
        signer=refused_holder(extensions=(*GOOD_EXTENSIONS[:2], (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))),
        reason=Refusal.CERTIFICATE,
        message=(
            "The bundle's certificate is refused. The certificate's extended key usage does not let it be used to sign a document bundle. "
            "Use another certificate."
        ),
    ),
    Row(
        what="a certificate without organization number",
        signer=refused_holder(subject=name(C="NO", CN="Bolig AS")),
        reason=Refusal.CERTIFICATE,
        message=(
            "The bundle's certificate is refused. The certificate's subject holds no Norwegian organization number. "
            "Use an enterprise certificate from Buypass or Commfides."
        ),
    ),
    Row(
        what="an EC certificate",
        signer=lambda: Holder(certificate=enterprise(key=ec.generate_private_key(ec.SECP256R1())).certificate, key=rsa_key("enterprise")),
        reason=Refusal.CERTIFICATE,
        message="The key of the bundle's certificate is not RSA. Use an enterprise certificate.",
    ),
    Row(
        what="an issuer's own certificate",
        signer=issuing,
        reason=Refusal.CERTIFICATE,
        message="The bundle's certificate is refused. The certificate is an issuer's own. Use an enterprise certificate.",
    ),
    Row(
        what="a certificate that issued itself",
        signer=lambda: Holder(certificate=issue(SEID_2, rsa_key("enterprise"), extensions=GOOD_EXTENSIONS), key=rsa_key("enterprise")),
        reason=Refusal.CERTIFICATE,
        message=(
            "The bundle's certificate is refused. The certificate is not issued by an accepted enterprise CA. "
            "Use a certificate of this environment."
        ),
        requirements=("R44",),
    ),
    Row(
        what="a weak key",
        signer=refused_holder(key=rsa_key("weak")),
        reason=Refusal.CERTIFICATE,
        message="The bundle's certificate is refused. The certificate's key is not RSA of 2048 bits or more. Use another certificate.",
    ),
    Row(
        what="a certificate with an unknown critical extension",
        signer=refused_holder(extensions=(*GOOD_EXTENSIONS, (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0"), True))),
        reason=Refusal.CERTIFICATE,
        message="The bundle's certificate is refused. The certificate or an issuer holds the extension 1.2.3.4, which Segl does not know.",
    ),
    *(
        Row(
            what=f"a certificate with {what}",
            before=lambda text, what=what: named(unreadable_certificates()[what])(text),
            reason=Refusal.CERTIFICATE,
            message="The bundle's certificate cannot be read. Use another certificate.",
        )
        for what in unreadable_certificates()
    ),
    Row(
        what="a certificate that is not one",
        before=named(b""),
        reason=Refusal.CERTIFICATE,
        message="The bundle's certificate cannot be read. Use another certificate.",
    ),
]

PACKAGES = [
    Row(
        what="a second signature file",
        entries=lambda entries: {**entries, "META-INF/signatures2.xml": entries["META-INF/signatures.xml"]},
        reason=Refusal.UNEXPECTED_ENTRY,
        message="Entry number 5 of the bundle stands in META-INF, where only signatures.xml may stand. Build the bundle without it.",
    ),
    Row(
        what="META-INF/manifest.xml",
        entries=put("META-INF/manifest.xml", b"<manifest/>"),
        reason=Refusal.UNEXPECTED_ENTRY,
        message="Entry number 5 of the bundle stands in META-INF, where only signatures.xml may stand. Build the bundle without it.",
    ),
    Row(
        what="a folder called meta-inf",
        entries=put("meta-inf/x.xml", b"<manifest/>"),
        reason=Refusal.UNEXPECTED_ENTRY,
        message="Entry number 5 of the bundle stands in META-INF, where only signatures.xml may stand. Build the bundle without it.",
    ),
    Row(
        what="a document in a folder",
        entries=put("folder/paper.pdf", b"x"),
        reason=Refusal.NAME,
        message="The name of entry number 5 in the bundle leads into a folder. Put the file beside manifest.xml.",
    ),
    Row(
        what="no signature file",
        entries=drop("META-INF/signatures.xml"),
        reason=Refusal.SIGNATURE_MISSING,
        message="The bundle holds no META-INF/signatures.xml. Sign the bundle.",
    ),
    Row(
        what="no manifest",
        entries=drop("manifest.xml"),
        reason=Refusal.MANIFEST_MISSING,
        message="The bundle holds no manifest.xml. Add the manifest and sign again.",
    ),
    *(
        Row(
            what=f"a mimetype of {content!r}",
            entries=put("mimetype", content),
            reason=Refusal.MIMETYPE,
            message='The entry mimetype does not hold "application/vnd.etsi.asic-e+zip". Leave it out or mend it.',
        )
        for content in (b"", b"application/vnd.etsi.asic-e+zip\n", b"application/vnd.etsi.asic-s+zip", b"\xff")
    ),
    *(
        Row(
            what=f"a file {file}",
            entries=put(file, b"x"),
            reason=Refusal.UNEXPECTED_ENTRY,
            message="Entry number 5 of the bundle stands in META-INF, where only signatures.xml may stand. Build the bundle without it.",
        )
        for file in (
            "META-INF",
            "META-INF/container.xml",
            "META-INF/signatures.p7s",
            "META-INF/x/signatures.xml",
            "Meta-Inf/Signatures2.xml",
        )
    ),
    *(
        Row(
            what=f"{old} called {new}",
            entries=lambda entries, old=old, new=new: {(new if name == old else name): content for name, content in entries.items()},
            reason=reason,
            message=message,
        )
        for old, new, reason, message in [
            (
                "manifest.xml",
                "Manifest.xml",
                Refusal.MANIFEST_MISSING,
                "The bundle holds no manifest.xml. Add the manifest and sign again.",
            ),
            (
                "META-INF/signatures.xml",
                "signatures.xml",
                Refusal.SIGNATURE_MISSING,
                "The bundle holds no META-INF/signatures.xml. Sign the bundle.",
            ),
            (
                "META-INF/signatures.xml",
                "META-INF/SIGNATURES.xml",
                Refusal.UNEXPECTED_ENTRY,
                "Entry number 4 of the bundle stands in META-INF, where only signatures.xml may stand. Build the bundle without it.",
            ),
        ]
    ),
    Row(
        what="another mimetype",
        entries=put("mimetype", b"application/zip"),
        reason=Refusal.MIMETYPE,
        message='The entry mimetype does not hold "application/vnd.etsi.asic-e+zip". Leave it out or mend it.',
    ),
]

ROWS = [*WRAPPINGS, *REFERENCES, *ALGORITHMS, *CHANGES, *TIMES, *CERTIFICATES, *PACKAGES]
