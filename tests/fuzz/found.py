"""What script/fuzz has found: what it is, the target, and the input, as short as it can be."""

from __future__ import annotations

from asice.enterprise import unreadable_certificates

FOUND: list[tuple[str, str, bytes]] = [
    ("a subject of bits, to which cryptography answers with TypeError", "certificate", unreadable_certificates()["a subject of bits"]),
]
