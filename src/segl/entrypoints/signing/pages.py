"""
What the templates show, made from a `SittingView`: which document comes next, which words fit this job, which page a stage has.

Nothing here asks anybody anything; it is the ceremony's rules of reading order turned into rows and sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from segl.actions.access import SITTING_IDLE
from segl.actions.ports import EidChoice
from segl.ceremony.sitting import DocumentView, Outcome, OverReason, Problem, SittingView, Stage
from segl.entrypoints.signing import dates
from segl.entrypoints.signing.catalogue import LANGUAGE_NAMES, text
from segl.entrypoints.signing.headers import page_policy
from segl.values import IdentifierFormat, Language

DEADLINE_IS_NEAR = timedelta(days=3)
"""In the direct flow the deadline is technical and shown only when it is nearer than this (design reference, 2)."""
SLOW_AFTER = timedelta(seconds=30)
FOLD_FROM = 4
"""With so many documents their list is folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the three steps in the bar."""

    number: int
    name: str
    is_reached: bool
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document in a list."""

    document: DocumentView
    href: str
    kind: str
    pages: str
    is_current: bool
    is_opened: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemNotice:
    """What stopped the last attempt, as heading and sentences."""

    heading: str
    sentences: tuple[str, ...]
    may_go_back: bool


def render_page(
    request: HttpRequest,
    template: str,
    *,
    language: Language,
    status: int = 200,
    form_targets: Sequence[str] = (),
    **context: object,
) -> HttpResponse:
    """Return a page in `language`; `form_targets` are the origins its form leads on to."""
    languages = [(each.value, name, each is language) for each, name in LANGUAGE_NAMES.items()]
    frame = {
        "language": language,
        "language_name": LANGUAGE_NAMES[language],
        "languages": languages,
        "is_sandbox": settings.SEGL_IS_SANDBOX,
        # Only the path: a query may hold an eID provider's code.
        "here": request.path,
        "idle_seconds": int(SITTING_IDLE.total_seconds()),
    }
    response = render(request, template, {**frame, **context}, status=status)
    response.headers["Content-Security-Policy"] = page_policy(form_targets)
    response.headers["Content-Language"] = language.value
    return response


def steps(current: int, language: Language) -> tuple[Step, ...]:
    """Return the bar with step `current` (1 to 3) as the present one."""
    names = [text(f"step.{key}", language) for key in ("read", "confirm", "sign")]
    return tuple(
        Step(number=number, name=name, is_reached=number <= current, is_current=number == current)
        for number, name in enumerate(names, start=1)
    )


def document_rows(view: SittingView, *, current: int | None = None) -> tuple[DocumentRow, ...]:
    """Return the list of documents; the one being read counts as opened."""
    return tuple(
        DocumentRow(
            document=document,
            href=document_address(view.sitting_id, document.number),
            kind=kind_of(document, view.language),
            pages=text("document.pages", view.language, count=len(document.pages)),
            is_current=document.number == current,
            is_opened=document.is_opened or document.number == current,
        )
        for document in view.documents
    )


def kind_of(document: DocumentView, language: Language) -> str:
    """Return `PDF, 4 sider`."""
    return text("document.kind_text" if document.is_text else "document.kind_pdf", language, count=len(document.pages))


def document_address(sitting_id: str, number: int) -> str:
    """Return the address of a document's page."""
    return reverse("document", kwargs={"sitting_id": sitting_id, "number": number})


def next_unopened(view: SittingView, *, after: int = 0) -> int | None:
    """Return the document to open next, the nearest behind `after` first, or None when all have been opened."""
    waiting = [document.number for document in view.documents if not document.is_opened and document.number != after]
    behind = [number for number in waiting if number > after]
    return next(iter(behind or waiting), None)


def place_of(view: SittingView) -> str:
    """Return the address where a sitting stands, so that reload, back and a second tab land on the same page."""
    match view.stage:
        case Stage.READING:
            if (number := next_unopened(view)) is not None:
                return document_address(view.sitting_id, number)
            return reverse("confirm", kwargs={"sitting_id": view.sitting_id})
        case Stage.SEALING | Stage.DONE:
            # Not straight out when done: a form in a second tab may be what leads here, and Chromium would stop it (see answers.hand_over).
            return reverse("progress", kwargs={"sitting_id": view.sitting_id})
        case Stage.OVER:
            return reverse("over", kwargs={"sitting_id": view.sitting_id})
        case _:
            assert_never(view.stage)


