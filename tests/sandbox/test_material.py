"""The sandbox material: made once, whole, and fit for the official clients and for EU DSS."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from stdnum.no import orgnr

from segl.adapters.keys import FileKeys
from segl.adapters.keys.files import read_certificates, read_key_pair
from segl.sandbox.material import (
    KEY_STORE_PASSWORD,
    REVOCATION_LISTS,
    MaterialDamaged,
    Role,
    SandboxMaterial,
    UnknownRevocationList,
    authorized_brokers,
    ensure,
    read_organizations,
    read_persons,
    revocation_list,
)
from segl.sandbox.material.folder import expected_files
from segl.values import Level, Sector

NOW = datetime(2026, 11, 24, 12, 0, 0, 123, tzinfo=UTC)
SERVER = "984661185"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def copy(material: SandboxMaterial, tmp_path: Path) -> SandboxMaterial:
    """Sandbox material of one's own to break."""
    shutil.copytree(material.data, tmp_path / "data")
    return SandboxMaterial(data=tmp_path / "data")


class TestTheMaterial:
    def test_stays_as_it_is_at_the_second_start(self, copy: SandboxMaterial) -> None:
        before = content(copy.data)
        ensure(copy.data, server_organization_number=SERVER, now=NOW + timedelta(days=400))
        assert content(copy.data) == before

    def test_is_made_again_after_a_kill_halfway(self, tmp_path: Path) -> None:
        half_made = tmp_path / "sandbox.half-made"
        (half_made / "ca").mkdir(parents=True)
        (half_made / "ca/root.pem").write_text("half")
        made = ensure(tmp_path, server_organization_number=SERVER, now=NOW)
        assert b"half" not in (made.ca / "root.pem").read_bytes()
        assert not half_made.exists()

    def test_is_whole_after_a_kill_at_any_moment(self, tmp_path: Path) -> None:
        program = (
            "import sys, pathlib, datetime; from segl.sandbox.material import ensure; print('begun', flush=True); "
            "ensure(pathlib.Path(sys.argv[1]), server_organization_number='984661185', now=datetime.datetime.now(datetime.UTC))"
        )
        for file in ("ca/issuing.pem", "server.key", "trust/tsa-root.pem"):
            with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                process.stdout.readline()
                while not (tmp_path / "sandbox.half-made" / file).exists() and process.poll() is None:
                    pass
                process.kill()
        made = ensure(tmp_path, server_organization_number=SERVER, now=NOW)
        assert all((made.folder / name).is_file() for name in expected_files())
        assert FileKeys(made.keys).seal().chain == read_certificates(made.trust / "seal-root.pem")

    def test_is_made_once_by_two_starts_at_once(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(2) as threads:
            starts = [threads.submit(ensure, tmp_path, server_organization_number=SERVER, now=NOW) for _ in range(2)]
        assert starts[0].result() == starts[1].result()
        assert read_key_pair(starts[0].result().folder, "broker").certificates[1:] == tuple(
            read_certificates(starts[0].result().ca / name)[0] for name in ("issuing.pem", "root.pem")
        )

    def test_finishes_keys_that_a_kill_left_without_certificate(self, copy: SandboxMaterial) -> None:
        seal_key = (copy.keys / "seal.key").read_bytes()
        (copy.keys / "seal.pem").unlink()
        (copy.keys / "person-ca.pem").unlink()
        (copy.keys / "person-ca.key").unlink()
        ensure(copy.data, server_organization_number=SERVER, now=NOW)
        assert (copy.keys / "seal.key").read_bytes() == seal_key
        assert FileKeys(copy.keys).person_ca().chain == read_certificates(copy.trust / "person-root.pem")

    def test_leaves_keys_alone_that_stand_there_already(self, copy: SandboxMaterial) -> None:
        (copy.keys / "seal.pem").write_text("the organization's own")
        ensure(copy.data, server_organization_number=SERVER, now=NOW)
        assert (copy.keys / "seal.pem").read_text() == "the organization's own"

    def test_refuses_to_replace_a_lost_authority(self, copy: SandboxMaterial) -> None:
        (copy.ca / "root.pem").unlink()
        with pytest.raises(MaterialDamaged, match=r"lacks ca/root\.pem\. Put it back from a backup, or delete"):
            ensure(copy.data, server_organization_number=SERVER, now=NOW)

    def test_writes_lost_lists_of_persons_again(self, copy: SandboxMaterial) -> None:
        before = copy.persons.read_bytes()
        copy.persons.unlink()
        ensure(copy.data, server_organization_number=SERVER, now=NOW)
        assert copy.persons.read_bytes() == before

    def test_issues_only_the_server_certificate_anew_when_the_number_changes(self, copy: SandboxMaterial) -> None:
        before = content(copy.data)
        ensure(copy.data, server_organization_number="312845903", now=NOW)
        after = content(copy.data)
        assert {name for name in after if after[name] != before[name]} == {"sandbox/server.pem", "sandbox/server.key"}

    def test_finishes_a_server_certificate_whose_key_is_another(self, copy: SandboxMaterial) -> None:
        shutil.copy(copy.folder / "broker.key", copy.folder / "server.key")
        ensure(copy.data, server_organization_number=SERVER, now=NOW)
        assert copy.server.certificates[0].subject.rfc4514_string() == f"CN=Segl sandbox API,2.5.4.5={SERVER},O=Segl sandbox,C=NO"

    def test_keeps_private_keys_from_other_users(self, material: SandboxMaterial) -> None:
        keys = [*material.folder.rglob("*.key"), *material.keys.glob("*.key"), *material.folder.glob("*.p12")]
        assert len(keys) > 15
        assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}


