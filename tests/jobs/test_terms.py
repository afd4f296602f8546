"""What a sender may ask for, by sector (wire-spec.md 19)."""

from __future__ import annotations

import itertools

import pytest

from segl.jobs.terms import DIRECT_LIFETIME, AskedSigner, BrokenRule, Terms, TermsRefused, required_level, settle
from segl.values import IdentifierFormat, Level, Sector, SignatureType

PIN, DOB, NAME = (
    IdentifierFormat.NATIONAL_IDENTITY_NUMBER_AND_NAME,
    IdentifierFormat.DATE_OF_BIRTH_AND_NAME,
    IdentifierFormat.NAME,
)
ADVANCED, AUTHENTICATED = SignatureType.ADVANCED, SignatureType.AUTHENTICATED
PUBLIC, PRIVATE = Sector.PUBLIC, Sector.PRIVATE
BY_NUMBER = AskedSigner(is_known_by_number=True, signature_type=None)
BY_OWN_NAME = AskedSigner(is_known_by_number=False, signature_type=None)


def signer(signature_type: SignatureType | None, *, by_number: bool = True) -> AskedSigner:
    return AskedSigner(is_known_by_number=by_number, signature_type=signature_type)


def ask(
    sector: Sector,
    *signers: AskedSigner,
    documents: int = 1,
    level: Level | None = None,
    identifier: IdentifierFormat | None = None,
    name_only: bool = False,
) -> Terms:
    return settle(
        sector=sector,
        may_use_name_only=name_only,
        signers=signers or (BY_NUMBER,),
        document_count=documents,
        level=level,
        identifier_format=identifier,
    )


class TestAPrivateSender:
    @pytest.mark.requirement("R92")
    def test_gets_advanced_level_4_and_number_when_it_asks_for_nothing(self) -> None:
        assert ask(PRIVATE) == Terms(level=Level.HIGH, identifier_format=PIN, signature_types=(ADVANCED,))

    @pytest.mark.requirement("R92")
    @pytest.mark.parametrize(
        ("asked", "rule", "message"),
        [
            (
                {"signers": (signer(AUTHENTICATED),)},
                BrokenRule.SIGNATURE_TYPE_NOT_ALLOWED,
                "A private organization may only ask for ADVANCED_ELECTRONIC_SIGNATURE. Leave signature-type out or set it so.",
            ),
            (
                {"signers": (signer(ADVANCED), signer(AUTHENTICATED))},
                BrokenRule.SIGNATURE_TYPE_NOT_ALLOWED,
                "A private organization may only ask for ADVANCED_ELECTRONIC_SIGNATURE. Leave signature-type out or set it so.",
            ),
            (
                {"level": Level.SUBSTANTIAL},
                BrokenRule.SIGNATURE_TYPE_NOT_ALLOWED,
                "A private organization may only ask for authentication level 4. Leave required-authentication out or set it to 4.",
            ),
            (
                {"identifier": NAME},
                BrokenRule.FEATURE_NOT_AVAILABLE,
                "The identifier NAME is not enabled for this organization. Ask for DATE_OF_BIRTH_AND_NAME, or have the option enabled.",
            ),
        ],
    )
    def test_is_refused_what_only_public_ones_may(self, asked: dict[str, object], rule: BrokenRule, message: str) -> None:
        signers = asked.pop("signers", ())
        with pytest.raises(TermsRefused) as refused:
            ask(PRIVATE, *signers, **asked)  # type: ignore[misc,arg-type]
        assert (refused.value.rule, str(refused.value)) == (rule, message)

    def test_may_ask_for_date_of_birth_and_several_documents(self) -> None:
        assert ask(PRIVATE, documents=20, identifier=DOB).identifier_format is DOB

    def test_may_use_the_name_alone_when_enabled(self) -> None:
        assert ask(PRIVATE, identifier=NAME, name_only=True).identifier_format is NAME

    def test_gets_date_of_birth_when_a_signer_is_not_known_by_number(self) -> None:
        assert ask(PRIVATE, BY_NUMBER, BY_OWN_NAME).identifier_format is DOB


