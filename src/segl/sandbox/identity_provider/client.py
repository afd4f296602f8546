"""
The one client of the test identity provider, Segl, and how it proves who it is: a signed assertion (private_key_jwt, RFC 7523).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from segl.sandbox.identity_provider.state import Kind, State

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION_LIFE = timedelta(minutes=10)
LEEWAY = timedelta(seconds=10)


class ClientRefused(Exception):
    """The client did not prove who it is (invalid_client). The message says which check failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A client as the provider knows it."""

    client_id: str
    public_key: RSAKey
    redirect_urls: frozenset[str]
    post_logout_urls: frozenset[str]


def authenticate(fields: Mapping[str, str], *, registration: Registration, audiences: frozenset[str], state: State, now: datetime) -> None:
    """
    Check the client assertion among the form fields, and burn it.

    :raises ClientRefused: naming the check that failed.
    """
    if fields.get("client_assertion_type") != ASSERTION_TYPE:
        raise ClientRefused("Send client_assertion_type jwt-bearer and a client_assertion.")
    try:
        assertion = jws.deserialize_compact(fields.get("client_assertion", ""), registration.public_key, algorithms=["RS256", "PS256"])
        claims = json.loads(assertion.payload or b"")
    except (JoseError, ValueError) as error:
        raise ClientRefused("The client_assertion's signature is not right.") from error
    if not isinstance(claims, dict):
        raise ClientRefused("The client_assertion holds no claims.")
    if claims.get("iss") != registration.client_id or claims.get("sub") != registration.client_id:
        raise ClientRefused("iss and sub of the client_assertion must be the client_id.")
    if fields.get("client_id", registration.client_id) != registration.client_id:
        raise ClientRefused("The client_id is another than the client_assertion's.")
    audience = claims.get("aud")
    named = set(audience) if isinstance(audience, list) else {audience}
    if not named & audiences:
        raise ClientRefused("aud of the client_assertion must name this provider.")
    expires_at = _instant(claims.get("exp"))
    if not now - LEEWAY < expires_at <= now + MAX_ASSERTION_LIFE:
        raise ClientRefused("exp of the client_assertion must lie within the next ten minutes.")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise ClientRefused("The client_assertion needs a jti.")
    if not state.use_once(Kind.ASSERTION, jti, expires_at=expires_at + LEEWAY, now=now):
        raise ClientRefused("This client_assertion was used before.")


def _instant(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ClientRefused("exp of the client_assertion must be a number.")
    try:
        return datetime.fromtimestamp(value, tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ClientRefused("exp of the client_assertion is no instant.") from error
