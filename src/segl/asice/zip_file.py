"""
A strict reader of ZIP archives: only those that every reader understands alike come through, entirely in memory.

Local headers, data descriptors and central directory must tell one story and fill the file without gaps (reliability.md B-33, B-34); Python's
zipfile is not used because it opens 28 of 35 archives made to be read in two ways. Layout: PKWARE APPNOTE 6.3.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from segl.asice.refusal import BundleRefused, Refusal

MAX_ARCHIVE_BYTES: Final = 14 * 1_048_576  # reliability.md B-33
MAX_ENTRIES: Final = 25  # reliability.md B-33: 20 documents, manifest, signatures, mimetype, two to spare
MAX_EXPANDED_BYTES: Final = 10_485_760 + 1_048_576  # reliability.md B-33
MAX_RATIO: Final = 100  # reliability.md B-33
MAX_NAME_CHARACTERS: Final = 100  # reliability.md B-34

_STORED: Final = 0
_DEFLATED: Final = 8
_FLAG_DESCRIPTOR: Final = 0x0008
_FLAG_UTF_8: Final = 0x0800
_FLAGS_DEFLATE_LEVEL: Final = 0x0006
_NEWEST_VERSION_NEEDED: Final = 20
_REFUSED_EXTRAS: Final = {0x0001: "zip64", 0x7075: "a second name", 0x6375: "a second comment", 0x9901: "encryption", 0x0017: "encryption"}
_UNIX_FILE_TYPES: Final = (0, 0o100000)
_UNIX_FOLDER: Final = 0o040000
_DOS_FOLDER: Final = 0x10
_FOLDER: Final = b"META-INF/"
"""The one folder of a bundle: `zip -r` and others give it an entry of its own, without contents."""

_END: Final = struct.Struct("<4s4H2LH")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_DESCRIPTOR: Final = struct.Struct("<4s3L")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One record of the central directory."""

    raw_name: bytes
    name: str
    version_needed: int
    flags: int
    method: int
    date_time: tuple[int, int]
    crc: int
    packed_bytes: int
    expanded_bytes: int
    local_offset: int


def read_zip(data: bytes) -> dict[str, bytes]:
    """
    Return the contents of the archive by entry name, in its order; names are relative, NFC, and unique without regard to case.

    An empty entry for the folder META-INF is passed over; no other folder may have one.
    Stored and deflated entries are read, with or without data descriptors (the official Java client writes them, reliability.md D4). Never
    more is inflated than the limits allow, whatever the archive says of itself.

    :raises BundleRefused: TOO_LARGE, NOT_A_ZIP, ZIP_UNSUPPORTED, ZIP_DISAGREES, DAMAGED or NAME.
    """
    # (1) The end record stands last and without comment, so there is one place where the central directory can be.
    # (2) The central directory fills exactly the bytes before it; each record is legal in itself.
    # (3) The declared sizes keep the limits, the names the rules.
    # (4) The local entries stand one after the other in the directory's order, from the first byte to the directory, and say the same.
    # (5) Each entry inflates to exactly the declared size and checksum.
    if len(data) > MAX_ARCHIVE_BYTES:
        raise BundleRefused(Refusal.TOO_LARGE, f"The bundle is larger than {MAX_ARCHIVE_BYTES} bytes. Send fewer or smaller documents.")
    directory_offset, count = _read_end(data)  # (1)
    entries = tuple(_read_directory(data, directory_offset, count))  # (2)
    _check_names(entries)  # (3)
    _check_declared_sizes(entries)
    contents: dict[str, bytes] = {}
    position = 0
    for number, entry in enumerate(entries, start=1):
        start, position = _locate(data, entry, number, position, directory_offset)  # (4)
        content = _expand(data, entry, number, start)  # (5)
        if entry.raw_name != _FOLDER:
            contents[entry.name] = content
    if position != directory_offset:
        raise _disagrees("bytes stand between the last entry and the central directory")
    return contents


def _disagrees(what: str) -> BundleRefused:
    return BundleRefused(
        Refusal.ZIP_DISAGREES, f"The bundle's ZIP can be read in two ways: {what}. Build it again with an ordinary ZIP library."
    )


def _unsupported(what: str) -> BundleRefused:
    return BundleRefused(Refusal.ZIP_UNSUPPORTED, f"The bundle's ZIP holds {what}. Build it with plain stored or deflated entries.")


