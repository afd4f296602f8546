"""What stands in the evidence of a signature, and what may not."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

import pytest

from segl.ceremony.evidence import NameNotAvailable, SignerIdentity, WrongPerson, evidence_bytes, settle_identity
from segl.values import IdentifierFormat, NationalIdentityNumber, SignatureType

from .builders import ID_TOKEN, NUMBER, SIGNED_AT, SOMEBODY_ELSE, identification, intent

PIN, DOB, NAME = (
    IdentifierFormat.NATIONAL_IDENTITY_NUMBER_AND_NAME,
    IdentifierFormat.DATE_OF_BIRTH_AND_NAME,
    IdentifierFormat.NAME,
)


def written(identifier_format: IdentifierFormat) -> bytes:
    who = settle_identity(identification(), addressed_to=NUMBER, identifier_format=identifier_format)
    return evidence_bytes(
        intent=intent(identifier_format=identifier_format).canonical(),
        identity=who,
        identification=identification(),
        signature_type=SignatureType.ADVANCED,
        signed_at=SIGNED_AT,
        ip_address="192.0.2.44",
    )


def told(identifier_format: IdentifierFormat) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(written(identifier_format))
    return value


class TestTheEvidence:
    @pytest.mark.parametrize("identifier_format", list(IdentifierFormat))
    def test_tells_who_when_how_and_from_where(self, identifier_format: IdentifierFormat) -> None:
        evidence = told(identifier_format)
        assert evidence["who"]["name"] == "Ingrid Solvang"
        assert evidence["when"] == "2026-11-24T12:00:05.250Z"
        assert evidence["ipAddress"] == "192.0.2.44"
        how = evidence["how"]
        assert (how["eid"], how["level"], how["provider"]) == ("BankID", 4, "sandbox")
        assert how["authenticatedAt"] == "2026-11-24T12:00:00.000Z"
        assert how["issuer"] == "http://127.0.0.1:8002/idp"
        assert how["signatureType"] == "ADVANCED_ELECTRONIC_SIGNATURE"

    def test_holds_the_intent_so_that_its_hash_can_be_redone(self) -> None:
        evidence = told(DOB)
        assert evidence["intent"].encode() == intent().canonical()
        assert evidence["intentSha256"] == hashlib.sha256(intent().canonical()).hexdigest()

    def test_is_the_same_bytes_for_the_same_signature(self) -> None:
        assert written(DOB) == written(DOB)
        assert json.dumps(told(DOB), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == written(DOB)

    def test_holds_number_token_and_key_when_the_identifier_is_the_number(self) -> None:
        evidence = told(PIN)
        assert evidence["who"]["nationalIdentityNumber"] == NUMBER.value
        assert evidence["how"]["idToken"] == ID_TOKEN
        assert evidence["how"]["verifyingKey"] == '{"kty": "RSA"}'
        assert "idTokenSha256" not in evidence["how"]

    @pytest.mark.parametrize("identifier_format", [DOB, NAME])
    def test_holds_only_the_tokens_digest_otherwise(self, identifier_format: IdentifierFormat) -> None:
        evidence = told(identifier_format)
        assert evidence["how"]["idTokenSha256"] == hashlib.sha256(ID_TOKEN.encode()).hexdigest()
        assert not {"idToken", "verifyingKey"} & set(evidence["how"])
        assert "nationalIdentityNumber" not in evidence["who"]
        assert NUMBER.value.encode() not in written(identifier_format)
        assert ID_TOKEN.encode() not in written(identifier_format)

    def test_tells_the_birth_date_only_when_the_identifier_does(self) -> None:
        assert told(PIN)["who"]["birthDate"] == "2007-03-14"
        assert told(DOB)["who"]["birthDate"] == "2007-03-14"
        assert "birthDate" not in told(NAME)["who"]


class TestThePersonWhoLoggedIn:
    @pytest.mark.parametrize(
        ("identifier_format", "expected"),
        [
            (PIN, SignerIdentity(name="Ingrid Solvang", birth_date=date(2007, 3, 14), national_identity_number=NUMBER)),
            (DOB, SignerIdentity(name="Ingrid Solvang", birth_date=date(2007, 3, 14), national_identity_number=None)),
            (NAME, SignerIdentity(name="Ingrid Solvang", birth_date=None, national_identity_number=None)),
        ],
    )
    def test_is_cut_down_to_what_the_identifier_allows(self, identifier_format: IdentifierFormat, expected: SignerIdentity) -> None:
        assert settle_identity(identification(), addressed_to=NUMBER, identifier_format=identifier_format) == expected

    @pytest.mark.parametrize("identifier_format", list(IdentifierFormat))
    def test_must_be_the_addressed_one(self, identifier_format: IdentifierFormat) -> None:
        with pytest.raises(WrongPerson):
            settle_identity(identification(), addressed_to=SOMEBODY_ELSE, identifier_format=identifier_format)

    def test_may_be_anybody_for_a_custom_identifier(self) -> None:
        who = settle_identity(identification(national_identity_number=SOMEBODY_ELSE), addressed_to=None, identifier_format=NAME)
        assert who.name == "Ingrid Solvang"

    @pytest.mark.parametrize("name", [None, "", "  \t "])
    def test_must_have_a_name(self, name: str | None) -> None:
        with pytest.raises(NameNotAvailable):
            settle_identity(identification(name=name), addressed_to=NUMBER, identifier_format=NAME)

    def test_is_refused_as_the_wrong_one_before_the_name_is_looked_at(self) -> None:
        with pytest.raises(WrongPerson):
            settle_identity(identification(name=None), addressed_to=SOMEBODY_ELSE, identifier_format=NAME)

    def test_has_the_name_in_one_line(self) -> None:
        assert (
            settle_identity(identification(name=" Ingrid\n Solvang "), addressed_to=None, identifier_format=NAME).name == "Ingrid Solvang"
        )

    def test_may_have_a_number_that_names_no_date(self) -> None:
        odd = NationalIdentityNumber("99999999999")
        who = settle_identity(identification(national_identity_number=odd), addressed_to=odd, identifier_format=DOB)
        assert who.birth_date is None

    def test_shows_nothing_personal_when_printed(self) -> None:
        assert "Ingrid" not in repr(identification())
        assert NUMBER.value not in repr(identification())
