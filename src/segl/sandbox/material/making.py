"""
Making the sandbox material: a private enterprise CA and its end certificates, the roots of person CA, TSA and seal, and Segl's sandbox keys.

The folder is built beside its place and renamed there whole, so that a kill leaves either nothing or everything.
"""

from __future__ import annotations

import fcntl
import ipaddress
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from segl.adapters.keys import profiles
from segl.adapters.keys.files import (
    KeyFileUnusable,
    certificates_pem,
    force_folder,
    private_pem,
    read_certificates,
    read_private_key,
    write_file,
)
from segl.adapters.keys.profiles import SANDBOX_ORGANIZATION, Issuer, PrivateKey, Validity
from segl.sandbox.material.folder import KEY_STORE_PASSWORD, MaterialDamaged, SandboxMaterial, expected_files
from segl.sandbox.material.organizations import ORGANIZATIONS, SEID_2_ROLES, Organization, organizations_json
from segl.sandbox.material.persons import persons_json

BACKDATED = timedelta(days=30)  # clocks of containers and laptops differ; a revocation date must also lie after notBefore
AUTHORITIES_VALID_FOR = timedelta(days=25 * 365)
ENTERPRISE_KEY_BITS = 2048  # what Norwegian enterprise certificates are
DEFAULT_NEIGHBOURS_URL = "http://127.0.0.1:8002"


