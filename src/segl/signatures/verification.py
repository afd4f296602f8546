"""
Whether a sealed PDF and a signer's XAdES are what Segl made: the strict rule of our own, beside independent validators.

Source: reliability.md B-43; ETSI EN 319 142-1, 6.3; EN 319 132-1, 6.3. What is not byte for byte as Segl writes it is refused.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree
from pyhanko.pdf_utils.reader import PdfFileReader

from segl.algorithms import MIN_SEAL_RSA_BITS
from segl.signatures import cms, time_stamp_tokens, xades
from segl.signatures.certificate_paths import UNREADABLE, NoPath, NotRevocable, path
from segl.signatures.pdf_revisions import PdfUnfit, fenced, with_validation_data
from segl.signatures.person_certificate import LIFETIME
from segl.signatures.time_stamp_tokens import TimeStampRefused, imprint_of
from segl.signatures.validation_data import ValidationData, ValidationDataMissing, gather
from segl.xml.parsing import XmlRefused, parse

_NAMESPACES = {"ds": xades.DS, "xades": xades.XADES}


class SignatureNotTrusted(Exception):
    """A signature must not be relied on; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSeal:
    """What a sealed PDF proves."""

    stamped_at: datetime
    certificate: x509.Certificate
    composed_bytes: int
    """Size of the file that the seal covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedXades:
    """What a signer's XAdES proves."""

    stamped_at: datetime
    # About a person: they stay out of logs.
    certificate: x509.Certificate = field(repr=False)
    evidence: bytes = field(repr=False)


def verify_sealed(pdf: bytes, *, roots: Sequence[x509.Certificate], now: datetime) -> VerifiedSeal:
    """
    Check a sealed PDF with nothing trusted but `roots`: one certifying seal, its time-stamp, its validation data, and nothing else behind it.

    :raises SignatureNotTrusted: if anything is otherwise.
    """
    try:
        return _verify_sealed(pdf, roots=roots, now=now)
    except (PdfUnfit, *UNREADABLE) as error:
        raise SignatureNotTrusted("The PDF's structure cannot be read. It is damaged, or was changed.") from error
    except cms.CmsRefused as error:
        raise SignatureNotTrusted(f"The seal does not verify. {error}") from error
    except TimeStampRefused as error:
        raise SignatureNotTrusted(f"The seal's time-stamp does not verify. {error}") from error
    except (NoPath, NotRevocable, ValidationDataMissing) as error:
        raise SignatureNotTrusted(f"The seal's certificate is not trusted. {error}") from error


def _verify_sealed(pdf: bytes, *, roots: Sequence[x509.Certificate], now: datetime) -> VerifiedSeal:
    with fenced():
        place, contents, carried = _parts(PdfFileReader(BytesIO(pdf), strict=True))
    first, start, end, rest = place
    covered = end + rest
    if first != 0 or not 0 < start < end < covered <= len(pdf):
        raise SignatureNotTrusted("The seal's byte range does not begin at the file's first byte or does not lie in the file.")
    signature = _seal_in(contents)
    # Exactly one hexadecimal string may stand in the gap, written as Segl writes it: nothing can hide there.
    if pdf[start:end] != b"<" + contents.hex().upper().encode() + b">":
        raise SignatureNotTrusted("The gap in the seal's byte range holds more than the seal.")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(memoryview(pdf)[:start])
    digest.update(memoryview(pdf)[end:covered])
    cms.verify(signature, digest=digest.finalize())
    _refuse_unlike_seal(signature.certificate)
    if signature.time_stamp is None:
        raise SignatureNotTrusted("The seal has no time-stamp.")
    stamp = time_stamp_tokens.verify(signature.time_stamp, imprint=imprint_of(signature.signature), roots=roots)
    _refuse_future(stamp.generated_at, now)
    path(signature.certificate, certificates=(*signature.certificates, *carried.certificates), roots=roots, at=stamp.generated_at)
    needed = gather(
        (signature.certificate, stamp.certificate),
        embedded=(*signature.certificates, *stamp.certificates),
        certificates=(*roots, *carried.certificates),
        revocation_lists=carried.revocation_lists,
        at=stamp.generated_at,
    )
    _refuse_rewritten(pdf, contents, signature=signature, covered=covered, carried=carried, needed=needed)
    return VerifiedSeal(stamped_at=stamp.generated_at, certificate=signature.certificate, composed_bytes=covered)


