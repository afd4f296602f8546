"""
Documents as files named by their SHA-256: `documents/ab/cdef…`, on disk before anybody is told that they are stored.

Source: actions/ports.py, reliability.md I1 (nothing acknowledged is lost), stack.md "Documents at rest".
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from segl.actions.ports import DocumentDamaged, DocumentMissing, DocumentStore

_DIGEST = re.compile(r"[0-9a-f]{64}")
_UNFINISHED = ".new"


class StorageUnknown(Exception):
    """SEGL_STORAGE_URL names a kind of storage that Segl does not have. Begin it with `file:`."""


class FileDocumentStore:
    """A DocumentStore over one folder. Processes may share it; the same content put twice is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """
        Store `content` and return its SHA-256 (lower-case hex), after it and its name are on disk.

        :raises OSError: if the disk is full or not to be written; nothing is stored then.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        if self._is_whole(path, sha256):
            # Whoever put it first may not have reached the fsync of the folder yet, and this caller is promised it too.
            _fsync_folder(path.parent)
            return sha256
        _make_folder(path.parent)
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, suffix=_UNFINISHED)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(unfinished).unlink()
            raise
        # The rename itself is lost in a power failure unless the folder is written too.
        _fsync_folder(path.parent)
        return sha256

    def get(self, sha256: str) -> bytes:
        """
        Return what is stored under `sha256`. Its digest is computed again: 10 MiB take about 10 ms, and nothing damaged is ever signed or sealed.

        :raises DocumentMissing: if nothing is stored under it.
        :raises DocumentDamaged: if the file's content has changed.
        """
        try:
            content = self._path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise DocumentMissing(f"No document is stored under {sha256}. Restore it from backup and run `segl check`.") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise DocumentDamaged(f"The document stored under {sha256} has changed. Restore it from backup and run `segl check`.")
        return content

    def delete(self, sha256: str) -> None:
        """Remove what is stored under `sha256`, for good; nothing stored under it is as good as removed."""
        path = self._path(sha256)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            _fsync_folder(path.parent)

    def sweep(self) -> Iterator[tuple[str, bool]]:
        """Yield each stored document's digest, in order, and whether the file still has it. For `segl check`; reads every file."""
        for path in sorted(self._folder.glob("??/*")):
            sha256 = path.parent.name + path.name
            if _DIGEST.fullmatch(sha256):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    yield sha256, hashlib.sha256(path.read_bytes()).hexdigest() == sha256

    def stored_at(self, sha256: str) -> datetime | None:
        """Return when the file was written, aware UTC by the system's time; None if nothing is stored under the digest."""
        try:
            return datetime.fromtimestamp(self._path(sha256).stat().st_mtime, tz=UTC)
        except FileNotFoundError:
            return None

    def stored_until(self, until: datetime, *, part: str) -> list[str]:
        """Return the digests that begin with `part`, two hex digits, and whose file was written at `until` or before."""
        return [part + path.name for path in self._written_until(until, part) if _DIGEST.fullmatch(part + path.name)]

    def drop_unfinished(self, until: datetime, *, part: str) -> int:
        """Remove what a process was writing at `until` and never finished, because it was killed; return how many files that were."""
        unfinished = [path for path in self._written_until(until, part) if path.suffix == _UNFINISHED]
        for path in unfinished:
            path.unlink(missing_ok=True)
        return len(unfinished)

    def _written_until(self, until: datetime, part: str) -> Iterator[Path]:
        for path in sorted(self._folder.glob(f"{part}/*")):
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                if path.stat().st_mtime <= until.timestamp():
                    yield path

    def _is_whole(self, path: Path, sha256: str) -> bool:
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        except FileNotFoundError:
            return False

    def _path(self, sha256: str) -> Path:
        # Digests come out of the database, but a path is no place to trust that.
        if not _DIGEST.fullmatch(sha256):
            raise DocumentMissing("A document's address is the SHA-256 of its content in lower-case hexadecimal. Look it up in the job.")
        return self._folder / sha256[:2] / sha256[2:]


def open_store(url: str) -> FileDocumentStore:
    """
    Return the store that SEGL_STORAGE_URL names: `file:` and a folder.

    :raises StorageUnknown: if it is of another kind, or on another machine.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "file" if parts.netloc in ("", "localhost") and parts.path:
            store = FileDocumentStore(Path(unquote(parts.path)))
        case _:
            # Object storage (`s3://bucket/prefix`) becomes another case here, behind the same port.
            raise StorageUnknown("SEGL_STORAGE_URL names no storage that Segl knows. Write `file:` and the path of a folder.")
    _: DocumentStore = store
    return store


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
