"""Segl's own keys in files: made once, never overwritten, refused when they do not belong together."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from segl.adapters.keys import FileKeys, KeyFileUnusable, KeysExistAlready, create, status
from segl.adapters.keys.creation import write_revocation_lists
from segl.adapters.keys.files import private_pem, write_file
from segl.adapters.keys.profiles import new_rsa_key

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "keys"
    create(
        folder,
        organization="Fjordvik kommune",
        organization_number="312845903",
        now=NOW,
        revocation_list_urls=("http://crl.example/person.crl", "http://crl.example/seal.crl"),
    )
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """Keys of one's own to break."""
    return Path(shutil.copytree(made, tmp_path / "keys"))


class TestMadeKeys:
    def test_serve_person_ca_and_seal(self, made: Path) -> None:
        keys = FileKeys(made)
        person_ca, seal = keys.person_ca(), keys.seal()
        assert isinstance(person_ca.private_key, ec.EllipticCurvePrivateKey)
        assert person_ca.certificate.issuer == person_ca.chain[0].subject == person_ca.chain[-1].issuer
        assert isinstance(seal.private_key, rsa.RSAPrivateKey)
        assert seal.private_key.key_size == 3072
        assert seal.certificate.subject.rfc4514_string() == "CN=Fjordvik kommune,2.5.4.97=NTRNO-312845903,O=Fjordvik kommune,C=NO"

    def test_name_where_their_lists_are_published(self, made: Path) -> None:
        (point,) = FileKeys(made).seal().certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert point.full_name is not None
        assert point.full_name[0].value == "http://crl.example/seal.crl"

    def test_are_loaded_once(self, folder: Path) -> None:
        keys = FileKeys(folder)
        first = keys.seal()
        (folder / "seal.key").unlink()
        assert keys.seal() is first

    def test_are_for_their_owner_only(self, made: Path) -> None:
        assert {path.stat().st_mode & 0o777 for path in made.glob("*.key")} == {0o600}

    def test_are_never_overwritten(self, folder: Path) -> None:
        for path in folder.iterdir():
            if path.name != "seal.key":
                path.unlink()
        before = (folder / "seal.key").read_bytes()
        with pytest.raises(KeysExistAlready, match=r"seal\.key exists already\. Nothing was written"):
            create(folder, organization="Fjordvik kommune", organization_number="312845903", now=NOW)
        assert [path.name for path in folder.iterdir()] == ["seal.key"]
        assert (folder / "seal.key").read_bytes() == before


class TestAKeyFile:
    def test_is_refused_when_it_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(KeyFileUnusable, match=r"person-ca\.pem cannot be read\. Run `segl keys create`"):
            FileKeys(tmp_path).person_ca()

    def test_is_refused_when_it_belongs_to_another_certificate(self, folder: Path) -> None:
        shutil.copy(folder / "seal-root.key", folder / "seal.key")
        with pytest.raises(KeyFileUnusable, match=r"seal\.key does not belong to the first certificate of seal\.pem"):
            FileKeys(folder).seal()

    def test_is_refused_when_it_holds_no_key(self, folder: Path) -> None:
        (folder / "seal.key").write_text("no key")
        with pytest.raises(KeyFileUnusable, match=r"seal\.key holds no unencrypted private key in PEM"):
            FileKeys(folder).seal()

    def test_is_refused_when_it_holds_no_certificate(self, folder: Path) -> None:
        (folder / "seal.pem").write_text("no certificate")
        with pytest.raises(KeyFileUnusable, match=r"seal\.pem holds no PEM certificate"):
            FileKeys(folder).seal()

    def test_is_refused_when_its_certificates_are_no_chain(self, folder: Path) -> None:
        leaf = (folder / "seal.pem").read_bytes().partition(b"-----END CERTIFICATE-----\n")
        (folder / "seal.pem").write_bytes(leaf[0] + leaf[1] + (folder / "person-root.pem").read_bytes())
        with pytest.raises(KeyFileUnusable, match=r"seal\.pem is not one chain"):
            FileKeys(folder).seal()

    def test_is_refused_for_the_seal_when_the_key_is_not_rsa(self, folder: Path) -> None:
        for kind in ("pem", "key"):
            shutil.copy(folder / f"person-ca.{kind}", folder / f"seal.{kind}")
        with pytest.raises(KeyFileUnusable, match="holds no RSA key of at least 3072 bits"):
            FileKeys(folder).seal()


class TestTheStatus:
    def test_tells_of_both_keys(self, made: Path) -> None:
        person_ca, seal = status(made, now=NOW)
        assert (person_ca.name, person_ca.problem, person_ca.algorithm, person_ca.is_sandbox) == ("person-ca", None, "P-256", False)
        assert (seal.name, seal.problem, seal.algorithm, seal.is_sandbox) == ("seal", None, "RSA-3072", False)
        assert seal.valid_until is not None
        assert seal.valid_until > NOW + timedelta(days=24 * 365)

    def test_tells_what_is_missing(self, tmp_path: Path) -> None:
        assert [row.problem is not None and "cannot be read" in row.problem for row in status(tmp_path, now=NOW)] == [True, True]

    def test_tells_what_has_expired(self, made: Path) -> None:
        problems = [row.problem or "" for row in status(made, now=NOW + timedelta(days=26 * 365))]
        assert all("has expired" in problem for problem in problems)

    def test_tells_what_is_not_valid_yet(self, made: Path) -> None:
        problems = [row.problem or "" for row in status(made, now=NOW - timedelta(days=1))]
        assert all("not valid yet" in problem for problem in problems)


class TestAWrittenFile:
    def test_replaces_the_old_one_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "seal.key"
        path.write_text("old")
        write_file(path, private_pem(new_rsa_key(2048)))
        assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
        assert [entry.name for entry in tmp_path.iterdir()] == ["seal.key"]


class TestTheRevocationLists:
    def test_are_signed_by_the_roots_and_fresh_for_as_long_as_asked(self, made: Path, tmp_path: Path) -> None:
        paths = write_revocation_lists(made, into=tmp_path / "lists", at=NOW, fresh_for=timedelta(days=30))

        assert [path.name for path in paths] == ["person-root.crl", "seal-root.crl"]
        for path in paths:
            content = x509.load_der_x509_crl(path.read_bytes())
            root = x509.load_pem_x509_certificate((made / f"{path.stem}.pem").read_bytes())
            assert content.is_signature_valid(root.public_key())  # type: ignore[arg-type] - EC and RSA, as made
            assert content.next_update_utc == NOW + timedelta(days=30)
            assert len(content) == 0
