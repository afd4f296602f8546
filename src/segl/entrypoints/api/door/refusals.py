"""
A handshake that was refused, told so that an integrator understands it: the caller itself sees only a TLS alert.

Source: wire-spec.md 4.1, reliability.md B-27; the codes are OpenSSL's X509_V_ERR numbers (openssl verify(1), Diagnostics).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import NameOID

from segl.certificates import UNREADABLE


class Refusal(StrEnum):
    """Why a handshake failed; each has its own line in the log."""

    NO_CERTIFICATE = "no_certificate"
    UNKNOWN_ISSUER = "unknown_issuer"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REVOKED = "revoked"
    WRONG_PURPOSE = "wrong_purpose"
    BAD_SIGNATURE = "bad_signature"
    WEAK_KEY = "weak_key"
    OTHER_CERTIFICATE_FAULT = "certificate_refused"
    REVOCATION_LIST_UNUSABLE = "revocation_list_unusable"
    OLD_PROTOCOL = "old_protocol"
    NO_COMMON_CIPHER = "no_common_cipher"
    NOT_TLS = "not_tls"
    SERVER_NOT_TRUSTED = "server_not_trusted"
    TOO_SLOW = "too_slow"
    CUT_OFF = "cut_off"
    OTHER = "handshake_failed"


MESSAGES: dict[Refusal, str] = {
    Refusal.NO_CERTIFICATE: "The client sent no certificate. Configure its enterprise certificate with private key.",
    Refusal.UNKNOWN_ISSUER: "The certificate comes from no CA that this server trusts. Test certificates work in test only, real ones in production only.",
    Refusal.EXPIRED: "The certificate has expired. Renew it.",
    Refusal.NOT_YET_VALID: "The certificate is not valid yet. Check its dates and the clocks.",
    Refusal.REVOKED: "The certificate is revoked. Order a new one.",
    Refusal.WRONG_PURPOSE: "The certificate may not be used for TLS clients. It needs key usage digitalSignature and, if it has extended key usage, clientAuth.",
    Refusal.BAD_SIGNATURE: "The certificate's signature does not verify. It is damaged, or signed by another CA of the same name.",
    Refusal.WEAK_KEY: "The certificate's key or digest is too weak. Order one with RSA 2048 bits and SHA-256 or better.",
    Refusal.OTHER_CERTIFICATE_FAULT: "The certificate was refused.",
    Refusal.REVOCATION_LIST_UNUSABLE: "The revocation list of the certificate's issuer could not be used. See certificates.md.",
    Refusal.OLD_PROTOCOL: "The client speaks no TLS 1.2 or 1.3. Switch one of them on.",
    Refusal.NO_COMMON_CIPHER: "Client and server have no cipher suite in common. Switch on ECDHE with AES-GCM.",
    Refusal.NOT_TLS: "The client did not speak TLS. Use https.",
    Refusal.SERVER_NOT_TRUSTED: "The client does not trust this server's certificate. Give it the CA certificates of the server.",
    Refusal.TOO_SLOW: "The handshake took too long.",
    Refusal.CUT_OFF: "The client closed the connection during the handshake.",
    Refusal.OTHER: "The handshake failed.",
}

_BY_VERIFY_CODE: dict[int, Refusal] = {
    2: Refusal.UNKNOWN_ISSUER,
    3: Refusal.REVOCATION_LIST_UNUSABLE,
    7: Refusal.BAD_SIGNATURE,
    8: Refusal.REVOCATION_LIST_UNUSABLE,
    9: Refusal.NOT_YET_VALID,
    10: Refusal.EXPIRED,
    11: Refusal.REVOCATION_LIST_UNUSABLE,
    12: Refusal.REVOCATION_LIST_UNUSABLE,
    18: Refusal.UNKNOWN_ISSUER,
    19: Refusal.UNKNOWN_ISSUER,
    20: Refusal.UNKNOWN_ISSUER,
    21: Refusal.UNKNOWN_ISSUER,
    23: Refusal.REVOKED,
    24: Refusal.UNKNOWN_ISSUER,
    26: Refusal.WRONG_PURPOSE,
    32: Refusal.WRONG_PURPOSE,
    33: Refusal.REVOCATION_LIST_UNUSABLE,
    66: Refusal.WEAK_KEY,
    67: Refusal.WEAK_KEY,
    68: Refusal.WEAK_KEY,
}

_BY_REASON: dict[str, Refusal] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": Refusal.NO_CERTIFICATE,
    "UNSUPPORTED_PROTOCOL": Refusal.OLD_PROTOCOL,
    "NO_SHARED_CIPHER": Refusal.NO_COMMON_CIPHER,
    "HTTP_REQUEST": Refusal.NOT_TLS,
    "HTTPS_PROXY_REQUEST": Refusal.NOT_TLS,
    "WRONG_VERSION_NUMBER": Refusal.NOT_TLS,
    "UNEXPECTED_MESSAGE": Refusal.NOT_TLS,
    "BAD_SIGNATURE": Refusal.BAD_SIGNATURE,
    "EE_KEY_TOO_SMALL": Refusal.WEAK_KEY,
    "CA_KEY_TOO_SMALL": Refusal.WEAK_KEY,
    "CA_MD_TOO_WEAK": Refusal.WEAK_KEY,
    "TLSV1_ALERT_UNKNOWN_CA": Refusal.SERVER_NOT_TRUSTED,
    "TLSV1_ALERT_ACCESS_DENIED": Refusal.SERVER_NOT_TRUSTED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": Refusal.SERVER_NOT_TRUSTED,
    "SSLV3_ALERT_BAD_CERTIFICATE": Refusal.SERVER_NOT_TRUSTED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": Refusal.SERVER_NOT_TRUSTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedHandshake:
    """One refused handshake, for the log and the sandbox's request page. Holds what an enterprise certificate says in public, nothing of a person."""

    refusal: Refusal
    message: str
    address: str
    subject: str | None
    """The certificate's subject (RFC 4514), or None when none was sent or it could not be read. Unverified: anybody can write anything here."""
    issuer: str | None
    serial_number: str | None
    """Hexadecimal."""
    organization: str | None
    """The subject's organizationIdentifier, serialNumber or common name, unverified."""


