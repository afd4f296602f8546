"""What the store of documents promises to the actions."""

from __future__ import annotations

import errno
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from segl.actions.ports import DocumentMissing
from segl.adapters.document_store import DocumentDamaged, FileDocumentStore, StorageUnknown, open_store

CONTENT = b"%PDF-1.7 a contract"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> FileDocumentStore:
    return FileDocumentStore(tmp_path / "documents")


class TestAStoredDocument:
    def test_is_found_by_its_digest(self, store: FileDocumentStore, tmp_path: Path) -> None:
        assert store.put(CONTENT) == SHA256
        assert store.get(SHA256) == CONTENT
        assert (tmp_path / "documents" / SHA256[:2] / SHA256[2:]).read_bytes() == CONTENT

    def test_may_be_empty(self, store: FileDocumentStore) -> None:
        assert store.get(store.put(b"")) == b""

    def test_is_one_file_however_often_it_is_put(self, store: FileDocumentStore, tmp_path: Path) -> None:
        assert {store.put(CONTENT) for _ in range(3)} == {SHA256}
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1

    def test_is_on_disk_before_anybody_is_told(self, store: FileDocumentStore, monkeypatch: pytest.MonkeyPatch) -> None:
        synced: list[str] = []
        real = os.fsync
        monkeypatch.setattr(
            os, "fsync", lambda descriptor: (synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink())), real(descriptor))
        )

        store.put(CONTENT)

        assert any(path.endswith(".new") for path in synced)
        assert synced[-1].endswith(f"/{SHA256[:2]}")

    def test_is_written_again_when_its_file_was_cut(self, store: FileDocumentStore, tmp_path: Path) -> None:
        store.put(CONTENT)
        (tmp_path / "documents" / SHA256[:2] / SHA256[2:]).write_bytes(CONTENT[:5])

        store.put(CONTENT)

        assert store.get(SHA256) == CONTENT

    def test_is_gone_when_deleted_and_deleting_again_does_no_harm(self, store: FileDocumentStore) -> None:
        store.put(CONTENT)

        store.delete(SHA256)
        store.delete(SHA256)

        with pytest.raises(DocumentMissing, match=f"No document is stored under {SHA256}. Restore it from backup"):
            store.get(SHA256)

    def test_is_refused_when_it_has_changed(self, store: FileDocumentStore, tmp_path: Path) -> None:
        store.put(CONTENT)
        (tmp_path / "documents" / SHA256[:2] / SHA256[2:]).write_bytes(CONTENT + b" changed")

        with pytest.raises(DocumentDamaged, match=f"The document stored under {SHA256} has changed"):
            store.get(SHA256)
        assert list(store.sweep()) == [(SHA256, False)]


class TestTheStore:
    @pytest.mark.parametrize("address", ["../../etc/passwd", SHA256.upper(), SHA256[:-1], SHA256 + "\n", ""])
    def test_looks_nowhere_but_under_digests(self, store: FileDocumentStore, address: str) -> None:
        with pytest.raises(DocumentMissing, match="A document's address is the SHA-256"):
            store.get(address)

    def test_leaves_nothing_behind_when_the_disk_is_full(
        self, store: FileDocumentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> NoReturn:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        (tmp_path / "documents" / SHA256[:2]).mkdir(parents=True)
        with pytest.raises(OSError, match="No space left"):
            store.put(CONTENT)

        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_reads_all_that_is_stored_and_nothing_that_was_not_finished(self, store: FileDocumentStore, tmp_path: Path) -> None:
        digests = sorted(store.put(bytes([number])) for number in range(5))
        (tmp_path / "documents" / digests[0][:2] / "tmpabc.new").write_bytes(b"half")

        assert list(store.sweep()) == [(digest, True) for digest in digests]

    def test_tells_old_bytes_from_young_ones_and_drops_what_was_not_finished(self, store: FileDocumentStore, tmp_path: Path) -> None:
        store.put(CONTENT)
        folder = tmp_path / "documents" / SHA256[:2]
        for name, seconds in [(SHA256[2:], 100), ("tmpold.new", 100), ("tmpyoung.new", 101)]:
            (folder / name).touch()
            os.utime(folder / name, (seconds, seconds))
        until = datetime.fromtimestamp(100, tz=UTC)

        assert store.stored_until(until - timedelta(seconds=1), part=SHA256[:2]) == []
        assert store.stored_until(until, part=SHA256[:2]) == [SHA256]
        assert store.stored_until(until, part="00") == []
        assert store.drop_unfinished(until, part=SHA256[:2]) == 1
        assert sorted(path.name for path in folder.iterdir()) == sorted([SHA256[2:], "tmpyoung.new"])


class TestAStorageAddress:
    def test_names_a_folder(self, tmp_path: Path) -> None:
        store = open_store(f"file:{tmp_path}/some%20documents")

        store.put(CONTENT)

        assert (tmp_path / "some documents").is_dir()

    @pytest.mark.parametrize("url", ["s3://bucket", "file://other-machine/share", "file:", "/var/documents"])
    def test_of_another_kind_is_refused(self, url: str) -> None:
        with pytest.raises(StorageUnknown, match="Write `file:` and the path of a folder"):
            open_store(url)