def _read_end(data: bytes) -> tuple[int, int]:
    if len(data) < _END.size or data[:2] != b"PK":
        raise BundleRefused(Refusal.NOT_A_ZIP, "The bundle is not a ZIP archive. Send an ASiC-E container.")
    start = len(data) - _END.size
    signature, disk, directory_disk, count_here, count, size, offset, comment = _END.unpack_from(data, start)
    if signature != b"PK\x05\x06":
        if data.rfind(b"PK\x05\x06") >= 0:
            raise _disagrees("a comment or other bytes follow the end record")
        raise BundleRefused(Refusal.NOT_A_ZIP, "The bundle's ZIP has no end record. Send the whole ASiC-E container.")
    if comment:
        raise _disagrees("the end record says a comment follows, and none does")
    if (
        0xFFFF in (disk, directory_disk, count_here, count)
        or 0xFFFFFFFF in (size, offset)
        or data[start - 20 : start - 16] == b"PK\x06\x07"
    ):
        raise _unsupported("zip64 records")
    if disk or directory_disk or count_here != count:
        raise _unsupported("parts on several disks")
    if offset + size != start:
        raise _disagrees("the central directory does not end where the end record begins")
    if not 1 <= count <= MAX_ENTRIES:
        raise BundleRefused(
            Refusal.TOO_LARGE, f"The bundle holds {count} entries; between 1 and {MAX_ENTRIES} are allowed. Send fewer documents."
        )
    return offset, count


def _read_directory(data: bytes, offset: int, count: int) -> Iterator[_Entry]:
    end = len(data) - _END.size
    for number in range(1, count + 1):
        if offset + _CENTRAL.size > end or data[offset : offset + 4] != b"PK\x01\x02":
            raise _disagrees(f"the central directory has no record number {number}")
        record = _CENTRAL.unpack_from(data, offset)
        _, version, flags, method, time, date, crc, packed, expanded = record[1:10]
        name_length, extra_length, comment_length, disk, _, attributes, local_offset = record[10:]
        raw_name_end = offset + _CENTRAL.size + name_length
        raw_name = data[offset + _CENTRAL.size : raw_name_end]
        offset = raw_name_end + extra_length + comment_length
        if offset > end:
            raise _disagrees(f"record number {number} of the central directory is longer than the directory")
        if comment_length:
            raise _unsupported(f"a comment on entry number {number}")
        _check_extras(data[raw_name_end : raw_name_end + extra_length], number)
        _check_kind(flags, method, version, number)
        if 0xFFFFFFFF in (packed, expanded, local_offset) or disk:
            raise _unsupported(f"zip64 or a second disk in entry number {number}")
        # The upper half of the attributes is a Unix mode whatever system is named: a reader on Unix may obey it.
        unix_type, is_folder = (attributes >> 16) & 0o170000, raw_name.endswith(b"/") or bool(attributes & _DOS_FOLDER)
        is_the_folder = raw_name == _FOLDER and not expanded and unix_type in (0, _UNIX_FOLDER)
        if not is_the_folder and (is_folder or unix_type not in _UNIX_FILE_TYPES):
            raise _unsupported(f"a folder, link or device as entry number {number}")
        yield _Entry(
            raw_name=raw_name,
            name=_decode_name(raw_name, flags, number),
            version_needed=version,
            flags=flags,
            method=method,
            date_time=(time, date),
            crc=crc,
            packed_bytes=packed,
            expanded_bytes=expanded,
            local_offset=local_offset,
        )
    if offset != end:
        raise _disagrees("bytes follow the last record of the central directory")


def _check_kind(flags: int, method: int, version: int, number: int) -> None:
    if flags & 0x2041:
        raise _unsupported(f"encryption in entry number {number}")
    if flags & ~(_FLAG_DESCRIPTOR | _FLAG_UTF_8 | _FLAGS_DEFLATE_LEVEL):
        raise _unsupported(f"unknown flags in entry number {number}")
    if method not in (_STORED, _DEFLATED):
        raise _unsupported(f"compression method {method} in entry number {number}")
    # A stored entry with its size after the data has no end that a streaming reader could find.
    if method == _STORED and flags & _FLAG_DESCRIPTOR:
        raise _unsupported(f"a stored entry with data descriptor as entry number {number}")
    if version > _NEWEST_VERSION_NEEDED:
        raise _unsupported(f"entry number {number}, which needs version {version} of the format")


def _check_extras(extras: bytes, number: int) -> None:
    position = 0
    while position < len(extras):
        if position + 4 > len(extras):
            raise _disagrees(f"the extra field of entry number {number} is cut off")
        kind, length = struct.unpack_from("<2H", extras, position)
        position += 4 + length
        if position > len(extras):
            raise _disagrees(f"the extra field of entry number {number} is cut off")
        if kind in _REFUSED_EXTRAS:
            raise _unsupported(f"{_REFUSED_EXTRAS[kind]} in the extra field of entry number {number}")