def reason_of(error: OSError) -> Refusal:
    """Return why `error` ended a handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(error.verify_code, Refusal.OTHER_CERTIFICATE_FAULT)
    if isinstance(error, TimeoutError):
        return Refusal.TOO_SLOW
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return Refusal.CUT_OFF
    if isinstance(error, ssl.SSLError):
        return _BY_REASON.get(error.reason or "", Refusal.OTHER)
    return Refusal.CUT_OFF


def refused(error: OSError, *, address: str, presented: bytes | None) -> RefusedHandshake:
    """Return what to tell of a handshake that `error` ended; `presented` is the DER certificate the client sent, if any."""
    refusal = reason_of(error)
    certificate = _read(presented)
    return RefusedHandshake(
        refusal=refusal,
        message=MESSAGES[refusal],
        address=address,
        subject=_name(certificate.subject) if certificate else None,
        issuer=_name(certificate.issuer) if certificate else None,
        serial_number=f"{certificate.serial_number:x}" if certificate else None,
        organization=_organization(certificate) if certificate else None,
    )


def first_certificate(message: bytes, *, is_tls13: bool) -> bytes | None:
    """
    Return the first certificate (DER) of a TLS Certificate message, or None when it holds none.

    `message` is the handshake message with its four octets of header (RFC 5246 7.4.2; RFC 8446 4.4.2 has a request context in front).
    """
    start = 4
    if is_tls13:
        if len(message) <= start:
            return None
        start += 1 + message[start]
    start += 3
    if len(message) < start + 3:
        return None
    length = int.from_bytes(message[start : start + 3], "big")
    certificate = message[start + 3 : start + 3 + length]
    return certificate if length and len(certificate) == length else None


def _read(presented: bytes | None) -> x509.Certificate | None:
    if presented is None:
        return None
    try:
        certificate = x509.load_der_x509_certificate(presented)
        # Names are parsed when asked for, and a hostile one fails only then.
        _ = certificate.subject, certificate.issuer, certificate.serial_number
    except UNREADABLE:
        return None
    return certificate


def _name(name: x509.Name) -> str:
    return name.rfc4514_string()[:300]


def _organization(certificate: x509.Certificate) -> str | None:
    for kind in (NameOID.ORGANIZATION_IDENTIFIER, NameOID.SERIAL_NUMBER, NameOID.COMMON_NAME):
        for attribute in certificate.subject.get_attributes_for_oid(kind):
            return str(attribute.value)[:80]
    return None
