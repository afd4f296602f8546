"""
A sitting: one signer's visit to the ceremony, from the opened redirect URL to the exit.

The pages read a `SittingView` and nothing else of a job; where a sitting stands is decided here, so that reload, back and a second
tab land on the same page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from segl.values import IdentifierFormat, Language, Level, SignatureType


class Stage(StrEnum):
    """Where the sitting stands; each has its own page."""

    READING = "READING"
    """Waits for the person: documents, confirm and reject are open."""
    SEALING = "SEALING"
    """The person's signature or refusal is stored, the state is not yet readable by the sender: the progress page."""
    DONE = "DONE"
    """The person's outcome (signed, rejected, failed) is readable by the sender: direct flow goes to the exit URL."""
    OVER = "OVER"
    """The job ended without this person's act: expired, or another signer's refusal."""


class Outcome(StrEnum):
    """What this person did, when they did something."""

    SIGNED = "SIGNED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


class Problem(StrEnum):
    """Why the last attempt to sign came to nothing; shown once on the confirm page in the words of design.md 10."""

    LOGIN_ABORTED = "LOGIN_ABORTED"
    WRONG_PERSON = "WRONG_PERSON"
    LEVEL_TOO_LOW = "LEVEL_TOO_LOW"
    EID_UNAVAILABLE = "EID_UNAVAILABLE"
    NO_TIME_STAMP = "NO_TIME_STAMP"
    LOGIN_REFUSED = "LOGIN_REFUSED"
    """The provider's answer failed a check, or was too old."""

    @property
    def is_technical(self) -> bool:
        """Return whether this is no act of the person: only then the page offers *go back* to the sender (FAILED)."""
        return self in {Problem.EID_UNAVAILABLE, Problem.NO_TIME_STAMP, Problem.LOGIN_REFUSED}


class OverReason(StrEnum):
    """Why a job ended before this person acted."""

    EXPIRED = "EXPIRED"
    ANOTHER_REJECTED = "ANOTHER_REJECTED"
    NAME_NOT_AVAILABLE = "NAME_NOT_AVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSize:
    """A page as it is shown, in PDF points (1/72 inch), rotation already applied."""

    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """One document to read."""

    number: int
    """From 1, in the manifest's order."""
    title: str
    is_text: bool
    """A plain-text original: the pages show the PDF made from it."""
    size_bytes: int
    pages: tuple[PageSize, ...]
    is_opened: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SittingView:
    """All that the ceremony's pages may know."""

    sitting_id: str
    """Random and worthless without the cookie; stands in addresses."""
    language: Language
    sender_name: str
    title: str
    description: str | None
    documents: tuple[DocumentView, ...]
    deadline_at: datetime
    is_on_behalf_of_other: bool
    signature_type: SignatureType
    level: Level
    identifier_format: IdentifierFormat
    signer_count: int
    stage: Stage
    outcome: Outcome | None
    over_reason: OverReason | None
    problem: Problem | None
    acted_at: datetime | None
    """When the person signed or rejected: the progress page turns to its slow text 30 seconds later."""
