"""Signatures that are wrapped, changed, or not what the bundle profile knows: each row is one bundle, its reason and its exact message."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from segl.asice.bundle import unpack_bundle, verify_bundle
from segl.asice.refusal import BundleRefused, Refusal

from .builders import RSA_SHA256, Changes, Shape, build_bundle
from .enterprise import GOOD_EXTENSIONS, LONG_AGO, NOW, Holder, authority, enterprise, issuers, issuing, name, rsa_key, sender, usage
from .signature_rows import ALGORITHMS, AS_CLIENTS, DOCUMENTS, REFERENCES, WRAPPINGS, Row, both, drop, put, swap, swap_pattern


def resigned_with_another_key() -> Holder:
    return Holder(certificate=sender().certificate, key=rsa_key("stranger"))


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
        entries=put("manifest.xml", b"<manifest />"),
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
        what="a certificate that is not one",
        before=lambda text: both(
            swap_pattern("<X509Certificate>[^<]*", "<X509Certificate>"),
            swap_pattern("<ns2:DigestValue>[^<]*", "<ns2:DigestValue>2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
        )(text),
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
    Row(
        what="another mimetype",
        entries=put("mimetype", b"application/zip"),
        reason=Refusal.MIMETYPE,
        message='The entry mimetype does not hold "application/vnd.etsi.asic-e+zip". Leave it out or mend it.',
    ),
]

ROWS = [*WRAPPINGS, *REFERENCES, *ALGORITHMS, *CHANGES, *TIMES, *CERTIFICATES, *PACKAGES]


def marked(row: Row) -> object:
    return pytest.param(row, id=row.what, marks=pytest.mark.requirement(*row.requirements))


class TestABundle:
    @pytest.mark.parametrize("row", [marked(row) for row in ROWS])
    def test_is_refused_with(self, row: Row) -> None:
        signer = row.signer()
        data = build_bundle(
            documents=row.documents,
            manifest=b"<manifest/>",
            certificate=signer.certificate,
            key=signer.key,  # type: ignore[arg-type]  # RSA in every row
            chain=row.chain(),
            signing_time=NOW + row.offset,
            shape=Shape.JAVA,
            changes=Changes(before_signing=row.before, after_signing=row.after, encoding=row.encoding, entries=row.entries),
        )
        with pytest.raises(BundleRefused) as refused:
            verify_bundle(unpack_bundle(data), issuers=issuers(), now=NOW, signing_time_tolerance=timedelta(minutes=5))
        assert (refused.value.reason, refused.value.message) == (row.reason, row.message)

    def test_is_refused_when_its_issuer_has_expired(self) -> None:
        old = authority("Old CA", not_before=LONG_AGO, not_after=NOW - timedelta(days=1))
        signer = enterprise(issuer=old)
        data = build_bundle(
            documents=DOCUMENTS,
            manifest=b"<manifest/>",
            certificate=signer.certificate,
            key=rsa_key("enterprise"),
            signing_time=NOW,
        )
        with pytest.raises(BundleRefused) as refused:
            verify_bundle(unpack_bundle(data), issuers=[old.certificate], now=NOW, signing_time_tolerance=timedelta(minutes=5))
        assert refused.value.message == (
            "The bundle's certificate is refused. An issuer above the certificate is not valid now. Use a certificate of a newer issuer."
        )

    def test_is_refused_when_the_signature_algorithm_has_ended(self) -> None:
        data = build_bundle(
            documents=DOCUMENTS,
            manifest=b"<manifest/>",
            certificate=sender().certificate,
            key=rsa_key("enterprise"),
            signing_time=NOW,
        )
        with pytest.raises(BundleRefused) as refused:
            verify_bundle(unpack_bundle(data), issuers=issuers(), now=NOW.replace(year=2029), signing_time_tolerance=timedelta(days=3000))
        assert refused.value.reason is Refusal.ALGORITHM
        assert refused.value.message == f'The algorithm "{RSA_SHA256}" ended on 2029-01-01 for the signature of a document bundle.'