def _refuse_unlike_seal(certificate: x509.Certificate) -> None:
    # All roots are trusted alike here, so the certificate itself must show that it is a seal's and not, say, a signer's.
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_SEAL_RSA_BITS or not _may_bind(certificate):
        raise SignatureNotTrusted(f"The certificate is no seal's: RSA of {MIN_SEAL_RSA_BITS} bits with key usage nonRepudiation.")


def _may_bind(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.content_commitment
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False


def _seal_in(contents: bytes) -> cms.CmsSignature:
    size = _der_size(contents)
    if contents[size:].strip(b"\x00"):
        raise SignatureNotTrusted("Something other than zeros stands behind the seal in its gap.")
    signature = cms.read(contents[:size])
    if signature.content_type != cms.DATA or signature.content is not None:
        raise SignatureNotTrusted("The seal is not a detached signature.")
    return signature


def _der_size(content: bytes) -> int:
    if len(content) < 6 or content[0] != 0x30 or content[1] & 0x80 == 0:
        raise SignatureNotTrusted("The seal's place holds no CMS.")
    width = content[1] & 0x7F
    return 2 + width + int.from_bytes(content[2 : 2 + width], "big")


def _refuse_rewritten(
    pdf: bytes,
    contents: bytes,
    *,
    signature: cms.CmsSignature,
    covered: int,
    carried: ValidationData,
    needed: ValidationData,
) -> None:
    """Write again what the seal does not cover, and compare: a forger can hide nothing in what must equal our own bytes."""
    again = cms.signed_data(
        content_type=cms.DATA,
        content=None,
        certificate=signature.certificate,
        certificates=signature.certificates,
        attributes=signature.attributes,
        signature=signature.signature,
        time_stamp=signature.time_stamp,
    )
    if contents[: len(again)] != again:
        raise SignatureNotTrusted("The seal's CMS is not written as Segl writes it.")
    if carried.pieces != needed.pieces:
        raise SignatureNotTrusted("The validation data holds more or less than the seal needs.")
    if with_validation_data(pdf[:covered], carried) != pdf:
        raise SignatureNotTrusted("Something other than Segl's validation data follows the seal.")


def _parts(
    reader: PdfFileReader,
) -> tuple[tuple[int, ...], bytes, ValidationData]:
    signatures = reader.embedded_signatures
    if len(signatures) != 1:
        raise SignatureNotTrusted(f"The PDF carries {len(signatures)} signatures. A sealed PDF has exactly one.")
    dictionary: Any = signatures[0].sig_object
    if dictionary["/SubFilter"] != "/ETSI.CAdES.detached":
        raise SignatureNotTrusted("The seal is not a PAdES signature (ETSI.CAdES.detached).")
    permissions = [each["/TransformParams"]["/P"] for each in dictionary.get("/Reference", ()) if each["/TransformMethod"] == "/DocMDP"]
    if permissions != [1] or reader.root["/Perms"]["/DocMDP"] != dictionary:
        raise SignatureNotTrusted("The seal does not certify the file against every change (DocMDP P=1).")
    if "/DSS" not in reader.root:
        raise SignatureNotTrusted("The PDF carries no validation data.")
    store: Any = reader.root["/DSS"]
    certificates = tuple(x509.load_der_x509_certificate(each.get_object().data) for each in store["/Certs"])
    lists = tuple(x509.load_der_x509_crl(each.get_object().data) for each in store["/CRLs"])
    return (
        tuple(int(each) for each in dictionary["/ByteRange"]),
        signatures[0].pkcs7_content,
        ValidationData(certificates=certificates, revocation_lists=lists),
    )


def _refuse_future(stamped_at: datetime, now: datetime) -> None:
    if stamped_at > now:
        raise SignatureNotTrusted("The time-stamp lies in the future. Check the clock.")


def verify_xades(content: bytes, *, documents: Mapping[str, bytes], roots: Sequence[x509.Certificate], now: datetime) -> VerifiedXades:
    """
    Check a signer's XAdES with nothing trusted but `roots`. `documents` gives the SHA-256 of each original by file name: these and no others.

    :raises SignatureNotTrusted: if anything is otherwise than Segl writes it.
    """
    try:
        return _verify_xades(content, documents=documents, roots=roots, now=now)
    except (*UNREADABLE, XmlRefused) as error:
        raise SignatureNotTrusted("The XAdES cannot be read. It is damaged, or was changed.") from error
    except xades.UnableToSign as error:
        raise SignatureNotTrusted(f"Segl would not make such a signature. {error}") from error
    except TimeStampRefused as error:
        raise SignatureNotTrusted(f"The signature's time-stamp does not verify. {error}") from error
    except (NoPath, NotRevocable, ValidationDataMissing) as error:
        raise SignatureNotTrusted(f"The signer's certificate is not trusted. {error}") from error


def _verify_xades(content: bytes, *, documents: Mapping[str, bytes], roots: Sequence[x509.Certificate], now: datetime) -> VerifiedXades:
    signature = parse(content, what="XAdES")
    names = {xades.reference_name(name): name for name in documents}
    referenced = [each.get("URI", "") for each in signature.findall("ds:SignedInfo/ds:Reference", _NAMESPACES)][:-2]
    if sorted(referenced) != sorted(names):
        raise SignatureNotTrusted("The signature is over other documents than those given.")
    mime_types = _texts(signature, ".//xades:DataObjectFormat/xades:MimeType")
    signed = [
        xades.SignedDocument(name=names[uri], mime=mime, sha256=documents[names[uri]])
        for uri, mime in zip(referenced, mime_types, strict=False)
    ]
    certificate, *chain = _certificates(signature, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")
    data = ValidationData(
        certificates=tuple(_certificates(signature, ".//xades:EncapsulatedX509Certificate")),
        revocation_lists=tuple(x509.load_der_x509_crl(each) for each in _decoded(signature, ".//xades:EncapsulatedCRLValue")),
    )
    (value,) = _decoded(signature, "ds:SignatureValue")
    (token,) = _decoded(signature, ".//xades:EncapsulatedTimeStamp")
    (evidence,) = _texts(signature, "ds:Object[@Id='evidence']")
    (signing_time,) = _texts(signature, ".//xades:SigningTime")
    # Digests of documents and objects are not compared one by one: the signature is written again from the documents at hand,
    # its value is checked over that, and the file must equal it byte for byte.
    again = xades.rewrite(
        signed,
        evidence=evidence.encode(),
        certificate=certificate,
        chain=chain,
        signing_time=datetime.fromisoformat(signing_time),
        signature_value=value,
        time_stamp=token,
        data=data,
    )
    key = certificate.public_key()
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if not isinstance(key, ec.EllipticCurvePublicKey) or lifetime != LIFETIME or not _may_bind(certificate):
        raise SignatureNotTrusted("The certificate is no signer's: P-256, valid for ten minutes, key usage nonRepudiation.")
    width = len(value) // 2
    try:
        der_value = encode_dss_signature(int.from_bytes(value[:width], "big"), int.from_bytes(value[width:], "big"))
        key.verify(der_value, again.signed_info, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise SignatureNotTrusted("The signature value is not over these documents and this evidence. Something was changed.") from error
    if again.content != content:
        raise SignatureNotTrusted("The XAdES is not written as Segl writes it. Something was added or changed.")
    stamp = time_stamp_tokens.verify(token, imprint=again.time_stamp_imprint, roots=roots)
    _refuse_future(stamp.generated_at, now)
    path(certificate, certificates=(*chain, *data.certificates), roots=roots, at=stamp.generated_at)
    needed = gather(
        (certificate, stamp.certificate),
        embedded=(*chain, *stamp.certificates),
        certificates=(*roots, *data.certificates),
        revocation_lists=data.revocation_lists,
        at=stamp.generated_at,
    )
    if needed.pieces != data.pieces:
        raise SignatureNotTrusted("The validation data holds more or less than the signature needs.")
    return VerifiedXades(stamped_at=stamp.generated_at, certificate=certificate, evidence=evidence.encode())


def _texts(signature: etree._Element, where: str) -> list[str]:
    return [each.text or "" for each in signature.findall(where, _NAMESPACES)]


def _decoded(signature: etree._Element, where: str) -> list[bytes]:
    return [b64decode(each, validate=True) for each in _texts(signature, where)]


def _certificates(signature: etree._Element, where: str) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(each) for each in _decoded(signature, where)]