def near_deadline(view: SittingView, now: datetime) -> str | None:
    """Return the deadline in words when it is near enough to be shown, else None."""
    if view.deadline_at - now >= DEADLINE_IS_NEAR:
        return None
    return dates.date_and_time(view.deadline_at, view.language)


def identifier_sentences(view: SittingView) -> tuple[str, str]:
    """Return what the signed document will tell of the person, and to whom."""
    match view.identifier_format:
        case IdentifierFormat.NAME:
            what, seen = "name", "seen_name"
        case IdentifierFormat.DATE_OF_BIRTH_AND_NAME:
            what, seen = "name_and_birth_date", "seen"
        case IdentifierFormat.NATIONAL_IDENTITY_NUMBER_AND_NAME:
            what, seen = "name_and_number", "seen"
        case _:
            assert_never(view.identifier_format)
    return text(f"confirm.{what}", view.language), text(f"confirm.{seen}", view.language, count=view.signer_count)


def problem_notice(view: SittingView, *, choices: Sequence[EidChoice], now: datetime) -> ProblemNotice | None:
    """Return why the last attempt came to nothing, or None."""
    if view.problem is None:
        return None
    language = view.language
    names = [choice.name for choice in choices] or [text("problem.some_eid", language)]
    match view.problem:
        case Problem.LOGIN_ABORTED:
            heading, sentences = "aborted", [text("problem.aborted_more", language)]
        case Problem.WRONG_PERSON:
            heading, sentences = "wrong_person", [text("problem.wrong_person_more", language)]
        case Problem.LEVEL_TOO_LOW:
            heading, sentences = "level", [text("problem.level_more", language, eids=_listed(names, language))]
        case Problem.EID_UNAVAILABLE:
            heading = "eid_away"
            sentences = [text("problem.eid_away_choose" if len(choices) > 1 else "problem.eid_away_more", language)]
            if (deadline := near_deadline(view, now)) is not None:
                sentences.append(text("problem.eid_deadline", language, deadline=deadline))
        case Problem.NO_TIME_STAMP:
            heading, sentences = "no_time_stamp", [text("problem.no_time_stamp_more", language)]
        case Problem.LOGIN_REFUSED:
            heading = "refused"
            sentences = [text(f"problem.{key}", language, sender=view.sender_name) for key in ("refused_more", "refused_do")]
        case _:
            assert_never(view.problem)
    eid = names[0] if len(names) == 1 else text("problem.some_eid", language)
    return ProblemNotice(
        heading=text(f"problem.{heading}", language, eid=eid), sentences=tuple(sentences), may_go_back=view.problem.is_technical
    )


def _listed(names: Sequence[str], language: Language) -> str:
    *first, last = names
    return f"{', '.join(first)} {text('problem.or', language)} {last}" if first else last


def over_sentences(view: SittingView) -> tuple[str, str, str]:
    """Return icon, heading and sentence of the page about a job that ended without this person's act."""
    match view.over_reason:
        case OverReason.EXPIRED:
            icon, key = "Clock", "expired"
        case OverReason.ANOTHER_REJECTED:
            icon, key = "XMarkOctagon", "another_rejected"
        case OverReason.NAME_NOT_AVAILABLE:
            icon, key = "PersonCross", "no_name"
        case None:
            icon, key = "InformationSquare", "ended"
        case _:
            assert_never(view.over_reason)
    deadline = dates.date_and_time(view.deadline_at, view.language)
    return icon, text(f"over.{key}", view.language), text(f"over.{key}_more", view.language, deadline=deadline)


def progress_sentences(view: SittingView) -> tuple[str, str]:
    """Return heading and sentence of the page that waits for the seal."""
    match view.outcome:
        case Outcome.REJECTED:
            return (
                text("progress.rejected", view.language, count=len(view.documents)),
                text("progress.rejected_more", view.language),
            )
        case Outcome.FAILED:
            return text("progress.failed", view.language), text("progress.failed_more", view.language, sender=view.sender_name)
        case Outcome.SIGNED | None:
            return text("progress.signed", view.language), text("progress.signed_more", view.language)
        case _:
            assert_never(view.outcome)


def is_slow(view: SittingView, now: datetime) -> bool:
    """Return whether the seal has taken so long that the page says so."""
    return view.outcome is Outcome.SIGNED and view.acted_at is not None and now - view.acted_at >= SLOW_AFTER
