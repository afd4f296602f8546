"""The sandbox's list of the latest API requests; production keeps none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from django.db import DatabaseError

KEPT = 200


def note_request(*, is_sandbox: bool) -> Callable[..., None]:
    """Return what the API calls after each request and each refused handshake."""
    return _note if is_sandbox else _forget


def _forget(**_: object) -> None:
    return None


def _note(*, method: str = "", path: str = "", status: int | None = None, certificate: str = "", outcome: str = "") -> None:
    from segl.database.models import ApiRequest  # the registry of models is not ready when the settings are read

    with suppress(DatabaseError):  # the list is a convenience: it may not take the answer away
        row = ApiRequest.objects.create(
            at=datetime.now(UTC), method=method[:10], path=path[:300], status=status, certificate=certificate[:300], outcome=outcome[:500]
        )
        if row.pk % 50 == 0:
            ApiRequest.objects.filter(pk__lte=row.pk - KEPT).delete()
