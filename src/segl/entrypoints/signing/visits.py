"""One request's way into a sitting: the browser's cookie, the view, and the neighbours behind the actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep

from django.conf import settings
from django.http import HttpRequest

from segl.actions import access, complete_signing
from segl.actions.ports import Ports
from segl.ceremony.sitting import SittingView, Stage
from segl.entrypoints.signing.cookies import secret_of

PATIENCE_SECONDS = 1.0
"""So long an answer waits for the seal: what takes less is never shown as a wait (design reference, 8)."""
SIGNING_PATIENCE_SECONDS = 10.0
"""So long an answer waits for another request that makes the signature; a time-stamp authority may take as long."""
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A sitting that has let this browser in."""

    sitting_id: str
    secret: str | None
    view: SittingView

    def __repr__(self) -> str:
        return f"Visit(sitting_id={self.sitting_id!r}, …)"


def ports() -> Ports:
    """Return the neighbours that `wiring` chose."""
    chosen: Ports = settings.SEGL_PORTS
    return chosen


def now() -> datetime:
    """Return Segl's time."""
    return ports().clock.now()


def visit(request: HttpRequest, sitting_id: str, *, secret: str | None = None) -> Visit:
    """
    Return the sitting as it stands now; `secret` is a newer one than the request's cookie, if any.

    :raises SittingNotFound, SittingTimedOut: see actions/access.py.
    """
    secret = secret if secret is not None else secret_of(request, sitting_id)
    return Visit(sitting_id=sitting_id, secret=secret, view=access.sitting(ports(), sitting_id=sitting_id, secret=secret))


def wait_for_evaluation(state: str) -> None:
    """Wait while another request evaluates the very same answer of the eID provider: what comes of it is this one's page too (reliability B-04)."""
    ends_at = monotonic() + SIGNING_PATIENCE_SECONDS
    while complete_signing.is_being_evaluated(state=state) and monotonic() < ends_at:
        sleep(LOOK_EVERY_SECONDS)


def visit_after_sealing(request: HttpRequest, sitting_id: str, *, secret: str | None = None) -> Visit:
    """Return the sitting when it no longer waits for the seal, or after PATIENCE_SECONDS. Raises as `visit`."""
    ends_at = monotonic() + PATIENCE_SECONDS
    while True:
        seen = visit(request, sitting_id, secret=secret)
        if seen.view.stage is not Stage.SEALING or monotonic() >= ends_at:
            return seen
        sleep(LOOK_EVERY_SECONDS)
