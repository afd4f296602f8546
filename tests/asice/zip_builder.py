"""Writes ZIP archives byte by byte, so that every field can lie. The defaults are an archive as Java or .NET writes it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

STORED, DEFLATED = 0, 8
JAVA_FLAGS, DOTNET_FLAGS = 0x0808, 0x0000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry. `local`, `central` and `descriptor` give fields other values than the true ones."""

    name: str | bytes
    content: bytes = b""
    method: int = DEFLATED
    flags: int = JAVA_FLAGS
    packed: bytes | None = None
    """None: deflate or store the content."""
    local: Mapping[str, int | bytes] = field(default_factory=dict)
    central: Mapping[str, int | bytes] = field(default_factory=dict)
    descriptor: Mapping[str, int | bytes] | None = field(default_factory=dict)
    """None: leave it out though the flag says it is there."""
    before: bytes = b""
    """Bytes between the former entry and this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The entries and what stands around them. `directory_order` and `end` give the directory another order and the end record other values."""

    entries: Sequence[Entry]
    before_directory: bytes = b""
    after_directory: bytes = b""
    prefix: bytes = b""
    suffix: bytes = b""
    end: Mapping[str, int] = field(default_factory=dict)
    directory_order: Callable[[list[bytes]], list[bytes]] = list
    shared_local: bool = False
    """True: every record of the directory points at the first entry."""


def build_zip(archive: Archive) -> bytes:
    out = bytearray(archive.prefix)
    records: list[bytes] = []
    first_offset: int | None = None
    for entry in archive.entries:
        out += entry.before
        offset = len(out)
        first_offset = offset if first_offset is None else first_offset
        facts = _facts(entry)
        out += _local(entry, facts) + _packed(entry)
        if entry.flags & 0x0008 and entry.descriptor is not None:
            told = facts | dict(entry.descriptor)
            out += struct.pack("<4s3L", told.get("signature", b"PK\x07\x08"), told["crc"], told["packed_bytes"], told["expanded_bytes"])
        records.append(_central(entry, facts, first_offset if archive.shared_local else offset))
    out += archive.before_directory
    start = len(out)
    for record in archive.directory_order(records):
        out += record
    out += archive.after_directory
    end = {"disk": 0, "directory_disk": 0, "count_here": len(records), "count": len(records), "size": len(out) - start, "offset": start}
    end = end | {"comment": 0} | dict(archive.end)
    out += struct.pack("<4s4H2LH", b"PK\x05\x06", *end.values())
    return bytes(out + archive.suffix)


def _packed(entry: Entry) -> bytes:
    if entry.packed is not None:
        return entry.packed
    if entry.method == DEFLATED:
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        return deflater.compress(entry.content) + deflater.flush()
    return entry.content


def _facts(entry: Entry) -> dict[str, int | bytes]:
    return {
        "version": 20,
        "flags": entry.flags,
        "method": entry.method,
        "time": 0x4A00,
        "date": 0x5A62,
        "crc": zlib.crc32(entry.content),
        "packed_bytes": len(_packed(entry)),
        "expanded_bytes": len(entry.content),
        "name": entry.name.encode() if isinstance(entry.name, str) else entry.name,
        "extra": b"",
    }


def _local(entry: Entry, facts: Mapping[str, int | bytes]) -> bytes:
    hidden = {"crc": 0, "packed_bytes": 0, "expanded_bytes": 0} if entry.flags & 0x0008 else {}
    told = dict(facts) | hidden | dict(entry.local)
    name, extra = told.pop("name"), told.pop("extra")
    signature = told.pop("signature", b"PK\x03\x04")
    return struct.pack("<4s5H3L2H", signature, *told.values(), len(name), len(extra)) + name + extra  # type: ignore[arg-type]  # both bytes


def _central(entry: Entry, facts: Mapping[str, int | bytes], offset: int) -> bytes:
    told = dict(facts) | {"made_by": 20, "comment": b"", "disk": 0, "internal": 0, "attributes": 0, "offset": offset} | dict(entry.central)
    name, extra, comment = (bytes(told.pop(part)) for part in ("name", "extra", "comment"))
    made_by, rest = told.pop("made_by"), [told.pop(part) for part in ("disk", "internal", "attributes", "offset")]
    lengths = (len(name), len(extra), len(comment))
    return struct.pack("<4s6H3L5H2L", b"PK\x01\x02", made_by, *told.values(), *lengths, *rest) + name + extra + comment
