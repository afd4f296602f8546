"""The running Segls of this suite, and who calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from asice.enterprise import name, usage
from support.postgresql import PostgresServer
from support.running_segl import RunningSegl, make

from .speaking import Api, Party


def party(segl: RunningSegl, role: str) -> Party:
    return Party(number=segl.organization(role), pem=segl.sandbox / f"{role}.pem", key_file=segl.sandbox / f"{role}.key")


def caller(segl: RunningSegl, role: str, *, sender: str | None = None) -> Api:
    """Return the API as `role` calls it for the role `sender`, itself when that is not given."""
    return Api(segl=segl, party=party(segl, role), sender=segl.organization(sender or role))


@pytest.fixture(scope="session")
def segl(running_segl: RunningSegl) -> RunningSegl:
    return running_segl


@pytest.fixture(scope="session")
def public(segl: RunningSegl) -> Api:
    return caller(segl, "public-sender")


@pytest.fixture(scope="session")
def private(segl: RunningSegl) -> Api:
    return caller(segl, "private-sender")


@pytest.fixture(scope="session")
def broker(segl: RunningSegl) -> Api:
    """The broker, for the public sender."""
    return caller(segl, "broker", sender="public-sender")


@pytest.fixture(scope="session")
def people(segl: RunningSegl) -> list[str]:
    """Identity numbers of those who can sign at the highest level."""
    return [str(row["nationalIdentityNumber"]) for row in segl.persons() if 4 in row["levels"]]  # type: ignore[operator]


@pytest.fixture(scope="session")
def own_segl(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer | None) -> Iterator[RunningSegl]:
    """A Segl whose clock tests may move, with two processes of the API, without rate limit, and production's polling interval."""
    segl = make(tmp_path_factory.mktemp("own"), postgres, SEGL_RATE_LIMIT="0", SEGL_POLL_INTERVAL="600", SEGL_WORKERS="2")
    try:
        segl.start()
        yield segl
    finally:
        segl.stop()


@pytest.fixture(scope="session")
def limited_segl(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer | None) -> Iterator[RunningSegl]:
    """A Segl with the rate limit that production has, in two processes."""
    segl = make(tmp_path_factory.mktemp("limited"), postgres, SEGL_RATE_LIMIT="10", SEGL_WORKERS="2")
    try:
        segl.start()
        yield segl
    finally:
        segl.stop()


@dataclass
class Register:
    """Gives organizations enterprise certificates of the sandbox's CA, and access."""

    folder: Path
    numbers: Iterator[str] = field(default_factory=lambda: iter(_organization_numbers()))

    def certify(self, segl: RunningSegl, number: str, subject: x509.Name) -> Party:
        """Return a party with a certificate for `subject`; it has no access yet."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer = x509.load_pem_x509_certificate((segl.sandbox / "ca/issuing.pem").read_bytes())
        issuer_key = load_pem_private_key((segl.sandbox / "ca-keys/enterprise-issuing.key").read_bytes(), None)
        assert isinstance(issuer_key, rsa.RSAPrivateKey)
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=issuer.subject, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=300))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        )
        pem, key_file = self.folder / f"{number}.pem", self.folder / f"{number}.key"
        pem.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in (builder.sign(issuer_key, hashes.SHA256()), issuer)))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Party(number=number, pem=pem, key_file=key_file)

    def enroll(self, segl: RunningSegl, subject: Callable[[str], x509.Name] | None = None, *, sector: str = "public") -> Api:
        """Return the API as a new organization calls it, one that no other test knows."""
        number = next(self.numbers)
        shown = subject(number) if subject else name(C="NO", O="Ny AS", organizationIdentifier=f"NTRNO-{number}", CN="Ny AS")
        given = segl.command("organization", "add", number, "Ny AS", "--sector", sector)
        assert given.returncode == 0, given.stderr
        return Api(segl=segl, party=self.certify(segl, number, shown), sender=number)


@pytest.fixture(scope="session")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register(folder=tmp_path_factory.mktemp("certificates"))


def _organization_numbers() -> Iterator[str]:
    """Made-up numbers with right check digits, beginning where no sandbox organization is."""
    for start in range(31900001, 31999999):
        digits = [int(digit) for digit in str(start)]
        control = 11 - sum(digit * weight for digit, weight in zip(digits, (3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
        if control != 10:
            yield f"{start}{control % 11}"
