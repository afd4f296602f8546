"""
What a provider publishes of itself: its addresses (OpenID Connect Discovery) and its public keys (JWKS), fetched and kept for an hour.

A key id that is not known has the keys fetched again, once a minute at most, so that nobody can make Segl hammer the provider.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from segl.adapters.bounded_http import BoundedHttp, Turns
from segl.adapters.eid.fetching import Json, get_json
from segl.adapters.eid.settings import LOOPBACK, ProviderSettings
from segl.ceremony.identification import ProviderUnavailable

KEEP_SECONDS = 3600.0
REFETCH_SECONDS = 60.0
MIN_RSA_BITS = 2048

VerifyingKey = RSAKey | ECKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The addresses of a provider."""

    authorization_endpoint: str
    token_endpoint: str
    par_endpoint: str | None
    end_session_endpoint: str | None
    jwks_url: str
    is_issuer_in_answers: bool
    """The provider names itself in every authorization answer (RFC 9207): then one without is refused."""


class ProviderMetadata:
    """A provider's metadata and keys, kept in memory; safe to share between threads."""

    def __init__(self, settings: ProviderSettings, http: BoundedHttp, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._http = http
        self._monotonic = monotonic
        self._turns = Turns()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, dict[str, Json]] | None = None

    def metadata(self) -> Metadata:
        """:raises ProviderUnavailable: if the provider does not publish what is needed, or names another issuer."""
        with self._turns.take():
            if self._metadata is None or self._monotonic() - self._metadata[0] > KEEP_SECONDS:
                self._metadata = (self._monotonic(), self._fetch_metadata())
            return self._metadata[1]

    def key(self, key_id: str, *, algorithm: str) -> VerifyingKey | None:
        """
        Return the provider's key of that id, fit for `algorithm`, or None.

        Keys come from the provider's own jwks_uri only, never from an address inside a token.

        :raises ProviderUnavailable: if the keys cannot be fetched.
        """
        url = self.metadata().jwks_url
        with self._turns.take():
            age = None if self._keys is None else self._monotonic() - self._keys[0]
            is_known = self._keys is not None and key_id in self._keys[1]
            if age is None or age > KEEP_SECONDS or (not is_known and age > REFETCH_SECONDS):
                self._keys = (self._monotonic(), _by_key_id(get_json(self._http, url)))
            assert self._keys is not None
            row = self._keys[1].get(key_id)
        return None if row is None else _verifying_key(row, algorithm)

    def _fetch_metadata(self) -> Metadata:
        document = get_json(self._http, self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        # OpenID Connect Discovery 4.3: exactly the configured issuer, or another provider could stand in its place.
        if document.get("issuer") != self._settings.issuer:
            raise ProviderUnavailable(
                f"The metadata of eID provider {self._settings.id!r} name another issuer than the settings. Check issuer, letter by letter."
            )
        # OAuth 2.1, 7.5.2: a client makes sure that PKCE is heeded. A provider that does not say is asked with it all the same.
        if "S256" not in _list(document.get("code_challenge_methods_supported", ["S256"])):
            raise ProviderUnavailable(
                f"eID provider {self._settings.id!r} does not take PKCE with S256, without which nobody is sent there."
            )
        return Metadata(
            authorization_endpoint=self._address(document, "authorization_endpoint"),
            token_endpoint=self._address(document, "token_endpoint"),
            par_endpoint=self._address(document, "pushed_authorization_request_endpoint") if self._settings.uses_par else None,
            end_session_endpoint=self._address(document, "end_session_endpoint") if "end_session_endpoint" in document else None,
            jwks_url=self._address(document, "jwks_uri"),
            is_issuer_in_answers=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, document: Json, name: str) -> str:
        value = document.get(name)
        try:
            parts = urlsplit(value) if isinstance(value, str) else None
        except ValueError:
            parts = None
        is_plain = self._settings.is_loopback and parts is not None and parts.scheme == "http" and parts.hostname in LOOPBACK
        if not isinstance(value, str) or parts is None or not parts.hostname or not (parts.scheme == "https" or is_plain):
            raise ProviderUnavailable(f"The metadata of eID provider {self._settings.id!r} hold no usable {name}.")
        return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _by_key_id(document: Json) -> dict[str, Json]:
    rows = document.get("keys")
    if not isinstance(rows, list):
        raise ProviderUnavailable("The eID provider's keys are no JWKS.")
    keys: dict[str, Json] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("kid"), str):
            # Two keys of one id: none is used, for which one verifies would be chance.
            keys[row["kid"]] = {} if row["kid"] in keys else row
    return keys


def _verifying_key(row: Json, algorithm: str) -> VerifyingKey | None:
    """Return the key if its type, use and algorithm fit `algorithm`: an RSA key must never verify anything but RSA."""
    if row.get("use", "sig") != "sig" or row.get("alg", algorithm) != algorithm:
        return None
    try:
        match row.get("kty"), algorithm:
            case "RSA", ("RS256" | "PS256"):
                rsa_key = RSAKey.import_key({name: str(row[name]) for name in ("kty", "n", "e", "kid")})
                return rsa_key if rsa_key.public_key.key_size >= MIN_RSA_BITS else None
            case "EC", "ES256":
                ec_key = ECKey.import_key({name: str(row[name]) for name in ("kty", "crv", "x", "y", "kid")})
                return ec_key if row["crv"] == "P-256" else None
            case _:
                return None
    except (JoseError, ValueError, KeyError, TypeError):
        return None
