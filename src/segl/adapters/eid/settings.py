"""
How each eID provider is to be talked to, as configuration: nothing of ID-porten's or BankID's ways is coded.

Read from JSON (the file that SEGL_IDENTITY_PROVIDERS names); docs/operating shows both providers' settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from segl.values import Level

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

PROTECTED_PARAMETERS = frozenset(
    {
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "scope",
        "state",
    }
)
"""Parameters that Segl sets itself: configuration that could replace them could switch a check off."""

KEYS = frozenset(
    {
        "id",
        "name",
        "issuer",
        "client_id",
        "client_key",
        "client_key_id",
        "client_secret_file",
        "scopes",
        "par",
        "levels",
        "ask",
        "pid_claim",
        "name_claims",
        "eids",
        "parameters",
        "fresh_parameters",
        "level_parameters",
    }
)

MAX_NAME_CHARACTERS = 60
MAX_ISSUER_CHARACTERS = 200
"""What a signature's row can hold: a longer one would be found out by the first person who signs."""

T = TypeVar("T")


class EidSettingsRefused(ValueError):
    """The settings of the eID providers cannot be used. The message says which provider and which field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """The client proves itself with an assertion signed by this key (private_key_jwt)."""

    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    key_id: str | None
    """The `kid` under which the provider knows it; None: the key's thumbprint (RFC 7638)."""

    def __repr__(self) -> str:
        return "ClientKey(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """The client proves itself with a shared secret (client_secret_basic)."""

    secret: str

    def __repr__(self) -> str:
        return "ClientSecret(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One eID provider."""

    id: str
    """Our own name of it, in addresses and evidence: `idporten`."""
    name: str
    """As people know it: `ID-porten`."""
    issuer: str
    client_id: str
    client_authentication: ClientKey | ClientSecret
    redirect_url: str
    """Segl's callback, as registered with the provider."""
    post_logout_url: str | None
    scopes: tuple[str, ...]
    uses_par: bool
    acr_map: Mapping[str, Level]
    """What level each `acr` of an id_token means; any other acr is refused."""
    acr_request: Mapping[Level, str]
    """The acr_values to ask for a level with; a level without a row is asked for without acr_values."""
    pid_claim: str
    """The claim that holds the national identity number: `pid`, `nnin_altsub`."""
    name_claims: tuple[str, ...]
    """Claims that make the full name together, in their order."""
    eid_names: Mapping[str, str]
    """The eID as people know it, by `amr` value; the provider's name when there is no row."""
    extra_parameters: Mapping[str, str]
    """Sent with every authorization request: BankID's `login_hint`."""
    fresh_parameters: Mapping[str, str]
    """Sent when a fresh log-in is demanded: `prompt=login`."""
    level_parameters: Mapping[Level, Mapping[str, str]]
    """Sent when that level is asked for."""

    @property
    def is_loopback(self) -> bool:
        """Whether the provider runs on this machine: then, and only then, plain http is taken."""
        return urlsplit(self.issuer).hostname in LOOPBACK

    @property
    def reaches(self) -> Level:
        """The highest level this provider can give."""
        return max(self.acr_map.values())


