"""A signer comes with a redirect URL: the first use opens a sitting, any other is refused (wire-spec.md 9)."""

from __future__ import annotations

from segl.actions.access import SittingNotFound, SittingTimedOut, hashed, locked_job, sitting_row
from segl.actions.ports import Ports
from segl.actions.sittings import OpenedSitting, open_sitting
from segl.database import audit
from segl.database.models import RedirectToken
from segl.database.transactions import durable


class LinkNotUsable(Exception):
    """The redirect URL is used, too old, replaced or unknown; which of them is nobody's business."""


def open_redirect(ports: Ports, *, token: str, cookie: str | None) -> OpenedSitting:
    """
    Return the sitting that this redirect URL leads to; `cookie` is the secret the browser already holds for it, if any.

    The first use wins by compare-and-set; the same browser may reload.

    :raises LinkNotUsable: for every other use.
    """
    now = ports.clock.now()
    with durable():
        row = RedirectToken.objects.filter(pk=hashed(token)).select_related("signer").first()
        if row is None or row.is_replaced:
            raise LinkNotUsable
        if row.consumed_at is not None:
            return _reload(ports, row, cookie)
        # As every other action, so that no two hold what the other waits for: the job first, then its rows, then the audit chain.
        locked_job(row.signer.job_id)
        if now >= row.expires_at:
            raise LinkNotUsable
        won = RedirectToken.objects.filter(pk=row.pk, consumed_at=None, is_replaced=False).update(consumed_at=now)
        if won != 1:
            raise LinkNotUsable
        opened = open_sitting(ports, signer=row.signer, now=now)
        RedirectToken.objects.filter(pk=row.pk).update(sitting_id=opened.sitting_id)
        audit.record("sitting-opened", at=now, job_id=row.signer.job_id, signer=row.signer.position)
        return opened


def sitting_of_token(token: str) -> str | None:
    """Return the id of the sitting that this token opened, so that the page can look for its cookie; None before the first use."""
    return RedirectToken.objects.filter(pk=hashed(token)).values_list("sitting_id", flat=True).first()


def _reload(ports: Ports, row: RedirectToken, cookie: str | None) -> OpenedSitting:
    if row.sitting_id is None or cookie is None:
        raise LinkNotUsable
    try:
        sitting_row(ports, sitting_id=row.sitting_id, secret=cookie)
    except (SittingNotFound, SittingTimedOut) as refused:
        raise LinkNotUsable from refused
    return OpenedSitting(sitting_id=row.sitting_id, secret=cookie)
