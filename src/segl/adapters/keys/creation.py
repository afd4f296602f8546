"""
Making a first set of keys (`segl keys create`) and telling what stands in the folder (`segl keys status`).

The roots' private keys are written beside the others under names of their own: take them offline when the set is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from segl.adapters.keys import profiles
from segl.adapters.keys.files import (
    PERSON_CA,
    SEAL,
    KeyFileUnusable,
    certificates_pem,
    private_pem,
    read_key_pair,
    write_file,
)
from segl.adapters.keys.profiles import SANDBOX_ORGANIZATION, Issuer, Validity

PERSON_ROOT = "person-root"
SEAL_ROOT = "seal-root"
VALID_FOR = timedelta(days=25 * 365)  # documents live 20 years (wire-spec.md); a CA must outlive them
BACKDATED = timedelta(minutes=5)  # a validator whose clock is a little behind must not find the CA "not yet valid"


class KeysExistAlready(Exception):
    """The folder holds keys already. Nothing was written: move them away first if they are to be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """One key of Segl as the operator is told of it."""

    name: str
    """`person-ca` or `seal`."""
    problem: str | None
    """What is wrong, and what to do; None when the key is usable."""
    subject: str | None
    algorithm: str | None
    """`P-256`, `RSA-3072` …"""
    valid_until: datetime | None
    is_sandbox: bool
    """Made by the sandbox: production refuses it."""


def create(
    folder: Path, *, organization: str, organization_number: str, now: datetime, revocation_list_urls: tuple[str, str] | None = None
) -> None:
    """
    Make a person CA and a seal, each below a root of its own, in `folder`.

    `revocation_list_urls`: where the lists of the person root and the seal root are published, in this order; without them no
    certificate carries a CRL address, and SEGL_CRL_URLS must name the lists.

    :raises KeysExistAlready: if any of the files is there; nothing is written then.
    """
    names = (PERSON_ROOT, PERSON_CA, SEAL_ROOT, SEAL)
    for path in (folder / f"{name}.{kind}" for name in names for kind in ("pem", "key")):
        if path.exists():
            raise KeysExistAlready(f"{path} exists already. Nothing was written: move the keys away first if they are to be replaced.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    validity = Validity(not_before=now - BACKDATED, not_after=now + VALID_FOR)
    person_url, seal_url = revocation_list_urls or (None, None)

    person_root_key, person_ca_key = profiles.new_ec_key(), profiles.new_ec_key()
    person_root = profiles.root(
        name=profiles.subject(organization=organization, common_name="Segl person root"), private_key=person_root_key, validity=validity
    )
    person_ca = profiles.issuing_ca(
        name=profiles.subject(organization=organization, common_name="Segl person CA"),
        public_key=person_ca_key.public_key(),
        issuer=Issuer(certificate=person_root, private_key=person_root_key),
        validity=validity,
        revocation_list_url=person_url,
    )
    seal_root_key, seal_key = profiles.new_rsa_key(profiles.SEAL_KEY_BITS), profiles.new_rsa_key(profiles.SEAL_KEY_BITS)
    seal_root = profiles.root(
        name=profiles.subject(organization=organization, common_name="Segl seal root"), private_key=seal_root_key, validity=validity
    )
    seal = profiles.seal(
        name=profiles.subject(organization=organization, common_name=organization, organization_number=organization_number, is_seid_2=True),
        public_key=seal_key.public_key(),
        issuer=Issuer(certificate=seal_root, private_key=seal_root_key),
        validity=validity,
        revocation_list_url=seal_url,
    )
    for name, certificates, private_key in (
        (PERSON_ROOT, (person_root,), person_root_key),
        (PERSON_CA, (person_ca, person_root), person_ca_key),
        (SEAL_ROOT, (seal_root,), seal_root_key),
        (SEAL, (seal, seal_root), seal_key),
    ):
        write_file(folder / f"{name}.key", private_pem(private_key))
        write_file(folder / f"{name}.pem", certificates_pem(*certificates), mode=0o644)


def write_revocation_lists(folder: Path, *, into: Path, at: datetime, fresh_for: timedelta) -> tuple[Path, ...]:
    """
    Write the lists of the person root and the seal root, with nothing revoked, into `into` as DER; return their paths.

    Publish them at the addresses of SEGL_CRL_URLS and write them anew before `fresh_for` is over: without fresh lists nothing is signed.

    :raises KeyFileUnusable: if a root's certificate or private key is not in `folder`.
    """
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for name in (PERSON_ROOT, SEAL_ROOT):
        pair = read_key_pair(folder, name)
        content = profiles.revocation_list(pair.certificates[0], pair.private_key, at=at, fresh_for=fresh_for).public_bytes(
            serialization.Encoding.DER
        )
        path = into / f"{name}.crl"
        write_file(path, content, mode=0o644)
        written.append(path)
    return tuple(written)


def status(folder: Path, *, now: datetime) -> tuple[KeyStatus, ...]:
    """Tell of person CA and seal whether they are usable at `now`. Never raises for a broken file: that is what is told."""
    return tuple(_status_of(folder, name, now=now) for name in (PERSON_CA, SEAL))


def _status_of(folder: Path, name: str, *, now: datetime) -> KeyStatus:
    try:
        pair = read_key_pair(folder, name)
    except KeyFileUnusable as error:
        return KeyStatus(name=name, problem=str(error), subject=None, algorithm=None, valid_until=None, is_sandbox=False)
    certificate = pair.certificates[0]
    is_rsa = isinstance(pair.private_key, rsa.RSAPrivateKey)
    problem = None
    if now >= certificate.not_valid_after_utc:
        problem = f"The certificate in {folder / name}.pem has expired. Issue a new one for the same key, or make a new key."
    elif now < certificate.not_valid_before_utc:
        problem = f"The certificate in {folder / name}.pem is not valid yet. Check this machine's clock."
    elif name == SEAL and not (is_rsa and pair.private_key.key_size >= profiles.SEAL_KEY_BITS):
        problem = f"{folder / name}.key holds no RSA key of at least {profiles.SEAL_KEY_BITS} bits. Sealing needs one: replace the key."
    return KeyStatus(
        name=name,
        problem=problem,
        subject=certificate.subject.rfc4514_string(),
        algorithm=f"RSA-{pair.private_key.key_size}" if is_rsa else f"P-{pair.private_key.key_size}",
        valid_until=certificate.not_valid_after_utc,
        is_sandbox=is_sandbox_certificate(certificate),
    )


def is_sandbox_certificate(certificate: x509.Certificate) -> bool:
    """Return whether the sandbox made this certificate (its issuer's organization says so)."""
    names = certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return any(name.value == SANDBOX_ORGANIZATION for name in names)
