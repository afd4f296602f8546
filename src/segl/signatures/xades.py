"""
A signer's XAdES: detached references to the originals by file name, the evidence as a signed object, up to XAdES-BASELINE-LT.

Source: XML-Signature 1.1; ETSI EN 319 132-1, 5 and 6.3. Made in two steps because the time-stamp is fetched between them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from segl.signatures import time_stamp_tokens
from segl.signatures.cms import issuer_serial
from segl.signatures.time_stamp_tokens import TimeStampRefused
from segl.signatures.validation_data import ValidationData, ValidationDataMissing, gather
from segl.xml.parsing import MAX_BYTES

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
# Exclusive, so that the digests stay right wherever the signature is put.
CANONICALIZATION = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
EVIDENCE_TYPE = "application/json"

_TIME = "%Y-%m-%dT%H:%M:%SZ"


class UnableToSign(Exception):
    """No XAdES of level LT can be made of what was given. The message says what is wrong; nothing was signed for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """An original that is signed: by its digest only, the bytes are never read again."""

    name: str = field(repr=False)
    """File name, as it stands in the bundle."""
    mime: str
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A signature of level B that waits for its time-stamp."""

    # The evidence and the certificate are about a person: they stay out of logs.
    content: bytes = field(repr=False)
    time_stamp_imprint: bytes
    """SHA-256 to have stamped."""
    certificate: x509.Certificate = field(repr=False)
    chain: tuple[x509.Certificate, ...]


def reference_name(name: str) -> str:
    """Return a file name as a reference URI writes it: percent-encoded, except `+` and what may stand in a path segment."""
    return quote(name, safe="+!$&'()*,;=:@~")


def prepare(
    documents: Sequence[SignedDocument],
    *,
    evidence: bytes,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    private_key: ec.EllipticCurvePrivateKey,
    signing_time: datetime,
) -> Prepared:
    """
    Sign the documents' digests, the evidence and the signed properties; return what to time-stamp.

    `evidence` is canonical JSON in UTF-8. `chain` holds the issuers of `certificate`, the root last.

    :raises UnableToSign: if there is no document, two share a name, the evidence cannot stand in XML, or `signing_time` is outside the certificate.
    """
    signature, signed_info, value = _unsigned(documents, evidence=evidence, certificate=certificate, chain=chain, signing_time=signing_time)
    value.text = _base64(_fixed_width(private_key.sign(canonical(signed_info), ec.ECDSA(hashes.SHA256())), private_key))
    return Prepared(
        content=_serialized(signature),
        time_stamp_imprint=_digest(value),
        certificate=certificate,
        chain=tuple(chain),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A signature as Segl writes it from known facts: to be compared with one at hand."""

    content: bytes = field(repr=False)
    signed_info: bytes = field(repr=False)
    """Canonical: what the signature value is over."""
    time_stamp_imprint: bytes


def rewrite(
    documents: Sequence[SignedDocument],
    *,
    evidence: bytes,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    signing_time: datetime,
    signature_value: bytes,
    time_stamp: bytes,
    data: ValidationData,
) -> Rewritten:
    """
    Return the whole XAdES again from what it says, with the signature value given instead of made.

    :raises UnableToSign: as `prepare`.
    """
    signature, signed_info, value = _unsigned(documents, evidence=evidence, certificate=certificate, chain=chain, signing_time=signing_time)
    value.text = _base64(signature_value)
    content = _with_unsigned_properties(_serialized(signature), time_stamp=time_stamp, data=data)
    return Rewritten(content=content, signed_info=canonical(signed_info), time_stamp_imprint=_digest(value))


