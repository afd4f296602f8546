"""
Every setting of Segl: one table of name, default, unit and help, read once from the environment into one frozen value.

An absent setting is always safe; production refuses what only the sandbox may have. docs/operating/settings.md is generated from the table and tested equal.
"""

# ruff: noqa: RUF009 — _setting makes a field, not a default that instances would share
from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography import x509

T = TypeVar("T")


class SettingRefused(Exception):
    """A setting is missing, unreadable, or may not stand in production. The message names it and tells what to write instead."""


class Environment(StrEnum):
    """Where Segl runs. Whatever is marked sandbox is absent in production."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table."""

    name: str
    read: Callable[[str, str], object]
    """Makes the value of name and text, or raises SettingRefused."""
    default: str
    """The default in production, as it would be written. Words in braces are other settings. Empty: none."""
    sandbox: str | None = None
    """The default in the sandbox where it differs."""
    unit: str = ""
    is_required: bool = False
    """Production refuses to start without it."""
    help: str


def _setting(
    read: Callable[[str, str], T], *, default: str, sandbox: str | None = None, unit: str = "", is_required: bool = False, help: str
) -> T:
    """Return the field of `Settings` that is one row of the table; its type is that of what `read` makes."""
    row: T = field(metadata={"read": read, "default": default, "sandbox": sandbox, "unit": unit, "is_required": is_required, "help": help})
    return row


