"""
The sender's bundle: a ZIP with the documents, manifest.xml and META-INF/signatures.xml, the sender's XAdES signature over all of them.

Shape: ASiC-E in the profile of wire-spec.md 8.1 and 8.2 (no mimetype entry, no META-INF/manifest.xml, one signature).
"""

from __future__ import annotations

import io
import zipfile
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha1, sha256
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from .certificate import SenderCertificate
from .jobs import DirectJob
from .xml_messages import build_manifest

ASIC = "http://uri.etsi.org/2918/v1.2.1#"
DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
DIGEST_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"


class CertificateDigest(Enum):
    """How the signature names the certificate; SHA-1 is what the original service's documentation prescribes, for this one value only."""

    SHA256 = DIGEST_SHA256
    SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """One file of a bundle: its name in the ZIP, its media type, its bytes."""

    name: str
    mime: str
    content: bytes = field(repr=False)


def bundle_of(job: DirectJob, *, sender: str, certificate: SenderCertificate, signed_at: datetime) -> bytes:
    """
    Make the bundle of `job`, sent in the name of organization number `sender` and signed by `certificate` (the sender's or a broker's).

    :raises NotSendable: if a text of the job holds a character that XML cannot carry.
    """
    files = [BundleFile(name=name, mime=document.type, content=document.content) for name, document in job.named_documents()]
    files.append(BundleFile(name="manifest.xml", mime="application/xml", content=build_manifest(job, sender=sender)))
    return build_bundle(files, certificate=certificate, signed_at=signed_at)


def build_bundle(
    files: Sequence[BundleFile],
    *,
    certificate: SenderCertificate,
    signed_at: datetime,
    certificate_digest: CertificateDigest = CertificateDigest.SHA256,
) -> bytes:
    """Make a bundle of exactly these files, in this order, with the signature last. `signed_at` is aware."""
    signature = build_signatures(files, certificate=certificate, signed_at=signed_at, certificate_digest=certificate_digest)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in (*files, BundleFile(name="META-INF/signatures.xml", mime="application/xml", content=signature)):
            entry = zipfile.ZipInfo(file.name, date_time=signed_at.astimezone(UTC).timetuple()[:6])
            entry.external_attr = 0o100644 << 16
            # Stored, not deflated: PDFs are compressed already, and a long run of blanks in a text would look like a ZIP bomb.
            archive.writestr(entry, file.content)
    return packed.getvalue()


def build_signatures(
    files: Sequence[BundleFile], *, certificate: SenderCertificate, signed_at: datetime, certificate_digest: CertificateDigest
) -> bytes:
    """
    Sign `files` as one XAdES signature with a detached reference to each, and return META-INF/signatures.xml.

    RSA PKCS#1 v1.5 with SHA-256 over inclusive canonical XML 1.0; the whole chain stands in KeyInfo.
    """
    # Prefixes everywhere and one root: what the canonicaliser sees below is then exactly what a verifier sees in the finished document.
    root = etree.Element(f"{{{ASIC}}}XAdESSignatures", nsmap={"asic": ASIC, "ds": DS, "xades": XADES})
    signature = etree.SubElement(root, f"{{{DS}}}Signature", Id="Signature")
    signed_info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
    value = etree.SubElement(signature, f"{{{DS}}}SignatureValue")
    key_info = etree.SubElement(etree.SubElement(signature, f"{{{DS}}}KeyInfo"), f"{{{DS}}}X509Data")
    for shown in (certificate.certificate, *certificate.chain):
        _text(key_info, DS, "X509Certificate", b64encode(shown.public_bytes(Encoding.DER)).decode())
    properties = _signed_properties(signature, files, certificate=certificate, signed_at=signed_at, digest=certificate_digest)

    etree.SubElement(signed_info, f"{{{DS}}}CanonicalizationMethod", Algorithm=C14N)
    etree.SubElement(signed_info, f"{{{DS}}}SignatureMethod", Algorithm=RSA_SHA256)
    for number, file in enumerate(files):
        reference = etree.SubElement(signed_info, f"{{{DS}}}Reference", Id=f"ID_{number}", URI=quote(file.name, safe=""))
        _digest(reference, file.content)
    reference = etree.SubElement(signed_info, f"{{{DS}}}Reference", Type=SIGNED_PROPERTIES, URI="#SignedProperties")
    etree.SubElement(etree.SubElement(reference, f"{{{DS}}}Transforms"), f"{{{DS}}}Transform", Algorithm=C14N)
    _digest(reference, _canonical(properties))

    value.text = b64encode(certificate.key.sign(_canonical(signed_info), PKCS1v15(), SHA256())).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _signed_properties(
    signature: etree._Element,
    files: Sequence[BundleFile],
    *,
    certificate: SenderCertificate,
    signed_at: datetime,
    digest: CertificateDigest,
) -> etree._Element:
    qualifying = etree.SubElement(etree.SubElement(signature, f"{{{DS}}}Object"), f"{{{XADES}}}QualifyingProperties", Target="#Signature")
    properties = etree.SubElement(qualifying, f"{{{XADES}}}SignedProperties", Id="SignedProperties")
    of_signature = etree.SubElement(properties, f"{{{XADES}}}SignedSignatureProperties")
    _text(of_signature, XADES, "SigningTime", signed_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    cert = etree.SubElement(etree.SubElement(of_signature, f"{{{XADES}}}SigningCertificate"), f"{{{XADES}}}Cert")
    cert_digest = etree.SubElement(cert, f"{{{XADES}}}CertDigest")
    etree.SubElement(cert_digest, f"{{{DS}}}DigestMethod", Algorithm=digest.value)
    der = certificate.certificate.public_bytes(Encoding.DER)
    hashed = sha256(der) if digest is CertificateDigest.SHA256 else sha1(der, usedforsecurity=False)
    _text(cert_digest, DS, "DigestValue", b64encode(hashed.digest()).decode())
    issuer = etree.SubElement(cert, f"{{{XADES}}}IssuerSerial")
    _text(issuer, DS, "X509IssuerName", certificate.certificate.issuer.rfc4514_string())
    _text(issuer, DS, "X509SerialNumber", str(certificate.certificate.serial_number))
    of_data = etree.SubElement(properties, f"{{{XADES}}}SignedDataObjectProperties")
    for number, file in enumerate(files):
        data_format = etree.SubElement(of_data, f"{{{XADES}}}DataObjectFormat", ObjectReference=f"#ID_{number}")
        _text(data_format, XADES, "MimeType", file.mime)
    return properties


def _digest(reference: etree._Element, content: bytes) -> None:
    etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=DIGEST_SHA256)
    _text(reference, DS, "DigestValue", b64encode(sha256(content).digest()).decode())


def _text(parent: etree._Element, namespace: str, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{namespace}}}{name}").text = text


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False)