def _decode_name(raw_name: bytes, flags: int, number: int) -> str:
    # Without the UTF-8 flag readers disagree on what a byte above 127 means.
    try:
        return raw_name.decode("utf-8" if flags & _FLAG_UTF_8 else "ascii")
    except UnicodeDecodeError as error:
        raise _name_refused(number, "is not UTF-8 marked as such") from error


def _name_refused(number: int, what: str) -> BundleRefused:
    return BundleRefused(Refusal.NAME, f"The name of entry number {number} in the bundle {what}. Give the file a plain name.")


def _check_names(entries: tuple[_Entry, ...]) -> None:
    seen: dict[str, int] = {}
    for number, entry in enumerate(entries, start=1):
        name = entry.name
        if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
            raise _name_refused(number, f"has not 1 to {MAX_NAME_CHARACTERS} characters")
        if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for character in name):
            raise _name_refused(number, "holds a control character")
        if not unicodedata.is_normalized("NFC", name):
            raise _name_refused(number, "is not in Unicode form NFC")
        if "\\" in name or name.startswith("/") or re.match("[A-Za-z]:", name):
            raise _name_refused(number, "is not a relative path with /")
        if entry.raw_name != _FOLDER and any(part in ("", ".", "..") for part in name.split("/")):
            raise _name_refused(number, "leads through an empty, . or .. part")
        key = unicodedata.normalize("NFKC", name).casefold()
        if key in seen:
            raise BundleRefused(
                Refusal.NAME,
                f"Entries number {seen[key]} and {number} in the bundle have the same name. Build it again with one entry a name.",
            )
        seen[key] = number


def _check_declared_sizes(entries: tuple[_Entry, ...]) -> None:
    if sum(entry.expanded_bytes for entry in entries) > MAX_EXPANDED_BYTES:
        raise BundleRefused(
            Refusal.TOO_LARGE, f"The bundle expands to more than {MAX_EXPANDED_BYTES} bytes. Send fewer or smaller documents."
        )
    for number, entry in enumerate(entries, start=1):
        if entry.expanded_bytes > MAX_RATIO * entry.packed_bytes:
            raise BundleRefused(
                Refusal.TOO_LARGE, f"Entry number {number} in the bundle expands more than {MAX_RATIO} times. Store it uncompressed."
            )


def _locate(data: bytes, entry: _Entry, number: int, position: int, directory_offset: int) -> tuple[int, int]:
    """Return where the entry's packed bytes start, and where the next entry must."""
    if entry.local_offset != position:
        raise _disagrees("entries overlap, leave gaps, or stand in another order than in the central directory")
    if position + _LOCAL.size > directory_offset or data[position : position + 4] != b"PK\x03\x04":
        raise _disagrees("an entry of the central directory has no local header")
    version, flags, method, time, date, crc, packed, expanded, name_length, extra_length = _LOCAL.unpack_from(data, position)[1:]
    name_end = position + _LOCAL.size + name_length
    start = name_end + extra_length
    end = start + entry.packed_bytes
    if end > directory_offset:
        raise _disagrees("an entry reaches into the central directory")
    told = (version, flags, method, (time, date), data[position + _LOCAL.size : name_end])
    if told != (entry.version_needed, entry.flags, entry.method, entry.date_time, entry.raw_name):
        raise _disagrees("a local header differs from the central directory")
    _check_extras(data[name_end:start], number)
    facts = (entry.crc, entry.packed_bytes, entry.expanded_bytes)
    if not flags & _FLAG_DESCRIPTOR:
        if (crc, packed, expanded) != facts:
            raise _disagrees("sizes or checksum of a local header differ from the central directory")
        return start, end
    if (crc, packed, expanded) not in ((0, 0, 0), facts):
        raise _disagrees("sizes or checksum of a local header differ from the central directory")
    if end + _DESCRIPTOR.size > directory_offset or _DESCRIPTOR.unpack_from(data, end) != (b"PK\x07\x08", *facts):
        raise _disagrees("a data descriptor differs from the central directory")
    return start, end + _DESCRIPTOR.size


def _expand(data: bytes, entry: _Entry, number: int, start: int) -> bytes:
    packed = data[start : start + entry.packed_bytes]
    if entry.method == _STORED:
        content, is_whole = packed, True
    else:
        inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        try:
            # One byte more than declared is enough to see that the declaration lies, and all that is ever spent on it.
            content = inflater.decompress(packed, entry.expanded_bytes + 1)
        except zlib.error as error:
            raise _damaged(number) from error
        is_whole = inflater.eof and not inflater.unused_data and not inflater.unconsumed_tail
    if not is_whole or len(content) != entry.expanded_bytes or zlib.crc32(content) != entry.crc:
        raise _damaged(number)
    return content


def _damaged(number: int) -> BundleRefused:
    return BundleRefused(Refusal.DAMAGED, f"Entry number {number} in the bundle does not expand to what the archive says. Send it again.")