def _parsed(name: str, text: str, parse: Callable[[str], T], remedy: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise SettingRefused(f"{name} is {text!r}. {remedy}") from error


def _environment(name: str, text: str) -> Environment:
    return _parsed(name, text, Environment, "Write `sandbox` or `production`.")


def _text(name: str, text: str) -> str:
    return text


def _whole(*, least: int = 1, most: int = 10**9) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        remedy = f"Write a whole number from {least} to {most}."
        number = _parsed(name, text, int, remedy)
        if not least <= number <= most:
            raise SettingRefused(f"{name} is {number}. {remedy}")
        return number

    return read


_port = _whole(most=65535)


def _folder(name: str, text: str) -> Path:
    return Path(text).absolute()


def _folder_if_any(name: str, text: str) -> Path | None:
    return _folder(name, text) if text else None


def _yes_or_no(name: str, text: str) -> bool:
    match text.lower():
        case "yes" | "true" | "on" | "1":
            return True
        case "no" | "false" | "off" | "0":
            return False
        case _:
            raise SettingRefused(f"{name} is {text!r}. Write `yes` or `no`.")


def _organization_number(name: str, text: str) -> str:
    if text and not re.fullmatch(r"[0-9]{9}", text):
        raise SettingRefused(f"{name} is {text!r}. Write nine digits.")
    return text


def _of_scheme(*schemes: str) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if urlsplit(text).scheme not in schemes:
            # Not quoted: an address of a database carries its password.
            raise SettingRefused(
                f"{name} begins with no scheme that Segl knows. Begin it with {' or '.join(f'{scheme}:' for scheme in schemes)}."
            )
        return text

    return read


def _address(name: str, text: str) -> str:
    remedy = "Write an address that begins with https:// (or http://), without user, query or fragment."
    parts = _parsed(name, text, urlsplit, remedy)
    try:
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise SettingRefused(f"{name} is {text!r}. {remedy}") from error
    if not is_right or parts.username is not None or parts.query or parts.fragment or re.search(r"\s", text):
        raise SettingRefused(f"{name} is {text!r}. {remedy}")
    return text.rstrip("/")


def _root(name: str, text: str) -> str:
    address = _address(name, text)
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.path:
        raise SettingRefused(f"{name} is {text!r}. Write https:// and a host, without a path: clients add /api themselves.")
    return address


def _addresses(name: str, text: str) -> tuple[str, ...]:
    return tuple(_address(name, one) for one in re.split(r"[\s,]+", text) if one)


def _networks(name: str, text: str) -> tuple[str, ...]:
    remedy = "Write IP addresses or networks like 10.0.0.0/8, parted by spaces."
    return tuple(str(_parsed(name, one, ipaddress.ip_network, remedy)) for one in re.split(r"[\s,]+", text) if one)


SANDBOX_MARK = "sandbox"
"""A certificate with this word in its subject or issuer, in any case, is sandbox material; Segl's sandbox writes it into every CA's name."""

MAX_SOCKET_BYTES = 107
"""Linux, unix(7): sun_path has 108 with its final NUL."""

MIN_SECRET_LENGTH = 50
"""Characters; Django's own deployment check asks the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The table, and the settings as values. Paths are absolute; addresses end without a slash."""

    # fmt: off
    # One row a line, however long. `name` of each is SEGL_ and the field's name in capitals.
    environment: Environment = _setting(_environment, default="sandbox", help="`sandbox` or `production`. The sandbox brings its own certificates, identity provider and time-stamps, and proves nothing to anybody.")
    data: Path = _setting(_folder, default="var", unit="folder", help="Where Segl keeps what it stores. Everything to back up is here or in the database.")
    debug: bool = _setting(_yes_or_no, default="no", unit="yes or no", help="Show tracebacks on error pages. *Sandbox* only: production refuses to start with it.")
    web_port: int = _setting(_port, default="8000", unit="port", help="Where signers' pages answer plain HTTP. In production a proxy with TLS stands in front.")
    api_port: int = _setting(_port, default="8443", unit="port", help="Where the API answers senders over mutual TLS.")
    demo_port: int = _setting(_port, default="8001", unit="port", help="Where the demo sender answers. *Sandbox* only.")
    sandbox_port: int = _setting(_port, default="8002", unit="port", help="Where the embedded identity provider, time-stamp authority and revocation lists answer. *Sandbox* only.")
    web_host: str = _setting(_text, default="127.0.0.1", unit="IP address", help="The address that the web process listens at. Plain HTTP: keep it on this machine.")
    api_host: str = _setting(_text, default="0.0.0.0", sandbox="127.0.0.1", unit="IP address", help="The address that the API process listens at.")  # noqa: S104 — senders come from outside; mutual TLS guards the door
    api_socket: Path | None = _setting(_folder_if_any, default="", unit="file", help="A Unix socket that the API listens at instead of its port, when a proxy ends mutual TLS. See nginx.md.")
    api_proxy_secret: str = _setting(_text, default="", help="At least 50 random characters by which the API knows that proxy. Goes with SEGL_API_SOCKET, and without it is refused.")
    web_url: str = _setting(_address, default="http://localhost:{SEGL_WEB_PORT}", unit="address", help="The public address of signers' pages, as redirect URLs carry it. Production: https.")
    api_url: str = _setting(_root, default="https://localhost:{SEGL_API_PORT}", unit="address", help="The public address of the API without `/api`, as every URL in an answer carries it. Always https, at the root of its host.")
    trusted_proxies: tuple[str, ...] = _setting(_networks, default="", unit="IP addresses or networks", help="Proxies in front of the web process whose X-Forwarded-For tells the signer's address. Their other headers are not believed.")
    workers: int = _setting(_whole(most=64), default="2", unit="processes", help="Processes of each door (web, API).")
    threads: int = _setting(_whole(least=2, most=512), default="64", unit="threads", help="Threads of each such process. A stalled client holds one for up to ten seconds, so be generous.")
    database_url: str = _setting(_of_scheme("sqlite", "postgresql"), default="sqlite:///{SEGL_DATA}/segl.sqlite3", unit="address", help="`sqlite:///path`, or `postgresql://user:password@host:port/name` (the one for real use).")
    storage_url: str = _setting(_of_scheme("file"), default="file:{SEGL_DATA}/documents", unit="address", help="Where documents are kept: `file:` and a folder. Object storage (`s3:`) comes later.")
    keys: Path = _setting(_folder, default="{SEGL_DATA}/keys", unit="folder", help="Segl's own keys: person CA and seal, each as `.pem` (certificate, then its issuers) and `.key`.")
    secret_key: str = _setting(_text, default="", is_required=True, help="At least 50 random characters that sign cookies and forms. The sandbox makes its own in `secret.key` at first start.")
    """Empty in the sandbox when not set: `with_secret` fills it."""
    server_organization_number: str = _setting(_organization_number, default="", sandbox="984661185", unit="nine digits", is_required=True, help="The organization that runs this server. The official clients expect 984661185 unless told otherwise.")
    api_certificate: Path = _setting(_folder, default="", sandbox="{SEGL_DATA}/sandbox/server.pem", unit="file", is_required=True, help="The API's own certificate, followed by its issuing CA certificates (Java clients need the chain).")
    api_key: Path = _setting(_folder, default="", sandbox="{SEGL_DATA}/sandbox/server.key", unit="file", is_required=True, help="The private key to it, PEM without password.")
    enterprise_ca: Path = _setting(_folder, default="", sandbox="{SEGL_DATA}/sandbox/ca", unit="folder", is_required=True, help="CA certificates (`.pem`, root and issuing) that senders' enterprise certificates come from. See certificates.md.")
    enterprise_crl_urls: tuple[str, ...] = _setting(_addresses, default="", sandbox="http://127.0.0.1:{SEGL_SANDBOX_PORT}/crl/enterprise-issuing.crl http://127.0.0.1:{SEGL_SANDBOX_PORT}/crl/enterprise-root.crl", unit="addresses", is_required=True, help="Revocation lists of those CAs, one or more, parted by spaces. Lists are signed, so plain http is right here.")
    crl_urls: tuple[str, ...] = _setting(_addresses, default="", sandbox="http://127.0.0.1:{SEGL_SANDBOX_PORT}/crl/person-root.crl http://127.0.0.1:{SEGL_SANDBOX_PORT}/crl/tsa-root.crl http://127.0.0.1:{SEGL_SANDBOX_PORT}/crl/seal-root.crl", unit="addresses", is_required=True, help="Revocation lists that go into signatures: issuers of the person CA, the time-stamp authority and the seal.")
    trust: Path = _setting(_folder, default="{SEGL_DATA}/trust", sandbox="{SEGL_DATA}/sandbox/trust", unit="folder", help="Roots (`.pem`) that signatures made here are checked against: person CA, time-stamps, seal.")
    tsa_urls: tuple[str, ...] = _setting(_addresses, default="", sandbox="http://127.0.0.1:{SEGL_SANDBOX_PORT}/tsa", unit="addresses", is_required=True, help="Time-stamp authorities (RFC 3161), tried in order. Production: https.")
    identity_providers: Path | None = _setting(_folder_if_any, default="", unit="file", is_required=True, help="The eID providers as JSON, see identity-providers.md. The sandbox has its embedded one when this is empty.")
    """None: the sandbox's embedded provider."""
    poll_interval: int = _setting(_whole(), default="600", sandbox="5", unit="seconds", help="How long a sender waits before polling again after an empty answer.")
    poll_lease: int = _setting(_whole(), default="600", unit="seconds", help="How long a status that was handed out and not confirmed stays with the one who got it.")
    rate_limit: int = _setting(_whole(least=0), default="10", unit="calls a second", help="API calls of one organization in a second; one more blocks it for 30 seconds. 0 switches the limit off, *sandbox* only.")
    signing_time_tolerance: int = _setting(_whole(), default="300", unit="seconds", help="How far a bundle's SigningTime may differ from the server's clock.")
    redirect_lifetime: int = _setting(_whole(), default="86400", unit="seconds", help="How long a redirect URL from the creation of a job works.")
    new_redirect_lifetime: int = _setting(_whole(), default="3600", unit="seconds", help="How long a redirect URL works that was asked for later.")
    # fmt: on

    @property
    def is_sandbox(self) -> bool:
        """Return whether parts marked sandbox are there."""
        return self.environment is Environment.SANDBOX

    @property
    def sandbox_folder(self) -> Path:
        """Return where the sandbox keeps its certificates, persons and organizations."""
        return self.data / "sandbox"

    @property
    def demo_url(self) -> str:
        """Return the demo sender's address: another site than `web_url`, as in production."""
        return f"http://127.0.0.1:{self.demo_port}"

    @property
    def sandbox_url(self) -> str:
        """Return the address of the sandbox's neighbours."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    def __repr__(self) -> str:
        return f"Settings(environment={self.environment.value!r}, data={str(self.data)!r}, …)"


SETTINGS = tuple(Setting(name=f"SEGL_{each.name.upper()}", **each.metadata) for each in fields(Settings))


def load(environ: Mapping[str, str]) -> Settings:
    """
    Return the settings that `environ` holds, defaults filled in, production's rules enforced.

    Reads no file: `refuse_sandbox_keys` looks at the certificates once they are known to be there.

    :raises SettingRefused: if one is unreadable, missing, or not for production.
    """
    is_sandbox = _environment("SEGL_ENVIRONMENT", environ.get("SEGL_ENVIRONMENT") or "sandbox") is Environment.SANDBOX
    texts: dict[str, str] = {}
    values: dict[str, Any] = {}  # Any: what each row's `read` makes
    for row in SETTINGS:
        default = row.sandbox if is_sandbox and row.sandbox is not None else row.default
        texts[row.name] = environ.get(row.name, "").strip() or default.format_map(values)
        values[row.name] = row.read(row.name, texts[row.name])
    settings = Settings(**{name.removeprefix("SEGL_").lower(): value for name, value in values.items()})
    _refuse_half_a_proxy(settings)
    if not is_sandbox:
        _refuse_in_production(settings, texts)
    return settings


OTHERS = ("SEGL_DOOR", "SEGL_CLIENT_", "SEGL_TEST_", "SEGL_REFERENCE", "SEGL_AXE")
"""Names of the process itself, of the Python client and of the tests."""


def unknown_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names in `environ` that begin as ours and are no setting: misspelled ones, to be warned of at start."""
    known = {row.name for row in SETTINGS}
    return tuple(sorted(name for name in environ if name.startswith("SEGL_") and not name.startswith(OTHERS) and name not in known))


def refuse_sandbox_keys(settings: Settings, certificates: Iterable[x509.Certificate]) -> None:
    """
    Pass only if production uses no sandbox material.

    `certificates` are all that production would use: API, person CA, seal, enterprise CAs, roots. A certificate is the sandbox's when the
    common name, organization or organizational unit of its subject or issuer holds the word `sandbox`.

    :raises SettingRefused: if one is marked so, and the environment is production.
    """
    if settings.is_sandbox:
        return
    for certificate in certificates:
        for name in (certificate.subject, certificate.issuer):
            if any(SANDBOX_MARK in str(attribute.value).lower() for attribute in name):
                raise SettingRefused(
                    f"The certificate {certificate.subject.rfc4514_string()} is sandbox material and proves nothing. "
                    "Put a real certificate and key in its place, or set SEGL_ENVIRONMENT=sandbox."
                )


def with_secret(settings: Settings, *, draw: Callable[[], str]) -> Settings:
    """
    Return `settings` with a secret: its own, or the sandbox's in `secret.key` in the data folder, drawn and written (0600) at first start.

    :raises SettingRefused: if the file is there and holds too little.
    """
    if settings.secret_key:
        return settings
    path = settings.data / "secret.key"
    settings.data.mkdir(parents=True, exist_ok=True)
    # Written under another name and linked: of two processes at first start one wins, and the other never reads half a secret.
    fresh = settings.data / f"secret.key.{os.getpid()}.new"
    if not path.exists():
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(draw())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    secret = path.read_text().strip()
    if len(secret) < MIN_SECRET_LENGTH:
        raise SettingRefused(
            f"{path} holds fewer than {MIN_SECRET_LENGTH} characters. Delete the file and start again; everybody is logged out."
        )
    return replace(settings, secret_key=secret)


def reference() -> str:
    """Return the table as Markdown, for docs/operating/settings.md."""
    lines = [
        "| Name | Default | In the sandbox | Unit | What it does |",
        "|---|---|---|---|---|",
    ]
    for row in SETTINGS:
        default = f"`{_breakable(row.default)}`" if row.default else "must be set" if row.is_required else "none"
        sandbox = (
            f"`{_breakable(row.sandbox)}`" if row.sandbox is not None else "made at first start" if row.name == "SEGL_SECRET_KEY" else ""
        )
        lines.append(f"| `{row.name}` | {default} | {sandbox} | {row.unit} | {row.help} |")
    return "\n".join(lines) + "\n"


def _breakable(default: str) -> str:
    return default.replace("{", "$").replace("}", "").replace(" ", "` `")


def _refuse_half_a_proxy(settings: Settings) -> None:
    if settings.api_socket is None and settings.api_proxy_secret:
        raise SettingRefused(
            "SEGL_API_PROXY_SECRET is set without SEGL_API_SOCKET: at a TCP port no proxy is believed. Set the socket, or remove the secret."
        )
    if settings.api_socket is not None and _is_guessable(settings.api_proxy_secret):
        raise SettingRefused(
            f"SEGL_API_SOCKET needs SEGL_API_PROXY_SECRET, at least {MIN_SECRET_LENGTH} random characters that the proxy sends too. See nginx.md."
        )
    if settings.api_socket is not None and len(os.fsencode(settings.api_socket)) > MAX_SOCKET_BYTES:
        raise SettingRefused(
            f"SEGL_API_SOCKET is longer than {MAX_SOCKET_BYTES} bytes, which no socket's name may be. Write a shorter path."
        )


def _is_guessable(secret: str) -> bool:
    return len(secret) < MIN_SECRET_LENGTH or len(set(secret)) < 5


def _refuse_in_production(settings: Settings, texts: Mapping[str, str]) -> None:
    of_the_proxy = ("SEGL_API_CERTIFICATE", "SEGL_API_KEY") if settings.api_socket is not None else ()
    missing = [row.name for row in SETTINGS if row.is_required and not texts[row.name] and row.name not in of_the_proxy]
    if missing:
        raise SettingRefused(f"Production needs {', '.join(missing)}. Set it, or set SEGL_ENVIRONMENT=sandbox to try Segl out.")
    if settings.debug:
        raise SettingRefused("SEGL_DEBUG may not be on in production: error pages would show what is inside. Remove it.")
    if settings.rate_limit == 0:
        raise SettingRefused(
            "SEGL_RATE_LIMIT may not be 0 in production. Write the calls a second that one organization may make, usually 10."
        )
    if _is_guessable(settings.secret_key):
        raise SettingRefused(f"SEGL_SECRET_KEY is too easy to guess. Write at least {MIN_SECRET_LENGTH} random characters.")
    # Revocation lists may be fetched in the clear: each is signed, and RFC 5280 advises against https for them.
    for name, addresses in (
        ("SEGL_WEB_URL", (settings.web_url,)),
        ("SEGL_API_URL", (settings.api_url,)),
        ("SEGL_TSA_URLS", settings.tsa_urls),
    ):
        for address in addresses:
            if not address.startswith("https://"):
                raise SettingRefused(f"{name} holds {address}, which is not encrypted. Production needs https.")
    for name in ("SEGL_API_CERTIFICATE", "SEGL_API_KEY", "SEGL_ENTERPRISE_CA", "SEGL_TRUST", "SEGL_KEYS"):
        if _folder(name, texts[name]).is_relative_to(settings.sandbox_folder):
            raise SettingRefused(
                f"{name} lies in {settings.sandbox_folder}, which holds sandbox material. Point it at real keys and certificates."
            )
