"""
An authorization request (OpenID Connect Core, PKCE, PAR): what the client asks for, read and checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from segl.sandbox.identity_provider.client import Registration
from segl.sandbox.identity_provider.state import Value
from segl.values import Language, Level

ACR = {Level.SUBSTANTIAL: "idporten-loa-substantial", Level.HIGH: "idporten-loa-high"}
"""As ID-porten names the levels."""

PROMPTS = frozenset({"none", "login", "consent", "select_account"})


class UnknownClient(Exception):
    """The client or its redirect_uri is not registered: the browser must not be sent anywhere."""


class AuthorizationRefused(Exception):
    """The request breaks a rule of the protocol; `code` is OAuth's error code."""

    def __init__(self, code: str, description: str, *, redirect_url: str, state: str | None) -> None:
        super().__init__(description)
        self.code = code
        self.redirect_url = redirect_url
        self.state = state


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A checked request."""

    redirect_url: str
    state: str
    nonce: str
    code_challenge: str
    level: Level
    """The lowest of the levels asked for."""
    is_choice_forced: bool
    """The client will not take the running session."""
    is_silent: bool
    """The client will not have any page shown."""
    max_age_seconds: int | None
    language: Language

    def as_value(self) -> Value:
        """Return what must be stored of it."""
        return {
            "redirect_url": self.redirect_url,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": self.code_challenge,
            "level": int(self.level),
            "is_choice_forced": int(self.is_choice_forced),
            "is_silent": int(self.is_silent),
            "max_age_seconds": self.max_age_seconds,
            "language": self.language.value,
        }


def from_value(value: Value) -> AuthorizationRequest:
    """Return the request that was stored as `value`."""
    max_age = value["max_age_seconds"]
    return AuthorizationRequest(
        redirect_url=str(value["redirect_url"]),
        state=str(value["state"]),
        nonce=str(value["nonce"]),
        code_challenge=str(value["code_challenge"]),
        level=Level(int(value["level"] or 0)),
        is_choice_forced=bool(value["is_choice_forced"]),
        is_silent=bool(value["is_silent"]),
        max_age_seconds=None if max_age is None else int(max_age),
        language=Language(str(value["language"])),
    )


def read_authorization_request(fields: Mapping[str, str], registration: Registration) -> AuthorizationRequest:
    """
    Read and check an authorization request.

    :raises UnknownClient: if client or redirect_uri are not registered.
    :raises AuthorizationRefused: if anything else is wrong; the browser may be sent back with it.
    """
    if fields.get("client_id") != registration.client_id:
        raise UnknownClient("The client_id is not registered here.")
    redirect_url = fields.get("redirect_uri", "")
    if redirect_url not in registration.redirect_urls:
        raise UnknownClient("The redirect_uri is not registered for this client.")

    def refused(description: str, code: str = "invalid_request") -> AuthorizationRefused:
        return AuthorizationRefused(code, description, redirect_url=redirect_url, state=fields.get("state"))

    if fields.get("response_type") != "code":
        raise refused("Only response_type=code is spoken here.", "unsupported_response_type")
    if "request" in fields:
        raise refused("Request objects are not taken here.", "request_not_supported")
    if "openid" not in fields.get("scope", "").split():
        raise refused("The scope must hold openid.", "invalid_scope")
    if fields.get("response_mode", "query") != "query":
        raise refused("Only response_mode=query is spoken here.")
    for name in ("state", "nonce"):
        if not fields.get(name):
            raise refused(f"{name} is missing; it is mandatory here, as at ID-porten.")
    if fields.get("code_challenge_method") != "S256" or not re.fullmatch(r"[A-Za-z0-9_-]{43}", fields.get("code_challenge", "")):
        raise refused("PKCE with S256 is mandatory: send a code_challenge of 43 characters.")
    asked = fields.get("acr_values", "").split()
    levels = [level for level, acr in ACR.items() if acr in asked]
    if asked and not levels:
        raise refused("None of the acr_values is known here.")
    prompts = frozenset(fields.get("prompt", "").split())
    if prompts - PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise refused("prompt has an unknown value, or none beside another.")
    max_age = fields.get("max_age")
    if max_age is not None and not re.fullmatch(r"[0-9]{1,9}", max_age):
        raise refused("max_age must be a number of seconds.")
    return AuthorizationRequest(
        redirect_url=redirect_url,
        state=fields["state"],
        nonce=fields["nonce"],
        code_challenge=fields["code_challenge"],
        level=min(levels, default=Level.SUBSTANTIAL),
        is_choice_forced=bool(prompts & {"login", "select_account"}),
        is_silent="none" in prompts,
        max_age_seconds=None if max_age is None else int(max_age),
        language=_language(fields.get("ui_locales", "")),
    )


def _language(ui_locales: str) -> Language:
    for tag in ui_locales.lower().split():
        match tag.partition("-")[0]:
            case "nn":
                return Language.NYNORSK
            case "en":
                return Language.ENGLISH
            case "nb" | "no":
                return Language.BOKMAL
            case _:
                continue
    return Language.BOKMAL
