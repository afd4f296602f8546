"""Opening a sitting for a signer, and what a person may change in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from segl.actions.access import hashed, sitting_row
from segl.actions.ports import Ports
from segl.database.models import Signer, Sitting
from segl.values import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSitting:
    """A sitting and the secret that only its browser may know."""

    sitting_id: str
    secret: str

    def __repr__(self) -> str:
        return f"OpenedSitting(sitting_id={self.sitting_id!r}, secret=…)"


def open_sitting(ports: Ports, *, signer: Signer, now: datetime) -> OpenedSitting:
    """Create a sitting inside the caller's transaction."""
    opened = OpenedSitting(sitting_id=ports.chance.token()[:22], secret=ports.chance.token())
    Sitting.objects.create(
        id=opened.sitting_id,
        signer=signer,
        secret_sha256=hashed(opened.secret),
        language=Language.BOKMAL,
        created_at=now,
        last_seen_at=now,
    )
    return opened


def set_language(ports: Ports, *, sitting_id: str, secret: str | None, language: Language) -> None:
    """
    Change the language of the pages.

    :raises SittingNotFound, SittingTimedOut: see access.py.
    """
    row = sitting_row(ports, sitting_id=sitting_id, secret=secret)
    Sitting.objects.filter(pk=row.pk).update(language=language)
