"""
How ASN.1 values are written as DER, for the few structures that no library in use builds: CMS signatures and time-stamps.

Source: ITU-T X.690. Writing only: bytes in, bytes out, no shared objects, so it is safe in any thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

NULL = b"\x05\x00"
TRUE = b"\x01\x01\xff"


def value(tag: int, *parts: bytes) -> bytes:
    """Return tag, length and the joined parts."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    return value(0x30, *parts)


def set_of(parts: Iterable[bytes]) -> bytes:
    """Return a SET OF in DER's order: the encodings sorted."""
    return value(0x31, *sorted(parts))


def integer(number: int) -> bytes:
    size = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return value(0x02, number.to_bytes(size, "big", signed=True))


def octet_string(content: bytes) -> bytes:
    return value(0x04, content)


def object_identifier(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    encoded = bytearray()
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | (arc & 0x7F))
        encoded += bytes(reversed(septets))
    return value(0x06, bytes(encoded))


def utf8_string(text: str) -> bytes:
    return value(0x0C, text.encode())


def bit_string_of_flag(bit: int) -> bytes:
    """Return a named-bit BIT STRING with only `bit` set, without trailing zero bits (X.690, 11.2.2)."""
    size = bit // 8 + 1
    content = bytearray(size)
    content[-1] = 0x80 >> (bit % 8)
    return value(0x03, bytes((7 - bit % 8,)), bytes(content))


def generalized_time(instant: datetime) -> bytes:
    """Return whole seconds in UTC."""
    return value(0x18, instant.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def tagged(number: int, *parts: bytes) -> bytes:
    """Return a constructed context-specific value: EXPLICIT, or IMPLICIT over something constructed."""
    return value(0xA0 | number, *parts)


def algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    return sequence(object_identifier(dotted), parameters)