def _unsigned(
    documents: Sequence[SignedDocument],
    *,
    evidence: bytes,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    signing_time: datetime,
) -> tuple[etree._Element, etree._Element, etree._Element]:
    """Return the signature without a value, its SignedInfo and its empty SignatureValue."""
    if not documents:
        raise UnableToSign("There is no document to sign. Give at least one.")
    if len({document.name for document in documents}) != len(documents):
        raise UnableToSign("Two documents have the same file name, so a reference would name both. Give each its own.")
    if not certificate.not_valid_before_utc <= signing_time <= certificate.not_valid_after_utc:
        raise UnableToSign("The signing time lies outside the signer's certificate. Issue the certificate and sign at once.")
    signature = etree.Element(_ds("Signature"), {"Id": "signature"}, nsmap={"ds": DS, "xades": XADES})
    signed_info = _add(signature, _ds("SignedInfo"))
    value = _add(signature, _ds("SignatureValue"), Id="signature-value")
    _add_certificates(_add(_add(signature, _ds("KeyInfo")), _ds("X509Data")), _ds("X509Certificate"), (certificate, *chain))
    evidence_object = _evidence_object(signature, evidence)
    properties = _properties(signature, documents, certificate=certificate, signing_time=signing_time)
    _add(signed_info, _ds("CanonicalizationMethod"), Algorithm=CANONICALIZATION)
    _add(signed_info, _ds("SignatureMethod"), Algorithm=ECDSA_SHA256)
    for number, document in enumerate(documents, 1):
        _add_reference(signed_info, f"document-{number}", reference_name(document.name), document.sha256)
    _add_reference(signed_info, "evidence-reference", "#evidence", _digest(evidence_object), is_canonicalized=True)
    _add_reference(
        signed_info, "properties-reference", "#signed-properties", _digest(properties), is_canonicalized=True, Type=SIGNED_PROPERTIES
    )
    return signature, signed_info, value


def complete(
    prepared: Prepared,
    *,
    time_stamp: bytes,
    certificates: Sequence[x509.Certificate],
    revocation_lists: Sequence[x509.CertificateRevocationList],
) -> bytes:
    """
    Return the whole XAdES-BASELINE-LT: the prepared signature with its time-stamp token and the validation data.

    `certificates` and `revocation_lists` may hold more than is needed; only what leads signer and time-stamp to their roots is taken.

    :raises UnableToSign: if the token stamps something else or lies outside the signer's certificate, or validation data is missing.
    """
    try:
        stamp = time_stamp_tokens.read(time_stamp, imprint=prepared.time_stamp_imprint)
    except TimeStampRefused as error:
        raise UnableToSign(str(error)) from error
    signer = prepared.certificate
    if not signer.not_valid_before_utc <= stamp.generated_at <= signer.not_valid_after_utc:
        raise UnableToSign("The time-stamp lies outside the signer's certificate. Let the signer try again; check the authority's clock.")
    try:
        data = gather(
            (signer, stamp.certificate),
            embedded=(*prepared.chain, *stamp.certificates),
            certificates=certificates,
            revocation_lists=revocation_lists,
            at=stamp.generated_at,
        )
    except ValidationDataMissing as error:
        raise UnableToSign(str(error)) from error
    content = _with_unsigned_properties(prepared.content, time_stamp=time_stamp, data=data)
    if len(content) > MAX_BYTES:
        raise UnableToSign(f"The XAdES would be larger than {MAX_BYTES} bytes. Use an authority with smaller revocation lists.")
    return content


def _with_unsigned_properties(content: bytes, *, time_stamp: bytes, data: ValidationData) -> bytes:
    signature = etree.fromstring(content)
    qualifying = signature.find(f".//{_xades('QualifyingProperties')}")
    if qualifying is None:
        raise UnableToSign("The prepared signature has no qualifying properties. Prepare it again.")
    unsigned = _add(_add(qualifying, _xades("UnsignedProperties")), _xades("UnsignedSignatureProperties"))
    holder = _add(unsigned, _xades("SignatureTimeStamp"), Id="signature-time-stamp")
    _add(holder, _ds("CanonicalizationMethod"), Algorithm=CANONICALIZATION)
    _add(holder, _xades("EncapsulatedTimeStamp"), text=_base64(time_stamp))
    _add_certificates(_add(unsigned, _xades("CertificateValues")), _xades("EncapsulatedX509Certificate"), data.certificates)
    lists = _add(_add(unsigned, _xades("RevocationValues")), _xades("CRLValues"))
    for revocation_list in data.revocation_lists:
        _add(lists, _xades("EncapsulatedCRLValue"), text=_base64(revocation_list.public_bytes(Encoding.DER)))
    return _serialized(signature)


