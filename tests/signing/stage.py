"""A stage for the pages: sittings in memory where the actions would ask the database. What was done is written in `acts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from segl.actions import access, begin_signing, complete_signing, go_back, leave, open_redirect, read_document, reject, sittings
from segl.actions.ports import EidChoice
from segl.ceremony.sitting import Outcome, SittingView, Stage
from segl.values import Language

from .builders import NOW, SECRET, pdf

EID_URL = "http://127.0.0.1:8002/idp/authorize?state=s"
EXIT_URL = "http://127.0.0.1:8001/done?status_query_token=t"


class StandingClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class Neighbours:
    clock: StandingClock = field(default_factory=StandingClock)


@dataclass
class StageOfSittings:
    sittings: dict[str, SittingView] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    used_tokens: set[str] = field(default_factory=set)
    refusals: dict[str, Exception] = field(default_factory=dict)
    choices: list[EidChoice] = field(default_factory=lambda: [EidChoice(provider="sandbox", name="BankID")])
    eid_url: str = EID_URL
    exit_url: str = EXIT_URL
    file: bytes = field(default_factory=pdf)
    acts: list[tuple[str, str]] = field(default_factory=list)
    text_fails_with: Exception | None = None
    evaluations: list[Callable[[], bool]] = field(default_factory=list)
    """What another request does with the same answer: one each time somebody looks whether it is ready."""
    on_look: Callable[[str], None] | None = None

    def put(self, view: SittingView) -> SittingView:
        self.sittings[view.sitting_id] = view
        self.secrets[view.sitting_id] = SECRET
        return view

    def change(self, sitting_id: str, **changes: Any) -> None:
        self.sittings[sitting_id] = replace(self.sittings[sitting_id], **changes)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module, name, stand_in in (
            (access, "sitting", self._sitting),
            (open_redirect, "sitting_of_token", self.tokens_sitting),
            (open_redirect, "open_redirect", self._open),
            (read_document, "read_document", self._read),
            (read_document, "mark_opened", self._mark_opened),
            (read_document, "text_of", self._text_of),
            (begin_signing, "choices", self._choices),
            (begin_signing, "begin_signing", self._begin),
            (complete_signing, "complete_signing", self._complete),
            (complete_signing, "is_being_evaluated", lambda state: bool(self.evaluations) and self.evaluations.pop()()),
            (reject, "reject", self._reject),
            (go_back, "go_back", self._go_back),
            (leave, "exit_url", self._exit_url),
            (sittings, "set_language", self._set_language),
        ):
            monkeypatch.setattr(module, name, stand_in)

    def _sitting(self, ports: object, *, sitting_id: str, secret: str | None) -> SittingView:
        if sitting_id not in self.sittings or secret != self.secrets[sitting_id]:
            raise access.SittingNotFound
        if sitting_id in self.refusals:
            raise self.refusals[sitting_id]
        if self.on_look is not None:
            self.on_look(sitting_id)
        return self.sittings[sitting_id]

    def tokens_sitting(self, token: str) -> str | None:
        return self.tokens.get(token) if token in self.used_tokens else None

    def _open(self, ports: object, *, token: str, cookie: str | None) -> sittings.OpenedSitting:
        sitting_id = self.tokens.get(token)
        if sitting_id is None or (token in self.used_tokens and cookie != self.secrets[sitting_id]):
            raise open_redirect.LinkNotUsable
        self.used_tokens.add(token)
        self.acts.append(("opened", sitting_id))
        return sittings.OpenedSitting(sitting_id=sitting_id, secret=self.secrets[sitting_id])

    def _read(self, ports: object, *, sitting_id: str, secret: str | None, number: int) -> read_document.DocumentContent:
        view = self._sitting(ports, sitting_id=sitting_id, secret=secret)
        shown = view.documents[number - 1]
        return read_document.DocumentContent(
            title=shown.title,
            file_name="avtale æ.txt" if shown.is_text else "avtale.pdf",
            mime="text/plain" if shown.is_text else "application/pdf",
            original=b"Hei" if shown.is_text else self.file,
            rendition=self.file,
        )

    def _mark_opened(self, ports: object, *, sitting_id: str, secret: str | None, number: int) -> None:
        self.acts.append(("document-opened", f"{sitting_id}/{number}"))
        view = self.sittings[sitting_id]
        self.change(sitting_id, documents=tuple(replace(d, is_opened=d.is_opened or d.number == number) for d in view.documents))

    def _text_of(self, ports: object, *, sitting_id: str, secret: str | None, number: int) -> tuple[str, ...]:
        if self.text_fails_with is not None:
            raise self.text_fails_with
        return ("1 Partene\nLærling: Ingrid <b>Solvang</b>", "")

    def _choices(self, ports: object, *, sitting_id: str, secret: str | None) -> list[EidChoice]:
        return self.choices

    def _begin(self, ports: object, *, sitting_id: str, secret: str | None, provider: str, language: Language) -> str:
        if sitting_id in self.refusals:
            raise self.refusals[sitting_id]
        self.acts.append(("begun", f"{sitting_id}/{provider}/{language}"))
        return self.eid_url

    def _complete(
        self, ports: object, *, parameters: Mapping[str, str], cookie_secrets: Mapping[str, str], ip_address: str
    ) -> complete_signing.Returned:
        sitting_id = parameters.get("state", "")
        if cookie_secrets.get(sitting_id) != self.secrets.get(sitting_id, "?"):
            raise access.SittingNotFound
        self.acts.append(("completed", f"{sitting_id}/{ip_address}"))
        self.secrets[sitting_id] = "a-new-secret"
        return complete_signing.Returned(sitting_id=sitting_id, secret="a-new-secret")

    def _reject(self, ports: object, *, sitting_id: str, secret: str | None) -> None:
        self.acts.append(("rejected", sitting_id))
        self.change(sitting_id, stage=Stage.DONE, outcome=Outcome.REJECTED, acted_at=NOW)

    def _go_back(self, ports: object, *, sitting_id: str, secret: str | None) -> None:
        self.acts.append(("went-back", sitting_id))
        self.change(sitting_id, stage=Stage.DONE, outcome=Outcome.FAILED, acted_at=NOW)

    def _exit_url(self, ports: object, *, sitting_id: str, secret: str | None) -> str:
        self.acts.append(("left", sitting_id))
        return self.exit_url

    def _set_language(self, ports: object, *, sitting_id: str, secret: str | None, language: Language) -> None:
        self._sitting(ports, sitting_id=sitting_id, secret=secret)
        self.acts.append(("language", f"{sitting_id}/{language}"))
        self.change(sitting_id, language=language)


class Browser(Client):
    """One person's browser: it holds the cookies of the sittings it was let into."""

    def enters(self, view: SittingView) -> str:
        self.cookies[f"segl-sitting-{view.sitting_id}"] = SECRET
        return f"/sign/{view.sitting_id}"
