"""
Tables of what an eID provider, or somebody in its place, can answer wrongly (reliability.md B-23): the name of the case, the answer, and
how the log-in ends. The relying party is held against them alone, and the callback's address with everything behind it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc import jws

from segl.ceremony.identification import (
    LoginAborted,
    LoginAnswerRefused,
    LoginLevelTooLow,
    LoginNotCompleted,
    LoginNotFresh,
    ProviderUnavailable,
)

from .eid_provider import EC_KEY, GOOD_ANSWER, ISSUER, OTHER_KEY, SIGNING_KEY, STATE, at, good_header, public, segment, signed

JSON = {"Content-Type": "application/json"}
Claims = dict[str, Any]
Make = Callable[[Claims], str]
"""From the claims that would have been right to the token that is not."""


def but(**changes: Any) -> Make:
    """The right claims with some changed; `...` leaves one out."""
    return lambda claims: signed({name: value for name, value in {**claims, **changes}.items() if value is not ...})


def hs256_with_public_key(claims: Claims) -> str:
    content = f"{segment({'alg': 'HS256', 'kid': 'key-1'})}.{segment(claims)}"
    mac = hmac.new(SIGNING_KEY.as_pem(private=False), content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def signed_bytes(content: bytes) -> str:
    return jws.serialize_compact(good_header(), content, SIGNING_KEY, algorithms=["RS256"])


def with_header(header: str, claims: Claims) -> str:
    """A token that the provider's key has signed over the very letters of `header`."""
    content = f"{base64.urlsafe_b64encode(header.encode()).rstrip(b'=').decode()}.{segment(claims)}".encode()
    private_key = serialization.load_pem_private_key(SIGNING_KEY.as_pem(private=True), None)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    signature = private_key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    return f"{content.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def tampered(claims: Claims) -> str:
    header, _, signature = signed(claims).split(".")
    return f"{header}.{segment({**claims, 'pid': '22898410068'})}.{signature}"


