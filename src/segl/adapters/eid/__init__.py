"""
The eID providers behind the port `IdentityProviders`: one relying party each, by configuration (`settings`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import httpx
import structlog

from segl.actions.ports import Chance, Clock, EidChoice, LoginRequest
from segl.adapters.eid.relying_party import RelyingParty
from segl.adapters.eid.settings import ClientKey, ClientSecret, EidSettingsRefused, ProviderSettings, read_provider_settings
from segl.ceremony.identification import Identification, LoginAnswerRefused, LoginNotCompleted, ProviderUnavailable
from segl.values import Language, Level

__all__ = [
    "ClientKey",
    "ClientSecret",
    "EidProviders",
    "EidSettingsRefused",
    "ProviderSettings",
    "read_provider_settings",
]

_log = structlog.get_logger("segl.eid")


class EidProviders:
    """All configured providers. Keep one object for the life of the process: it holds their metadata, keys and connections."""

    def __init__(
        self,
        providers: Sequence[ProviderSettings],
        *,
        clock: Clock,
        chance: Chance,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._parties = {settings.id: RelyingParty(settings, clock=clock, chance=chance, transport=transport) for settings in providers}
        self._down: dict[str, bool] = {}

    def choices(self, *, level: Level) -> Sequence[EidChoice]:
        """Return the providers that reach `level`, in the order of the settings."""
        return tuple(
            EidChoice(provider=party.settings.id, name=party.settings.name)
            for party in self._parties.values()
            if party.settings.reaches >= level
        )

    def begin(self, *, provider: str, state: str, nonce: str, level: Level, is_fresh_required: bool, language: Language) -> LoginRequest:
        """:raises ProviderUnavailable: if the provider does not answer."""
        with self._noting(provider) as party:
            return party.begin(state=state, nonce=nonce, level=level, is_fresh_required=is_fresh_required, language=language)

    def finish(
        self,
        *,
        provider: str,
        parameters: Mapping[str, str],
        state: str,
        nonce: str,
        code_verifier: str,
        level: Level,
        fresh_since: datetime | None,
    ) -> Identification:
        """:raises LoginNotCompleted: one of its kinds, see ceremony/identification.py."""
        with self._noting(provider) as party:
            return party.finish(
                parameters=parameters, state=state, nonce=nonce, code_verifier=code_verifier, level=level, fresh_since=fresh_since
            )

    def down(self) -> Sequence[str]:
        """Return the ids of the providers that did not answer when this process last asked."""
        return tuple(provider for provider, is_down in self._down.items() if is_down)

    def logout_url(self, *, provider: str, id_token_hint: str, state: str | None = None) -> str | None:
        """Return where the browser goes to end the provider's session, or None when the provider has no such address."""
        return self._party(provider).logout_url(id_token_hint=id_token_hint, state=state)

    @contextmanager
    def _noting(self, provider: str) -> Iterator[RelyingParty]:
        """Log why a log-in came to nothing: the sender's operator reads it there, the person reads only what helps a person."""
        try:
            yield self._party(provider)
        except LoginNotCompleted as not_completed:
            self._down[provider] = isinstance(not_completed, ProviderUnavailable)
            _log.warning("log-in-not-completed", provider=provider, outcome=type(not_completed).__name__, reason=str(not_completed))
            raise
        self._down[provider] = False

    def _party(self, provider: str) -> RelyingParty:
        if provider not in self._parties:
            raise LoginAnswerRefused("provider: there is no eID provider of that id in the settings.")
        return self._parties[provider]
