"""
The sender's signature over a document bundle: META-INF/signatures.xml verified strictly, and only what was signed is handed on.

wire-spec.md 8.2; XAdES 1.3.2 (ETSI TS 101 903) in ASiC-E (ETSI TS 102 918); own code on lxml and cryptography, no general XML Signature library.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import unquote, unquote_plus

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from segl.algorithms import AlgorithmRefused, Digest, Use, accepted_digest, accepted_signature
from segl.asice.refusal import BundleRefused, Refusal
from segl.asice.signature_grammar import DS, XADES, check_shape
from segl.certificates import CertificateRefused, Purpose, check_enterprise_certificate, read_certificate
from segl.xml.canonical import Canonicalization, canonicalize
from segl.xml.parsing import XmlRefused, parse

SIGNED_PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"
_WHAT: Final = "META-INF/signatures.xml"
_DATE_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NO_SPACE: Final = dict.fromkeys(map(ord, " \t\r\n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SendersSignature:
    """What a verified signature says."""

    certificate: x509.Certificate
    sha256: Mapping[str, str]
    """Lower-case hex of every signed file by its name in the bundle."""


def verify_signatures_xml(
    data: bytes, *, files: Mapping[str, bytes], issuers: Sequence[x509.Certificate], now: datetime, signing_time_tolerance: timedelta
) -> SendersSignature:
    """
    Verify that the signature in `data` covers every one of `files`, and nothing else, and was made by an accepted enterprise now.

    `files` are the bundle's entries that must be signed, by name; `issuers` the accepted enterprise CA certificates.

    :raises BundleRefused: with the reason, if anything differs from what wire-spec.md 8.2 lets through.
    """
    # (1) The document is XML in UTF-8 without comments, of the one allowed shape, with unique Ids, and its QualifyingProperties point at
    #     its Signature.
    # (2) SignedInfo in an accepted canonical form. From here on only canonical bytes, parsed anew, are read: see what is signed.
    # (3) One reference covers the SignedProperties: type, URI, one canonicalisation, digest.
    # (4) The certificate is the one of KeyInfo whose digest stands in SigningCertificate.
    # (5) SignatureValue over SignedInfo holds with its RSA key.
    # (6) Every other reference names exactly one file, without transforms; every file is named once; the digests hold.
    # (7) DataObjectFormat points at references of files.
    # (8) The certificate is an accepted enterprise's, valid now and made for this.
    # (9) SigningTime is near now.
    signature = _read(data)  # (1)
    signed_info_bytes = _canonical(_only(signature, f"{DS}SignedInfo"), f"{DS}CanonicalizationMethod")  # (2)
    signed_info = _parsed(signed_info_bytes)
    of_properties, of_files = _split_references(signed_info)
    properties = _signed_properties(signature, of_properties, now)  # (3)
    certificate = _signing_certificate(signature, properties, now)  # (4)
    _check_value(signature, signed_info, signed_info_bytes, certificate, now)  # (5)
    sha256 = _check_file_references(of_files, files, now)  # (6)
    _check_formats(properties, of_files)  # (7)
    _check_certificate(certificate, issuers, now)  # (8)
    _check_signing_time(properties, now, signing_time_tolerance)  # (9)
    return SendersSignature(certificate=certificate, sha256=sha256)


def _read(data: bytes) -> etree._Element:
    # Neither client writes UTF-16 or comments. A comment splits text for some readers and not for others; a zero byte would hide it here.
    if b"\0" in data or b"<!--" in data:
        raise BundleRefused(Refusal.SIGNATURE_XML, f"{_WHAT} is not UTF-8 without comments. Write it so.")
    root = _parsed(data)
    check_shape(root)
    signature = _only(root, f"{DS}Signature")
    target = _only(signature, f"{DS}Object/{XADES}QualifyingProperties").get("Target")
    if target != f"#{signature.get('Id')}":
        raise BundleRefused(
            Refusal.SIGNATURE_SHAPE, "QualifyingProperties does not point at the Signature around it. Let Target name its Id."
        )
    return signature


def _parsed(data: bytes) -> etree._Element:
    try:
        return parse(data, what=_WHAT)
    except XmlRefused as error:
        raise BundleRefused(Refusal.SIGNATURE_XML, str(error)) from error


def _only(element: etree._Element, path: str) -> etree._Element:
    found = element.find(path)
    if found is None:  # the shape was checked; this keeps a later change of the grammar from being silent
        raise BundleRefused(
            Refusal.SIGNATURE_SHAPE, f"{_WHAT} lacks a part that every bundle has. Sign the bundle as the official clients do."
        )
    return found


def _canonical(element: etree._Element, method_path: str, *, named_in: etree._Element | None = None) -> bytes:
    uri = _only(element if named_in is None else named_in, method_path).get("Algorithm", "")
    try:
        return canonicalize(element, Canonicalization(uri))
    except ValueError as error:
        raise BundleRefused(
            Refusal.ALGORITHM,
            f"{_WHAT} names a canonicalisation or transform that is not accepted. Use inclusive Canonical XML 1.0 or 1.1.",
        ) from error
    except XmlRefused as error:
        raise BundleRefused(Refusal.SIGNATURE_XML, f"{_WHAT}: {error}") from error


def _split_references(signed_info: etree._Element) -> tuple[etree._Element, list[etree._Element]]:
    of_properties: list[etree._Element] = []
    of_files: list[etree._Element] = []
    for reference in signed_info.findall(f"{DS}Reference"):
        (of_properties if reference.get("Type") == SIGNED_PROPERTIES_TYPE else of_files).append(reference)
    if len(of_properties) != 1:
        raise BundleRefused(Refusal.REFERENCE, "Not exactly one reference has the type of the signed properties. Sign them once.")
    return of_properties[0], of_files


def _signed_properties(signature: etree._Element, reference: etree._Element, now: datetime) -> etree._Element:
    element = _only(signature, f"{DS}Object/{XADES}QualifyingProperties/{XADES}SignedProperties")
    # Ids are unique in the whole document and the shape has one place for SignedProperties, so this URI can mean nothing else.
    if reference.get("URI") != f"#{element.get('Id')}":
        raise BundleRefused(
            Refusal.REFERENCE, "The reference to the signed properties does not name their Id. Let its URI be # and the Id."
        )
    if reference.find(f"{DS}Transforms") is None:
        raise BundleRefused(
            Refusal.ALGORITHM, "The reference to the signed properties has no canonicalisation. Use inclusive Canonical XML 1.0 or 1.1."
        )
    content = _canonical(element, f"{DS}Transforms/{DS}Transform", named_in=reference)
    _check_digest(reference, content, "the signed properties are", now)
    return _parsed(content)


def _check_digest(reference: etree._Element, content: bytes, what: str, now: datetime) -> bytes:
    digest = _digest_algorithm(reference, Use.SENDERS_REFERENCE, now)
    value = _hash(content, digest)
    if value != _base64(_only(reference, f"{DS}DigestValue")):
        raise BundleRefused(Refusal.DIGEST, f"{what[:1].upper()}{what[1:]} not what was signed. Sign the bundle after its last change.")
    return value if digest is Digest.SHA_256 else _hash(content, Digest.SHA_256)


def _digest_algorithm(above: etree._Element, use: Use, now: datetime) -> Digest:
    try:
        return accepted_digest(_only(above, f"{DS}DigestMethod").get("Algorithm", ""), use=use, now=now)
    except AlgorithmRefused as error:
        raise BundleRefused(Refusal.ALGORITHM, str(error)) from error


def _hash(content: bytes, digest: Digest) -> bytes:
    hasher = hashes.Hash(digest.hash_algorithm)
    hasher.update(content)
    return hasher.finalize()


def _base64(element: etree._Element) -> bytes:
    try:
        # Java wraps its lines with CR LF, which XML writes as &#13; (wire-spec.md 8.2).
        return base64.b64decode((element.text or "").translate(_NO_SPACE), validate=True)
    except (binascii.Error, ValueError) as error:
        name = etree.QName(element).localname
        raise BundleRefused(Refusal.SIGNATURE_XML, f"The element {name} does not hold base64. Sign the bundle again.") from error


def _signing_certificate(signature: etree._Element, properties: etree._Element, now: datetime) -> x509.Certificate:
    # Issuer names and serial numbers beside the digest are not compared: the .NET client writes some wrongly (wire-spec.md 8.2, R40).
    named = _only(properties, f"{XADES}SignedSignatureProperties/{XADES}SigningCertificate/{XADES}Cert/{XADES}CertDigest")
    digest, wanted = _digest_algorithm(named, Use.SENDERS_CERTIFICATE_DIGEST, now), _base64(_only(named, f"{DS}DigestValue"))
    given = [_base64(element) for element in signature.findall(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")]
    found = [der for der in given if _hash(der, digest) == wanted]
    if len(found) != 1:
        raise BundleRefused(
            Refusal.CERTIFICATE_DIGEST,
            "SigningCertificate does not name exactly one certificate of KeyInfo. Sign with the certificate that is named.",
        )
    try:
        return read_certificate(found[0])
    except CertificateRefused as error:
        raise BundleRefused(Refusal.CERTIFICATE, "The bundle's certificate cannot be read. Use another certificate.") from error


def _check_value(
    signature: etree._Element, signed_info: etree._Element, signed_bytes: bytes, certificate: x509.Certificate, now: datetime
) -> None:
    try:
        uri = _only(signed_info, f"{DS}SignatureMethod").get("Algorithm", "")
        algorithm = accepted_signature(uri, use=Use.SENDERS_SIGNATURE, now=now)
    except AlgorithmRefused as error:
        raise BundleRefused(Refusal.ALGORITHM, str(error)) from error
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise BundleRefused(Refusal.CERTIFICATE, "The key of the bundle's certificate is not RSA. Use an enterprise certificate.")
    value = _base64(_only(signature, f"{DS}SignatureValue"))
    try:
        key.verify(value, signed_bytes, padding.PKCS1v15(), algorithm.digest.hash_algorithm)
    except InvalidSignature as error:
        raise BundleRefused(
            Refusal.SIGNATURE_VALUE, "The signature value does not hold with the bundle's certificate. Sign the bundle again."
        ) from error


def _check_file_references(references: Sequence[etree._Element], files: Mapping[str, bytes], now: datetime) -> dict[str, str]:
    sha256: dict[str, str] = {}
    for number, reference in enumerate(references, start=1):
        if reference.find(f"{DS}Transforms") is not None:
            raise BundleRefused(Refusal.ALGORITHM, f"File reference number {number} has transforms. Sign the bytes of the file.")
        if reference.get("Type") is not None:
            raise BundleRefused(Refusal.REFERENCE, f"File reference number {number} has an unknown type. Sign files without type.")
        name = _file_named_by(reference.get("URI", ""), files, number)
        if name in sha256:
            raise BundleRefused(
                Refusal.REFERENCE, f"File reference number {number} names a file that another one names. Sign each file once."
            )
        sha256[name] = _check_digest(reference, files[name], f"the bytes of the file of reference number {number} are", now).hex()
    if missing := len(files) - len(sha256):
        raise BundleRefused(Refusal.NOT_SIGNED, f"{missing} of the bundle's files are not signed. Let a reference name each file.")
    return sha256


def names_meant_by(reference: str) -> tuple[str, ...]:
    """Return the names that `reference` may mean, in this order: as it stands, percent-decoded, form-decoded (wire-spec.md 7.1, 8.2)."""
    meant = [reference]
    for decode in (unquote, unquote_plus):
        try:
            meant.append(decode(reference, errors="strict"))
        except UnicodeDecodeError:
            continue
    return tuple(dict.fromkeys(meant))


def _file_named_by(uri: str, files: Mapping[str, bytes], number: int) -> str:
    # A file may even be called "#SignedProperties": what other readers take for a part of this document is never a file here.
    if not uri or uri.startswith("#"):
        raise BundleRefused(Refusal.REFERENCE, f"File reference number {number} names no file. Name a file as it is named in the bundle.")
    meant = names_meant_by(uri)
    if any(part in (".", "..") for name in meant for part in re.split(r"[/\\]", name)):
        raise BundleRefused(
            Refusal.REFERENCE, f"File reference number {number} leads out of the bundle. Name a file as it is named in the bundle."
        )
    found = [name for name in meant if name in files]
    if len(found) > 1:
        raise BundleRefused(Refusal.REFERENCE, f"File reference number {number} names more than one file. Give the files plainer names.")
    if not found:
        raise BundleRefused(
            Refusal.REFERENCE, f"File reference number {number} names no file of the bundle. Name a file as it is named in the bundle."
        )
    return found[0]


def _check_formats(properties: etree._Element, references: Sequence[etree._Element]) -> None:
    known = {f"#{identifier}" for reference in references if (identifier := reference.get("Id")) is not None}
    for described in properties.iter(f"{XADES}DataObjectFormat"):
        if described.get("ObjectReference") not in known:
            raise BundleRefused(Refusal.REFERENCE, "A DataObjectFormat names no reference of a file. Let it name the Id of one.")


def _check_certificate(certificate: x509.Certificate, issuers: Sequence[x509.Certificate], now: datetime) -> None:
    try:
        check_enterprise_certificate(certificate, issuers=issuers, now=now, purpose=Purpose.BUNDLE)
    except CertificateRefused as error:
        raise BundleRefused(Refusal.CERTIFICATE, f"The bundle's certificate is refused. {error.message}") from error


def _check_signing_time(properties: etree._Element, now: datetime, tolerance: timedelta) -> None:
    text = (_only(properties, f"{XADES}SignedSignatureProperties/{XADES}SigningTime").text or "").strip()
    found = _DATE_TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError("not an xs:dateTime with offset")
        signed_at = datetime.fromisoformat(f"{found[1]}.{(found[2] or '0')[:6]:0<6}{found[3]}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BundleRefused(Refusal.SIGNING_TIME, "SigningTime is not a date and time with offset. Write it so.") from error
    if abs(signed_at - now) > tolerance:
        raise BundleRefused(
            Refusal.SIGNING_TIME,
            f"SigningTime is more than {int(tolerance.total_seconds())} seconds from Segl's clock. Set the sender's clock and sign again.",
        )
