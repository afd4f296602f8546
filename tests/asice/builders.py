"""
Makes document bundles as the official clients make them, byte shape included (wire-spec.md 8), and lets a test change any part.

The signing here is its own code and shares nothing with `segl.asice`; xmlsec1 confirms it where it is installed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from .zip_builder import DOTNET_FLAGS, JAVA_FLAGS, Archive, Entry, build_zip

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_1_1 = "http://www.w3.org/2006/12/xml-c14n11"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
ASIC = "http://uri.etsi.org/2918/v1.2.1#"
DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
MANIFEST = "manifest.xml"
SIGNATURES = "META-INF/signatures.xml"
DIGESTS = {SHA256: hashes.SHA256, SHA1: hashes.SHA1, "http://www.w3.org/2001/04/xmlenc#sha512": hashes.SHA512}
SIGNATURE_DIGESTS = {
    RSA_SHA256: hashes.SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": hashes.SHA384,
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": hashes.SHA512,
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": hashes.SHA1,
}


class Shape(Enum):
    """Whose bundle it looks like."""

    JAVA = "Java"
    DOTNET_PORTAL = ".NET portal"
    DOTNET_DIRECT = ".NET direct"


def as_it_is(part: str) -> str:
    """Change nothing."""
    return part


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a test bends: before signing (the sender itself is odd) or after (somebody else changed it)."""

    before_signing: Callable[[str], str] = as_it_is
    after_signing: Callable[[str], str] = as_it_is
    encoding: str = "utf-8"
    entries: Callable[[dict[str, bytes]], Mapping[str, bytes]] = dict
    """The files as they go into the archive, signatures included."""
    archive: Callable[[list[Entry]], Sequence[Entry]] = list


NO_CHANGES = Changes()


def build_bundle(
    *,
    documents: Mapping[str, bytes],
    manifest: bytes,
    certificate: x509.Certificate,
    key: rsa.RSAPrivateKey,
    signing_time: datetime,
    chain: Sequence[x509.Certificate] = (),
    shape: Shape = Shape.JAVA,
    mimetype: bytes | None = None,
    changes: Changes = NO_CHANGES,
) -> bytes:
    """
    Return a bundle of `documents` (by entry name) and `manifest`, signed with `key` at `signing_time` (aware).

    `chain` are the issuers that Java puts beside the certificate in KeyInfo; .NET never does.
    """
    files = {**documents, MANIFEST: manifest}
    xml = signatures_xml(files, certificate=certificate, chain=chain, signing_time=signing_time, shape=shape)
    signed = changes.after_signing(sign(changes.before_signing(xml), files=files, key=key)).encode(changes.encoding)
    entries: dict[str, bytes] = {} if mimetype is None else {"mimetype": mimetype}
    entries |= documents
    entries |= {SIGNATURES: signed, MANIFEST: manifest} if shape is Shape.DOTNET_DIRECT else {MANIFEST: manifest, SIGNATURES: signed}
    flags = JAVA_FLAGS if shape is Shape.JAVA else DOTNET_FLAGS
    packed = [
        Entry(name=name, content=content, flags=flags if shape is Shape.JAVA or name.isascii() else 0x0800)
        for name, content in changes.entries(entries).items()
    ]
    return build_zip(Archive(entries=changes.archive(packed)))


def signatures_xml(
    files: Mapping[str, bytes], *, certificate: x509.Certificate, chain: Sequence[x509.Certificate], signing_time: datetime, shape: Shape
) -> str:
    """Return signatures.xml with every digest and the signature value still empty."""
    der = certificate.public_bytes(Encoding.DER)
    cert_digest = base64.b64encode(digest(der, SHA1)).decode()
    if shape is Shape.JAVA:
        return _java(files, [der, *(issuer.public_bytes(Encoding.DER) for issuer in chain)], cert_digest, certificate, signing_time)
    return _dotnet(files, der, cert_digest, certificate, signing_time)


def _signed_info(references: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Reference Id="{identifier}" URI="{uri}"><DigestMethod Algorithm="{SHA256}"/><DigestValue></DigestValue></Reference>'
        for identifier, uri in references
    )
    return (
        f'<SignedInfo><CanonicalizationMethod Algorithm="{C14N}"/><SignatureMethod Algorithm="{RSA_SHA256}"/>{listed}'
        f'<Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#SignedProperties"><Transforms><Transform Algorithm="{C14N}"/>'
        f'</Transforms><DigestMethod Algorithm="{SHA256}"/><DigestValue></DigestValue></Reference></SignedInfo>'
    )


def _java(
    files: Mapping[str, bytes], ders: Sequence[bytes], cert_digest: str, certificate: x509.Certificate, signing_time: datetime
) -> str:
    local = signing_time.astimezone(timezone(timedelta(hours=1))).isoformat(timespec="milliseconds")
    references = [(f"ID_{number}", quote_plus(name, safe="*")) for number, name in enumerate(files)]
    formats = "".join(
        f'<DataObjectFormat ObjectReference="#{identifier}"><MimeType>{_mime(name)}</MimeType></DataObjectFormat>'
        for (identifier, _), name in zip(references, files, strict=True)
    )
    certificates = "".join(f"<X509Certificate>{wrapped(der)}</X509Certificate>" for der in ders)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
        f'<XAdESSignatures xmlns="{ASIC}"><Signature xmlns="{DS}" Id="Signature">{_signed_info(references)}<SignatureValue></SignatureValue>'
        f"<KeyInfo><X509Data>{certificates}</X509Data></KeyInfo>"
        f'<Object><QualifyingProperties xmlns="{XADES}" xmlns:ns2="{DS}" Target="#Signature"><SignedProperties Id="SignedProperties">'
        f"<SignedSignatureProperties><SigningTime>{local}</SigningTime><SigningCertificate><Cert><CertDigest>"
        f'<ns2:DigestMethod Algorithm="{SHA1}"/><ns2:DigestValue>{cert_digest}</ns2:DigestValue></CertDigest><IssuerSerial>'
        f"<ns2:X509IssuerName>CN=Test Class 3 CA,2.5.4.97=#130f4e54524e4f2d393833313633333237,C=NO</ns2:X509IssuerName>"
        f"<ns2:X509SerialNumber>{certificate.serial_number}</ns2:X509SerialNumber></IssuerSerial></Cert></SigningCertificate>"
        f"</SignedSignatureProperties><SignedDataObjectProperties>{formats}</SignedDataObjectProperties></SignedProperties>"
        "</QualifyingProperties></Object></Signature></XAdESSignatures>"
    )


