"""
The checks of an id_token (OpenID Connect Core 3.1.3.7), and who it says logged in.

Every refusal names the check and nothing of the token.
"""

from __future__ import annotations

import base64
import hmac
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc import jws
from joserfc.errors import JoseError

from segl.adapters.eid.fetching import Json, read_json
from segl.adapters.eid.metadata import VerifyingKey
from segl.adapters.eid.settings import ProviderSettings
from segl.ceremony.identification import Identification, LoginAnswerRefused, LoginLevelTooLow, LoginNotFresh
from segl.values import Level, NationalIdentityNumber, ValueRefused

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Never `none`, never HS*: with HS256 the provider's public key would do as a shared secret."""

MAX_TOKEN_CHARACTERS = 16_384
MAX_NAME_CHARACTERS = 200
LEEWAY = timedelta(seconds=30)  # two hosts' clocks differ
MAX_TOKEN_AGE = timedelta(minutes=10)

KeySource = Callable[[str, str], VerifyingKey | None]
"""Key id and algorithm → the provider's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the log-in must be."""

    nonce: str
    level: Level
    fresh_since: datetime | None
    now: datetime


def check_id_token(id_token: str, *, settings: ProviderSettings, key_of: KeySource, expected: Expectation) -> Identification:
    """
    Check `id_token` and return who logged in.

    :raises LoginAnswerRefused: naming the check that failed.
    :raises LoginLevelTooLow, LoginNotFresh: if all else is right.
    """
    # (1) an algorithm of the list, (2) a key of the provider's own list, (3) its signature over the claims;
    # (4) iss and sub, (5) aud and azp, (6) exp, iat, nbf, (7) nonce: it is this provider's answer to this very request;
    # (8) pid, acr and auth_time are there; (9) the level is the one asked for, (10) the log-in is new enough.
    algorithm, key_id = _header(id_token)  # (1)
    key = key_of(key_id, algorithm)  # (2)
    if key is None:
        raise LoginAnswerRefused("kid: the id_token is signed with a key that the provider does not publish for this algorithm.")
    try:
        verified = jws.deserialize_compact(id_token, key, algorithms=list(ALGORITHMS))  # (3)
    except (JoseError, ValueError) as error:
        raise LoginAnswerRefused("signature: the id_token is not signed by the provider.") from error
    try:
        claims = read_json(verified.payload or b"")
    except ValueError as error:
        raise LoginAnswerRefused("claims: the id_token's claims cannot be read, or one stands twice.") from error
    if not isinstance(claims, dict):
        raise LoginAnswerRefused("claims: the id_token holds no claims.")

    if claims.get("iss") != settings.issuer:  # (4)
        raise LoginAnswerRefused("iss: the id_token was issued by another provider.")
    _text(claims, "sub")
    if claims.get("aud") not in (settings.client_id, [settings.client_id]):  # (5)
        raise LoginAnswerRefused("aud: the id_token is meant for another client, or for several.")
    if claims.get("azp", settings.client_id) != settings.client_id:
        raise LoginAnswerRefused("azp: the id_token was asked for by another client.")
    _check_times(claims, expected.now)  # (6)
    if not hmac.compare_digest(_text(claims, "nonce").encode(errors="replace"), expected.nonce.encode()):  # (7)
        raise LoginAnswerRefused("nonce: the id_token belongs to another request.")

    person = _person(claims, settings.pid_claim)  # (8)
    level = settings.acr_map.get(_text(claims, "acr"))
    if level is None:
        raise LoginAnswerRefused("acr: the id_token names a level that is not in the settings.")
    authenticated_at = _instant(claims, "auth_time")
    if authenticated_at > expected.now + LEEWAY:
        raise LoginAnswerRefused("auth_time: the log-in lies in the future. Check the clocks.")
    if level < expected.level:  # (9)
        raise LoginLevelTooLow("The log-in was at a lower level than the job asks for.")
    # (10) auth_time has whole seconds: a log-in within the same second as the intent must not look older.
    if expected.fresh_since is not None and authenticated_at < expected.fresh_since.replace(microsecond=0):
        raise LoginNotFresh("The log-in is older than the signing intent.")

    return Identification(
        provider=settings.id,
        eid=_eid(claims, settings),
        level=level,
        national_identity_number=person,
        name=_name(claims, settings),
        authenticated_at=authenticated_at,
        issuer=settings.issuer,
        id_token=id_token,
        verifying_key=json.dumps({**key.as_dict(private=False), "kid": key_id, "alg": algorithm}, sort_keys=True),
    )


