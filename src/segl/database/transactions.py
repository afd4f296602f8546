"""The one kind of transaction an action has: outermost, and on disk when it returns."""

from __future__ import annotations

from django.db import transaction


def durable() -> transaction.Atomic:
    """Return a transaction that refuses to be nested: leaving it means committed."""
    return transaction.atomic(durable=True)
