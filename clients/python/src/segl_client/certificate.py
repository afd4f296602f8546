"""
The sender's enterprise certificate with its key: the same pair opens the TLS connection and signs the bundle.

Also the other side of the handshake: whom this client accepts as the service (wire-spec.md 4.2).
"""

from __future__ import annotations

import re
import secrets
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from .errors import NotSendable

SERVICE_ORGANIZATION_NUMBER = "984661185"
"""The organization number that the official clients demand of the server certificate unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderCertificate:
    """An RSA enterprise certificate, its private key, and the certificates between it and its root, nearest first."""

    certificate: x509.Certificate
    key: RSAPrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    @classmethod
    def from_pkcs12(cls, path: Path | str, password: str) -> SenderCertificate:
        """
        Read a PKCS#12 file (.p12, .pfx).

        :raises NotSendable: if the file cannot be read, the password is wrong, or it holds no RSA key with its certificate.
        """
        try:
            key, certificate, others = pkcs12.load_key_and_certificates(Path(path).read_bytes(), password.encode())
        except (OSError, ValueError, UnsupportedAlgorithm) as refused:
            raise NotSendable(f"The key store {path} cannot be read. Check the file and its password.") from refused
        return cls._of(key, certificate, others, path)

    @classmethod
    def from_pem(cls, certificate: Path | str, key: Path | str, password: str | None = None) -> SenderCertificate:
        """
        Read a certificate file (certificate first, then its chain) and a key file, both PEM.

        :raises NotSendable: if a file cannot be read or the key is no RSA key.
        """
        try:
            first, *others = x509.load_pem_x509_certificates(Path(certificate).read_bytes())
            private_key = load_pem_private_key(Path(key).read_bytes(), password.encode() if password else None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as refused:
            raise NotSendable(
                f"The certificate {certificate} or the key {key} cannot be read. Check both files and the password."
            ) from refused
        return cls._of(private_key, first, others, certificate)

    @classmethod
    def _of(cls, key: object, certificate: x509.Certificate | None, others: list[x509.Certificate], path: Path | str) -> SenderCertificate:
        if not isinstance(key, RSAPrivateKey) or certificate is None:
            raise NotSendable(f"{path} holds no RSA key with its certificate. Enterprise certificates are RSA.")
        if key.public_key() != certificate.public_key():
            raise NotSendable(f"The certificate of {path} belongs to another key. Check which files go together.")
        return cls(certificate=certificate, key=key, chain=_in_order(certificate, others))


def tls_context(*, sender: SenderCertificate, authorities: Sequence[Path], server_organization: str | None) -> ssl.SSLContext:
    """
    Make the TLS settings of one client: `sender` shown, the server accepted only under `authorities` (files, or folders of them).

    With `server_organization` the server certificate must name that organization number and host names are not looked at, as the official
    clients do; with None the host name must match instead.

    :raises NotSendable: if an authority or the sender's certificate cannot be used.
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = server_organization is None
    context.verify_mode = ssl.CERT_REQUIRED
    context.server_organization = server_organization
    try:
        for file in _certificate_files(authorities):
            context.load_verify_locations(cadata=_pem_or_der(file.read_bytes()))
        _show(context, sender)
    except (OSError, ValueError) as refused:
        raise NotSendable(
            "The certificates for the connection cannot be used. Check the CA files and the sender's certificate."
        ) from refused
    return context


def organization_number_of(certificate: x509.Certificate) -> str | None:
    """Return the organization number in the subject: organizationIdentifier, else serialNumber, else a common name of nine digits."""
    for oid, pattern in (
        (NameOID.ORGANIZATION_IDENTIFIER, r"(?:NTRNO-)?([0-9]{9})"),
        (NameOID.SERIAL_NUMBER, r"([0-9]{9})"),
        (NameOID.COMMON_NAME, r"([0-9]{9})"),
    ):
        for attribute in certificate.subject.get_attributes_for_oid(oid):
            if match := re.fullmatch(pattern, str(attribute.value)):
                return match[1]
    return None


class _Socket(ssl.SSLSocket):
    """A TLS socket that looks at the server's organization before the first byte of a request is sent."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        wanted = self.context.server_organization if isinstance(self.context, _Context) else None
        shown = self.getpeercert(True)
        if wanted is not None and (shown is None or organization_number_of(x509.load_der_x509_certificate(shown)) != wanted):
            self.close()
            raise ssl.SSLCertVerificationError(f"The server's certificate does not name organization {wanted}")


class _Context(ssl.SSLContext):
    sslsocket_class = _Socket
    server_organization: str | None = None


def _in_order(certificate: x509.Certificate, others: list[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Put the chain in order, whatever order the key store had it in, and leave out what does not belong to it."""
    chain: list[x509.Certificate] = []
    last = certificate
    while last.issuer != last.subject:
        issuer = next((other for other in others if other.subject == last.issuer and other not in chain), None)
        if issuer is None:
            break
        chain.append(issuer)
        last = issuer
    return tuple(chain)


def _certificate_files(authorities: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for place in authorities:
        files += sorted(p for p in place.iterdir() if p.suffix in (".pem", ".cer", ".crt")) if place.is_dir() else [place]
    if not files:
        raise ValueError("no certificate file among the authorities")
    return files


def _pem_or_der(content: bytes) -> str | bytes:
    return content.decode("ascii") if b"-----BEGIN" in content else content


def _show(context: ssl.SSLContext, sender: SenderCertificate) -> None:
    # The ssl module takes a key by file name only: the file is encrypted with a password that lives as long as this call.
    password = secrets.token_bytes(24).hex().encode()
    with tempfile.TemporaryDirectory(prefix="segl-client-") as folder:
        file = Path(folder) / "sender.pem"
        file.touch(mode=0o600)
        file.write_bytes(
            sender.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
            + b"".join(certificate.public_bytes(Encoding.PEM) for certificate in (sender.certificate, *sender.chain))
        )
        context.load_cert_chain(file, password=password)
