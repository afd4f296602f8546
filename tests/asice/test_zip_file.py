"""Archives that are read, and those that two readers could read in two ways, or that would not end."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import replace

import pytest

from segl.asice.refusal import BundleRefused
from segl.asice.zip_file import read_zip
from support.cost import over

from .archive_rows import ROWS
from .zip_builder import STORED, Archive, Entry, build_zip
from .zip_rows import PLAIN, A, B, ZipRow, deflated, extra, one


class TestAnArchive:
    @pytest.mark.requirement("R37")
    @pytest.mark.parametrize("flags", [0x0808, 0x0000, 0x0800, 0x0002, 0x080E])
    def test_is_read_with_and_without_descriptors(self, flags: int) -> None:
        entries = [replace(A, flags=flags), replace(B, flags=flags), Entry(name="empty", flags=flags)]
        assert read_zip(build_zip(Archive(entries=entries))) == {"a.pdf": A.content, "b.pdf": B.content, "empty": b""}

    def test_is_read_when_the_sizes_stand_both_before_and_after_the_data(self) -> None:
        facts = {"crc": zlib.crc32(A.content), "packed_bytes": len(deflated(A.content)), "expanded_bytes": len(A.content)}
        assert read_zip(one(replace(A, packed=deflated(A.content), local=facts))) == {"a.pdf": A.content}

    def test_is_read_stored_and_with_the_timestamps_that_tools_add(self) -> None:
        times = {
            "local": {"extra": extra(0x5455, b"\3" + bytes(8))},
            "central": {"extra": extra(0x5455, b"\3" + bytes(4)), "made_by": 0x0314, "attributes": 0o100644 << 16},
        }
        entry = Entry(name="æ b.pdf", content=b"x" * 2000, method=STORED, flags=0x0800, **times)  # type: ignore[arg-type]  # a table of arguments
        assert read_zip(one(entry)) == {"æ b.pdf": b"x" * 2000}

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_is_read_as_other_libraries_write_it(self, method: int) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.writestr("a.pdf", A.content)
            archive.writestr("b.pdf", B.content)
        assert read_zip(out.getvalue()) == {"a.pdf": A.content, "b.pdf": B.content}

    def test_of_twenty_five_entries_and_the_largest_documents_is_read(self) -> None:
        content = bytes(range(256)) * 1800
        entries = [Entry(name=f"{number}.pdf", content=content, method=STORED, flags=0) for number in range(25)]
        assert list(read_zip(build_zip(Archive(entries=entries)))) == [entry.name for entry in entries]

    @pytest.mark.requirement("R45")
    @pytest.mark.parametrize("row", [pytest.param(row, id=row.what) for row in ROWS])
    def test_is_refused_with(self, row: ZipRow) -> None:
        data = row.make()

        def read() -> None:
            with pytest.raises(BundleRefused) as refused:
                read_zip(data)
            assert (refused.value.reason, refused.value.message) == (row.reason, row.message)

        assert over(row.at_most, read) == ""

    def test_inside_an_archive_is_bytes_like_any_other(self) -> None:
        bomb = one(Entry(name="inner", content=b"\0" * 1_000_000))
        assert read_zip(one(Entry(name="a.pdf", content=bomb))) == {"a.pdf": bomb}

    @pytest.mark.parametrize("entry", [A, PLAIN])
    def test_with_any_byte_changed_gives_the_same_contents_or_is_refused(self, entry: Entry) -> None:
        good = build_zip(Archive(entries=[entry, B]))
        differing = []
        for position in range(len(good)):
            for bit in (0x01, 0x80, 0xFF):
                changed = bytearray(good)
                changed[position] ^= bit
                try:
                    contents = read_zip(bytes(changed))
                except BundleRefused:
                    continue
                if contents != {"a.pdf": A.content, "b.pdf": B.content}:
                    differing.append((position, bit))
        assert differing == []
