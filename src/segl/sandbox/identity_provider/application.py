"""
The test identity provider: OpenID Connect as ID-porten speaks it, where one picks a person instead of proving who one is.

Discovery, JWKS, pushed requests (RFC 9126), code flow with PKCE, private_key_jwt, single sign-on, and logout. No personal data in its log.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from joserfc.jwk import RSAKey

from segl.sandbox.identity_provider import pages
from segl.sandbox.identity_provider.authorization import (
    ACR,
    AuthorizationRefused,
    AuthorizationRequest,
    UnknownClient,
    from_value,
    read_authorization_request,
)
from segl.sandbox.identity_provider.client import ClientRefused, Registration, authenticate
from segl.sandbox.identity_provider.exchange import Answer, BadRequest, Request, json_answer, read_request, redirect, respond
from segl.sandbox.identity_provider.state import Kind, State
from segl.sandbox.identity_provider.tokens import ALGORITHM, Login, TokenSigner, challenge_of, login_from_value
from segl.sandbox.material import EID_LEVELS, Person
from segl.values import Language, Level

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

COOKIE = "segl_test_eid"  # another name than Segl's own: cookies are shared by all ports of a host
SESSION_LIFE = timedelta(hours=2)
LOGIN_LIFE = timedelta(minutes=30)
CODE_LIFE = timedelta(seconds=60)
PUSHED_LIFE = timedelta(seconds=90)
REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
STYLE = (Path(__file__).parent / "style.css").read_bytes()

log = logging.getLogger(__name__)


class IdentityProvider:
    """A WSGI application that answers below the path of `issuer`."""

    def __init__(
        self,
        *,
        issuer: str,
        registration: Registration,
        signing_key: RSAKey,
        state: State,
        persons: Sequence[Person],
        now: Callable[[], datetime],
    ) -> None:
        self._issuer = issuer
        self._prefix = urlsplit(issuer).path
        self._registration = registration
        self._signer = TokenSigner(signing_key, issuer=issuer)
        self._state = state
        self._persons = {person.national_identity_number.value: person for person in persons}
        self._now = now

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._answer(read_request(environ))
        except BadRequest as error:
            answer = json_answer({"error": "invalid_request", "error_description": str(error)}, status=HTTPStatus.BAD_REQUEST)
        return respond(answer, start_response)

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path.removeprefix(self._prefix):
            case "GET", "/.well-known/openid-configuration":
                return json_answer(self._metadata())
            case "GET", "/jwks":
                return json_answer(self._signer.key_set())
            case "GET", "/style.css":
                return Answer(content_type="text/css; charset=utf-8", body=STYLE, headers=(("Cache-Control", "max-age=3600"),))
            case "POST", "/par":
                return self._push(request)
            case (("GET" | "POST"), "/authorize"):
                return self._authorize(request)
            case "GET", "/login":
                return self._show_login(request)
            case "POST", "/login":
                return self._choose(request)
            case "POST", "/token":
                return self._token(request)
            case (("GET" | "POST"), "/endsession"):
                return self._end_session(request)
            case _:
                return Answer(status=HTTPStatus.NOT_FOUND, body=b"There is nothing here.\n")

    def _metadata(self) -> dict[str, object]:
        return {
            "issuer": self._issuer,
            "authorization_endpoint": f"{self._issuer}/authorize",
            "token_endpoint": f"{self._issuer}/token",
            "pushed_authorization_request_endpoint": f"{self._issuer}/par",
            "end_session_endpoint": f"{self._issuer}/endsession",
            "jwks_uri": f"{self._issuer}/jwks",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
            "acr_values_supported": list(ACR.values()),
            "prompt_values_supported": ["none", "login", "select_account"],
            "ui_locales_supported": [language.value for language in Language],
            "scopes_supported": ["openid", "profile"],
            "claims_supported": ["pid", "name", "acr", "amr", "auth_time", "sid", "nonce"],
            "authorization_response_iss_parameter_supported": True,
        }

    # ── The client ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _authenticate(self, fields: dict[str, str], endpoint: str) -> Answer | None:
        """Return the refusal, or None when the client is Segl."""
        audiences = frozenset({self._issuer, f"{self._issuer}/{endpoint}"})
        try:
            authenticate(fields, registration=self._registration, audiences=audiences, state=self._state, now=self._now())
        except ClientRefused as error:
            return self._oauth_error("invalid_client", str(error), status=HTTPStatus.UNAUTHORIZED)
        return None

    def _push(self, request: Request) -> Answer:
        fields = request.fields()
        if (refusal := self._authenticate(fields, "par")) is not None:
            return refusal
        if "request_uri" in fields:
            return self._oauth_error("invalid_request", "A pushed request cannot hold a request_uri.")
        try:
            wanted = read_authorization_request(fields, self._registration)
        except UnknownClient as error:
            return self._oauth_error("invalid_request", str(error))
        except AuthorizationRefused as error:
            return self._oauth_error(error.code, str(error))
        now = self._now()
        handle = self._state.put(Kind.PUSHED_REQUEST, wanted.as_value(), expires_at=now + PUSHED_LIFE, now=now)
        answer = {"request_uri": REQUEST_URI + handle, "expires_in": int(PUSHED_LIFE.total_seconds())}
        return json_answer(answer, status=HTTPStatus.CREATED)

    def _token(self, request: Request) -> Answer:
        fields = request.fields()
        if (refusal := self._authenticate(fields, "token")) is not None:
            return refusal
        if fields.get("grant_type") != "authorization_code":
            return self._oauth_error("unsupported_grant_type", "Only authorization_code is spoken here.")
        now = self._now()
        # Taken before it is checked: a code that was tried wrongly is gone, as RFC 6749 wants of one that may have been stolen.
        code = self._state.take(Kind.CODE, fields.get("code", ""), now=now)
        if code is None:
            return self._oauth_error("invalid_grant", "The code is unknown, used or older than a minute.")
        if fields.get("redirect_uri") != code["redirect_url"]:
            return self._oauth_error("invalid_grant", "The redirect_uri is another than in the authorization request.")
        if not hmac.compare_digest(challenge_of(fields.get("code_verifier", "")), str(code["code_challenge"])):
            return self._oauth_error("invalid_grant", "The code_verifier does not belong to the code_challenge.")
        login = login_from_value(code)
        id_token = self._signer.id_token(
            login=login,
            person=self._persons[login.person.value],
            client_id=self._registration.client_id,
            nonce=str(code["nonce"]),
            now=now,
        )
        log.info("id_token issued")
        return json_answer(
            {
                "access_token": secrets.token_urlsafe(32),
                "token_type": "Bearer",
                "expires_in": 120,
                "scope": "openid profile",
                "id_token": id_token,
            }
        )

    def _oauth_error(self, code: str, description: str, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Answer:
        # The descriptions are sentences of this room: nothing of the request is in them.
        log.warning("refused: %s: %s", code, description)
        return json_answer({"error": code, "error_description": description}, status=status)

    # ── The person ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _authorize(self, request: Request) -> Answer:
        fields, now = request.fields(), self._now()
        try:
            if "request_uri" in fields:
                pushed = self._state.take(Kind.PUSHED_REQUEST, fields["request_uri"].removeprefix(REQUEST_URI), now=now)
                if pushed is None or fields.get("client_id") != self._registration.client_id:
                    return self._gone("the request_uri is unknown, used or too old")
                wanted = from_value(pushed)
            else:
                wanted = read_authorization_request(fields, self._registration)
        except UnknownClient as error:
            return self._gone(str(error))
        except AuthorizationRefused as error:
            log.warning("refused: %s: %s", error.code, error)
            return self._back(error.redirect_url, {"error": error.code, "error_description": str(error), "state": error.state})
        session = self._session(request, wanted)
        if session is not None:
            return self._back_with_code(wanted, session)
        if wanted.is_silent:
            return self._back(wanted.redirect_url, {"error": "login_required", "state": wanted.state})
        handle = self._state.put(Kind.LOGIN, wanted.as_value(), expires_at=now + LOGIN_LIFE, now=now)
        return redirect(f"{self._prefix}/login?{urlencode({'login': handle})}")

    def _session(self, request: Request, wanted: AuthorizationRequest) -> Login | None:
        """Return the running session if `wanted` may be answered by it without showing a page."""
        if wanted.is_choice_forced:
            return None
        value = self._state.get(Kind.SESSION, request.cookies.get(COOKIE, ""), now=self._now())
        if value is None:
            return None
        session = login_from_value(value)
        age = self._now() - session.authenticated_at
        if wanted.max_age_seconds is not None and age > timedelta(seconds=wanted.max_age_seconds):
            return None
        return session if session.level >= wanted.level and session.person.value in self._persons else None

    def _show_login(self, request: Request) -> Answer:
        handle = request.fields().get("login", "")
        value = self._state.get(Kind.LOGIN, handle, now=self._now())
        return self._gone("the log-in is unknown or too old") if value is None else self._choice_page(handle, from_value(value))

    def _choose(self, request: Request) -> Answer:
        fields, now = request.fields(), self._now()
        handle = fields.get("login", "")
        value = self._state.get(Kind.LOGIN, handle, now=now)
        if value is None:
            return self._gone("the log-in is unknown or too old")
        wanted = from_value(value)
        if "abort" in fields:
            return self._back(wanted.redirect_url, {"error": "access_denied", "state": wanted.state})
        person = self._persons.get(fields.get("person", ""))
        if person is None:
            raise BadRequest("There is no such test person.")
        chosen = (fields.get("eid", ""), fields.get("level", ""))
        means = _means_of(person, eid=chosen[0], level=chosen[1], asked=wanted.level)
        if means is None:
            return self._choice_page(handle, wanted, chosen=chosen, has_problem=True)
        login = Login(
            person=person.national_identity_number,
            eid=means[0],
            level=means[1],
            authenticated_at=now.replace(microsecond=0),
            sid=secrets.token_urlsafe(16),
        )
        self._state.take(Kind.SESSION, request.cookies.get(COOKIE, ""), now=now)
        session = self._state.put(Kind.SESSION, login.as_value(), expires_at=now + SESSION_LIFE, now=now)
        cookie = f"{COOKIE}={session}; Path={self._prefix}; HttpOnly; SameSite=Lax"
        return self._back_with_code(wanted, login, headers=(("Set-Cookie", cookie),))

    def _end_session(self, request: Request) -> Answer:
        fields = request.fields()
        sid = self._signer.session_of(fields.get("id_token_hint", ""), client_id=self._registration.client_id)
        own = self._state.get(Kind.SESSION, request.cookies.get(COOKIE, ""), now=self._now())
        # Without a hint that this provider signed anybody could log a person out and send them anywhere: then only a page is shown.
        if sid is None:
            return pages.logged_out_page(prefix=self._prefix, language=Language.BOKMAL) if own is None else self._gone("no id_token_hint")
        self._state.forget_session(sid)
        target = fields.get("post_logout_redirect_uri", "")
        if target not in self._registration.post_logout_urls:
            return pages.logged_out_page(prefix=self._prefix, language=Language.BOKMAL)
        return redirect(f"{target}?{urlencode({'state': fields['state']})}" if "state" in fields else target)

    def _choice_page(
        self, handle: str, wanted: AuthorizationRequest, *, chosen: tuple[str, str] = ("", ""), has_problem: bool = False
    ) -> Answer:
        return pages.choice_page(
            prefix=self._prefix,
            login=handle,
            level=wanted.level,
            language=wanted.language,
            persons=tuple(self._persons.values()),
            client_url=wanted.redirect_url,
            chosen=chosen,
            has_problem=has_problem,
        )

    def _gone(self, reason: str) -> Answer:
        log.warning("refused: %s", reason)
        return pages.gone_page(prefix=self._prefix, language=Language.BOKMAL)

    def _back_with_code(self, wanted: AuthorizationRequest, login: Login, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        now = self._now()
        value = {
            **login.as_value(),
            "redirect_url": wanted.redirect_url,
            "nonce": wanted.nonce,
            "code_challenge": wanted.code_challenge,
        }
        code = self._state.put(Kind.CODE, value, expires_at=now + CODE_LIFE, now=now)
        return self._back(wanted.redirect_url, {"code": code, "state": wanted.state}, headers=headers)

    def _back(self, url: str, parameters: dict[str, str | None], *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        given = {name: value for name, value in parameters.items() if value is not None}
        return redirect(f"{url}?{urlencode({**given, 'iss': self._issuer})}", headers=headers)


def _means_of(person: Person, *, eid: str, level: str, asked: Level) -> tuple[str, Level] | None:
    """
    Return the eID and level of this log-in, or None when the person has no such eID at such a level.

    Empty choices mean: the person's first eID that reaches the level asked for, and that level. A person who cannot reach it logs in
    at the level they have: refusing it is the client's task, and the client's page for it can be seen so.
    """
    if level not in ("", "3", "4") or (eid and eid not in person.eids):
        return None
    wanted = Level(int(level)) if level else asked
    used = eid or person.eid_for(wanted)
    levels = EID_LEVELS[used]
    if level:
        return (used, wanted) if wanted in levels else None
    return used, min((reached for reached in levels if reached >= wanted), default=max(levels))