def _dotnet(files: Mapping[str, bytes], der: bytes, cert_digest: str, certificate: x509.Certificate, signing_time: datetime) -> str:
    utc = signing_time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"  # noqa: UP017
    references = [("Id_1" if name == MANIFEST else f"Id_{number:08x}-guid", escape(name)) for number, name in enumerate(files)]
    formats = "".join(
        f'<DataObjectFormat ObjectReference="#{identifier}"><MimeType>{_mime(name)}</MimeType></DataObjectFormat>'
        for identifier, name in references
    )
    # A runtime whose hexadecimal numbers lack the sign byte writes large serial numbers as negative ones.
    serial = certificate.serial_number - (1 << 32)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<xades:XAdESSignatures xmlns:xades="{ASIC}" xmlns="{XADES}"><Signature Id="Signature" xmlns="{DS}">{_signed_info(references)}'
        f"<SignatureValue></SignatureValue><KeyInfo><X509Data><X509Certificate>{base64.b64encode(der).decode()}</X509Certificate></X509Data>"
        f'</KeyInfo><Object><QualifyingProperties Target="#Signature" xmlns="{XADES}"><SignedProperties Id="SignedProperties">'
        f"<SignedSignatureProperties><SigningTime>{utc}</SigningTime><SigningCertificate><Cert><CertDigest>"
        f'<DigestMethod Algorithm="{SHA1}" xmlns="{DS}" /><DigestValue xmlns="{DS}">{cert_digest}</DigestValue></CertDigest><IssuerSerial>'
        f'<X509IssuerName xmlns="{DS}">CN=Test Class 3 CA, OID.2.5.4.97=NTRNO-983163327, S=Oslo, C=NO</X509IssuerName>'
        f'<X509SerialNumber xmlns="{DS}">{serial}</X509SerialNumber></IssuerSerial></Cert></SigningCertificate>'
        f"</SignedSignatureProperties><SignedDataObjectProperties>{formats}</SignedDataObjectProperties></SignedProperties>"
        "</QualifyingProperties></Object></Signature></xades:XAdESSignatures>"
    )


def sign(xml: str, *, files: Mapping[str, bytes], key: rsa.RSAPrivateKey) -> str:
    """
    Return `xml` with every empty DigestValue of a reference and the empty SignatureValue filled in, and nothing else changed.

    A value that is not empty stays as it is, so a test may put a wrong one in before.
    """
    by_uri = {uri: content for name, content in files.items() for uri in (quote_plus(name, safe="*"), escape(name))}
    for match in list(re.finditer(r"<(?:\w+:)?Reference\b.*?</(?:\w+:)?Reference>", xml, re.DOTALL)):
        reference = match[0]
        uri, method = re.search(r'URI="([^"]*)"', reference), re.search(r'DigestMethod Algorithm="([^"]*)"', reference)
        if uri is None or method is None:
            continue
        if uri[1].startswith("#") and f' Id="{uri[1][1:]}"' in xml:
            content = canonical(xml, f'//*[@Id="{uri[1][1:]}"]')
        elif uri[1] in by_uri:
            content = by_uri[uri[1]]
        else:
            continue
        value = base64.b64encode(digest(content, method[1])).decode()
        xml = xml.replace(reference, re.sub(r"(<(?:\w+:)?DigestValue>)(?=</)", rf"\g<1>{value}", reference), 1)
    method = re.search(r'<(?:\w+:)?SignatureMethod Algorithm="([^"]*)"', xml)
    algorithm = SIGNATURE_DIGESTS.get(method[1], hashes.SHA256) if method else hashes.SHA256
    value = key.sign(canonical(xml, f'//*[local-name()="SignedInfo" and namespace-uri()="{DS}"]'), padding.PKCS1v15(), algorithm())
    return re.sub(r"(<(?:\w+:)?SignatureValue>)(?=</)", rf"\g<1>{wrapped(value)}", xml, count=1)


def canonical(xml: str, path: str) -> bytes:
    """Return the inclusive C14N 1.0 of the first element at `path`, re-rooted so that lxml does not add xmlns=""."""
    found = etree.fromstring(xml.encode()).xpath(path)
    return etree.tostring(etree.fromstring(etree.tostring(found[0], with_tail=False)), method="c14n")


def digest(content: bytes, uri: str) -> bytes:
    """Return the digest that `uri` names; SHA-256 for names that are no digest."""
    hasher = hashes.Hash(DIGESTS.get(uri, hashes.SHA256)())
    hasher.update(content)
    return hasher.finalize()


def wrapped(content: bytes) -> str:
    """Return base64 in lines of 76 that end in CR LF, as Java's MIME encoder and then its XML writer leave them."""
    text = base64.b64encode(content).decode()
    return "&#13;\n".join(text[start : start + 76] for start in range(0, len(text), 76))


def _mime(name: str) -> str:
    return "application/xml" if name.endswith(".xml") else "text/plain" if name.endswith(".txt") else "application/pdf"
