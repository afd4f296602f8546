"""
CMS SignedData with one signer: how the seal and the time-stamps are written, and how such a signature is read and checked.

Source: RFC 5652; RFC 5035 (signing-certificate-v2); RFC 4055 (RSASSA-PSS); RFC 6211 (algorithm protection).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import RLock
from typing import Any

from asn1crypto import algos as asn1_algos
from asn1crypto import cms as asn1_cms
from asn1crypto import core as asn1_core
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from segl.signatures import der
from segl.signatures.certificate_paths import UNREADABLE

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
TIME_STAMP_INFO = "1.2.840.113549.1.9.16.1.4"

_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
_TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14"  # noqa: S105 (an object identifier)

_SHA256 = der.algorithm("2.16.840.1.101.3.4.2.1")
_PSS_SHA256 = der.algorithm(
    "1.2.840.113549.1.1.10",
    der.sequence(
        der.tagged(0, der.algorithm("2.16.840.1.101.3.4.2.1", der.NULL)),
        der.tagged(1, der.algorithm("1.2.840.113549.1.1.8", der.algorithm("2.16.840.1.101.3.4.2.1", der.NULL))),
        der.tagged(2, der.integer(32)),
    ),
)
_PKCS1_SHA256 = der.algorithm("1.2.840.113549.1.1.11", der.NULL)
_ECDSA_SHA256 = der.algorithm("1.2.840.10045.4.3.2")

_HASHES: dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


ONE_AT_A_TIME = RLock()
"""
Held wherever asn1crypto reads. It fills in its classes at their first use and its values when they are asked for, both without a lock:
two threads at once see half a class.
"""


class CmsRefused(Exception):
    """A CMS signature cannot be read, or does not say what it must. It must not be relied on."""


def issuer_serial(certificate: x509.Certificate) -> bytes:
    """Return the IssuerSerial of RFC 5035, which wraps the name in GeneralNames."""
    return der.sequence(der.sequence(der.tagged(4, certificate.issuer.public_bytes())), der.integer(certificate.serial_number))


def signed_attributes(*, content_type: str, digest: bytes, certificate: x509.Certificate, is_pss: bool = True) -> bytes:
    """
    Return the SET OF attributes that is signed, over content with the SHA-256 `digest`.

    `is_pss` decides for RSA keys, here and below, between RSASSA-PSS and the older PKCS#1 v1.5.

    No signing-time: PAdES forbids it (EN 319 142-1, 6.3), and a time-stamp tells its own.
    """
    identifier = der.sequence(der.octet_string(sha256(certificate.public_bytes(Encoding.DER)).digest()), issuer_serial(certificate))
    return der.set_of(
        (
            _attribute(_CONTENT_TYPE, der.object_identifier(content_type)),
            _attribute(_MESSAGE_DIGEST, der.octet_string(digest)),
            _attribute(_SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(identifier))),
            # IMPLICIT [1]: the tag of the algorithm identifier gives way to the context's.
            _attribute(_ALGORITHM_PROTECTION, der.sequence(_SHA256, b"\xa1" + _signature_algorithm(certificate, is_pss)[1:])),
        )
    )


def _attribute(dotted: str, value: bytes) -> bytes:
    return der.sequence(der.object_identifier(dotted), der.set_of((value,)))


def _signature_algorithm(certificate: x509.Certificate, is_pss: bool) -> bytes:
    if isinstance(certificate.public_key(), rsa.RSAPublicKey):
        return _PSS_SHA256 if is_pss else _PKCS1_SHA256
    return _ECDSA_SHA256


def sign(attributes: bytes, private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, is_pss: bool = True) -> bytes:
    """Return the signature over the signed attributes: RSASSA-PSS with a salt of 32 bytes, PKCS#1 v1.5, or ECDSA; SHA-256 all."""
    if isinstance(private_key, rsa.RSAPrivateKey):
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32) if is_pss else padding.PKCS1v15()
        return private_key.sign(attributes, scheme, hashes.SHA256())
    return private_key.sign(attributes, ec.ECDSA(hashes.SHA256()))