BAD_TOKENS: dict[str, tuple[Make, type[LoginNotCompleted], str]] = {
    "alg none": (lambda claims: f"{segment({'alg': 'none', 'kid': 'key-1'})}.{segment(claims)}.", LoginAnswerRefused, "alg:"),
    "alg HS256 with the public key as secret": (hs256_with_public_key, LoginAnswerRefused, "alg:"),
    "alg RS512": (lambda claims: f"{segment({'alg': 'RS512', 'kid': 'key-1'})}.{segment(claims)}.AAAA", LoginAnswerRefused, "alg:"),
    "alg is no text": (lambda claims: f"{segment({'alg': ['RS256'], 'kid': 'key-1'})}.{segment(claims)}.AAAA", LoginAnswerRefused, "alg:"),
    "PS256 under a key published for RS256": (
        lambda claims: signed(claims, {"alg": "PS256", "kid": "key-1"}),
        LoginAnswerRefused,
        "kid:",
    ),
    "ES256 under an RSA key's id": (
        lambda claims: signed(claims, {"alg": "ES256", "kid": "key-1"}, EC_KEY),
        LoginAnswerRefused,
        "kid:",
    ),
    "another's key": (lambda claims: signed(claims, key=OTHER_KEY), LoginAnswerRefused, "signature:"),
    "claims changed after signing": (tampered, LoginAnswerRefused, "signature:"),
    "no signature": (lambda claims: signed(claims).rpartition(".")[0] + ".", LoginAnswerRefused, "signature:"),
    "no kid": (lambda claims: signed(claims, {"alg": "RS256"}), LoginAnswerRefused, "kid:"),
    "kid to an attacker's address": (
        lambda claims: signed(claims, {"alg": "RS256", "kid": "https://attacker.example/jwks"}, OTHER_KEY),
        LoginAnswerRefused,
        "kid:",
    ),
    "jku to an attacker's address": (
        lambda claims: f"{segment({**good_header(), 'jku': 'https://attacker.example/jwks'})}.{segment(claims)}.AAAA",
        LoginAnswerRefused,
        "header:",
    ),
    "x5u to an attacker's address": (
        lambda claims: f"{segment({**good_header(), 'x5u': 'https://attacker.example/x.pem'})}.{segment(claims)}.AAAA",
        LoginAnswerRefused,
        "header:",
    ),
    "brings its own key": (
        lambda claims: f"{segment({**good_header(), 'jwk': OTHER_KEY.as_dict(private=False)})}.{segment(claims)}.AAAA",
        LoginAnswerRefused,
        "header:",
    ),
    "demands an extension": (
        lambda claims: f"{segment({**good_header(), 'crit': ['b64'], 'b64': False})}.{segment(claims)}.AAAA",
        LoginAnswerRefused,
        "header:",
    ),
    "brings a certificate of its own": (
        lambda claims: signed(claims, {**good_header(), "x5c": ["MIIB"]}, OTHER_KEY),
        LoginAnswerRefused,
        "signature:",
    ),
    "kid that nobody knows": (lambda claims: signed(claims, {"alg": "RS256", "kid": "key-9"}), LoginAnswerRefused, "kid:"),
    "kid as a number": (lambda claims: with_header('{"alg":"RS256","kid":1}', claims), LoginAnswerRefused, "kid:"),
    "kid twice": (lambda claims: with_header('{"alg":"RS256","kid":"key-9","kid":"key-1"}', claims), LoginAnswerRefused, "form:"),
    "alg twice": (lambda claims: with_header('{"alg":"none","kid":"key-1","alg":"RS256"}', claims), LoginAnswerRefused, "form:"),
    "an access token (RFC 9068)": (lambda claims: signed(claims, {**good_header(), "typ": "at+jwt"}), LoginAnswerRefused, "typ:"),
    "five parts, as an encrypted token": (lambda claims: "a.b.c.d.e", LoginAnswerRefused, "form:"),
    "encrypted": (
        lambda claims: f"{segment({'alg': 'RSA-OAEP', 'enc': 'A256GCM', 'kid': 'key-1'})}.e30.AA.AA.AA",
        LoginAnswerRefused,
        "form:",
    ),
    "cut in the claims": (lambda claims: signed(claims)[:200], LoginAnswerRefused, "form:"),
    "cut in the signature": (lambda claims: signed(claims)[:-20], LoginAnswerRefused, "signature:"),
    "empty": (lambda claims: "", LoginAnswerRefused, "form:"),
    "header that is no JSON": (lambda claims: "!!!.e30.AAAA", LoginAnswerRefused, "form:"),
    "header that is a list": (lambda claims: f"{segment([1])}.e30.AAAA", LoginAnswerRefused, "form:"),
    "far too long": (but(filler="x" * 20_000), LoginAnswerRefused, "form:"),
    "claims that are a list": (lambda claims: signed_bytes(b"[]"), LoginAnswerRefused, "claims:"),
    "claims that are no JSON": (lambda claims: signed_bytes(b"{"), LoginAnswerRefused, "claims:"),
    "claims nested without end": (lambda claims: signed_bytes(b"[" * 5000), LoginAnswerRefused, "claims:"),
    "a claim twice": (
        lambda claims: signed_bytes(json.dumps(claims)[:-1].encode() + b',"pid":"22898410068"}'),
        LoginAnswerRefused,
        "claims:",
    ),
    "iss of another": (but(iss="https://other.example"), LoginAnswerRefused, "iss:"),
    "iss with a slash more": (but(iss=ISSUER + "/"), LoginAnswerRefused, "iss:"),
    "no iss": (but(iss=...), LoginAnswerRefused, "iss:"),
    "aud of another": (but(aud="other-client"), LoginAnswerRefused, "aud:"),
    "aud of several": (but(aud=["segl-client", "other-client"]), LoginAnswerRefused, "aud:"),
    "aud as an object": (but(aud={"segl-client": True}), LoginAnswerRefused, "aud:"),
    "no aud": (but(aud=...), LoginAnswerRefused, "aud:"),
    "azp of another": (but(azp="other-client"), LoginAnswerRefused, "azp:"),
    "azp of several": (but(azp=["segl-client"]), LoginAnswerRefused, "azp:"),
    "no sub": (but(sub=...), LoginAnswerRefused, "sub:"),
    "sub as a list": (but(sub=["a"]), LoginAnswerRefused, "sub:"),
    "expired": (but(exp=at(-31)), LoginAnswerRefused, "exp:"),
    "no exp": (but(exp=...), LoginAnswerRefused, "exp:"),
    "exp as text": (but(exp="2050"), LoginAnswerRefused, "exp:"),
    "exp without end": (but(exp=1e300), LoginAnswerRefused, "exp:"),
    "exp that is no number": (but(exp=float("nan")), LoginAnswerRefused, "exp:"),
    "issued in the future": (but(iat=at(60), exp=at(600)), LoginAnswerRefused, "iat:"),
    "issued long ago": (but(iat=at(-3600)), LoginAnswerRefused, "iat:"),
    "not valid yet": (but(nbf=at(60)), LoginAnswerRefused, "nbf:"),
    "no iat": (but(iat=...), LoginAnswerRefused, "iat:"),
    "nonce as a list": (but(nonce=["the-nonce"]), LoginAnswerRefused, "nonce:"),
    "nonce of another request": (but(nonce="another"), LoginAnswerRefused, "nonce:"),
    "nonce with half a character": (but(nonce="\ud800"), LoginAnswerRefused, "nonce:"),
    "no nonce": (but(nonce=...), LoginAnswerRefused, "nonce:"),
    "no pid": (but(pid=...), LoginAnswerRefused, "pid:"),
    "pid with ten digits": (but(pid="1483075000"), LoginAnswerRefused, "pid:"),
    "pid as a number": (but(pid=14830750003), LoginAnswerRefused, "pid:"),
    "no acr": (but(acr=...), LoginAnswerRefused, "acr:"),
    "unknown acr": (but(acr="loa-very-high"), LoginAnswerRefused, "acr:"),
    "acr as a list": (but(acr=["loa-high"]), LoginAnswerRefused, "acr:"),
    "level 3 for a level 4 job": (but(acr="loa-substantial"), LoginLevelTooLow, "lower level"),
    "no auth_time": (but(auth_time=...), LoginAnswerRefused, "auth_time:"),
    "auth_time in the future": (but(auth_time=at(60)), LoginAnswerRefused, "auth_time:"),
    "auth_time true": (but(auth_time=True), LoginAnswerRefused, "auth_time:"),
    "name as a list": (but(name=["Ingrid", "Solvang"]), LoginAnswerRefused, "name:"),
    "name with a control character": (but(name="Ingrid\u202egnavloS"), LoginAnswerRefused, "name:"),
    "name without end": (but(name="x" * 201), LoginAnswerRefused, "name:"),
}

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


