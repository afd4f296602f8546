"""Rows of bombs, of two archives in one, of headers that tell different stories, and all rows of refused archives together."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from functools import cache

from segl.asice.refusal import Refusal
from segl.asice.zip_file import MAX_EXPANDED_BYTES

from .zip_builder import DOTNET_FLAGS, STORED, Archive, Entry, build_zip
from .zip_rows import (
    DAMAGED,
    DESCRIPTOR_DIFFERS,
    ENCRYPTED,
    END_MISSES,
    HEADERS_AND_NAMES,
    HOLDS,
    LOCAL_DIFFERS,
    NO_ARCHIVE,
    OVERLAP,
    PLAIN,
    SAME_NAME,
    TWO_WAYS,
    ZIP64_EXTRA,
    A,
    B,
    Told,
    ZipRow,
    deflated,
    extra,
    one,
    two,
)


@cache
def deflated_zeros(mebibytes: int) -> bytes:
    """Return zeros deflated, without the work of deflating all of them."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    one_mebibyte = deflater.compress(bytes(1_048_576)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return one_mebibyte * mebibytes + deflater.flush()


def bomb(mebibytes: int, *, told: int, **more: object) -> Entry:
    """Return an entry of so many MiB of zeros that tells everywhere that it has `told` bytes."""
    sizes = {"expanded_bytes": told}
    return Entry(name="a.pdf", flags=DOTNET_FLAGS, packed=deflated_zeros(mebibytes), local=sizes, central=sizes, **more)  # type: ignore[arg-type]


def kernel_of_many(count: int) -> bytes:
    """Return an archive of `count` records that all point at the first entry."""
    entries = [Entry(name=f"{number}.pdf", content=b"x", flags=DOTNET_FLAGS) for number in range(count)]
    return build_zip(Archive(entries=entries, shared_local=True))


def folder(name: str = "META-INF/", content: bytes = b"", **central: int) -> Entry:
    return Entry(name=name, content=content, method=STORED, flags=DOTNET_FLAGS, central=central)