def ensure(data: Path, *, server_organization_number: str, now: datetime, neighbours_url: str = DEFAULT_NEIGHBOURS_URL) -> SandboxMaterial:
    """
    Make what is missing of the sandbox material below `data`, and return where it is.

    Takes a few seconds the first time (RSA keys) and milliseconds afterwards. Whatever exists stays, but for the server certificate,
    which is issued anew when `server_organization_number` has changed. `neighbours_url` is written into the certificates as the
    address of the revocation lists. Safe to call from several processes at once.

    :raises MaterialDamaged: if files of a finished folder are gone: new CAs would silently distrust all that was signed before.
    """
    material = SandboxMaterial(data=data)
    data.mkdir(parents=True, exist_ok=True)
    with _alone(data):
        if not material.folder.exists() or not any(material.folder.iterdir()):
            _make_folder(material, number=server_organization_number, now=now, url=neighbours_url)
        for path, content in ((material.organizations, organizations_json()), (material.persons, persons_json())):
            if not path.exists():
                write_file(path, content, mode=0o644)
        missing = [name for name in expected_files() if not (material.folder / name).is_file()]
        if missing:
            raise MaterialDamaged(
                f"{material.folder} lacks {missing[0]}{' and more' if len(missing) > 1 else ''}. Put it back from a backup, or delete {data}"
                " to start with an empty sandbox."
            )
        if not _has_server(material, server_organization_number):
            _write_server(material.folder, number=server_organization_number, now=now, url=neighbours_url)
        _ensure_keys(material, now=now, url=neighbours_url)
    return material


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold a lock that the kernel lets go of when the process dies."""
    with (data / ".sandbox-material.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_folder(material: SandboxMaterial, *, number: str, now: datetime, url: str) -> None:
    half_made = material.data / "sandbox.half-made"
    shutil.rmtree(half_made, ignore_errors=True)
    for name in ("ca", "trust"):
        (half_made / name).mkdir(parents=True)
    (half_made / "ca-keys").mkdir(mode=0o700)
    _write_enterprise(half_made, now=now, url=url)
    _write_server(half_made, number=number, now=now, url=url)
    _write_trust(half_made, now=now, url=url)
    write_file(half_made / "identity-provider.key", private_pem(profiles.new_rsa_key(ENTERPRISE_KEY_BITS)))
    write_file(half_made / "organizations.json", organizations_json(), mode=0o644)
    write_file(half_made / "persons.json", persons_json(), mode=0o644)
    half_made.rename(material.folder)
    force_folder(material.data)


def _validity(now: datetime) -> Validity:
    start = now.replace(microsecond=0) - BACKDATED
    return Validity(not_before=start, not_after=start + AUTHORITIES_VALID_FOR)


def _write_enterprise(folder: Path, *, now: datetime, url: str) -> None:
    root_key, issuing_key = profiles.new_rsa_key(ENTERPRISE_KEY_BITS), profiles.new_rsa_key(ENTERPRISE_KEY_BITS)
    root = profiles.root(name=_name("Segl sandbox enterprise root"), private_key=root_key, validity=_validity(now))
    issuing = profiles.issuing_ca(
        name=_name("Segl sandbox enterprise issuing CA"),
        public_key=issuing_key.public_key(),
        issuer=Issuer(certificate=root, private_key=root_key),
        validity=_validity(now),
        revocation_list_url=f"{url}/crl/enterprise-root.crl",
    )
    write_file(folder / "ca-keys/enterprise-root.key", private_pem(root_key))
    write_file(folder / "ca-keys/enterprise-issuing.key", private_pem(issuing_key))
    write_file(folder / "ca/root.pem", certificates_pem(root), mode=0o644)
    write_file(folder / "ca/issuing.pem", certificates_pem(issuing), mode=0o644)
    for organization in ORGANIZATIONS:
        private_key = profiles.new_rsa_key(ENTERPRISE_KEY_BITS)
        leaf = profiles.certificate(
            name=profiles.subject(
                organization=organization.name,
                common_name=organization.name,
                organization_number=organization.organization_number.value,
                is_seid_2=organization.role in SEID_2_ROLES,
            ),
            public_key=private_key.public_key(),
            issuer=Issuer(certificate=issuing, private_key=issuing_key),
            validity=_validity(now),
            extensions=[
                (x509.BasicConstraints(ca=False, path_length=None), True),
                (profiles.key_usage(signs=True, binds=True), True),
                (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
            ],
            revocation_list_url=f"{url}/crl/enterprise-issuing.crl",
        )
        _write_key_store(folder, organization, private_key=private_key, chain=(leaf, issuing, root))


def _write_key_store(
    folder: Path, organization: Organization, *, private_key: rsa.RSAPrivateKey, chain: tuple[x509.Certificate, ...]
) -> None:
    key_store = pkcs12.serialize_key_and_certificates(
        name=organization.role.value.encode(),
        key=private_key,
        cert=chain[0],
        cas=chain[1:],
        encryption_algorithm=serialization.BestAvailableEncryption(KEY_STORE_PASSWORD.encode()),
    )
    write_file(folder / organization.keystore, key_store)
    write_file(folder / f"{organization.role}.key", private_pem(private_key))
    write_file(folder / f"{organization.role}.pem", certificates_pem(*chain), mode=0o644)


def _write_server(folder: Path, *, number: str, now: datetime, url: str) -> None:
    issuing = read_certificates(folder / "ca/issuing.pem")[0]
    private_key = profiles.new_rsa_key(ENTERPRISE_KEY_BITS)
    leaf = profiles.certificate(
        # Java reads OID.2.5.4.5 and .NET looks for "SERIALNUMBER=…" in the subject: serialNumber pleases both (wire-spec.md 4.2, 4.3).
        name=profiles.subject(organization=SANDBOX_ORGANIZATION, common_name="Segl sandbox API", organization_number=number),
        public_key=private_key.public_key(),
        issuer=Issuer(certificate=issuing, private_key=read_private_key(folder / "ca-keys/enterprise-issuing.key")),
        validity=_validity(now),
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (profiles.key_usage(signs=True, enciphers=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False),
        ],
        revocation_list_url=f"{url}/crl/enterprise-issuing.crl",
    )
    # The issuing CA goes with the leaf because Java's path building needs it; the root is what the caller must hold already.
    write_file(folder / "server.key", private_pem(private_key))
    write_file(folder / "server.pem", certificates_pem(leaf, issuing), mode=0o644)


def _write_trust(folder: Path, *, now: datetime, url: str) -> None:
    tsa_root_key = profiles.new_rsa_key(profiles.SEAL_KEY_BITS)
    tsa_root = profiles.root(name=_name("Segl sandbox TSA root"), private_key=tsa_root_key, validity=_validity(now))
    tsa_key = profiles.new_ec_key()  # every signature waits for a time-stamp: P-256 signs some fifty times faster than RSA-3072
    tsa = profiles.certificate(
        name=_name("Segl sandbox time-stamp authority"),
        public_key=tsa_key.public_key(),
        issuer=Issuer(certificate=tsa_root, private_key=tsa_root_key),
        validity=_validity(now),
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (profiles.key_usage(signs=True, binds=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),  # RFC 3161, 2.3: critical, and the only one
        ],
        revocation_list_url=f"{url}/crl/tsa-root.crl",
    )
    write_file(folder / "ca-keys/tsa-root.key", private_pem(tsa_root_key))
    write_file(folder / "trust/tsa-root.pem", certificates_pem(tsa_root), mode=0o644)
    write_file(folder / "tsa.key", private_pem(tsa_key))
    write_file(folder / "tsa.pem", certificates_pem(tsa, tsa_root), mode=0o644)

    seal_root_key: PrivateKey = profiles.new_rsa_key(profiles.SEAL_KEY_BITS)
    person_root_key: PrivateKey = profiles.new_ec_key()
    for name, title, private_key in (
        ("seal-root", "Segl sandbox seal root", seal_root_key),
        ("person-root", "Segl sandbox person root", person_root_key),
    ):
        root = profiles.root(name=_name(title), private_key=private_key, validity=_validity(now))
        write_file(folder / f"ca-keys/{name}.key", private_pem(private_key))
        write_file(folder / f"trust/{name}.pem", certificates_pem(root), mode=0o644)
    write_file(folder / "ca-keys/person-ca.key", private_pem(profiles.new_ec_key()))


def _ensure_keys(material: SandboxMaterial, *, now: datetime, url: str) -> None:
    """Write Segl's sandbox keys where none stand; a key without certificate is what a kill in between leaves, and is finished."""
    keys, folder = material.keys, material.folder
    keys.mkdir(exist_ok=True, mode=0o700)
    if not (keys / "person-ca.pem").exists():
        _ensure_key(keys / "person-ca.key", read_private_key(folder / "ca-keys/person-ca.key"))
        private_key = read_private_key(keys / "person-ca.key")
        root = read_certificates(folder / "trust/person-root.pem")[0]
        person_ca = profiles.issuing_ca(
            name=_name("Segl sandbox person CA"),
            public_key=private_key.public_key(),
            issuer=Issuer(certificate=root, private_key=read_private_key(folder / "ca-keys/person-root.key")),
            validity=_validity(now),
            revocation_list_url=f"{url}/crl/person-root.crl",
        )
        write_file(keys / "person-ca.pem", certificates_pem(person_ca, root), mode=0o644)
    if not (keys / "seal.pem").exists():
        _ensure_key(keys / "seal.key", None)
        seal_key = read_private_key(keys / "seal.key")
        if not isinstance(seal_key, rsa.RSAPrivateKey):
            raise MaterialDamaged(f"{keys / 'seal.key'} holds no RSA key. Delete it to have another made.")
        root = read_certificates(folder / "trust/seal-root.pem")[0]
        seal = profiles.seal(
            name=profiles.subject(organization=SANDBOX_ORGANIZATION, common_name="Segl sandbox seal"),
            public_key=seal_key.public_key(),
            issuer=Issuer(certificate=root, private_key=read_private_key(folder / "ca-keys/seal-root.key")),
            validity=_validity(now),
            revocation_list_url=f"{url}/crl/seal-root.crl",
        )
        write_file(keys / "seal.pem", certificates_pem(seal, root), mode=0o644)
    if not material.eid_client_key.exists():
        write_file(material.eid_client_key, private_pem(profiles.new_rsa_key(ENTERPRISE_KEY_BITS)))


def _ensure_key(path: Path, private_key: PrivateKey | None) -> None:
    if not path.exists():
        write_file(path, private_pem(private_key or profiles.new_rsa_key(profiles.SEAL_KEY_BITS)))


def _name(common_name: str) -> x509.Name:
    return profiles.subject(organization=SANDBOX_ORGANIZATION, common_name=common_name)


def _has_server(material: SandboxMaterial, number: str) -> bool:
    try:
        certificate = material.server.certificates[0]
    except KeyFileUnusable:  # a kill between the two files: the new key stands beside the old certificate
        return False
    return any(attribute.value == number for attribute in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER))
