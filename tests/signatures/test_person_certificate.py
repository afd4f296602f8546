"""The ten-minute certificate: what it says, and what it keeps to itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

from segl.signatures import person_certificate
from segl.signatures.certificate_paths import NO_REVOCATION_AVAILABLE, is_issued_by
from segl.signatures.person_certificate import VALIDITY_ASSURED_SHORT_TERM, PersonSubject, UnableToIssue
from signatures.pki import NOW, elliptic, pki

NUMBER = "05829399837"


def issue(*, name: str = "Åse Ødegård", number: str | None = None, now: object = NOW, serial: int = 4711) -> x509.Certificate:
    authority = pki().person_ca
    return person_certificate.issue(
        certificate=authority.certificate,
        private_key=authority.private_key,
        public_key=elliptic().public_key(),
        subject=PersonSubject(name=name, national_identity_number=number),
        serial=serial,
        now=now,  # type: ignore[arg-type]
    )


class TestATenMinuteCertificate:
    def test_begins_a_minute_ago_and_lasts_ten(self) -> None:
        certificate = issue(now=NOW.replace(microsecond=999))

        assert certificate.not_valid_before_utc == NOW - timedelta(seconds=60)
        assert certificate.not_valid_after_utc == NOW + timedelta(minutes=9)

    def test_is_issued_by_the_person_ca(self) -> None:
        assert is_issued_by(issue(), pki().person_ca.certificate)

    def test_is_for_signing_and_for_nothing_else(self) -> None:
        usage = issue().extensions.get_extension_for_class(x509.KeyUsage)

        assert usage.critical
        assert (usage.value.digital_signature, usage.value.content_commitment) == (True, True)
        assert not any((usage.value.key_encipherment, usage.value.key_agreement, usage.value.key_cert_sign, usage.value.crl_sign))

    @pytest.mark.parametrize("oid", [NO_REVOCATION_AVAILABLE, VALIDITY_ASSURED_SHORT_TERM])
    def test_says_that_nobody_will_ever_revoke_it(self, oid: x509.ObjectIdentifier) -> None:
        extension = issue().extensions.get_extension_for_oid(oid)

        assert (extension.critical, extension.value.public_bytes()) == (False, b"\x05\x00")

    def test_names_the_issuers_key(self) -> None:
        authority = pki().person_ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest

        assert issue().extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_KEY_IDENTIFIER).value.key_identifier == authority

    def test_names_the_person_and_no_number(self) -> None:
        certificate = issue()

        assert [each.value for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["Åse Ødegård"]
        assert certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER) == []
        assert NUMBER.encode() not in certificate.public_bytes(Encoding.DER)

    def test_names_the_number_when_given(self) -> None:
        attributes = issue(number=NUMBER).subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)

        assert [each.value for each in attributes] == [f"PNONO-{NUMBER}"]

    def test_cuts_a_name_longer_than_x520_allows_between_two_letters(self) -> None:
        (attribute,) = issue(name="a" + "Ø" * 40).subject.get_attributes_for_oid(NameOID.COMMON_NAME)

        assert attribute.value == "a" + "Ø" * 31


class TestNoCertificateIsIssued:
    def test_outside_the_authoritys_own_validity(self) -> None:
        with pytest.raises(UnableToIssue, match="does not cover the next ten minutes"):
            issue(now=pki().person_ca.certificate.not_valid_after_utc)

    def test_to_nobody(self) -> None:
        with pytest.raises(UnableToIssue, match="gave no name"):
            issue(name=" ")

    def test_with_a_serial_number_of_zero_and_the_error_tells_no_name(self) -> None:
        with pytest.raises(UnableToIssue, match="cannot stand in a certificate") as refused:
            issue(serial=0)

        assert refused.value.__cause__ is None
        assert "Ødegård" not in str(refused.value)


class TestThePersonInALog:
    def test_is_not_to_be_read(self) -> None:
        assert repr(PersonSubject(name="Åse Ødegård", national_identity_number=NUMBER)) == "PersonSubject(…)"