TRICKS: list[Told] = [
    # -- bombs ---------------------------------------------------------------------------------------------------------
    (
        "a bomb of a gigabyte that says so",
        lambda: one(bomb(1024, told=1 << 30)),
        Refusal.TOO_LARGE,
        "The bundle expands to more than 11534336 bytes. Send fewer or smaller documents.",
    ),
    ("a bomb of a gigabyte that says it is a byte", lambda: one(bomb(1024, told=1)), Refusal.DAMAGED, DAMAGED.format(1)),
    (
        "a bomb of a gigabyte that says it is as large as may be",
        lambda: one(bomb(1024, told=MAX_EXPANDED_BYTES)),
        Refusal.DAMAGED,
        DAMAGED.format(1),
    ),
    (
        "a bomb that says it is four gigabytes",
        lambda: one(bomb(1, told=0xFFFFFFFE)),
        Refusal.TOO_LARGE,
        "The bundle expands to more than 11534336 bytes. Send fewer or smaller documents.",
    ),
    (
        "a bomb whose checksum lies",
        lambda: one(replace(PLAIN, content=b"x" * 5_000, packed=deflated(bytes(range(256)) * 20), local={"crc": 0}, central={"crc": 0})),
        Refusal.DAMAGED,
        DAMAGED.format(1),
    ),
    ("twenty-five records of one kernel", lambda: kernel_of_many(25), Refusal.ZIP_DISAGREES, OVERLAP),
    (
        "sixty-five thousand entries that are not there",
        lambda: two(end={"count": 65_534, "count_here": 65_534}),
        Refusal.TOO_LARGE,
        "The bundle holds 65534 entries; between 1 and 25 are allowed. Send fewer documents.",
    ),
    (
        "twenty-six entries of which the end record tells twenty-five",
        lambda: build_zip(Archive(entries=[Entry(name=f"{n}.pdf") for n in range(26)], end={"count": 25, "count_here": 25})),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("bytes follow the last record of the central directory"),
    ),
    # -- two archives in one -------------------------------------------------------------------------------------------
    ("an archive behind another", lambda: one(PLAIN) + two(), Refusal.ZIP_DISAGREES, END_MISSES),
    (
        "an archive behind another with true offsets",
        lambda: two(prefix=one(PLAIN), end={"offset": len(one(PLAIN)) + len(two()) - 22 - 102}),
        Refusal.ZIP_DISAGREES,
        OVERLAP,
    ),
    (
        "two central directories",
        lambda: two(before_directory=two()[-22 - 102 : -22]),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("bytes stand between the last entry and the central directory"),
    ),
    (
        "a second end record inside the directory",
        lambda: two(after_directory=two()[-22:]),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("bytes follow the last record of the central directory"),
    ),
    ("a PDF that is an archive too", lambda: two(prefix=b"%PDF-1.7\n"), Refusal.NOT_A_ZIP, NO_ARCHIVE),
    ("an archive with a byte order mark", lambda: b"\xef\xbb\xbf" + two(), Refusal.NOT_A_ZIP, NO_ARCHIVE),
    ("an archive of several parts", lambda: b"PK\x07\x08" + two(), Refusal.ZIP_DISAGREES, END_MISSES),
    (
        "an end record inside a comment that pretends to be the last",
        lambda: two(suffix=two()[-22:], end={"comment": 22}),
        Refusal.ZIP_DISAGREES,
        END_MISSES,
    ),
    (
        "an end record in a comment that fits the directory",
        lambda: two(suffix=struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, 102 + 22, len(two()) - 22 - 102, 0), end={"comment": 22}),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("bytes follow the last record of the central directory"),
    ),
    (
        "only an end record of a thousand bytes of directory",
        lambda: b"PK\x03\x04" + bytes(996) + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 1000, 0, 0),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("the central directory has no record number 1"),
    ),
    # -- what only one of the two headers says -------------------------------------------------------------------------
    ("a local name with a NUL", lambda: one(replace(A, local={"name": b"a.pdf\0.exe"})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("a local name of other case", lambda: one(replace(A, local={"name": b"A.pdf"})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("a local folder", lambda: one(replace(A, local={"name": b"a.pdf/"})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("a local date", lambda: one(replace(A, local={"date": 0x21})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("encryption in the local header only", lambda: one(replace(A, local={"flags": 0x0809})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    ("encryption in the directory only", lambda: one(replace(A, central={"flags": 0x0809})), Refusal.ZIP_UNSUPPORTED, ENCRYPTED),
    ("the descriptor in the directory only", lambda: one(replace(PLAIN, central={"flags": 8})), Refusal.ZIP_DISAGREES, LOCAL_DIFFERS),
    (
        "zip64 in the local header only",
        lambda: one(replace(A, local={"extra": ZIP64_EXTRA})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("zip64 in the extra field of entry number 1"),
    ),
    (
        "zip64 that lies",
        lambda: one(replace(A, central={"expanded_bytes": 0xFFFFFFFF, "extra": struct.pack("<2HQ", 1, 8, 1 << 40)})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("zip64 in the extra field of entry number 1"),
    ),
    (
        "a zip64 descriptor",
        lambda: build_zip(
            Archive(
                entries=[
                    replace(A, descriptor=None),
                    replace(B, before=struct.pack("<4sL2Q", b"PK\x07\x08", zlib.crc32(A.content), 17, 120)),
                ]
            )
        ),
        Refusal.ZIP_DISAGREES,
        DESCRIPTOR_DIFFERS,
    ),
    (
        "a second comment in the local header only",
        lambda: one(replace(A, local={"extra": extra(0x6375, b"\1....x")})),
        Refusal.ZIP_UNSUPPORTED,
        HOLDS.format("a second comment in the extra field of entry number 1"),
    ),
    (
        "an extra field that reaches out of itself",
        lambda: one(replace(A, local={"extra": struct.pack("<2H", 0x5455, 0xFFFF)})),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("the extra field of entry number 1 is cut off"),
    ),
    (
        "a record longer than the directory",
        lambda: two(directory_order=lambda records: [records[0], records[1][:28] + b"\xff\xff" + records[1][30:]]),
        Refusal.ZIP_DISAGREES,
        TWO_WAYS.format("record number 2 of the central directory is longer than the directory"),
    ),
    # -- kinds of file -------------------------------------------------------------------------------------------------
    *(
        (
            f"a {kind}",
            lambda mode=mode: one(replace(A, central={"attributes": mode << 16})),
            Refusal.ZIP_UNSUPPORTED,
            HOLDS.format("a folder, link or device as entry number 1"),
        )
        for kind, mode in [
            ("pipe", 0o010644),
            ("socket", 0o140644),
            ("block device", 0o060644),
            ("folder by its mode", 0o040755),
            ("link that says it is from DOS", 0o120777),
        ]
    ),
    *(
        (what, lambda entry=entry: one(entry), Refusal.ZIP_UNSUPPORTED, HOLDS.format("a folder, link or device as entry number 1"))
        for what, entry in [
            ("a folder META-INF with contents", folder(content=b"x")),
            ("a folder META-INF that is a link", folder(attributes=0o120777 << 16)),
            ("a folder meta-inf", folder("meta-inf/")),
            ("a folder in META-INF", folder("META-INF/x/")),
            ("a folder with an empty name", folder("/")),
        ]
    ),
    ("the folder META-INF twice", lambda: build_zip(Archive(entries=[folder(), folder()])), Refusal.NAME, SAME_NAME),
    # -- packed data ---------------------------------------------------------------------------------------------------
    (
        "deflated data called stored",
        lambda: one(replace(PLAIN, method=STORED, packed=deflated(A.content))),
        Refusal.DAMAGED,
        DAMAGED.format(1),
    ),
    ("stored data called deflated", lambda: one(replace(PLAIN, packed=A.content)), Refusal.DAMAGED, DAMAGED.format(1)),
    ("a block of no known type", lambda: one(replace(PLAIN, packed=b"\x07" + bytes(20))), Refusal.DAMAGED, DAMAGED.format(1)),
    ("data that point before their beginning", lambda: one(replace(PLAIN, packed=b"\x03\x0a\x00")), Refusal.DAMAGED, DAMAGED.format(1)),
    (
        "no packed data at all",
        lambda: one(replace(PLAIN, packed=b"")),
        Refusal.TOO_LARGE,
        "Entry number 1 in the bundle expands more than 100 times. Store it uncompressed.",
    ),
    (
        "two deflated streams in a row",
        lambda: one(replace(PLAIN, packed=deflated(A.content[:60]) + deflated(A.content[60:]))),
        Refusal.DAMAGED,
        DAMAGED.format(1),
    ),
    ("a zlib header", lambda: one(replace(PLAIN, packed=zlib.compress(A.content))), Refusal.DAMAGED, DAMAGED.format(1)),
]

ROWS = [ZipRow(*row) for row in (*HEADERS_AND_NAMES, *TRICKS)]
