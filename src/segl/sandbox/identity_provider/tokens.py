"""
The identity provider's tokens: id_tokens with the claims of ID-porten, signed RS256, and the public keys that verify them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from segl.sandbox.identity_provider.authorization import ACR
from segl.sandbox.identity_provider.state import Value
from segl.sandbox.material import Person
from segl.values import Level, NationalIdentityNumber

TOKEN_LIFE = timedelta(minutes=2)
ALGORITHM = "RS256"

AMR = {"BankID": "BankID", "Buypass ID": "Buypass", "Commfides": "Commfides", "MinID": "Minid-OTC"}
"""What the `amr` claim says of each eID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One person's log-in; a session is one that may be used again."""

    person: NationalIdentityNumber
    eid: str
    level: Level
    authenticated_at: datetime
    """Whole seconds, as auth_time has them."""
    sid: str

    def as_value(self) -> Value:
        """Return what must be stored of it."""
        return {
            "person": self.person.value,
            "eid": self.eid,
            "level": int(self.level),
            "auth_time": int(self.authenticated_at.timestamp()),
            "sid": self.sid,
        }


def login_from_value(value: Value) -> Login:
    """Return the log-in that was stored as `value`."""
    return Login(
        person=NationalIdentityNumber(str(value["person"])),
        eid=str(value["eid"]),
        level=Level(int(value["level"] or 0)),
        authenticated_at=datetime.fromtimestamp(int(value["auth_time"] or 0), tz=UTC),
        sid=str(value["sid"]),
    )


class TokenSigner:
    """Signs the provider's tokens with one key, whose id is the key's thumbprint (RFC 7638)."""

    def __init__(self, key: RSAKey, *, issuer: str) -> None:
        self._key = key
        self._kid = key.thumbprint()
        self._issuer = issuer

    def key_set(self) -> dict[str, object]:
        """Return the JWKS document."""
        return {"keys": [{**self._key.as_dict(private=False), "kid": self._kid, "use": "sig", "alg": ALGORITHM}]}

    def id_token(self, *, login: Login, person: Person, client_id: str, nonce: str, now: datetime) -> str:
        """Return a signed id_token; it has no `name` when the person has none."""
        issued_at = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": self._issuer,
            "sub": _pairwise_subject(login.person, client_id),
            "aud": client_id,
            "iat": issued_at,
            "exp": issued_at + int(TOKEN_LIFE.total_seconds()),
            "auth_time": int(login.authenticated_at.timestamp()),
            "nonce": nonce,
            "acr": ACR[login.level],
            "amr": [AMR[login.eid]],
            "pid": login.person.value,
            "sid": login.sid,
            "jti": secrets.token_urlsafe(16),
        }
        if person.name is not None:
            claims["name"] = person.name
        header = {"alg": ALGORITHM, "kid": self._kid, "typ": "JWT"}
        return jws.serialize_compact(header, json.dumps(claims).encode(), self._key, algorithms=[ALGORITHM])

    def session_of(self, id_token: str, *, client_id: str) -> str | None:
        """Return the `sid` of an id_token of ours for this client, however old, or None when it is not one."""
        try:
            claims = json.loads(jws.deserialize_compact(id_token, self._key, algorithms=[ALGORITHM]).payload or b"")
        except (JoseError, ValueError):
            return None
        return claims["sid"] if claims.get("iss") == self._issuer and claims.get("aud") == client_id else None


def challenge_of(code_verifier: str) -> str:
    """Return the S256 code challenge of a PKCE verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()


def _pairwise_subject(person: NationalIdentityNumber, client_id: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{client_id} {person}".encode()).digest()).rstrip(b"=").decode()
