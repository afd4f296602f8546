"""
The relying party against a provider that answers wrongly on purpose (reliability.md B-23): each bad answer is refused by name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable

import httpx
import pytest
from joserfc import jws

from segl.ceremony.identification import (
    LoginAborted,
    LoginAnswerRefused,
    LoginLevelTooLow,
    LoginNotCompleted,
    LoginNotFresh,
    ProviderUnavailable,
)
from segl.values import Language, Level

from .eid_provider import (
    EC_KEY,
    GOOD_ANSWER,
    ISSUER,
    NONCE,
    OTHER_KEY,
    SIGNING_KEY,
    STATE,
    Provider,
    at,
    claims_but,
    finish,
    good_claims,
    good_header,
    relying_party,
    segment,
    signed,
)

SECRET_WORDS = ("14830750003", "Ingrid", "the-code", "the-nonce")
"""What must never stand in a message or a log line."""


def hs256_with_public_key() -> str:
    content = f"{segment({'alg': 'HS256', 'kid': 'key-1'})}.{segment(good_claims())}"
    mac = hmac.new(SIGNING_KEY.as_pem(private=False), content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def tampered() -> str:
    header, _, signature = signed(good_claims()).split(".")
    return f"{header}.{segment({**good_claims(), 'pid': '22898410068'})}.{signature}"


BAD_TOKENS: dict[str, tuple[Callable[[], str], type[LoginNotCompleted], str]] = {
    "alg none": (lambda: f"{segment({'alg': 'none', 'kid': 'key-1'})}.{segment(good_claims())}.", LoginAnswerRefused, "alg:"),
    "alg HS256 with the public key as secret": (hs256_with_public_key, LoginAnswerRefused, "alg:"),
    "alg RS512": (lambda: f"{segment({'alg': 'RS512', 'kid': 'key-1'})}.{segment(good_claims())}.AAAA", LoginAnswerRefused, "alg:"),
    "alg is no text": (lambda: f"{segment({'alg': ['RS256'], 'kid': 'key-1'})}.{segment(good_claims())}.AAAA", LoginAnswerRefused, "alg:"),
    "PS256 under a key published for RS256": (
        lambda: signed(good_claims(), {"alg": "PS256", "kid": "key-1"}),
        LoginAnswerRefused,
        "kid:",
    ),
    "ES256 under an RSA key's id": (
        lambda: signed(good_claims(), {"alg": "ES256", "kid": "key-1"}, EC_KEY),
        LoginAnswerRefused,
        "kid:",
    ),
    "another's key": (lambda: signed(good_claims(), key=OTHER_KEY), LoginAnswerRefused, "signature:"),
    "claims changed after signing": (tampered, LoginAnswerRefused, "signature:"),
    "no signature": (lambda: signed(good_claims()).rpartition(".")[0] + ".", LoginAnswerRefused, "signature:"),
    "no kid": (lambda: signed(good_claims(), {"alg": "RS256"}), LoginAnswerRefused, "kid:"),
    "kid to an attacker's address": (
        lambda: signed(good_claims(), {"alg": "RS256", "kid": "https://attacker.example/jwks"}, OTHER_KEY),
        LoginAnswerRefused,
        "kid:",
    ),
    "jku to an attacker's address": (
        lambda: f"{segment({**good_header(), 'jku': 'https://attacker.example/jwks'})}.{segment(good_claims())}.AAAA",
        LoginAnswerRefused,
        "header:",
    ),
    "x5u to an attacker's address": (
        lambda: f"{segment({**good_header(), 'x5u': 'https://attacker.example/x.pem'})}.{segment(good_claims())}.AAAA",
        LoginAnswerRefused,
        "header:",
    ),
    "brings its own key": (
        lambda: f"{segment({**good_header(), 'jwk': OTHER_KEY.as_dict(private=False)})}.{segment(good_claims())}.AAAA",
        LoginAnswerRefused,
        "header:",
    ),
    "demands an extension": (
        lambda: f"{segment({**good_header(), 'crit': ['b64'], 'b64': False})}.{segment(good_claims())}.AAAA",
        LoginAnswerRefused,
        "header:",
    ),
    "five parts, as an encrypted token": (lambda: "a.b.c.d.e", LoginAnswerRefused, "form:"),
    "header that is no JSON": (lambda: "!!!.e30.AAAA", LoginAnswerRefused, "form:"),
    "header that is a list": (lambda: f"{segment([1])}.e30.AAAA", LoginAnswerRefused, "form:"),
    "far too long": (lambda: claims_but(filler="x" * 20_000), LoginAnswerRefused, "form:"),
    "claims that are a list": (
        lambda: jws.serialize_compact(good_header(), b"[]", SIGNING_KEY, algorithms=["RS256"]),
        LoginAnswerRefused,
        "claims:",
    ),
    "iss of another": (lambda: claims_but(iss="https://other.example"), LoginAnswerRefused, "iss:"),
    "iss with a slash more": (lambda: claims_but(iss=ISSUER + "/"), LoginAnswerRefused, "iss:"),
    "no iss": (lambda: claims_but(iss=...), LoginAnswerRefused, "iss:"),
    "aud of another": (lambda: claims_but(aud="other-client"), LoginAnswerRefused, "aud:"),
    "aud of several": (lambda: claims_but(aud=["segl-client", "other-client"]), LoginAnswerRefused, "aud:"),
    "no aud": (lambda: claims_but(aud=...), LoginAnswerRefused, "aud:"),
    "azp of another": (lambda: claims_but(azp="other-client"), LoginAnswerRefused, "azp:"),
    "expired": (lambda: claims_but(exp=at(-31)), LoginAnswerRefused, "exp:"),
    "no exp": (lambda: claims_but(exp=...), LoginAnswerRefused, "exp:"),
    "exp as text": (lambda: claims_but(exp="2050"), LoginAnswerRefused, "exp:"),
    "exp without end": (lambda: claims_but(exp=1e300), LoginAnswerRefused, "exp:"),
    "issued in the future": (lambda: claims_but(iat=at(60), exp=at(600)), LoginAnswerRefused, "iat:"),
    "issued long ago": (lambda: claims_but(iat=at(-3600)), LoginAnswerRefused, "iat:"),
    "not valid yet": (lambda: claims_but(nbf=at(60)), LoginAnswerRefused, "nbf:"),
    "nonce of another request": (lambda: claims_but(nonce="another"), LoginAnswerRefused, "nonce:"),
    "nonce with half a character": (lambda: claims_but(nonce="\ud800"), LoginAnswerRefused, "nonce:"),
    "no nonce": (lambda: claims_but(nonce=...), LoginAnswerRefused, "nonce:"),
    "no pid": (lambda: claims_but(pid=...), LoginAnswerRefused, "pid:"),
    "pid with ten digits": (lambda: claims_but(pid="1483075000"), LoginAnswerRefused, "pid:"),
    "pid as a number": (lambda: claims_but(pid=14830750003), LoginAnswerRefused, "pid:"),
    "no acr": (lambda: claims_but(acr=...), LoginAnswerRefused, "acr:"),
    "unknown acr": (lambda: claims_but(acr="loa-very-high"), LoginAnswerRefused, "acr:"),
    "level 3 for a level 4 job": (lambda: claims_but(acr="loa-substantial"), LoginLevelTooLow, "lower level"),
    "no auth_time": (lambda: claims_but(auth_time=...), LoginAnswerRefused, "auth_time:"),
    "auth_time in the future": (lambda: claims_but(auth_time=at(60)), LoginAnswerRefused, "auth_time:"),
    "auth_time true": (lambda: claims_but(auth_time=True), LoginAnswerRefused, "auth_time:"),
    "name with a control character": (lambda: claims_but(name="Ingrid\u202egnavloS"), LoginAnswerRefused, "name:"),
    "name without end": (lambda: claims_but(name="x" * 201), LoginAnswerRefused, "name:"),
}


class TestABadToken:
    @pytest.mark.parametrize("case", list(BAD_TOKENS))
    def test_is_refused_by_the_name_of_the_check(self, case: str, caplog: pytest.LogCaptureFixture) -> None:
        make, error_type, message = BAD_TOKENS[case]
        provider = Provider(id_token=make())
        with caplog.at_level(logging.DEBUG), pytest.raises(error_type, match=f"^.*{message}") as caught:
            finish(provider)
        assert type(caught.value) is error_type
        said = str(caught.value) + "".join(record.getMessage() for record in caplog.records)
        assert not any(word in said for word in SECRET_WORDS)
        assert {request.url.host for request in provider.requests} == {"eid.example"}


BAD_ANSWERS: dict[str, tuple[dict[str, str], type[LoginNotCompleted], str]] = {
    "state of another request": ({**GOOD_ANSWER, "state": "another"}, LoginAnswerRefused, "state:"),
    "state with half a character": ({**GOOD_ANSWER, "state": "\ud800"}, LoginAnswerRefused, "state:"),
    "no state": ({"code": "the-code", "iss": ISSUER}, LoginAnswerRefused, "state:"),
    "another provider's iss": ({**GOOD_ANSWER, "iss": "https://other.example"}, LoginAnswerRefused, "iss:"),
    "no iss from a provider that always sends it": ({"code": "the-code", "state": STATE}, LoginAnswerRefused, "iss:"),
    "no code": ({"state": STATE, "iss": ISSUER}, LoginAnswerRefused, "code:"),
    "far too long a code": ({**GOOD_ANSWER, "code": "c" * 5000}, LoginAnswerRefused, "code:"),
    "turned back": ({"error": "access_denied", "state": STATE, "iss": ISSUER}, LoginAborted, "turned back"),
    "turned back, in another's state": ({"error": "access_denied", "state": "another", "iss": ISSUER}, LoginAnswerRefused, "state:"),
    "turned back, at another provider": (
        {"error": "access_denied", "state": STATE, "iss": "https://o.example"},
        LoginAnswerRefused,
        "iss:",
    ),
    "level not reached": (
        {"error": "unmet_authentication_requirements", "state": STATE, "iss": ISSUER},
        LoginLevelTooLow,
        "could not reach the level",
    ),
    "log-in required": ({"error": "login_required", "state": STATE, "iss": ISSUER}, LoginNotFresh, "another log-in"),
    "out of order": ({"error": "temporarily_unavailable", "state": STATE, "iss": ISSUER}, ProviderUnavailable, "out of order"),
    "an error of its own": ({"error": "<script>", "state": STATE, "iss": ISSUER}, LoginAnswerRefused, "error:"),
}


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


def raising(error: Exception) -> Callable[[], httpx.Response]:
    def answer() -> httpx.Response:
        raise error

    return answer


BAD_EXCHANGES: dict[str, tuple[Callable[[], httpx.Response], type[LoginNotCompleted], str]] = {
    "a code that was used": (lambda: httpx.Response(400, json={"error": "invalid_grant"}), LoginAnswerRefused, "code: the provider does"),
    "an unknown client": (lambda: httpx.Response(401, json={"error": "invalid_client"}), ProviderUnavailable, "does not know this client"),
    "a server error": (lambda: httpx.Response(503, text="down"), ProviderUnavailable, "answered 503"),
    "a redirect": (lambda: httpx.Response(302, headers={"Location": "https://attacker.example"}), ProviderUnavailable, "redirect"),
    "HTML": (lambda: httpx.Response(200, text="<html>"), ProviderUnavailable, "no JSON"),
    "a list": (lambda: httpx.Response(200, json=[]), ProviderUnavailable, "no JSON object"),
    "too much": (lambda: httpx.Response(200, content=b" " * 300_000), ProviderUnavailable, "larger than 262144 bytes"),
    "no id_token": (lambda: httpx.Response(200, json={"access_token": "x"}), LoginAnswerRefused, "id_token:"),
    "a time-out": (raising(httpx.ReadTimeout("14830750003")), ProviderUnavailable, r"did not answer \(ReadTimeout\)"),
    "no connection": (raising(httpx.ConnectError("refused")), ProviderUnavailable, r"did not answer \(ConnectError\)"),
}


class TestABadExchange:
    @pytest.mark.parametrize("case", list(BAD_EXCHANGES))
    def test_ends_without_a_person(self, case: str) -> None:
        answer, error_type, message = BAD_EXCHANGES[case]
        with pytest.raises(error_type, match=message) as caught:
            finish(Provider(token_answer=answer))
        assert type(caught.value) is error_type
        assert not any(word in str(caught.value) for word in SECRET_WORDS)


class TestBadMetadata:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"issuer": "https://other.example"}, "another issuer"),
            ({"issuer": ISSUER + "/"}, "another issuer"),
            ({"token_endpoint": "http://eid.example/token"}, "no usable token_endpoint"),
            ({"token_endpoint": None}, "no usable token_endpoint"),
            ({"jwks_uri": "http://127.0.0.1/jwks"}, "no usable jwks_uri"),
            ({"authorization_endpoint": "javascript:alert(1)"}, "no usable authorization_endpoint"),
            ({"authorization_endpoint": "https://[bad"}, "no usable authorization_endpoint"),
            ({"pushed_authorization_request_endpoint": None}, "no usable pushed_authorization_request_endpoint"),
        ],
    )
    def test_are_refused_and_nothing_is_sent(self, change: dict[str, str | None], message: str) -> None:
        provider = Provider()
        provider.metadata |= change
        with pytest.raises(ProviderUnavailable, match=message):
            finish(provider)
        assert provider.asked("/token") == 0

    def test_are_asked_for_again_after_an_outage(self) -> None:
        provider = Provider()
        party = relying_party(provider)
        issuer = provider.metadata.pop("issuer")
        with pytest.raises(ProviderUnavailable):
            finish(provider, party=party)
        provider.metadata["issuer"] = issuer
        assert finish(provider, party=party).level is Level.HIGH
