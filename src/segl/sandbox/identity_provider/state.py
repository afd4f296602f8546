"""
What the identity provider must remember between two requests: pushed requests, log-ins under way, codes, sessions, used assertions.

A SQLite file, so that all threads and processes see the same and a restart forgets nothing. Handles are stored as digests only.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path

Value = dict[str, str | int | None]

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    kind TEXT NOT NULL, handle TEXT NOT NULL, value TEXT NOT NULL, expires_at REAL NOT NULL, PRIMARY KEY (kind, handle)
)
"""


class Kind(StrEnum):
    """What an entry is."""

    PUSHED_REQUEST = "PUSHED_REQUEST"
    LOGIN = "LOGIN"
    """A person is at the page where one chooses."""
    CODE = "CODE"
    SESSION = "SESSION"
    ASSERTION = "ASSERTION"
    """The jti of a client assertion that was used."""


class State:
    """Entries of a kind under a handle that only its holder knows, until they expire."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # One process at a time: SQLite answers "locked" at once, without waiting, when two switch a new file to WAL together.
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._connection() as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(SCHEMA)

    def put(self, kind: Kind, value: Value, *, expires_at: datetime, now: datetime) -> str:
        """Store `value` and return the handle under which it can be had."""
        handle = secrets.token_urlsafe(32)
        with self._connection() as connection:
            connection.execute("DELETE FROM entry WHERE expires_at <= ?", (now.timestamp(),))
            connection.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (kind, _digest(handle), json.dumps(value), expires_at.timestamp()))
        return handle

    def get(self, kind: Kind, handle: str, *, now: datetime) -> Value | None:
        """Return what stands under `handle`, or None when there is nothing or it has expired."""
        query = "SELECT value FROM entry WHERE kind = ? AND handle = ? AND expires_at > ?"
        with self._connection() as connection:
            row = connection.execute(query, (kind, _digest(handle), now.timestamp())).fetchone()
        return None if row is None else json.loads(row[0])

    def take(self, kind: Kind, handle: str, *, now: datetime) -> Value | None:
        """Return what stands under `handle` and forget it: of two callers at once, one gets it."""
        query = "DELETE FROM entry WHERE kind = ? AND handle = ? RETURNING value, expires_at"
        with self._connection() as connection:
            row = connection.execute(query, (kind, _digest(handle))).fetchone()
        return json.loads(row[0]) if row is not None and row[1] > now.timestamp() else None

    def use_once(self, kind: Kind, handle: str, *, expires_at: datetime, now: datetime) -> bool:
        """Note that `handle` is used; return False when it was already."""
        with self._connection() as connection:
            connection.execute("DELETE FROM entry WHERE expires_at <= ?", (now.timestamp(),))
            cursor = connection.execute(
                "INSERT OR IGNORE INTO entry VALUES (?, ?, '{}', ?)", (kind, _digest(handle), expires_at.timestamp())
            )
            return cursor.rowcount == 1

    def forget_session(self, sid: str) -> None:
        """Forget the session whose id_tokens carry `sid`."""
        with self._connection() as connection:
            connection.execute("DELETE FROM entry WHERE kind = ? AND json_extract(value, '$.sid') = ?", (Kind.SESSION, sid))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level="IMMEDIATE")) as connection, connection:
            connection.execute("PRAGMA synchronous=NORMAL")  # a power cut may log test persons out, a killed process may not
            yield connection


def _digest(handle: str) -> str:
    return hashlib.sha256(handle.encode()).hexdigest()
