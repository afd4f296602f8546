"""
The sandbox CAs' revocation lists, signed when somebody asks.

Only the enterprise issuing CA has revoked anything: the certificate of the role `revoked`.
"""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from segl.adapters.keys import profiles
from segl.adapters.keys.files import read_certificates
from segl.adapters.keys.profiles import PrivateKey
from segl.sandbox.material.folder import MaterialDamaged, SandboxMaterial
from segl.sandbox.material.organizations import Role

FRESH_FOR = timedelta(days=1)

REVOCATION_LISTS = {
    "enterprise-root": "ca/root.pem",
    "enterprise-issuing": "ca/issuing.pem",
    "person-root": "trust/person-root.pem",
    "tsa-root": "trust/tsa-root.pem",
    "seal-root": "trust/seal-root.pem",
}
"""Name of each list, and its issuer's certificate in the sandbox folder."""

REAL_TIME_LISTS = frozenset({"enterprise-root", "enterprise-issuing"})
"""Lists that senders' own software reads too: they stay on real time (reliability.md B-51)."""


class UnknownRevocationList(KeyError):
    """There is no revocation list of that name."""


def revocation_list(material: SandboxMaterial, name: str, *, at: datetime) -> bytes:
    """
    Return the list `name` as DER, issued at `at` and good for a day.

    :raises UnknownRevocationList: if there is no list of that name.
    """
    if name not in REVOCATION_LISTS:
        raise UnknownRevocationList(f"There is no revocation list of that name. The names are: {', '.join(REVOCATION_LISTS)}.")
    issuer = read_certificates(material.folder / REVOCATION_LISTS[name])[0]
    private_key = _signing_key(material.ca_keys / f"{name}.key")
    listed = [_revoked(material)] if name == "enterprise-issuing" else []
    content = profiles.revocation_list(issuer, private_key, at=at, fresh_for=FRESH_FOR, revoked=listed)
    return content.public_bytes(serialization.Encoding.DER)


def _revoked(material: SandboxMaterial) -> x509.RevokedCertificate:
    certificate = material.certificate_of(Role.REVOKED)
    return (
        x509.RevokedCertificateBuilder()
        .serial_number(certificate.serial_number)
        .revocation_date(certificate.not_valid_before_utc + timedelta(days=1))
        .add_extension(x509.CRLReason(x509.ReasonFlags.cessation_of_operation), critical=False)
        .build()
    )


@functools.cache
def _signing_key(path: Path) -> PrivateKey:
    # Once per process: OpenSSL tests the primes of an RSA key at loading.
    private_key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise MaterialDamaged(f"{path} holds neither an RSA nor an EC key. Put it back from a backup.")
    return private_key