def raising(error: Exception) -> Callable[[], httpx.Response]:
    def answer() -> httpx.Response:
        raise error

    return answer


BAD_EXCHANGES: dict[str, tuple[Callable[[], httpx.Response], type[LoginNotCompleted], str]] = {
    "a code that was used": (lambda: httpx.Response(400, json={"error": "invalid_grant"}), LoginAnswerRefused, "code: the provider does"),
    "an unknown client": (lambda: httpx.Response(401, json={"error": "invalid_client"}), ProviderUnavailable, "does not know this client"),
    "a server error": (lambda: httpx.Response(503, text="down"), ProviderUnavailable, "answered 503"),
    "a redirect": (lambda: httpx.Response(302, headers={"Location": "https://attacker.example"}), ProviderUnavailable, "redirect"),
    "a refusal that is no JSON": (lambda: httpx.Response(400, text="<html>"), ProviderUnavailable, "no JSON"),
    "a refusal with somebody's number in it": (
        lambda: httpx.Response(400, json={"error": "invalid_grant", "error_description": "14830750003 Ingrid"}),
        LoginAnswerRefused,
        "code: the provider does",
    ),
    "too many requests": (lambda: httpx.Response(429, json={}), ProviderUnavailable, "answered 429"),
    "an error beside the token": (
        lambda: httpx.Response(200, json={"error": "invalid_grant", "id_token": "a.b.c"}),
        LoginAnswerRefused,
        "code: the provider does",
    ),
    "JSON that says it is HTML": (
        lambda: httpx.Response(200, text='{"id_token": "a.b.c"}', headers={"Content-Type": "text/html"}),
        ProviderUnavailable,
        "no JSON",
    ),
    "id_token twice": (
        lambda: httpx.Response(200, content=b'{"id_token":"a.b.c","id_token":"d.e.f"}', headers=JSON),
        ProviderUnavailable,
        "no JSON",
    ),
    "JSON nested without end": (lambda: httpx.Response(200, content=b"[" * 100_000, headers=JSON), ProviderUnavailable, "no JSON"),
    "compressed": (
        lambda: httpx.Response(200, content=gzip.compress(b" " * 3_000_000), headers={**JSON, "Content-Encoding": "gzip"}),
        ProviderUnavailable,
        "compressed",
    ),
    "cut off": (lambda: httpx.Response(200, content=b'{"id_token": "a.b', headers=JSON), ProviderUnavailable, "no JSON"),
    "HTML": (lambda: httpx.Response(200, text="<html>"), ProviderUnavailable, "no JSON"),
    "a list": (lambda: httpx.Response(200, json=[]), ProviderUnavailable, "no JSON object"),
    "too much": (lambda: httpx.Response(200, content=b" " * 300_000, headers=JSON), ProviderUnavailable, "larger than 262144 bytes"),
    "an id_token that is no text": (lambda: httpx.Response(200, json={"id_token": {"a": 1}}), LoginAnswerRefused, "id_token:"),
    "no id_token": (lambda: httpx.Response(200, json={"access_token": "x"}), LoginAnswerRefused, "id_token:"),
    "a time-out": (raising(httpx.ReadTimeout("14830750003")), ProviderUnavailable, r"no answer \(ReadTimeout\)"),
    "no connection": (raising(httpx.ConnectError("refused")), ProviderUnavailable, r"no answer \(ConnectError\)"),
}

