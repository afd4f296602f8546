"""
Keys in files: `NAME.pem` holds the certificate and its chain up to the root, `NAME.key` the private key (PKCS #8, not encrypted).

Loading an RSA-3072 key costs about 100 ms (OpenSSL tests the primes), so each key is loaded once per process.
"""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from segl.actions.ports import CertificateAuthority, KeyUnusable, SealingKey
from segl.adapters.keys.profiles import SEAL_KEY_BITS, PrivateKey

PERSON_CA = "person-ca"
SEAL = "seal"


class KeyFileUnusable(KeyUnusable):
    """A key file is missing, unreadable or does not belong to its certificate. The message names the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A private key and the certificates that stand beside it, its own first and the root last."""

    certificates: tuple[x509.Certificate, ...]
    private_key: PrivateKey

    def __repr__(self) -> str:
        return "KeyPair(…)"


class FileKeys:
    """The port `Keys` on a folder with `person-ca.{pem,key}` and `seal.{pem,key}`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._person_ca: CertificateAuthority | None = None
        self._seal: SealingKey | None = None

    def person_ca(self) -> CertificateAuthority:
        """:raises KeyFileUnusable: if the files are missing or do not belong together."""
        with self._lock:
            if self._person_ca is None:
                pair = read_key_pair(self._folder, PERSON_CA)
                self._person_ca = CertificateAuthority(
                    certificate=pair.certificates[0], chain=pair.certificates[1:], private_key=pair.private_key
                )
            return self._person_ca

    def seal(self) -> SealingKey:
        """:raises KeyFileUnusable: if the files are missing, do not belong together, or hold no RSA key of 3072 bits or more."""
        with self._lock:
            if self._seal is None:
                pair = read_key_pair(self._folder, SEAL)
                if not isinstance(pair.private_key, rsa.RSAPrivateKey) or pair.private_key.key_size < SEAL_KEY_BITS:
                    raise KeyFileUnusable(
                        f"{self._folder / SEAL}.key holds no RSA key of at least {SEAL_KEY_BITS} bits. Sealing needs one: replace the key."
                    )
                self._seal = SealingKey(certificate=pair.certificates[0], chain=pair.certificates[1:], private_key=pair.private_key)
            return self._seal


def read_key_pair(folder: Path, name: str) -> KeyPair:
    """
    Read `name.pem` and `name.key` and check that they belong together and that each certificate is signed by the next.

    :raises KeyFileUnusable: naming the file and what is wrong with it.
    """
    certificates = read_certificates(folder / f"{name}.pem")
    private_key = read_private_key(folder / f"{name}.key")
    if public_bytes(private_key.public_key()) != public_bytes(certificates[0].public_key()):
        raise KeyFileUnusable(f"{folder / name}.key does not belong to the first certificate of {name}.pem. Put the right pair there.")
    for lower, upper in itertools.pairwise(certificates):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise KeyFileUnusable(
                f"{folder / name}.pem is not one chain. Write the certificate first, then its issuers up to the root."
            ) from error
    return KeyPair(certificates=certificates, private_key=private_key)


def read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """:raises KeyFileUnusable: if there is no such file or no PEM certificate in it."""
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be read. Run `segl keys create`, or put the file there.") from error
    except ValueError as error:
        raise KeyFileUnusable(f"{path} holds no PEM certificate. Replace it.") from error


def read_private_key(path: Path) -> PrivateKey:
    """:raises KeyFileUnusable: if there is no such file, or it holds no unencrypted RSA or EC key."""
    try:
        private_key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be read. Run `segl keys create`, or put the file there.") from error
    except (ValueError, TypeError) as error:
        raise KeyFileUnusable(f"{path} holds no unencrypted private key in PEM. Replace it.") from error
    if not isinstance(private_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise KeyFileUnusable(f"{path} holds neither an RSA nor an EC key. Replace it.")
    return private_key


def public_bytes(public_key: object) -> bytes:
    """Return the DER SubjectPublicKeyInfo, to compare keys by."""
    if not isinstance(public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return b""
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_pem(private_key: PrivateKey) -> bytes:
    """Return the key as PKCS #8 in PEM, not encrypted."""
    return private_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def certificates_pem(*certificates: x509.Certificate) -> bytes:
    """Return the certificates in PEM, in the order given."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def write_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write `path` whole or not at all: a sibling is written, forced to disk and renamed over it."""
    sibling = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(sibling, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sibling.replace(path)
    force_folder(path.parent)


def force_folder(folder: Path) -> None:
    """Force the folder's own entries to disk, so that a rename outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