class TestTheFolderForJava:
    def test_holds_one_ca_certificate_a_file_and_nothing_else(self, material: SandboxMaterial) -> None:
        assert sorted(path.name for path in material.ca.iterdir()) == ["issuing.pem", "root.pem"]
        for path in material.ca.iterdir():
            (certificate,) = read_certificates(path)
            assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


class TestTheServerCertificate:
    def test_carries_the_number_both_official_clients_expect(self, material: SandboxMaterial) -> None:
        leaf, issuing = material.server.certificates
        assert leaf.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == SERVER
        assert not leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
        assert issuing == read_certificates(material.ca / "issuing.pem")[0]

    def test_names_this_machine(self, material: SandboxMaterial) -> None:
        names = material.server.certificates[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["localhost"]
        assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
        usage = material.server.certificates[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


class TestAKeyStore:
    @pytest.mark.parametrize("role", list(Role))
    def test_holds_key_and_chain_under_its_role(self, material: SandboxMaterial, role: Role) -> None:
        store = pkcs12.load_pkcs12(material.key_store(role).read_bytes(), KEY_STORE_PASSWORD.encode())
        pair = read_key_pair(material.folder, role)
        assert store.cert is not None
        assert store.cert.friendly_name == role.value.encode()
        assert (store.cert.certificate, *(issuer.certificate for issuer in store.additional_certs)) == pair.certificates
        assert pair.certificates[1:] == tuple(read_certificates(material.ca / name)[0] for name in ("issuing.pem", "root.pem"))
        for lower, upper in pairwise(pair.certificates):
            lower.verify_directly_issued_by(upper)

    @pytest.mark.parametrize("role", list(Role))
    def test_is_an_enterprise_certificate_for_tls_and_bundles(self, material: SandboxMaterial, role: Role) -> None:
        certificate = material.certificate_of(role)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        public_key = certificate.public_key()
        assert isinstance(public_key, rsa.RSAPublicKey)
        assert public_key.key_size == 2048
        assert usage.digital_signature
        assert not usage.key_cert_sign
        assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]

    def test_carries_its_number_in_either_shape(self, material: SandboxMaterial) -> None:
        seid_1 = material.certificate_of(Role.PUBLIC_SENDER).subject
        seid_2 = material.certificate_of(Role.PRIVATE_SENDER).subject
        assert [attribute.value for attribute in seid_1.get_attributes_for_oid(NameOID.SERIAL_NUMBER)] == ["312845903"]
        assert [attribute.value for attribute in seid_2.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)] == ["NTRNO-311330470"]
        assert not seid_2.get_attributes_for_oid(NameOID.SERIAL_NUMBER)


class TestTheOrganizations:
    def test_are_synthetic_with_right_check_digits(self, material: SandboxMaterial) -> None:
        organizations = read_organizations(material.organizations)
        assert {organization.role for organization in organizations} == set(Role)
        assert {organization.sector for organization in organizations} == set(Sector)
        for organization in organizations:
            assert organization.organization_number.value.startswith("3")
            assert orgnr.is_valid(organization.organization_number.value)
            assert (material.folder / organization.keystore).is_file()

    def test_have_a_broker_for_both_senders(self) -> None:
        assert [(str(broker), str(sender)) for broker, sender in authorized_brokers()] == [
            ("314625838", "312845903"),
            ("314625838", "311330470"),
        ]


def has_right_check_digits(number: str) -> bool:
    """Modulus 11 with the weights of Skatteetaten's definition."""
    weights = ((3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1))
    return all(sum(weight * int(digit) for weight, digit in zip(row, number, strict=True)) % 11 == 0 for row in weights)


