"""The documents of an agreement: the contract as a PDF set by typst, and the terms as plain text."""

from __future__ import annotations

import json
import threading
from datetime import date
from pathlib import Path

import typst

from .agreements import Agreement
from .people import Person

ROLES = {"apprentice": "lærlingen", "guardian": "foresatt", "company": "bedriften"}
MONTHS = ("januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember")
TERMS = """Vilkår for læretiden

1. Læretiden er to år. Fravær ut over ti prosent forlenger den.
2. Lærlingen har fem uker ferie i året, som andre ansatte.
3. Bedriften holder verktøy og arbeidstøy.
4. Uenighet tas først opp med faglig leder, så med skolen.

Eksempelskolen er oppdiktet. Vilkårene binder ingen.
"""
_typesetting = threading.Lock()


def contract_pdf(agreement: Agreement, people: dict[str, Person]) -> bytes:
    """Set the contract; the text goes in as data, so nothing anybody wrote is read as typst's language."""
    names = {party.role: people[party.number].shown_name for party in agreement.parties}
    rows = [["Lærling", names["apprentice"]], ["Bedrift", agreement.company], ["Fag", agreement.trade]]
    rows += [["Fra", in_words(agreement.starts)], ["Til", in_words(agreement.ends)]]
    rows += [[ROLES[role].capitalize(), name] for role, name in names.items() if role == "guardian"]
    rows += [["For bedriften", name] for role, name in names.items() if role == "company"]
    signers = " og ".join(ROLES[party.role] for party in agreement.parties)
    data = json.dumps({"rows": rows, "signers": signers}, ensure_ascii=False)
    with _typesetting:
        made = typst.compile(str(Path(__file__).with_name("contract.typ")), format="pdf", sys_inputs={"data": data})
    if not isinstance(made, bytes):
        raise TypeError("typst returned no single PDF")
    return made


def in_words(iso: str) -> str:
    """Write a date as Norwegians do: 3. august 2026."""
    day = date.fromisoformat(iso)
    return f"{day.day}. {MONTHS[day.month - 1]} {day.year}"
