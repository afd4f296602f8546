"""
Who logged in: what the eID provider said of a person, and the plain ways a log-in can end without one.

The relying party (adapters/eid) makes these; the rules and the actions only read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from segl.values import Level, NationalIdentityNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """One verified answer of an eID provider."""

    provider: str
    """Our own id of the provider, as in the settings: `sandbox`, `idporten` …"""
    eid: str
    """The eID that was used, as people know it: `BankID`, `Buypass ID` …"""
    level: Level
    national_identity_number: NationalIdentityNumber
    name: str | None
    """Full name, or None when the provider gave none."""
    authenticated_at: datetime
    """The provider's `auth_time`, aware UTC."""
    issuer: str
    id_token: str
    """The raw id_token (JWS compact); its `nonce` is the signing intent's digest, so the provider's signature covers the documents."""
    verifying_key: str
    """The provider's public key that verified the token, as a JWK in JSON: without it nobody could verify the token in ten years."""

    def __repr__(self) -> str:
        return f"Identification(provider={self.provider!r}, level={self.level!r}, …)"


class LoginNotCompleted(Exception):
    """The log-in gave no person. Nothing is signed and nothing is burned."""


class LoginAborted(LoginNotCompleted):
    """The person turned back at the eID provider."""


class LoginLevelTooLow(LoginNotCompleted):
    """The log-in was at a lower level than the job asks for."""


class LoginNotFresh(LoginNotCompleted):
    """An advanced signature needs a log-in that is newer than the signing intent."""


class LoginAnswerRefused(LoginNotCompleted):
    """The provider's answer failed a check. The message names the check (for our log), never what was in the answer."""


class ProviderUnavailable(LoginNotCompleted):
    """The eID provider did not answer in time, or answered with garbage."""
