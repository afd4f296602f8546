"""
The relying party against a provider that answers wrongly on purpose (reliability.md B-23): each bad answer is refused by name.
"""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from segl.ceremony.identification import LoginAnswerRefused, ProviderUnavailable
from segl.values import Language, Level

from .eid_bad_answers import BAD_ANSWERS, BAD_EXCHANGES, BAD_KEYS, BAD_METADATA, BAD_TOKENS
from .eid_provider import NONCE, STATE, Provider, finish, good_claims, relying_party

SECRET_WORDS = ("14830750003", "Ingrid", "the-code", "the-nonce")
"""What must never stand in a message or a log line."""


class TestABadToken:
    @pytest.mark.parametrize("case", list(BAD_TOKENS))
    def test_is_refused_by_the_name_of_the_check_and_logged_so(self, case: str) -> None:
        make, error_type, message = BAD_TOKENS[case]
        provider = Provider(id_token=make(good_claims()))
        with capture_logs() as lines, pytest.raises(error_type, match=f"^.*{message}") as caught:
            finish(provider)
        assert type(caught.value) is error_type
        (line,) = lines
        assert (line["event"], line["provider"], line["reason"]) == ("log-in-not-completed", "example", str(caught.value))
        assert not any(word in str(line) for word in SECRET_WORDS)
        assert {request.url.host for request in provider.requests} == {"eid.example"}


class TestABadCallback:
    @pytest.mark.parametrize("case", list(BAD_ANSWERS))
    def test_is_refused_and_its_code_is_not_spent(self, case: str) -> None:
        parameters, error_type, message = BAD_ANSWERS[case]
        provider = Provider()
        with pytest.raises(error_type, match=message) as caught:
            finish(provider, parameters=parameters)
        assert type(caught.value) is error_type
        assert "script" not in str(caught.value)
        assert provider.asked("/token") == 0

    def test_names_a_provider_that_is_not_in_the_settings(self) -> None:
        with pytest.raises(LoginAnswerRefused, match="no eID provider of that id"):
            relying_party(Provider()).begin(
                provider="other", state=STATE, nonce=NONCE, level=Level.HIGH, is_fresh_required=False, language=Language.BOKMAL
            )


class TestABadExchange:
    @pytest.mark.parametrize("case", list(BAD_EXCHANGES))
    def test_ends_without_a_person(self, case: str) -> None:
        answer, error_type, message = BAD_EXCHANGES[case]
        with pytest.raises(error_type, match=message) as caught:
            finish(Provider(token_answer=answer))
        assert type(caught.value) is error_type
        assert not any(word in str(caught.value) for word in SECRET_WORDS)


class TestBadMetadata:
    @pytest.mark.parametrize("case", list(BAD_METADATA))
    def test_are_refused_and_nothing_is_sent(self, case: str) -> None:
        change, message = BAD_METADATA[case]
        provider = Provider()
        provider.metadata |= change
        with pytest.raises(ProviderUnavailable, match=message):
            finish(provider)
        assert provider.asked("/token") == 0

    @pytest.mark.parametrize("case", list(BAD_KEYS))
    def test_may_hold_no_key_for_the_token(self, case: str) -> None:
        answer, error_type, message = BAD_KEYS[case]
        with pytest.raises(error_type, match=message) as caught:
            finish(Provider(keys_answer=answer))
        assert type(caught.value) is error_type

    def test_are_asked_for_again_after_an_outage(self) -> None:
        provider = Provider()
        party = relying_party(provider)
        issuer = provider.metadata.pop("issuer")
        with pytest.raises(ProviderUnavailable):
            finish(provider, party=party)
        provider.metadata["issuer"] = issuer
        assert finish(provider, party=party).level is Level.HIGH
