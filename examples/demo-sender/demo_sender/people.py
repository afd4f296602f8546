"""The sandbox's made-up persons and organizations, as Segl's sandbox material lists them in JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class SandboxNotReady(Exception):
    """Segl has not made its sandbox material yet. Start Segl first, with the same SEGL_DATA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone one can be in the demo."""

    number: str = field(repr=False)
    name: str | None
    eids: tuple[str, ...]

    @property
    def shown_name(self) -> str:
        """Return the name, or words for a person whose name the identity provider does not know."""
        return self.name or f"Person uten navn ({self.number[:6]})"


def read_people(sandbox: Path) -> dict[str, Person]:
    """
    Read persons.json, by identity number, in its order.

    :raises SandboxNotReady: if it is not there.
    """
    return {
        row["nationalIdentityNumber"]: Person(number=row["nationalIdentityNumber"], name=row["name"], eids=tuple(row["eids"]))
        for row in _json(sandbox / "persons.json")
    }


def organization_of(sandbox: Path, role: str) -> str:
    """
    Return the organization number of a role in organizations.json.

    :raises SandboxNotReady: if it is not there.
    """
    for row in _json(sandbox / "organizations.json"):
        if row["role"] == role:
            return str(row["organizationNumber"])
    raise SandboxNotReady(f"organizations.json has no {role}.")


def _json(file: Path) -> list[dict[str, Any]]:  # JSON of any shape; what is read from it is made into a Person above
    try:
        return list(json.loads(file.read_bytes()))
    except (OSError, ValueError) as missing:
        raise SandboxNotReady(f"{file} cannot be read. Start Segl first, with the same SEGL_DATA.") from missing
