"""Rows of archives that two readers could read in two ways, or that would not end: each with its reason and its exact message."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from segl.asice.refusal import Refusal
from segl.asice.zip_file import MAX_ARCHIVE_BYTES, MAX_EXPANDED_BYTES
from support.cost import Cost

from .zip_builder import DOTNET_FLAGS, STORED, Archive, Entry, build_zip


class ZipRow(NamedTuple):
    """One refused archive. The cost is what reliability.md B-33 allows."""

    what: str
    make: Callable[[], bytes]
    reason: Refusal
    message: str
    at_most: Cost = Cost(milliseconds=200, mebibytes=32)


A = Entry(name="a.pdf", content=b"lease " * 20)
B = Entry(name="b.pdf", content=b"annex " * 20)
PLAIN = replace(A, flags=DOTNET_FLAGS)
NO_ARCHIVE = "The bundle is not a ZIP archive. Send an ASiC-E container."
TWO_WAYS = "The bundle's ZIP can be read in two ways: {}. Build it again with an ordinary ZIP library."
HOLDS = "The bundle's ZIP holds {}. Build it with plain stored or deflated entries."
ENCRYPTED = HOLDS.format("encryption in entry number 1")
NAME = "The name of entry number 1 in the bundle {}. Give the file a plain name."
DAMAGED = "Entry number {} in the bundle does not expand to what the archive says. Send it again."
SAME_NAME = "Entries number 1 and 2 in the bundle have the same name. Build it again with one entry a name."
LOCAL_DIFFERS = TWO_WAYS.format("a local header differs from the central directory")
FACTS_DIFFER = TWO_WAYS.format("sizes or checksum of a local header differ from the central directory")
DESCRIPTOR_DIFFERS = TWO_WAYS.format("a data descriptor differs from the central directory")
OVERLAP = TWO_WAYS.format("entries overlap, leave gaps, or stand in another order than in the central directory")
END_MISSES = TWO_WAYS.format("the central directory does not end where the end record begins")
ZIP64_EXTRA = struct.pack("<2H2Q", 1, 16, 120, 120)


def deflated(content: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(content) + deflater.flush()


def extra(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<2H", kind, len(content)) + content


def one(entry: Entry) -> bytes:
    return build_zip(Archive(entries=[entry]))


def two(**more: object) -> bytes:
    return build_zip(Archive(entries=[A, B], **more))  # type: ignore[arg-type]  # a table of arguments


def named(name: str | bytes, **more: object) -> bytes:
    return one(Entry(name=name, content=b"x", **more))  # type: ignore[arg-type]  # a table of arguments


def quoted_overlap() -> bytes:
    """Return an archive whose first entry's data hold the second entry whole, as in Fifield's overlapping bombs."""
    inner = build_zip(Archive(entries=[replace(PLAIN, name="b.pdf")]))
    inner_local = inner[: inner.index(b"PK\x01\x02")]
    outer = replace(PLAIN, name="a.pdf", content=inner_local, method=STORED)
    offset = 30 + len("a.pdf")
    second = build_zip(Archive(entries=[replace(PLAIN, name="b.pdf", central={"offset": offset})]))
    record = second[second.index(b"PK\x01\x02") : second.rindex(b"PK\x05\x06")]
    start = len(one(outer)) - 22 - (46 + len("a.pdf"))
    return build_zip(
        Archive(entries=[outer], after_directory=record, end={"count": 2, "count_here": 2, "size": 46 + 5 + len(record), "offset": start})
    )


Told = tuple[str, Callable[[], bytes], Refusal, str]

HEADERS_AND_NAMES: list[Told] = [
    # -- not an archive ------------------------------------------------------------------------------------------------
    ("nothing", lambda: b"", Refusal.NOT_A_ZIP, NO_ARCHIVE),
    ("something else", lambda: b"%PDF-1.7" * 10, Refusal.NOT_A_ZIP, NO_ARCHIVE),
    ("a prefix", lambda: two(prefix=b"#!/bin/sh\n"), Refusal.NOT_A_ZIP, NO_ARCHIVE),
    ("half an archive", lambda: two()[:-30], Refusal.NOT_A_ZIP, "The bundle's ZIP has no end record. Send the whole ASiC-E container."),
    (
        "too many bytes",
        lambda: b"PK" + bytes(MAX_ARCHIVE_BYTES),
        Refusal.TOO_LARGE,
        "The bundle is larger than 14680064 bytes. Send fewer or smaller documents.",
    ),
    # -- the end record ------------------------------------------------------------------------------------------------
    ("a suffix", lambda: two(suffix=b"\n"), Refusal.ZIP_DISAGREES, TWO_WAYS.format("a comment or other bytes follow the end record")),
    (
        "a comment",
        lambda: two(suffix=b"hello", end={"comment": 5}),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("a comment or other bytes follow the end record"),
    ),
    (
        "a second end record",
        lambda: two(suffix=struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0), end={"comment": 22}),
        Refusal.ZIP_DISAGREES,
        END_MISSES,
    ),
    (
        "a comment length without comment",
        lambda: two(end={"comment": 5}),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("the end record says a comment follows, and none does"),
    ),
    (
        "no entries",
        lambda: b"PK\x05\x06" + bytes(18),
        Refusal.TOO_LARGE,
        "The bundle holds 0 entries; between 1 and 25 are allowed. Send fewer documents.",
    ),
    (
        "26 entries",
        lambda: build_zip(Archive(entries=[Entry(name=f"{number}.pdf") for number in range(26)])),
        Refusal.TOO_LARGE,
        "The bundle holds 26 entries; between 1 and 25 are allowed. Send fewer documents.",
    ),
    (
        "fewer entries than records",
        lambda: two(end={"count": 1, "count_here": 1}),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("bytes follow the last record of the central directory"),
    ),
    (
        "more entries than records",
        lambda: two(end={"count": 3, "count_here": 3}),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("the central directory has no record number 3"),
    ),
    ("several disks", lambda: two(end={"disk": 1}), Refusal.ZIP_UNSUPPORTED, HOLDS.format("parts on several disks")),
    ("two counts", lambda: two(end={"count_here": 1}), Refusal.ZIP_UNSUPPORTED, HOLDS.format("parts on several disks")),
    ("zip64 in the end record", lambda: two(end={"offset": 0xFFFFFFFF}), Refusal.ZIP_UNSUPPORTED, HOLDS.format("zip64 records")),
    (
        "a zip64 locator",
        lambda: two(after_directory=b"PK\x06\x07" + bytes(16)),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("zip64 records"),
    ),
    ("a directory that begins elsewhere", lambda: two(end={"offset": 7}), Refusal.ZIP_DISAGREES, END_MISSES),
    ("a gap after the directory", lambda: two(after_directory=b"\0" * 8, end={"size": 102}), Refusal.ZIP_DISAGREES, END_MISSES),
    (
        "bytes in the directory",
        lambda: two(after_directory=b"\0" * 8),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("bytes follow the last record of the central directory"),
    ),
    # -- the bytes between ---------------------------------------------------------------------------------------------
    (
        "a gap before the directory",
        lambda: two(before_directory=b"\0"),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("bytes stand between the last entry and the central directory"),
    ),
    ("a gap between entries", lambda: build_zip(Archive(entries=[A, replace(B, before=b"\0")])), Refusal.ZIP_DISAGREES, OVERLAP),
    (
        "an entry that is not in the directory",
        lambda: build_zip(Archive(entries=[A, B], directory_order=lambda records: records[:1], end={"count": 1, "count_here": 1})),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("bytes stand between the last entry and the central directory"),
    ),
    (
        "a first entry that is not in the directory",
        lambda: build_zip(Archive(entries=[A, B], directory_order=lambda records: records[1:], end={"count": 1, "count_here": 1})),
        Refusal.ZIP_DISAGREES,
        OVERLAP,
    ),
    ("another order in the directory", lambda: two(directory_order=lambda records: records[::-1]), Refusal.ZIP_DISAGREES, OVERLAP),
    (
        "two records of one entry",
        lambda: build_zip(Archive(entries=[PLAIN, replace(PLAIN, name="b.pdf")], shared_local=True)),
        Refusal.ZIP_DISAGREES,
        OVERLAP,
    ),
    ("an entry inside another", quoted_overlap, Refusal.ZIP_DISAGREES, OVERLAP),
    (
        "no local header",
        lambda: one(replace(A, local={"signature": b"PK\x03\x05"})),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("an entry of the central directory has no local header"),
    ),
    (
        "an entry longer than the archive",
        lambda: one(replace(PLAIN, local={"packed_bytes": 999}, central={"packed_bytes": 999})),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("an entry reaches into the central directory"),
    ),
    # -- local header and descriptor -----------------------------------------------------------------------------------
    ("another local name", lambda: one(replace(A, local={"name": b"z.pdf"})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("another local method", lambda: one(replace(PLAIN, local={"method": STORED})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("other local flags", lambda: one(replace(PLAIN, local={"flags": 8})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("another local time", lambda: one(replace(A, local={"time": 1})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("another local version", lambda: one(replace(A, local={"version": 10})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("another local size", lambda: one(replace(PLAIN, local={"expanded_bytes": 1})), Refusal.ZIP_DISAGREES, FACTS_DIFFER),
    ("another local checksum", lambda: one(replace(PLAIN, local={"crc": 1})), Refusal.ZIP_DISAGREES, FACTS_DIFFER),
    (
        "a false local size before a true descriptor",
        lambda: one(replace(A, local={"packed_bytes": 1})),
        Refusal.ZIP_DISAGREES,
        FACTS_DIFFER,
    ),
    ("a descriptor with another checksum", lambda: one(replace(A, descriptor={"crc": 1})), Refusal.ZIP_DISAGREES, DESCRIPTOR_DIFFERS),
    (
        "a descriptor with another size",
        lambda: one(replace(A, descriptor={"expanded_bytes": 1})),
        Refusal.ZIP_DISAGREES,
        DESCRIPTOR_DIFFERS,
    ),
    (
        "a descriptor with another packed size",
        lambda: one(replace(A, descriptor={"packed_bytes": 1})),
        Refusal.ZIP_DISAGREES,
        DESCRIPTOR_DIFFERS,
    ),
    (
        "a descriptor without signature",
        lambda: one(replace(A, descriptor={"signature": b"PK\x07\x09"})),
        Refusal.ZIP_DISAGREES,
        DESCRIPTOR_DIFFERS,
    ),
    ("no descriptor", lambda: one(replace(A, descriptor=None)), Refusal.ZIP_DISAGREES, DESCRIPTOR_DIFFERS),
    # -- kinds ---------------------------------------------------------------------------------------------------------
    ("an encrypted entry", lambda: one(replace(A, flags=0x0809)), Refusal.ZIP_UNSUPPORTED, HOLDS.format("encryption in entry number 1")),
    ("strong encryption", lambda: one(replace(A, flags=0x0848)), Refusal.ZIP_UNSUPPORTED, HOLDS.format("encryption in entry number 1")),
    ("a hidden local header", lambda: one(replace(A, flags=0x2808)), Refusal.ZIP_UNSUPPORTED, HOLDS.format("encryption in entry number 1")),
    ("patched data", lambda: one(replace(A, flags=0x0828)), Refusal.ZIP_UNSUPPORTED, HOLDS.format("unknown flags in entry number 1")),
    *(
        (
            f"method {method}",
            lambda method=method: one(replace(A, method=method)),
            Refusal.ZIP_UNSUPPORTED,
            HOLDS.format(f"compression method {method} in entry number 1"),
        )
        for method in (1, 9, 12, 14, 93, 99)
    ),
    (
        "a stored entry with descriptor",
        lambda: one(replace(A, method=STORED)),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("a stored entry with data descriptor as entry number 1"),
    ),
    (
        "a newer version",
        lambda: one(replace(A, local={"version": 45}, central={"version": 45})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("entry number 1, which needs version 45 of the format"),
    ),
    (
        "an entry on another disk",
        lambda: one(replace(A, central={"disk": 1})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("zip64 or a second disk in entry number 1"),
    ),
    (
        "a zip64 size",
        lambda: one(replace(A, central={"packed_bytes": 0xFFFFFFFF})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("zip64 or a second disk in entry number 1"),
    ),
    (
        "zip64 in the directory's extra field",
        lambda: one(replace(A, central={"extra": ZIP64_EXTRA})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("zip64 in the extra field of entry number 1"),
    ),
    (
        "zip64 in the local extra field",
        lambda: one(replace(A, local={"extra": ZIP64_EXTRA})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("zip64 in the extra field of entry number 1"),
    ),
    (
        "a second name",
        lambda: one(replace(A, central={"extra": extra(0x7075, b"\1....z.pdf")})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("a second name in the extra field of entry number 1"),
    ),
    (
        "AES",
        lambda: one(replace(A, local={"extra": extra(0x9901)})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("encryption in the extra field of entry number 1"),
    ),
    (
        "a cut extra field",
        lambda: one(replace(A, central={"extra": b"\x55\x54\x09\x00\1"})),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("the extra field of entry number 1 is cut off"),
    ),
    (
        "a cut extra header",
        lambda: one(replace(A, central={"extra": b"\x55"})),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("the extra field of entry number 1 is cut off"),
    ),
    (
        "a comment on an entry",
        lambda: one(replace(A, central={"comment": b"hello"})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("a comment on entry number 1"),
    ),
    (
        "a link",
        lambda: one(replace(A, central={"made_by": 0x0314, "attributes": 0o120777 << 16})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("a folder, link or device as entry number 1"),
    ),
    (
        "a device",
        lambda: one(replace(A, central={"made_by": 0x0314, "attributes": 0o020666 << 16})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("a folder, link or device as entry number 1"),
    ),
    ("a folder", lambda: named("folder/"), Refusal.ZIP_UNSUPPORTED, HOLDS.format("a folder, link or device as entry number 1")),
    (
        "a folder by its attribute",
        lambda: one(replace(A, central={"attributes": 0x10})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("a folder, link or device as entry number 1"),
    ),
    # -- contents ------------------------------------------------------------------------------------------------------
    ("another checksum everywhere", lambda: one(replace(PLAIN, local={"crc": 1}, central={"crc": 1})), Refusal.DAMAGED, DAMAGED.format(1)),
    ("damaged data", lambda: build_zip(Archive(entries=[A, replace(B, packed=b"\xff" * 40)])), Refusal.DAMAGED, DAMAGED.format(2)),
    ("data that go on after their end", lambda: one(replace(A, packed=deflated(A.content) + b"more")), Refusal.DAMAGED, DAMAGED.format(1)),
    ("data without end", lambda: one(replace(A, packed=deflated(A.content)[:-3])), Refusal.DAMAGED, DAMAGED.format(1)),
    ("more data than declared", lambda: one(replace(A, packed=deflated(A.content * 2))), Refusal.DAMAGED, DAMAGED.format(1)),
    ("fewer data than declared", lambda: one(replace(A, packed=deflated(A.content[:-1]))), Refusal.DAMAGED, DAMAGED.format(1)),
    (
        "a stored entry of another size",
        lambda: one(replace(PLAIN, method=STORED, packed=A.content[:-1])),
        Refusal.DAMAGED,
        DAMAGED.format(1),
    ),
    # -- sizes ---------------------------------------------------------------------------------------------------------
    (
        "a bomb that says so",
        lambda: one(Entry(name="a.pdf", content=b"\0" * (MAX_EXPANDED_BYTES + 1))),
        Refusal.TOO_LARGE,
        "The bundle expands to more than 11534336 bytes. Send fewer or smaller documents.",
    ),
    (
        "a bomb in parts",
        lambda: build_zip(Archive(entries=[Entry(name=f"{n}.pdf", content=b"\0" * 1_000_000) for n in range(12)])),
        Refusal.TOO_LARGE,
        "The bundle expands to more than 11534336 bytes. Send fewer or smaller documents.",
    ),
    (
        "a small bomb",
        lambda: one(Entry(name="a.pdf", content=b"\0" * 1_000_000)),
        Refusal.TOO_LARGE,
        "Entry number 1 in the bundle expands more than 100 times. Store it uncompressed.",
    ),
    (
        "a bomb that says it is small",
        lambda: one(replace(PLAIN, content=b"x", packed=deflated(b"\0" * 50_000_000))),
        Refusal.DAMAGED,
        DAMAGED.format(1),
    ),
    # -- names ---------------------------------------------------------------------------------------------------------
    ("no name", lambda: named(""), Refusal.NAME, NAME.format("has not 1 to 100 characters")),
    ("a long name", lambda: named("a" * 101), Refusal.NAME, NAME.format("has not 1 to 100 characters")),
    *(
        (f"the name {name!r}", lambda name=name: named(name), Refusal.NAME, NAME.format(told))
        for name, told in [
            ("../a.pdf", "leads through an empty, . or .. part"),
            ("x/../../a.pdf", "leads through an empty, . or .. part"),
            ("./a.pdf", "leads through an empty, . or .. part"),
            ("x//a.pdf", "leads through an empty, . or .. part"),
            ("..", "leads through an empty, . or .. part"),
            ("/etc/passwd", "is not a relative path with /"),
            ("C:a.pdf", "is not a relative path with /"),
            ("c:/a.pdf", "is not a relative path with /"),
            ("x\\a.pdf", "is not a relative path with /"),
            ("a\0.pdf", "holds a control character"),
            ("a\n.pdf", "holds a control character"),
            ("a\x7f.pdf", "holds a control character"),
            ("fdp.\u202eexe", "holds a control character"),
            ("a\u200b.pdf", "holds a control character"),
            ("a\ufeff.pdf", "holds a control character"),
            ("a\u0308.pdf", "is not in Unicode form NFC"),
            ("\\\\server\\share\\a.pdf", "is not a relative path with /"),
            ("META-INF/../a.pdf", "leads through an empty, . or .. part"),
            ("a.pdf/.", "leads through an empty, . or .. part"),
            ("a\u2028.pdf", "holds a control character"),
            ("a\ue000.pdf", "holds a control character"),
        ]
    ),
    ("a name in Latin-1", lambda: named(b"\xe6.pdf"), Refusal.NAME, NAME.format("is not UTF-8 marked as such")),
    (
        "a name in UTF-8 without the flag",
        lambda: named("æ.pdf", flags=DOTNET_FLAGS),
        Refusal.NAME,
        NAME.format("is not UTF-8 marked as such"),
    ),
    ("an overlong name encoding", lambda: named(b"\xc0\xae\xc0\xae/a.pdf"), Refusal.NAME, NAME.format("is not UTF-8 marked as such")),
    *(
        (
            f"the names {first} and {second}",
            lambda first=first, second=second: build_zip(Archive(entries=[Entry(name=first), Entry(name=second)])),
            Refusal.NAME,
            SAME_NAME,
        )
        for first, second in [
            ("a.pdf", "a.pdf"),
            ("a.pdf", "A.PDF"),
            ("straße.pdf", "STRASSE.pdf"),
            ("ﬁle.pdf", "file.pdf"),
            ("manifest.xml", "MANIFEST.xml"),
            ("ａ.pdf", "a.pdf"),
            ("ſ.pdf", "s.pdf"),
            ("Ⅳ.pdf", "IV.pdf"),
            ("META-INF/signatures.xml", "meta-inf/SIGNATURES.xml"),
        ]
    ),
]