def read_provider_settings(text: str, *, keys: Path, redirect_url: str, post_logout_url: str | None = None) -> tuple[ProviderSettings, ...]:
    """
    Read the providers' settings from JSON, in the order they are to be offered.

    `keys` is the folder that key and secret files are named relative to. `redirect_url` is Segl's callback.

    :raises EidSettingsRefused: naming provider and field.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise EidSettingsRefused("The eID settings are no JSON. Check quotes and commas.") from error
    rows = document.get("providers") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        raise EidSettingsRefused('The eID settings must be {"providers": […]} with at least one provider.')
    providers = tuple(_provider(row, number, keys, redirect_url, post_logout_url) for number, row in enumerate(rows, start=1))
    if len({provider.id for provider in providers}) != len(providers):
        raise EidSettingsRefused("Two eID providers have the same id. Give each its own.")
    return providers


def _provider(row: object, number: int, keys: Path, redirect_url: str, post_logout_url: str | None) -> ProviderSettings:
    if not isinstance(row, dict):
        raise EidSettingsRefused(f"eID provider number {number} is no JSON object.")
    fields = _Fields(row, f"eID provider {row['id']!r}" if "id" in row else f"eID provider number {number}")
    fields.refuse_unknown(KEYS)
    issuer = fields.text("issuer")
    parts = urlsplit(issuer)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        raise fields.refused("issuer", "must be an https address (http only on this machine)")
    identifier = fields.text("id")
    if not re.fullmatch(r"[a-z0-9-]{1,40}", identifier):
        raise fields.refused("id", "must be small letters, digits and hyphens")
    acr_map = {acr: fields.level("levels", level) for acr, level in fields.mapping("levels", int).items()}
    if not acr_map:
        raise fields.refused("levels", "must say what level each acr means")
    scopes = fields.texts("scopes", default=("openid",))
    if "openid" not in scopes:
        raise fields.refused("scopes", "must hold openid")
    name, eids = fields.text("name"), fields.mapping("eids", str)
    fields.refuse_longer("issuer", issuer, MAX_ISSUER_CHARACTERS)
    fields.refuse_longer("name", name, MAX_NAME_CHARACTERS)
    for eid in eids.values():
        fields.refuse_longer("eids", eid, MAX_NAME_CHARACTERS)
    return ProviderSettings(
        id=identifier,
        name=name,
        issuer=issuer,
        client_id=fields.text("client_id"),
        client_authentication=_client_authentication(fields, keys),
        redirect_url=redirect_url,
        post_logout_url=post_logout_url,
        scopes=scopes,
        uses_par=fields.flag("par"),
        acr_map=MappingProxyType(acr_map),
        acr_request=MappingProxyType({fields.level("ask", level): acr for level, acr in fields.mapping("ask", str).items()}),
        pid_claim=fields.text("pid_claim"),
        name_claims=fields.texts("name_claims", default=("name",)),
        eid_names=MappingProxyType(eids),
        extra_parameters=fields.parameters("parameters", default={}),
        fresh_parameters=fields.parameters("fresh_parameters", default={"prompt": "login"}),
        level_parameters=_level_parameters(fields),
    )


def _level_parameters(fields: _Fields) -> Mapping[Level, Mapping[str, str]]:
    rows: dict[Level, Mapping[str, str]] = {}
    for level, parameters in fields.mapping("level_parameters", dict).items():
        inner = _Fields({"level_parameters": parameters}, fields.whose)
        rows[fields.level("level_parameters", level)] = inner.parameters("level_parameters", default={})
    return MappingProxyType(rows)


def _client_authentication(fields: _Fields, keys: Path) -> ClientKey | ClientSecret:
    key_file, secret_file = fields.optional_text("client_key"), fields.optional_text("client_secret_file")
    if (key_file is None) == (secret_file is None):
        raise fields.refused("client_key", "or client_secret_file must be given, one of them")
    try:
        content = (keys / (key_file or secret_file or "")).read_bytes()
    except OSError as error:
        raise fields.refused("client_key" if key_file else "client_secret_file", "names a file that cannot be read") from error
    if secret_file is not None:
        secret = content.decode("utf-8", errors="replace").strip()
        if not secret:
            raise fields.refused("client_secret_file", "names an empty file")
        return ClientSecret(secret=secret)
    try:
        private_key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise fields.refused("client_key", "names a file that holds no unencrypted private key in PEM") from error
    is_p256 = isinstance(private_key, ec.EllipticCurvePrivateKey) and isinstance(private_key.curve, ec.SECP256R1)
    if isinstance(private_key, rsa.RSAPrivateKey) or (isinstance(private_key, ec.EllipticCurvePrivateKey) and is_p256):
        return ClientKey(private_key=private_key, key_id=fields.optional_text("client_key_id"))
    raise fields.refused("client_key", "must be an RSA key or an EC key on P-256")


class _Fields:
    """The fields of one JSON object, read with errors that name provider and field."""

    def __init__(self, row: dict[str, object], whose: str) -> None:
        self._row = row
        self.whose = whose

    def refused(self, field: str, what: str) -> EidSettingsRefused:
        return EidSettingsRefused(f"{self.whose}: {field} {what}.")

    def refuse_unknown(self, known: frozenset[str]) -> None:
        unknown = sorted(set(self._row) - known)
        if unknown:
            raise self.refused(unknown[0], f"is no setting. The settings are: {', '.join(sorted(known))}")

    def refuse_longer(self, field: str, value: str, most: int) -> None:
        if len(value) > most:
            raise self.refused(field, f"is longer than {most} characters")

    def text(self, field: str) -> str:
        value = self.optional_text(field)
        if value is None:
            raise self.refused(field, "is missing")
        return value

    def optional_text(self, field: str) -> str | None:
        value = self._row.get(field)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.refused(field, "must be a text that is not empty")
        return value

    def texts(self, field: str, *, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self._row.get(field, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.refused(field, "must be a list of texts")
        return tuple(str(item) for item in value)

    def flag(self, field: str) -> bool:
        value = self._row.get(field, False)
        if not isinstance(value, bool):
            raise self.refused(field, "must be true or false")
        return value

    def mapping(self, field: str, kind: type[T]) -> dict[str, T]:
        value = self._row.get(field, {})
        if not isinstance(value, dict):
            raise self.refused(field, "must be a JSON object")
        rows: dict[str, T] = {}
        for key, item in value.items():
            if not isinstance(item, kind) or isinstance(item, bool):
                raise self.refused(field, f"must have values of type {kind.__name__}")
            rows[str(key)] = item
        return rows

    def parameters(self, field: str, *, default: dict[str, str]) -> Mapping[str, str]:
        value = self.mapping(field, str) if field in self._row else default
        forbidden = sorted(PROTECTED_PARAMETERS & set(value))
        if forbidden:
            raise self.refused(field, f"must not set {forbidden[0]}: Segl sets it itself")
        return MappingProxyType(value)

    def level(self, field: str, value: str | int) -> Level:
        try:
            return Level(int(value))
        except ValueError as error:
            raise self.refused(field, "must speak of level 3 or 4") from error
