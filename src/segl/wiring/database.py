"""From a database address to Django's settings of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

SQLITE_BUSY_SECONDS = 20
SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
"""FULL: a committed signature is on disk (invariant I1). WAL: readers and the writer do not wait for each other."""


def database_settings(address: str) -> dict[str, Any]:  # Any: Django's settings are of mixed types
    """Return Django's settings for `sqlite:///path` or `postgresql://user:password@host:port/name`, as segl.settings has let through."""
    parts = urlsplit(address)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path.removeprefix("/") if parts.path.startswith("//") else parts.path),
            "OPTIONS": {
                # A transaction that begins by reading and then writes would be refused when another has written meanwhile.
                "transaction_mode": "IMMEDIATE",
                "timeout": SQLITE_BUSY_SECONDS,
                "init_command": SQLITE_PRAGMAS,
            },
        }
    query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.pop("host", parts.hostname or "")),
        "PORT": str(parts.port or ""),
        # 128 threads would be 128 connections; the pool keeps them few.
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 16, "timeout": 30}, **query},
        "CONN_MAX_AGE": 0,
    }