class TestThePersons:
    def test_have_numbers_that_nobody_holds_with_right_check_digits(self, material: SandboxMaterial) -> None:
        persons = read_persons(material.persons)
        numbers = [person.national_identity_number for person in persons]
        assert len(set(map(str, numbers))) == len(persons) >= 14
        assert all(has_right_check_digits(str(number)) and number.birth_date for number in numbers)
        assert all(int(str(number)[2:4]) > 80 for number in numbers)
        assert sum(int(str(number)[0:2]) > 40 for number in numbers) >= 2

    def test_begin_with_one_who_has_level_4(self, material: SandboxMaterial) -> None:
        assert Level.HIGH in read_persons(material.persons)[0].levels

    def test_let_one_try_the_odd_cases(self, material: SandboxMaterial) -> None:
        persons = read_persons(material.persons)
        assert [person for person in persons if person.name is None]
        assert [person for person in persons if person.levels == (Level.SUBSTANTIAL,)]
        assert [person for person in persons if person.is_reserved]
        assert [person for person in persons if person.email is None and person.mobile is None]
        assert any(len(person.name or "") > 80 for person in persons)
        assert all(letter in "".join(person.name or "" for person in persons) for letter in "æøåáž")


class TestSeglsSandboxKeys:
    def test_hang_on_the_roots_that_validators_are_given(self, material: SandboxMaterial) -> None:
        keys = FileKeys(material.keys)
        assert keys.person_ca().chain == read_certificates(material.trust / "person-root.pem")
        assert keys.seal().chain == read_certificates(material.trust / "seal-root.pem")
        assert material.time_stamp_authority.certificates[1:] == read_certificates(material.trust / "tsa-root.pem")

    def test_are_what_dss_wants(self, material: SandboxMaterial) -> None:
        seal = FileKeys(material.keys).seal().certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert (seal.digital_signature, seal.content_commitment, seal.key_cert_sign) == (True, True, False)
        tsa = material.time_stamp_authority.certificates[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        assert (tsa.critical, list(tsa.value)) == (True, [ExtendedKeyUsageOID.TIME_STAMPING])
        person_ca = FileKeys(material.keys).person_ca().certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert (person_ca.critical, person_ca.value.ca, person_ca.value.path_length) == (True, True, 0)

    def test_name_where_their_revocation_list_is(self, material: SandboxMaterial) -> None:
        def address(certificate: x509.Certificate) -> str:
            (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
            assert point.full_name
            return str(point.full_name[0].value)

        keys = FileKeys(material.keys)
        assert address(keys.person_ca().certificate) == "http://127.0.0.1:8002/crl/person-root.crl"
        assert address(keys.seal().certificate) == "http://127.0.0.1:8002/crl/seal-root.crl"
        assert address(material.time_stamp_authority.certificates[0]) == "http://127.0.0.1:8002/crl/tsa-root.crl"
        assert address(material.certificate_of(Role.BROKER)) == "http://127.0.0.1:8002/crl/enterprise-issuing.crl"
        assert address(read_certificates(material.ca / "issuing.pem")[0]) == "http://127.0.0.1:8002/crl/enterprise-root.crl"

    def test_are_valid_for_25_years(self, material: SandboxMaterial) -> None:
        certificate = FileKeys(material.keys).person_ca().certificate
        assert certificate.not_valid_before_utc < NOW - timedelta(days=1)
        assert certificate.not_valid_after_utc > NOW + timedelta(days=24 * 365)


class TestARevocationList:
    @pytest.mark.parametrize("name", list(REVOCATION_LISTS))
    def test_is_signed_by_its_issuer_and_fresh(self, material: SandboxMaterial, name: str) -> None:
        at = NOW + timedelta(days=900)
        issued = x509.load_der_x509_crl(revocation_list(material, name, at=at))
        issuer = read_certificates(material.folder / REVOCATION_LISTS[name])[0]
        assert issued.is_signature_valid(issuer.public_key())  # type: ignore[arg-type] - RSA or EC, as made
        assert issued.issuer == issuer.subject
        assert issued.last_update_utc == at.replace(microsecond=0)
        assert issued.next_update_utc == at.replace(microsecond=0) + timedelta(days=1)

    def test_names_the_revoked_organization_and_no_other(self, material: SandboxMaterial) -> None:
        issued = x509.load_der_x509_crl(revocation_list(material, "enterprise-issuing", at=NOW))
        assert [entry.serial_number for entry in issued] == [material.certificate_of(Role.REVOKED).serial_number]
        assert issued.get_revoked_certificate_by_serial_number(material.certificate_of(Role.BROKER).serial_number) is None

    def test_of_another_name_does_not_exist(self, material: SandboxMaterial) -> None:
        with pytest.raises(UnknownRevocationList, match="There is no revocation list of that name"):
            revocation_list(material, "../broker", at=NOW)
