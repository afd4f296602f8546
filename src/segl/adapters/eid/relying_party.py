"""
Segl as a client of one eID provider: sending the browser there, and taking its answer.

Code flow with PKCE, state and nonce (OpenID Connect Core, RFC 7636), pushed requests (RFC 9126), private_key_jwt (RFC 7523), and the
issuer in the answer (RFC 9207).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from segl.actions.ports import Chance, Clock, LoginRequest
from segl.adapters.bounded_http import BoundedHttp
from segl.adapters.eid.fetching import MAX_ANSWER_BYTES, JsonAnswer, post_form
from segl.adapters.eid.id_token import Expectation, check_id_token
from segl.adapters.eid.metadata import Metadata, ProviderMetadata
from segl.adapters.eid.settings import ClientKey, ClientSecret, ProviderSettings
from segl.ceremony.identification import (
    Identification,
    LoginAborted,
    LoginAnswerRefused,
    LoginLevelTooLow,
    LoginNotFresh,
    ProviderUnavailable,
)
from segl.values import Language, Level

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE = timedelta(seconds=60)
MAX_CODE_CHARACTERS = 4096


class RelyingParty:
    """Segl towards one provider; safe to share between threads."""

    def __init__(self, settings: ProviderSettings, *, clock: Clock, chance: Chance, transport: httpx.BaseTransport | None = None) -> None:
        self.settings = settings
        self._clock = clock
        self._chance = chance
        # A provider on this machine is never reached through a proxy, whatever the environment says.
        self._http = BoundedHttp(max_bytes=MAX_ANSWER_BYTES, transport=transport, trust_env=not settings.is_loopback)
        self._published = ProviderMetadata(settings, self._http)

    def begin(self, *, state: str, nonce: str, level: Level, is_fresh_required: bool, language: Language) -> LoginRequest:
        """:raises ProviderUnavailable: if the provider does not answer."""
        metadata, settings = self._published.metadata(), self.settings
        code_verifier = self._chance.token()
        parameters = {
            **settings.extra_parameters,
            **settings.level_parameters.get(level, {}),
            **(settings.fresh_parameters if is_fresh_required else {}),
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": settings.redirect_url,
            "scope": " ".join(settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _base64url(hashlib.sha256(code_verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "ui_locales": language.value,
        }
        if level in settings.acr_request:
            parameters["acr_values"] = settings.acr_request[level]
        if metadata.par_endpoint is not None:
            parameters = {"client_id": settings.client_id, "request_uri": self._push(metadata.par_endpoint, parameters)}
        return LoginRequest(url=_with_query(metadata.authorization_endpoint, parameters), code_verifier=code_verifier)

    def finish(
        self,
        *,
        parameters: Mapping[str, str],
        state: str,
        nonce: str,
        code_verifier: str,
        level: Level,
        fresh_since: datetime | None,
    ) -> Identification:
        """:raises LoginNotCompleted: one of its kinds, see ceremony/identification.py."""
        if not hmac.compare_digest(parameters.get("state", "").encode(errors="replace"), state.encode()):
            raise LoginAnswerRefused("state: the answer belongs to another request.")
        metadata = self._published.metadata()
        # Mix-up (RFC 9207): an answer of another provider must not have its code sent to this one. Errors carry the issuer too.
        named = parameters.get("iss")
        if named is None and metadata.is_issuer_in_answers:
            raise LoginAnswerRefused("iss: the provider always names itself in its answers, and this one does not.")
        if named is not None and named != self.settings.issuer:
            raise LoginAnswerRefused("iss: the answer comes from another provider.")
        if "error" in parameters:
            raise _outcome_of_error(parameters["error"])
        code = parameters.get("code", "")
        if not code or len(code) > MAX_CODE_CHARACTERS:
            raise LoginAnswerRefused("code: the answer holds no code.")
        id_token = self._exchange(metadata, code=code, code_verifier=code_verifier)
        return check_id_token(
            id_token,
            settings=self.settings,
            key_of=lambda key_id, algorithm: self._published.key(key_id, algorithm=algorithm),
            expected=Expectation(nonce=nonce, level=level, fresh_since=fresh_since, now=self._clock.now()),
        )

    def logout_url(self, *, id_token_hint: str, state: str | None = None) -> str | None:
        """Return where the browser goes to end the provider's session, or None when the provider has no such address."""
        endpoint = self._published.metadata().end_session_endpoint
        if endpoint is None:
            return None
        parameters = {"id_token_hint": id_token_hint}
        if self.settings.post_logout_url is not None:
            parameters["post_logout_redirect_uri"] = self.settings.post_logout_url
        if state is not None:
            parameters["state"] = state
        return _with_query(endpoint, parameters)

    def _push(self, endpoint: str, parameters: Mapping[str, str]) -> str:
        answer = self._post(endpoint, parameters)
        request_uri = answer.value.get("request_uri")
        if answer.status not in (200, 201) or not isinstance(request_uri, str):
            raise ProviderUnavailable(
                f"eID provider {self.settings.id!r} did not take the pushed request (status {answer.status}). Check client, scopes and levels."
            )
        return request_uri

    def _exchange(self, metadata: Metadata, *, code: str, code_verifier: str) -> str:
        answer = self._post(
            metadata.token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.settings.redirect_url,
                "code_verifier": code_verifier,
            },
        )
        if answer.status == 401 or answer.value.get("error") == "invalid_client":
            raise ProviderUnavailable(
                f"eID provider {self.settings.id!r} does not know this client. Check client_id and its key or secret."
            )
        if answer.status != 200 or "error" in answer.value:
            raise LoginAnswerRefused(f"code: the provider does not take the code (status {answer.status}).")
        id_token = answer.value.get("id_token")
        if not isinstance(id_token, str):
            raise LoginAnswerRefused("id_token: the provider's answer holds none.")
        return id_token

    def _post(self, endpoint: str, fields: Mapping[str, str]) -> JsonAnswer:
        match self.settings.client_authentication:
            case ClientSecret(secret=secret):
                # RFC 6749 2.3.1: both are form-encoded before they are joined.
                joined = f"{quote(self.settings.client_id, safe='')}:{quote(secret, safe='')}"
                basic = base64.b64encode(joined.encode()).decode()
                return post_form(self._http, endpoint, fields, headers={"Authorization": f"Basic {basic}"})
            case ClientKey() as client_key:
                assertion = self._assertion(client_key)
                proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
                return post_form(self._http, endpoint, {"client_id": self.settings.client_id, **fields, **proof})

    def _assertion(self, client_key: ClientKey) -> str:
        """Sign who this client is; `aud` is the issuer, which ID-porten and draft-ietf-oauth-rfc7523bis want."""
        private_key = client_key.private_key
        key: RSAKey | ECKey
        if isinstance(private_key, rsa.RSAPrivateKey):
            key, algorithm = RSAKey.import_key(private_key), "RS256"
        else:
            key, algorithm = ECKey.import_key(private_key), "ES256"
        issued_at = int(self._clock.now().timestamp())
        claims = {
            "iss": self.settings.client_id,
            "sub": self.settings.client_id,
            "aud": self.settings.issuer,
            "iat": issued_at,
            "exp": issued_at + int(ASSERTION_LIFE.total_seconds()),
            "jti": self._chance.token(),
        }
        header = {"alg": algorithm, "typ": "JWT", "kid": client_key.key_id or key.thumbprint()}
        return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=[algorithm])


def _outcome_of_error(code: str) -> LoginAborted | LoginAnswerRefused | LoginLevelTooLow | LoginNotFresh | ProviderUnavailable:
    """Return what an OAuth error of the authorization answer means. Its description is never read: it is the provider's free text."""
    match code:
        case "access_denied" | "user_cancelled_authorize":
            return LoginAborted("The person turned back at the eID provider.")
        case "unmet_authentication_requirements":
            return LoginLevelTooLow("The eID provider could not reach the level asked for.")
        case "login_required" | "interaction_required":
            return LoginNotFresh("The eID provider wants another log-in first.")
        case "server_error" | "temporarily_unavailable":
            return ProviderUnavailable("The eID provider says that it is out of order.")
        case _:
            return LoginAnswerRefused("error: the provider refused the request.")


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