class TestAPublicSender:
    @pytest.mark.requirement("R93")
    def test_gets_authenticated_level_4_and_number_when_it_asks_for_nothing(self) -> None:
        assert ask(PUBLIC) == Terms(level=Level.HIGH, identifier_format=PIN, signature_types=(AUTHENTICATED,))

    def test_may_ask_for_level_3(self) -> None:
        assert ask(PUBLIC, level=Level.SUBSTANTIAL).level is Level.SUBSTANTIAL

    @pytest.mark.requirement("R93")
    @pytest.mark.parametrize("identifier", [DOB, NAME])
    def test_may_not_hide_the_number_of_an_advanced_signature(self, identifier: IdentifierFormat) -> None:
        with pytest.raises(TermsRefused) as refused:
            ask(PUBLIC, signer(ADVANCED), identifier=identifier)
        assert refused.value.rule is BrokenRule.INVALID_IDENTIFIER
        assert str(refused.value).startswith(
            "A public organization's advanced signature allows only the identifier PERSONAL_IDENTIFICATION"
        )

    @pytest.mark.requirement("R93")
    def test_may_not_have_several_documents_signed_with_advanced_signatures(self) -> None:
        assert ask(PUBLIC, signer(ADVANCED), documents=1).signature_types == (ADVANCED,)
        assert ask(PUBLIC, documents=2).signature_types == (AUTHENTICATED,)
        with pytest.raises(TermsRefused) as refused:
            ask(PUBLIC, signer(AUTHENTICATED), signer(ADVANCED), documents=2)
        assert refused.value.rule is BrokenRule.SIGNATURE_TYPE_NOT_ALLOWED
        assert str(refused.value) == (
            "A public organization may not ask for an advanced signature on several documents. Send one document a job, "
            "or ask for an authenticated signature."
        )

    @pytest.mark.parametrize("identifier", [PIN, DOB, NAME])
    def test_may_use_every_identifier_for_authenticated_signatures(self, identifier: IdentifierFormat) -> None:
        assert ask(PUBLIC, identifier=identifier).identifier_format is identifier

    def test_has_no_identifier_for_an_advanced_signer_without_number(self) -> None:
        with pytest.raises(TermsRefused) as refused:
            ask(PUBLIC, signer(ADVANCED, by_number=False))
        assert refused.value.rule is BrokenRule.INVALID_IDENTIFIER
        assert ask(PUBLIC, signer(ADVANCED, by_number=False), name_only=True).identifier_format is NAME

    def test_may_mix_types_when_the_identifier_fits_all(self) -> None:
        assert ask(PUBLIC, signer(ADVANCED), signer(None)).signature_types == (ADVANCED, AUTHENTICATED)


class TestTheIdentityNumber:
    @pytest.mark.requirement("R94")
    @pytest.mark.parametrize("sector", list(Sector))
    def test_cannot_be_promised_for_a_signer_the_sender_does_not_know_by_it(self, sector: Sector) -> None:
        with pytest.raises(TermsRefused) as refused:
            ask(sector, BY_NUMBER, BY_OWN_NAME, identifier=PIN)
        assert refused.value.rule is BrokenRule.INVALID_IDENTIFIER
        assert str(refused.value) == (
            "The identifier PERSONAL_IDENTIFICATION_NUMBER_AND_NAME needs every signer addressed by personal identification number. "
            "Ask for DATE_OF_BIRTH_AND_NAME or NAME."
        )


class TestEveryCombination:
    def test_is_either_refused_or_within_the_table(self) -> None:
        kinds = [signer(kind, by_number=known) for kind in (None, ADVANCED, AUTHENTICATED) for known in (True, False)]
        settled = 0
        for sector, one, two, documents, level, identifier, name_only in itertools.product(
            Sector, kinds, kinds, (1, 2), (None, *Level), (None, *IdentifierFormat), (True, False)
        ):
            try:
                terms = ask(sector, one, two, documents=documents, level=level, identifier=identifier, name_only=name_only)
            except TermsRefused as refused:
                assert str(refused).endswith(".")
                continue
            settled += 1
            assert identifier in {None, terms.identifier_format}
            assert terms.level is (level or Level.HIGH)
            if not (one.is_known_by_number and two.is_known_by_number):
                assert terms.identifier_format is not PIN
            if sector is PRIVATE:
                assert (set(terms.signature_types), terms.level) == ({ADVANCED}, Level.HIGH)
                assert name_only or terms.identifier_format is not NAME
            elif ADVANCED in terms.signature_types:
                assert documents == 1
                assert terms.identifier_format in ({PIN, NAME} if name_only else {PIN})
        assert settled > 100


class TestTheLevel:
    @pytest.mark.parametrize("asked", list(Level))
    def test_is_the_highest_for_an_advanced_signature(self, asked: Level) -> None:
        assert required_level(job_level=asked, signature_type=ADVANCED) is Level.HIGH
        assert required_level(job_level=asked, signature_type=AUTHENTICATED) is asked


class TestADirectJob:
    @pytest.mark.requirement("R87")
    def test_lives_thirty_days(self) -> None:
        assert DIRECT_LIFETIME.days == 30
        assert DIRECT_LIFETIME.seconds == 0