def _header(id_token: str) -> tuple[str, str]:
    """Return algorithm and key id of the protected header."""
    if len(id_token) > MAX_TOKEN_CHARACTERS or id_token.count(".") != 2:
        raise LoginAnswerRefused("form: the id_token is too long or no signed token.")
    encoded = id_token.partition(".")[0]
    try:
        header = read_json(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError as error:
        raise LoginAnswerRefused("form: the id_token's header cannot be read, or something in it stands twice.") from error
    if not isinstance(header, dict):
        raise LoginAnswerRefused("form: the id_token's header cannot be read.")
    # A token that brings its own key, or says where to fetch it, is an attack or a mistake; neither is followed.
    if header.keys() & {"jku", "jwk", "x5u", "crit", "b64"}:
        raise LoginAnswerRefused("header: the id_token brings or points to a key, or demands an extension.")
    # An access token or a logout token is signed by the same key (RFC 8725, 3.11).
    if header.get("typ", "JWT") != "JWT":
        raise LoginAnswerRefused("typ: the token is no id_token.")
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise LoginAnswerRefused(f"alg: the id_token is not signed with one of {', '.join(ALGORITHMS)}.")
    if not isinstance(key_id, str):
        raise LoginAnswerRefused("kid: the id_token does not say which key signed it.")
    return algorithm, key_id


def _check_times(claims: Json, now: datetime) -> None:
    expires_at, issued_at = _instant(claims, "exp"), _instant(claims, "iat")
    if now >= expires_at + LEEWAY:
        raise LoginAnswerRefused("exp: the id_token has expired.")
    if issued_at > now + LEEWAY:
        raise LoginAnswerRefused("iat: the id_token was issued in the future. Check the clocks.")
    if issued_at < now - MAX_TOKEN_AGE:
        raise LoginAnswerRefused("iat: the id_token is too old to be an answer to this request.")
    if "nbf" in claims and _instant(claims, "nbf") > now + LEEWAY:
        raise LoginAnswerRefused("nbf: the id_token is not valid yet. Check the clocks.")


def _instant(claims: Json, name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LoginAnswerRefused(f"{name}: the id_token has no such time.")
    try:
        return datetime.fromtimestamp(value, tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise LoginAnswerRefused(f"{name}: the id_token's time is no instant.") from error


def _text(claims: Json, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise LoginAnswerRefused(f"{name}: the id_token has no such claim.")
    return value


def _person(claims: Json, name: str) -> NationalIdentityNumber:
    try:
        return NationalIdentityNumber(_text(claims, name))
    except ValueRefused as error:
        raise LoginAnswerRefused(f"{name}: the id_token holds no national identity number of eleven digits.") from error


def _eid(claims: Json, settings: ProviderSettings) -> str:
    methods = claims.get("amr")
    for method in methods if isinstance(methods, list) else [methods]:
        if isinstance(method, str) and method in settings.eid_names:
            return settings.eid_names[method]
    return settings.name


def _name(claims: Json, settings: ProviderSettings) -> str | None:
    """Return the person's name in one line, NFC, or None: it is drawn on the front page and stands in the certificate."""
    parts = [value for name in settings.name_claims if (value := claims.get(name)) is not None]
    if not all(isinstance(part, str) for part in parts):
        raise LoginAnswerRefused("name: the person's name is no text.")
    name = unicodedata.normalize("NFC", " ".join(" ".join(map(str, parts)).split()))
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn") for letter in name) or len(name) > MAX_NAME_CHARACTERS:
        raise LoginAnswerRefused("name: the person's name is too long or holds characters that cannot be shown.")
    return name or None
