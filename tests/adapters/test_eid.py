"""The relying party and a provider that answers rightly: what is asked, what is checked, what is told of the person."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from segl.adapters.eid import ClientSecret, EidProviders, ProviderSettings
from segl.ceremony.identification import (
    LoginAnswerRefused,
    LoginNotFresh,
    ProviderUnavailable,
)
from segl.values import Language, Level

from .eid_provider import (
    CLIENT_KEY,
    EC_KEY,
    ISSUER,
    NONCE,
    NOW,
    OTHER_KEY,
    SETTINGS,
    SIGNING_KEY,
    STATE,
    CountingChance,
    FixedClock,
    Provider,
    at,
    claims_but,
    finish,
    good_claims,
    public,
    relying_party,
    signed,
)


class TestAGoodAnswer:
    def test_says_who_logged_in(self) -> None:
        provider = Provider()
        identification = finish(provider, fresh_since=NOW - timedelta(seconds=10))
        assert identification.provider == "example"
        assert identification.eid == "BankID"
        assert identification.level is Level.HIGH
        assert identification.national_identity_number.value == "14830750003"
        assert identification.name == "Ingrid Solvang"
        assert identification.authenticated_at == datetime(2026, 11, 24, 12, 0, 25, tzinfo=UTC)
        assert identification.issuer == ISSUER
        assert identification.id_token == provider.id_token

    def test_carries_the_key_that_verifies_its_token_and_no_private_part(self) -> None:
        identification = finish(Provider())
        key = json.loads(identification.verifying_key)
        assert set(key) == {"kty", "n", "e", "kid", "alg"}
        verified = jws.deserialize_compact(identification.id_token, RSAKey.import_key(key), algorithms=[key["alg"]])
        assert json.loads(verified.payload or b"")["nonce"] == NONCE

    @pytest.mark.parametrize(("algorithm", "key"), [("PS256", SIGNING_KEY), ("ES256", EC_KEY)])
    def test_may_be_signed_with_the_other_algorithms(self, algorithm: str, key: RSAKey | ECKey) -> None:
        provider = Provider(
            id_token=signed(good_claims(), {"alg": algorithm, "kid": "key-2"}, key), keys=[public(key, "key-2", alg=algorithm)]
        )
        assert finish(provider).name == "Ingrid Solvang"

    def test_may_be_at_a_higher_level_than_asked(self) -> None:
        assert finish(Provider(), level=Level.SUBSTANTIAL).level is Level.HIGH

    def test_may_lack_a_name(self) -> None:
        assert finish(Provider(id_token=claims_but(name=...))).name is None

    def test_has_its_name_in_one_line(self) -> None:
        assert finish(Provider(id_token=claims_but(name=" A\u030ase \n Næss "))).name == "Åse Næss"

    def test_may_have_a_name_in_several_claims(self) -> None:
        settings = replace(SETTINGS, name_claims=("given_name", "middle_name", "family_name"))
        token = claims_but(given_name="Ingrid", family_name="Solvang")
        assert finish(Provider(id_token=token), settings=settings).name == "Ingrid Solvang"

    def test_names_the_provider_when_its_eid_is_not_in_the_settings(self) -> None:
        assert finish(Provider(id_token=claims_but(amr="unknown"))).eid == "Example eID"

    def test_may_come_from_a_clock_that_is_a_little_off(self) -> None:
        assert finish(Provider(id_token=claims_but(exp=at(-29), iat=at(-100)))).level is Level.HIGH
        assert finish(Provider(id_token=claims_but(iat=at(29), auth_time=at(29)))).level is Level.HIGH


class TestAFreshLogin:
    def test_may_be_in_the_same_second_as_the_intent(self) -> None:
        token = claims_but(auth_time=int(NOW.timestamp()))
        assert finish(Provider(id_token=token), fresh_since=NOW).authenticated_at <= NOW

    def test_is_refused_when_it_is_older_than_the_intent(self) -> None:
        token = claims_but(auth_time=int(NOW.timestamp()) - 1)
        with pytest.raises(LoginNotFresh, match="older than the signing intent"):
            finish(Provider(id_token=token), fresh_since=NOW)


class TestTheProvidersKeys:
    def test_are_fetched_again_when_a_new_key_signs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        provider, moment = Provider(), [1000.0]
        party = relying_party(provider)
        monkeypatch.setattr(party._parties["example"]._published, "_monotonic", lambda: moment[0])
        finish(provider, party=party)
        provider.keys.append(public(OTHER_KEY, "key-2"))
        provider.id_token = signed(good_claims(), {"alg": "RS256", "kid": "key-2"}, OTHER_KEY)
        moment[0] += 61
        assert finish(provider, party=party).level is Level.HIGH
        assert provider.asked("/jwks") == 2

    def test_are_not_fetched_more_than_once_a_minute(self) -> None:
        provider = Provider()
        party = relying_party(provider)
        finish(provider, party=party)
        provider.id_token = signed(good_claims(), {"alg": "RS256", "kid": "unknown"}, OTHER_KEY)
        for _ in range(5):
            with pytest.raises(LoginAnswerRefused, match="kid:"):
                finish(provider, party=party)
        assert provider.asked("/jwks") == 1

    @pytest.mark.parametrize(
        "keys",
        [
            [],
            [public(SIGNING_KEY, "key-1", use="enc")],
            [public(SIGNING_KEY, "key-1", alg="PS256")],
            [public(EC_KEY, "key-1")],
            [public(SIGNING_KEY, "key-1"), public(OTHER_KEY, "key-1")],
            [{"kty": "RSA", "kid": "key-1", "n": "AQAB", "e": "AQAB"}],
            [{"kty": "RSA", "kid": "key-1"}],
            [{"kty": "oct", "kid": "key-1", "k": "c2VjcmV0"}],
            ["key-1"],
        ],
        ids=["none", "for encryption", "other algorithm", "other type", "two of one id", "tiny", "half", "secret", "no object"],
    )
    def test_are_not_used_when_they_do_not_fit(self, keys: list[dict[str, Any]]) -> None:
        with pytest.raises(LoginAnswerRefused, match="kid:"):
            finish(Provider(keys=keys))


class TestTheRequest:
    def begin(self, provider: Provider, *, settings: ProviderSettings = SETTINGS, is_fresh_required: bool = False) -> dict[str, str]:
        """Begin a log-in and return the parameters of the authorization request."""
        begun = relying_party(provider, settings).begin(
            provider="example",
            state=STATE,
            nonce=NONCE,
            level=Level.HIGH,
            is_fresh_required=is_fresh_required,
            language=Language.NYNORSK,
        )
        pushed = [request for request in provider.requests if request.url.path == "/par"]
        fields = dict(parse_qsl(pushed[0].content.decode() if pushed else urlsplit(begun.url).query))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.code_verifier.encode()).digest()).rstrip(b"=").decode()
        assert fields["code_challenge"] == challenge
        if pushed:
            assert begun.url == f"{ISSUER}/authorize?client_id=segl-client&request_uri=urn%3Apushed"
        return fields

    def test_is_pushed_so_that_the_browser_carries_nothing(self) -> None:
        fields = self.begin(Provider())
        assert {name: fields[name] for name in fields if not name.startswith(("code_", "client_assertion"))} == {
            "response_type": "code",
            "client_id": "segl-client",
            "redirect_uri": "https://segl.example/eid/callback",
            "scope": "openid profile",
            "state": STATE,
            "nonce": NONCE,
            "acr_values": "loa-high",
            "ui_locales": "nn",
        }

    def test_proves_the_client_with_a_signed_assertion(self) -> None:
        fields = self.begin(Provider())
        assertion = jws.deserialize_compact(fields["client_assertion"], ECKey.import_key(CLIENT_KEY.public_key()), algorithms=["ES256"])
        claims = json.loads(assertion.payload or b"")
        assert assertion.headers()["kid"] == "client-key-1"
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("segl-client", "segl-client", ISSUER)
        assert 0 < claims["exp"] - NOW.timestamp() <= 60
        assert len(claims["jti"]) == 43

    def test_demands_a_fresh_login_for_an_advanced_signature(self) -> None:
        assert self.begin(Provider(), is_fresh_required=True)["prompt"] == "login"

    def test_goes_through_the_browser_when_the_provider_takes_no_pushed_ones(self) -> None:
        fields = self.begin(Provider(), settings=replace(SETTINGS, uses_par=False))
        assert (fields["nonce"], fields["scope"]) == (NONCE, "openid profile")
        assert "client_assertion" not in fields

    def test_can_be_what_bankid_asks(self) -> None:
        bankid = replace(
            SETTINGS,
            uses_par=False,
            client_authentication=ClientSecret(secret="s:cret"),
            scopes=("openid", "profile", "nnin_altsub"),
            acr_request=MappingProxyType({}),
            acr_map=MappingProxyType({"urn:bankid:bid;LOA=4": Level.HIGH}),
            pid_claim="nnin_altsub",
            extra_parameters=MappingProxyType({"login_hint": "BID"}),
        )
        provider = Provider(id_token=claims_but(pid=..., nnin_altsub="14830750003", acr="urn:bankid:bid;LOA=4"))
        fields = self.begin(provider, settings=bankid)
        assert (fields["login_hint"], fields["scope"]) == ("BID", "openid profile nnin_altsub")
        assert "acr_values" not in fields
        assert finish(provider, settings=bankid).national_identity_number.value == "14830750003"
        (exchange,) = [request for request in provider.requests if request.url.path == "/token"]
        assert base64.b64decode(exchange.headers["Authorization"].removeprefix("Basic ")) == b"segl-client:s%3Acret"
        assert "client_assertion" not in parse_qs(exchange.content.decode())

    def test_is_given_up_when_the_provider_does_not_take_it(self) -> None:
        provider = Provider(par_answer=lambda: httpx.Response(400, json={"error": "invalid_scope", "error_description": "14830750003"}))
        with pytest.raises(ProviderUnavailable, match=r"did not take the pushed request \(status 400\)") as caught:
            self.begin(provider)
        assert "14830750003" not in str(caught.value)

    def test_spends_the_code_with_its_verifier(self) -> None:
        provider = Provider()
        finish(provider)
        (exchange,) = [request for request in provider.requests if request.url.path == "/token"]
        fields = dict(parse_qsl(exchange.content.decode()))
        assert (fields["grant_type"], fields["code"], fields["code_verifier"]) == ("authorization_code", "the-code", "v" * 43)
        assert fields["redirect_uri"] == "https://segl.example/eid/callback"


class TestTheChoices:
    def test_are_those_that_reach_the_level_in_the_order_of_the_settings(self) -> None:
        low = replace(SETTINGS, id="low", name="Low", acr_map=MappingProxyType({"low": Level.SUBSTANTIAL}))
        party = EidProviders([low, SETTINGS], clock=FixedClock(), chance=CountingChance())
        assert [choice.provider for choice in party.choices(level=Level.SUBSTANTIAL)] == ["low", "example"]
        assert [choice.name for choice in party.choices(level=Level.HIGH)] == ["Example eID"]


class TestLoggingOut:
    def test_goes_to_the_providers_address_with_the_token_as_hint(self) -> None:
        url = relying_party(Provider()).logout_url(provider="example", id_token_hint="a.b.c", state="s")
        assert url == f"{ISSUER}/logout?id_token_hint=a.b.c&post_logout_redirect_uri=https%3A%2F%2Fsegl.example%2Flogged-out&state=s"

    def test_is_not_offered_when_the_provider_has_no_address_for_it(self) -> None:
        provider = Provider()
        del provider.metadata["end_session_endpoint"]
        assert relying_party(provider).logout_url(provider="example", id_token_hint="a.b.c") is None


class TestSecrets:
    def test_do_not_stand_in_what_a_debugger_prints(self) -> None:
        assert "s3cret" not in repr(replace(SETTINGS, client_authentication=ClientSecret(secret="s3cret")))
        assert "Ingrid" not in repr(finish(Provider()))
        assert "14830750003" not in repr(finish(Provider()))
