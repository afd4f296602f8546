"""Bytes bent by chance, the same at each run: a poor man's fuzzing, for the suite."""

from __future__ import annotations

import random

SPLICES = (
    b"\r\n",
    b"--",
    b'"',
    b"<",
    b">",
    b"&#0;",
    b"&e;",
    b"<!--",
    b"]]>",
    b"\x00",
    b"\xff",
    b"%",
    b"@",
    b"xn--",
    b"[",
    b":",
    b" ",
    b"\xc3\xb8",
)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return `data` after one to four changes."""
    for _ in range(chance.randrange(1, 5)):
        at, end = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
        match chance.randrange(4):
            case 0:
                data = data[:at] + chance.choice(SPLICES) + data[at:]
            case 1:
                data = data[:at] + data[min(end, at + 8) :]
            case 2:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case _:
                data = data[:end] + data[at:end][:64] + data[end:]
    return data
