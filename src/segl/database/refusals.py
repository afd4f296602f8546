"""What a database says when it can be read but not written: it is read-only, or its disk is full (reliability.md B-09)."""

from __future__ import annotations

from django.db import DatabaseError

_SQLITE = frozenset({"SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR_WRITE"})
_POSTGRESQL = frozenset({"25006", "53100"})
"""read_only_sql_transaction, disk_full."""


def takes_no_writes(error: DatabaseError) -> bool:
    """Return whether `error` means that, and not that the database does not answer or was asked wrongly."""
    cause = error.__cause__
    return getattr(cause, "sqlite_errorname", None) in _SQLITE or getattr(cause, "sqlstate", None) in _POSTGRESQL
