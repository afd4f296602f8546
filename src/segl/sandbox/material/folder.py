"""
Where the sandbox's files lie below SEGL_DATA, and which of them must be there.

Segl's own keys are not sandbox files: they lie in `keys/`, where production's keys lie too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from segl.adapters.keys.files import KeyPair, read_certificates, read_key_pair
from segl.sandbox.material.organizations import Role

KEY_STORE_PASSWORD = "segl-sandbox"  # noqa: S105 - printed on the start page, protects nothing

AUTHORITIES = ("enterprise-root", "enterprise-issuing", "person-root", "person-ca", "tsa-root", "seal-root")
"""CAs whose private keys lie in ca-keys/."""


class MaterialDamaged(Exception):
    """The sandbox folder lacks files, and not because its making was interrupted: that would have been repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxMaterial:
    """Paths of everything the sandbox made, below `data` (SEGL_DATA)."""

    data: Path

    @property
    def folder(self) -> Path:
        return self.data / "sandbox"

    @property
    def keys(self) -> Path:
        """Segl's own keys: person-ca, seal and eid-client."""
        return self.data / "keys"

    @property
    def ca(self) -> Path:
        """Enterprise CA certificates, one a file and nothing else: the Java client reads every file here (wire-spec.md 4.4)."""
        return self.folder / "ca"

    @property
    def ca_keys(self) -> Path:
        return self.folder / "ca-keys"

    @property
    def trust(self) -> Path:
        """The other roots: person-root, tsa-root and seal-root."""
        return self.folder / "trust"

    @property
    def organizations(self) -> Path:
        return self.folder / "organizations.json"

    @property
    def persons(self) -> Path:
        return self.folder / "persons.json"

    @property
    def server(self) -> KeyPair:
        """The API server's certificate, its issuing CA and its key."""
        return read_key_pair(self.folder, "server")

    @property
    def time_stamp_authority(self) -> KeyPair:
        """The TSA's certificate, its root and its key."""
        return read_key_pair(self.folder, "tsa")

    @property
    def identity_provider_key(self) -> Path:
        """The key with which the test identity provider signs its tokens."""
        return self.folder / "identity-provider.key"

    @property
    def eid_client_key(self) -> Path:
        """Segl's key towards eID providers (private_key_jwt)."""
        return self.keys / "eid-client.key"

    @property
    def identity_provider_state(self) -> Path:
        """The test identity provider's sessions and codes (SQLite); it may be deleted while the neighbours are stopped."""
        return self.folder / "identity-provider.sqlite3"

    def key_store(self, role: Role) -> Path:
        """Return the PKCS #12 file of an organization; `.pem` and `.key` lie beside it."""
        return self.folder / f"{role}.p12"

    def certificate_of(self, role: Role) -> x509.Certificate:
        """Return an organization's end certificate."""
        return read_certificates(self.folder / f"{role}.pem")[0]


def expected_files() -> tuple[str, ...]:
    """Return the files of a whole sandbox folder, relative to it."""
    return (
        "ca/root.pem",
        "ca/issuing.pem",
        *(f"ca-keys/{name}.key" for name in AUTHORITIES),
        *(f"trust/{name}.pem" for name in ("person-root", "tsa-root", "seal-root")),
        *(f"{role}.{kind}" for role in Role for kind in ("p12", "pem", "key")),
        *(f"{name}.{kind}" for name in ("server", "tsa") for kind in ("pem", "key")),
        "identity-provider.key",
        "organizations.json",
        "persons.json",
    )