def canonical(element: etree._Element) -> bytes:
    """Return the exclusive canonical form of an element, without comments."""
    # Safe without re-rooting only because no namespace here is a default one: else lxml inserts xmlns="" (stack.md, XAdES).
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)


def _evidence_object(signature: etree._Element, evidence: bytes) -> etree._Element:
    try:
        text = evidence.decode()
        if "\r" in text:
            raise UnableToSign("The evidence holds a carriage return, which XML would change. Write it as canonical JSON.")
        return _add(signature, _ds("Object"), text=text, Id="evidence", MimeType=EVIDENCE_TYPE)
    except ValueError:
        # The cause quotes the evidence, which is personal: it must not reach a log by way of the traceback.
        raise UnableToSign("The evidence holds characters that XML cannot. Write it as canonical JSON, such characters escaped.") from None


def _properties(
    signature: etree._Element, documents: Sequence[SignedDocument], *, certificate: x509.Certificate, signing_time: datetime
) -> etree._Element:
    qualifying = _add(_add(signature, _ds("Object")), _xades("QualifyingProperties"), Target="#signature")
    properties = _add(qualifying, _xades("SignedProperties"), Id="signed-properties")
    of_signature = _add(properties, _xades("SignedSignatureProperties"))
    _add(of_signature, _xades("SigningTime"), text=signing_time.astimezone(UTC).strftime(_TIME))
    identifier = _add(_add(of_signature, _xades("SigningCertificateV2")), _xades("Cert"))
    digest = _add(identifier, _xades("CertDigest"))
    _add(digest, _ds("DigestMethod"), Algorithm=SHA256)
    _add(digest, _ds("DigestValue"), text=_base64(sha256(certificate.public_bytes(Encoding.DER)).digest()))
    _add(identifier, _xades("IssuerSerialV2"), text=_base64(issuer_serial(certificate)))
    of_documents = _add(properties, _xades("SignedDataObjectProperties"))
    for number, document in enumerate(documents, 1):
        _add_format(of_documents, f"#document-{number}", document.mime)
    _add_format(of_documents, "#evidence-reference", EVIDENCE_TYPE)
    return properties


def _add_format(properties: etree._Element, reference: str, mime_type: str) -> None:
    _add(_add(properties, _xades("DataObjectFormat"), ObjectReference=reference), _xades("MimeType"), text=mime_type)


def _add_reference(
    signed_info: etree._Element, identifier: str, uri: str, digest: bytes, *, is_canonicalized: bool = False, **attributes: str
) -> None:
    reference = _add(signed_info, _ds("Reference"), Id=identifier, **attributes, URI=uri)
    if is_canonicalized:
        _add(_add(reference, _ds("Transforms")), _ds("Transform"), Algorithm=CANONICALIZATION)
    _add(reference, _ds("DigestMethod"), Algorithm=SHA256)
    _add(reference, _ds("DigestValue"), text=_base64(digest))


def _add_certificates(parent: etree._Element, tag: str, certificates: Sequence[x509.Certificate]) -> None:
    for certificate in certificates:
        _add(parent, tag, text=_base64(certificate.public_bytes(Encoding.DER)))


def _fixed_width(signature: bytes, private_key: ec.EllipticCurvePrivateKey) -> bytes:
    # XML-Signature 1.1, 6.4.3 wants r and s side by side at the curve's width, where CMS wants a DER sequence.
    width = (private_key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(signature)
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def _add(parent: etree._Element, tag: str, *, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _digest(element: etree._Element) -> bytes:
    return sha256(canonical(element)).digest()


def _serialized(signature: etree._Element) -> bytes:
    return etree.tostring(signature, xml_declaration=True, encoding="UTF-8")


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def _xades(name: str) -> str:
    return f"{{{XADES}}}{name}"
