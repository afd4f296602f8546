"""An eID provider whose every claim, header, key and address a test can bend, and Segl's relying party towards it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from segl.adapters.eid import ClientKey, EidProviders, ProviderSettings
from segl.ceremony.identification import (
    Identification,
)
from segl.values import Level

NOW = datetime(2026, 11, 24, 12, 0, 30, 600_000, tzinfo=UTC)
ISSUER = "https://eid.example"
STATE, NONCE = "the-state", "the-nonce"
SIGNING_KEY = RSAKey.generate_key(2048, private=True)
OTHER_KEY = RSAKey.generate_key(2048, private=True)
EC_KEY = ECKey.generate_key("P-256", private=True)
CLIENT_KEY = ec.generate_private_key(ec.SECP256R1())


class FixedClock:
    def now(self) -> datetime:
        return NOW

    def real_now(self) -> datetime:
        raise AssertionError("the relying party reads Segl's own time only")


class CountingChance:
    def __init__(self) -> None:
        self._drawn = 0

    def token(self) -> str:
        self._drawn += 1
        return f"{self._drawn:043}"

    def bits(self, count: int) -> int:
        raise AssertionError("not needed")

    def signing_key(self) -> ec.EllipticCurvePrivateKey:
        raise AssertionError("not needed")


def good_claims() -> dict[str, Any]:
    issued_at = int(NOW.timestamp())
    return {
        "iss": ISSUER,
        "sub": "a-pairwise-subject",
        "aud": "segl-client",
        "iat": issued_at,
        "exp": issued_at + 120,
        "auth_time": issued_at - 5,
        "nonce": NONCE,
        "acr": "loa-high",
        "amr": ["pwd", "BankID"],
        "pid": "14830750003",
        "name": "Ingrid Solvang",
    }


def good_header() -> dict[str, Any]:
    return {"alg": "RS256", "kid": "key-1", "typ": "JWT"}


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: RSAKey | ECKey = SIGNING_KEY) -> str:
    return jws.serialize_compact(header or good_header(), json.dumps(claims).encode(), key, algorithms=["RS256", "PS256", "ES256"])


def public(key: RSAKey | ECKey, key_id: str, **extra: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": key_id, **extra}


@dataclass
class Provider:
    """An eID provider whose every answer can be bent."""

    id_token: str = field(default_factory=lambda: signed(good_claims()))
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public(SIGNING_KEY, "key-1", use="sig", alg="RS256")])
    metadata: dict[str, Any] = field(
        default_factory=lambda: {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "pushed_authorization_request_endpoint": f"{ISSUER}/par",
            "end_session_endpoint": f"{ISSUER}/logout",
            "jwks_uri": f"{ISSUER}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
    )
    token_answer: Callable[[], httpx.Response] | None = None
    par_answer: Callable[[], httpx.Response] | None = None
    keys_answer: Callable[[], httpx.Response] | None = None
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        match str(request.url).removeprefix(ISSUER):
            case "/.well-known/openid-configuration":
                return httpx.Response(200, json=self.metadata)
            case "/jwks":
                return self.keys_answer() if self.keys_answer else httpx.Response(200, json={"keys": self.keys})
            case "/token":
                return self.token_answer() if self.token_answer else httpx.Response(200, json={"id_token": self.id_token})
            case "/par":
                return self.par_answer() if self.par_answer else httpx.Response(201, json={"request_uri": "urn:pushed", "expires_in": 60})
            case _:
                raise AssertionError(f"an address nobody may call: {request.url}")

    def asked(self, path: str) -> int:
        return sum(request.url.path == path for request in self.requests)


SETTINGS = ProviderSettings(
    id="example",
    name="Example eID",
    issuer=ISSUER,
    client_id="segl-client",
    client_authentication=ClientKey(private_key=CLIENT_KEY, key_id="client-key-1"),
    redirect_url="https://segl.example/eid/callback",
    post_logout_url="https://segl.example/logged-out",
    scopes=("openid", "profile"),
    uses_par=True,
    acr_map=MappingProxyType({"loa-substantial": Level.SUBSTANTIAL, "loa-high": Level.HIGH}),
    acr_request=MappingProxyType({Level.SUBSTANTIAL: "loa-substantial", Level.HIGH: "loa-high"}),
    pid_claim="pid",
    name_claims=("name",),
    eid_names=MappingProxyType({"BankID": "BankID", "Buypass": "Buypass ID"}),
    extra_parameters=MappingProxyType({}),
    fresh_parameters=MappingProxyType({"prompt": "login"}),
    level_parameters=MappingProxyType({}),
)


def relying_party(provider: Provider, settings: ProviderSettings = SETTINGS) -> EidProviders:
    return EidProviders([settings], clock=FixedClock(), chance=CountingChance(), transport=httpx.MockTransport(provider))


GOOD_ANSWER = {"code": "the-code", "state": STATE, "iss": ISSUER}


def finish(
    provider: Provider,
    *,
    parameters: dict[str, str] | None = None,
    level: Level = Level.HIGH,
    fresh_since: datetime | None = None,
    settings: ProviderSettings = SETTINGS,
    party: EidProviders | None = None,
) -> Identification:
    return (party or relying_party(provider, settings)).finish(
        provider="example",
        parameters=GOOD_ANSWER if parameters is None else parameters,
        state=STATE,
        nonce=NONCE,
        code_verifier="v" * 43,
        level=level,
        fresh_since=fresh_since,
    )


def claims_but(**changes: Any) -> str:
    claims = {**good_claims(), **changes}
    return signed({name: value for name, value in claims.items() if value is not ...})


def at(seconds: int) -> int:
    """Return the NumericDate that many seconds from now."""
    return int(NOW.timestamp()) + seconds
