"""
The boundaries that an action crosses — statement, commit, file operation, call of a port — and a blow that falls at one of them.

A boundary is counted when it is reached, so one inside another (a file's rename inside `documents.put`) has the higher number. SQLite's own
writes are not seen: that a COMMIT is whole or not at all is SQLite's promise.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import partial
from typing import Any

from django.db import OperationalError, connection

from segl.actions.ports import Ports

NO_NEIGHBOURS = {"roots", "policy"}
"""What is on the page of ports and only configuration."""
WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT", "file ")
"""Boundaries that a full disk or a failing database refuses; a refused port is the subject of other tests."""


class Way(StrEnum):
    """How the blow falls."""

    BEFORE = "before"
    """SIGKILL before the boundary."""
    AFTER = "after"
    REFUSED = "refused"
    """The boundary raises instead (reliability.md B-03), the process lives on."""


@dataclass(frozen=True, slots=True, order=True)
class Blow:
    """What happens at which boundary, counted from 1."""

    number: int
    way: Way


class Watch:
    """Counts what this process crosses while it is on, and strikes once."""

    def __init__(self, blow: Blow | None, *, last_words: Callable[[Watch], None] = lambda _: None) -> None:
        self.crossed: list[str] = []
        self.is_struck = False
        self._blow, self._last_words, self._is_on = blow, last_words, False

    @contextmanager
    def on(self) -> Iterator[None]:
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False

    @contextmanager
    def off(self) -> Iterator[None]:
        """For what another machine does in between."""
        was_on, self._is_on = self._is_on, False
        try:
            yield
        finally:
            self._is_on = was_on

    def cross(self, name: str, act: Callable[[], Any]) -> Any:
        """Do `act`, which is the boundary `name`."""
        if not self._is_on:
            return act()
        self.crossed.append(name)
        way = self._blow.way if self._blow and self._blow.number == len(self.crossed) else None
        if way is Way.BEFORE:
            self._die()
        if way is Way.REFUSED:
            self.is_struck = True
            raise OSError(28, "refused by the test") if name.startswith("file ") else OperationalError("refused by the test")
        try:
            return act()
        finally:
            if way is Way.AFTER:
                self._die()

    def _die(self) -> None:
        self.is_struck = True
        self._last_words(self)
        os.kill(os.getpid(), signal.SIGKILL)


def is_write(name: str) -> bool:
    return name.startswith(WRITES)


def watch_everything(watch: Watch, ports: Ports) -> Ports:
    """Let `watch` see this thread's database, the files of this process and the ports that are returned. For good: the process is to die."""
    _watch_database(watch)
    _watch_files(watch)
    names = {field.name for field in fields(ports)} - NO_NEIGHBOURS
    watched: dict[str, Any] = {name: WatchedPort(getattr(ports, name), name, watch) for name in names}
    return replace(ports, **watched)


class WatchedPort:
    """A port whose every call is a boundary."""

    def __init__(self, inner: object, name: str, watch: Watch) -> None:
        self._inner, self._name, self._watch = inner, name, watch

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._inner, attribute)
        if not callable(found):
            return found
        return lambda *given, **named: self._watch.cross(f"{self._name}.{attribute}", lambda: found(*given, **named))


class WatchedFile:
    """A file being written: each half of a write is a boundary of its own, so that one kill leaves it torn."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner, self._watch = inner, watch

    def write(self, content: bytes) -> int:
        middle = len(content) // 2
        for half in (content[:middle], content[middle:]):
            self._watch.cross("file write of a half", partial(self._write_through, half))
        return len(content)

    def _write_through(self, half: bytes) -> None:
        self._inner.write(half)
        self._inner.flush()

    def __enter__(self) -> WatchedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.close()

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._inner, attribute)


def _watch_database(watch: Watch) -> None:
    def execute(act: Callable[..., Any], sql: str, given: Any, many: bool, context: Mapping[str, Any]) -> Any:
        return watch.cross(_name_of(str(sql)), lambda: act(sql, given, many, context))

    connection.execute_wrappers.append(execute)
    # Django's own doing of a commit, below its bookkeeping: it has no name in public.
    database: Any = connection
    commit = database._commit
    database._commit = lambda: watch.cross("COMMIT", commit)


def _name_of(sql: str) -> str:
    """Return verb and table: two statements of one name are told apart by their number."""
    verb = sql.split(maxsplit=1)[0]
    table = re.search(r'(?:FROM|INTO|UPDATE) "(?:database_)?(\w+)"', sql)
    return f"{verb} {table[1]}" if table else verb


def _watch_files(watch: Watch) -> None:
    for module, name in ((os, "replace"), (os, "unlink"), (os, "mkdir"), (tempfile, "mkstemp")):
        _patch(module, name, watch, getattr(module, name))
    _patch(os, "fsync", watch, lambda _: None)  # no test cuts the power
    fdopen = os.fdopen
    os.fdopen = lambda *given, **named: WatchedFile(fdopen(*given, **named), watch)  # type: ignore[assignment]


def _patch(module: object, name: str, watch: Watch, act: Callable[..., Any]) -> None:
    setattr(module, name, lambda *given, **named: watch.cross(f"file {name}", lambda: act(*given, **named)))