def signed_data(
    *,
    content_type: str,
    content: bytes | None,
    certificate: x509.Certificate,
    certificates: Sequence[x509.Certificate],
    attributes: bytes,
    signature: bytes,
    time_stamp: bytes | None = None,
    is_pss: bool = True,
) -> bytes:
    """Return the DER ContentInfo. `content` None makes a detached signature; `certificates` may be empty, `certificate` is then left out too."""
    signer = der.sequence(
        der.integer(1),
        der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number)),
        _SHA256,
        # What is signed is the SET OF; inside SignerInfo the same bytes carry the tag [0].
        b"\xa0" + attributes[1:],
        _signature_algorithm(certificate, is_pss),
        der.octet_string(signature),
        b"" if time_stamp is None else der.tagged(1, _attribute(_TIME_STAMP_TOKEN, time_stamp)),
    )
    encapsulated = der.sequence(der.object_identifier(content_type), b"" if content is None else der.tagged(0, der.octet_string(content)))
    carried = sorted({each.public_bytes(Encoding.DER) for each in certificates})
    return der.sequence(
        der.object_identifier(SIGNED_DATA),
        der.tagged(
            0,
            der.sequence(
                der.integer(1 if content_type == DATA else 3),
                der.set_of((_SHA256,)),
                encapsulated,
                der.tagged(0, *carried) if carried else b"",
                der.set_of((signer,)),
            ),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsSignature:
    """A CMS signature as read: nothing is believed yet but its form."""

    content_type: str
    content: bytes | None
    certificate: x509.Certificate
    certificates: tuple[x509.Certificate, ...]
    attributes: bytes
    """The SET OF as it is signed."""
    signature: bytes
    digest_name: str
    time_stamp: bytes | None
    _signer: Any


def read(content_info: bytes) -> CmsSignature:
    """
    Return the one signature of a DER ContentInfo.

    :raises CmsRefused: if it cannot be read, has not exactly one signer, or leaves out the signer's certificate.
    """
    with ONE_AT_A_TIME:
        return _read(content_info)


def _read(content_info: bytes) -> CmsSignature:
    try:
        # strict refuses bytes after the structure; what is only asked for later is asked for under the lock.
        info = asn1_cms.ContentInfo.load(content_info, strict=True)
        if info["content_type"].dotted != SIGNED_DATA:
            raise CmsRefused("The CMS structure is no SignedData. Ask for a signature.")
        data = info["content"]
        if len(data["signer_infos"]) != 1:
            raise CmsRefused(f"The CMS signature has {len(data['signer_infos'])} signers. Exactly one may sign.")
        signer = data["signer_infos"][0]
        # Neither version nor list of digests is signed; both follow from the rest (RFC 5652, 5.1), so they are held to it.
        is_data = data["encap_content_info"]["content_type"].dotted == DATA
        digests = [each["algorithm"].dotted for each in data["digest_algorithms"]]
        if data["version"].native != ("v1" if is_data else "v3") or digests != [signer["digest_algorithm"]["algorithm"].dotted]:
            raise CmsRefused("The CMS signature's version or list of digests does not go with its content. It is damaged.")
        certificates = tuple(
            x509.load_der_x509_certificate(each.chosen.dump()) for each in data["certificates"] or () if each.name == "certificate"
        )
        content = data["encap_content_info"]["content"]
        token = None
        for attribute in signer["unsigned_attrs"] or ():
            if attribute["type"].dotted != _TIME_STAMP_TOKEN or len(attribute["values"]) != 1 or token is not None:
                raise CmsRefused("The CMS signature has an unsigned attribute other than one time-stamp. Segl writes no such signature.")
            token = attribute["values"][0].dump()
        certificate = _signer_certificate(signer, certificates)
        return CmsSignature(
            content_type=data["encap_content_info"]["content_type"].dotted,
            content=None if isinstance(content, asn1_core.Void) else bytes(content),
            certificate=certificate,
            certificates=certificates,
            attributes=b"\x31" + signer["signed_attrs"].dump()[1:],
            signature=signer["signature"].native,
            digest_name=signer["digest_algorithm"]["algorithm"].native,
            time_stamp=token,
            _signer=signer,
        )
    except UNREADABLE as error:
        raise CmsRefused("The CMS signature cannot be read. It is damaged, or no CMS.") from error


def _signer_certificate(signer: Any, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    sid = signer["sid"]
    if sid.name != "issuer_and_serial_number":
        raise CmsRefused("The CMS signer is not named by issuer and serial number. Ask the signer for that form.")
    issuer, serial = sid.chosen["issuer"].dump(), sid.chosen["serial_number"].native
    for each in certificates:
        if each.serial_number == serial and each.issuer.public_bytes() == issuer:
            return each
    raise CmsRefused("The CMS signature leaves out its signer's certificate. Ask for certificates with it.")


def verify(signature: CmsSignature, *, content: bytes | None = None, digest: bytes | None = None) -> None:
    """
    Check the signature over `content`, or over content of which the SHA-256 `digest` is known; nothing is said of trust.

    :raises CmsRefused: if the digest, a signed attribute or the signature itself is wrong.
    """
    with ONE_AT_A_TIME:
        _verify(signature, content=content, digest=digest)


def _verify(signature: CmsSignature, *, content: bytes | None, digest: bytes | None) -> None:
    signer = signature._signer
    try:
        algorithm = _HASHES[signature.digest_name]
        if digest is None:
            hashing = hashes.Hash(algorithm())
            hashing.update(content if content is not None else signature.content or b"")
            digest = hashing.finalize()
        elif signature.digest_name != "sha256":
            raise CmsRefused("The CMS signature is not over a SHA-256 digest. Segl's are.")
        attributes = {each["type"].dotted: each["values"] for each in signer["signed_attrs"]}
        if len(attributes) != len(signer["signed_attrs"]):
            raise CmsRefused("A signed attribute of the CMS signature occurs twice.")
        if [each.native for each in attributes[_MESSAGE_DIGEST]] != [digest]:
            raise CmsRefused("The signed digest is not that of the content. The content was changed.")
        if [each.dotted for each in attributes[_CONTENT_TYPE]] != [signature.content_type]:
            raise CmsRefused("The signed content type is another than the content's.")
        _verify_signing_certificate(attributes, signature.certificate)
        _verify_raw(signature.certificate, signer["signature_algorithm"], algorithm, signature.signature, signature.attributes)
    except InvalidSignature as error:
        raise CmsRefused("The signature does not verify with the signer's key.") from error
    except UNREADABLE as error:
        raise CmsRefused("The CMS signature lacks something it must have, or uses an algorithm that is not accepted.") from error


def _verify_signing_certificate(attributes: dict[str, Any], certificate: x509.Certificate) -> None:
    value = attributes[_SIGNING_CERTIFICATE_V2][0]
    identifier = getattr(value, "parsed", value)["certs"][0]
    hashing = hashes.Hash(_HASHES[identifier["hash_algorithm"]["algorithm"].native]())
    hashing.update(certificate.public_bytes(Encoding.DER))
    if identifier["cert_hash"].native != hashing.finalize():
        raise CmsRefused("The signed certificate digest is another certificate's. The certificate was exchanged.")


def _verify_raw(
    certificate: x509.Certificate, algorithm: Any, digest: type[hashes.HashAlgorithm], signature: bytes, content: bytes
) -> None:
    key = certificate.public_key()
    name = algorithm["algorithm"].native
    if isinstance(key, ec.EllipticCurvePublicKey) and name == f"{digest.name}_ecdsa":
        key.verify(signature, content, ec.ECDSA(digest()))
    elif isinstance(key, rsa.RSAPublicKey) and name == "rsassa_pss":
        parameters: asn1_algos.RSASSAPSSParams = algorithm["parameters"]
        if {parameters["hash_algorithm"]["algorithm"].native, parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native} != {
            digest.name
        }:
            raise CmsRefused("The RSASSA-PSS parameters name another digest than the signer.")
        salt = parameters["salt_length"].native
        key.verify(signature, content, padding.PSS(padding.MGF1(digest()), salt_length=salt), digest())
    elif isinstance(key, rsa.RSAPublicKey) and name in ("rsassa_pkcs1v15", f"{digest.name}_rsa"):
        key.verify(signature, content, padding.PKCS1v15(), digest())
    else:
        raise CmsRefused(f"The signature algorithm {name} with {digest.name} is not accepted. ECDSA and RSA with SHA-2 are.")
