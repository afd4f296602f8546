"""
What the school remembers: who is logged in, each agreement, where its signing stands, and the API calls that were made for it.

One SQLite file; each change is one transaction, so that a process that is killed leaves nothing half written.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

FINISHED = frozenset({"SIGNED", "REJECTED", "EXPIRED", "NOT_APPLICABLE", "SIGNERS_NAME_NOT_AVAILABLE"})
"""Signer statuses after which there is nothing more for that person to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the API, cleaned for showing."""

    line: str
    status: int
    request: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One who shall sign. `href` is empty until the job exists."""

    number: str = dataclasses.field(repr=False)
    role: str
    """apprentice, guardian or company."""
    href: str = ""
    status: str = "WAITING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One apprenticeship contract and its signature job. `job_id` is None until Segl has taken it."""

    id: str
    company: str
    trade: str
    starts: str
    ends: str
    sender_role: str
    signature_type: str
    with_terms: bool
    parties: tuple[Party, ...]
    job_id: int | None = None
    status_url: str = ""
    job_status: str = ""
    token: str = dataclasses.field(default="", repr=False)
    """The latest status query token; it answers for the whole job."""
    last_exit: str = ""
    """completed, rejected or error: the door through which somebody last came back."""
    has_copy: bool = False
    calls: tuple[Call, ...] = ()

    def party(self, number: str) -> Party | None:
        """Return the party with this identity number, or None when the person is none."""
        return next((party for party in self.parties if party.number == number), None)


class Memory:
    """The SQLite file. Every method opens its own connection, so threads need not share any."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS agreement (id TEXT PRIMARY KEY, body TEXT NOT NULL)")
            connection.execute("CREATE TABLE IF NOT EXISTS session (token_sha256 TEXT PRIMARY KEY, number TEXT NOT NULL)")

    def add(self, agreement: Agreement) -> bool:
        """Write a new agreement down; return False when its id is taken (the form was sent twice)."""
        with self._connection() as connection:
            added = connection.execute("INSERT OR IGNORE INTO agreement VALUES (?, ?)", (agreement.id, _written(agreement)))
            return added.rowcount == 1

    def change(self, id: str, how: Callable[[Agreement], Agreement]) -> Agreement:
        """Change an agreement as one transaction and return it as it then stands."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute("SELECT body FROM agreement WHERE id = ?", (id,)).fetchone()
            changed = how(_read(row[0]))
            connection.execute("UPDATE agreement SET body = ? WHERE id = ?", (_written(changed), id))
            return changed

    def forget(self, id: str) -> None:
        """Remove an agreement that Segl refused."""
        with self._connection() as connection:
            connection.execute("DELETE FROM agreement WHERE id = ?", (id,))

    def find(self, id: str) -> Agreement | None:
        """Return one agreement, or None."""
        with self._connection() as connection:
            row = connection.execute("SELECT body FROM agreement WHERE id = ?", (id,)).fetchone()
            return None if row is None else _read(row[0])

    def of(self, number: str) -> tuple[Agreement, ...]:
        """Return the agreements that a person is party to, newest first."""
        with self._connection() as connection:
            rows = connection.execute("SELECT body FROM agreement ORDER BY rowid DESC").fetchall()
        return tuple(agreement for agreement in (_read(row[0]) for row in rows) if agreement.party(number))

    def log_in(self, token: str, number: str) -> None:
        """Remember who holds the session `token`; only its SHA-256 is kept."""
        with self._connection() as connection:
            connection.execute("INSERT OR REPLACE INTO session VALUES (?, ?)", (sha256(token.encode()).hexdigest(), number))

    def log_out(self, token: str) -> None:
        """Forget a session."""
        with self._connection() as connection:
            connection.execute("DELETE FROM session WHERE token_sha256 = ?", (sha256(token.encode()).hexdigest(),))

    def who(self, token: str) -> str | None:
        """Return the identity number of who is logged in, or None."""
        with self._connection() as connection:
            digest = sha256(token.encode()).hexdigest()
            row = connection.execute("SELECT number FROM session WHERE token_sha256 = ?", (digest,)).fetchone()
            return None if row is None else str(row[0])

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._file, timeout=20)
        connection.execute("PRAGMA synchronous=FULL")
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def _written(agreement: Agreement) -> str:
    return json.dumps(dataclasses.asdict(agreement), ensure_ascii=False)


def _read(body: str) -> Agreement:
    fields = json.loads(body)
    fields["parties"] = tuple(Party(**party) for party in fields["parties"])
    fields["calls"] = tuple(Call(**call) for call in fields["calls"])
    return Agreement(**fields)