BAD_METADATA: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"issuer": "https://other.example"}, "another issuer"),
    "issuer with a slash more": ({"issuer": ISSUER + "/"}, "another issuer"),
    "token endpoint without TLS": ({"token_endpoint": "http://eid.example/token"}, "no usable token_endpoint"),
    "no token endpoint": ({"token_endpoint": None}, "no usable token_endpoint"),
    "keys on this machine": ({"jwks_uri": "http://127.0.0.1/jwks"}, "no usable jwks_uri"),
    "authorization endpoint as script": ({"authorization_endpoint": "javascript:alert(1)"}, "no usable authorization_endpoint"),
    "authorization endpoint that is no address": ({"authorization_endpoint": "https://[bad"}, "no usable authorization_endpoint"),
    "no pushed requests": ({"pushed_authorization_request_endpoint": None}, "no usable pushed_authorization_request_endpoint"),
    "PKCE without S256": ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
    "PKCE as a text": ({"code_challenge_methods_supported": "S256"}, "PKCE"),
}

BAD_KEYS: dict[str, tuple[Callable[[], httpx.Response], type[LoginNotCompleted], str]] = {
    "no keys": (lambda: httpx.Response(200, json={}), ProviderUnavailable, "no JWKS"),
    "too many": (lambda: httpx.Response(200, content=b" " * 300_000, headers=JSON), ProviderUnavailable, "larger than 262144 bytes"),
    "elsewhere": (lambda: httpx.Response(302, headers={"Location": "https://attacker.example/jwks"}), ProviderUnavailable, "redirect"),
    "gone": (lambda: httpx.Response(404, json={}), ProviderUnavailable, "answered 404"),
    "a page": (lambda: httpx.Response(200, text="<html>"), ProviderUnavailable, "no JSON"),
    "two of one id": (
        lambda: httpx.Response(200, json={"keys": [public(SIGNING_KEY, "key-1"), public(OTHER_KEY, "key-1")]}),
        LoginAnswerRefused,
        "kid:",
    ),
}
