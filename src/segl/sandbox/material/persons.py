"""
The sandbox's persons: made up, with identity numbers that nobody holds (month + 80), check digits right, D-numbers (day + 40) among them.

Each is good for trying something: letters outside ASCII, a very long name, no name at all, a level that is too low, no way to be told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from segl.values import Level, NationalIdentityNumber

EID_LEVELS = {
    "BankID": (Level.SUBSTANTIAL, Level.HIGH),
    "Buypass ID": (Level.HIGH,),
    "Commfides": (Level.HIGH,),
    "MinID": (Level.SUBSTANTIAL,),
}
"""The eIDs of the test provider, and the levels at which one can log in with each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One row of persons.json."""

    national_identity_number: NationalIdentityNumber
    name: str | None
    """None: the identity provider knows no name (SIGNERS_NAME_NOT_AVAILABLE can be tried)."""
    levels: tuple[Level, ...]
    eids: tuple[str, ...]
    email: str | None
    mobile: str | None
    is_reserved: bool
    """Reserved against digital post from the public sector."""

    def eid_for(self, level: Level) -> str:
        """Return the first eID of this person that reaches `level`, or their first one when none does."""
        return next((eid for eid in self.eids if level in EID_LEVELS[eid]), self.eids[0])


def _person(
    number: str, name: str | None, *eids: str, email: str | None = None, mobile: str | None = None, is_reserved: bool = False
) -> Person:
    levels = tuple(sorted({level for eid in eids for level in EID_LEVELS[eid]}))
    return Person(
        national_identity_number=NationalIdentityNumber(number),
        name=name,
        levels=levels,
        eids=eids,
        email=email,
        mobile=mobile,
        is_reserved=is_reserved,
    )


PERSONS = (
    # The first one has level 4: the wire's AutoSign uses her for signers who are not addressed by number (wire-spec.md 2).
    _person(
        "14830750003", "Ingrid Solvang", "BankID", "Buypass ID", "MinID", email="ingrid.solvang@fjordpost.example", mobile="+4700000011"
    ),
    _person("22898410068", "Jonas Myhre", "BankID", "Buypass ID", email="jonas.myhre@fjordpost.example"),
    _person(
        "02929115077", "Amina Warsame Lie", "BankID", "MinID", email="amina.lie@nordpost.example", mobile="+4700000013", is_reserved=True
    ),
    _person("57887940020", "Mikkel Dahl", "BankID"),
    _person("09916800042", "Øyvind Åsgård Nærø", "BankID", "Buypass ID", email="oyvind@naero.example", mobile="+4700000015"),
    _person("27869000065", "Máret Ánne Vuolážjávri", "BankID", "MinID", email="maret@vuolas.example", mobile="+4700000016"),
    _person(
        "03827400024",
        "Anne-Margrethe Karoline Bernhardine von Ringsaker-Hovedgård Fjellheim Østrem-Kvalsvik Bjørnstjernefeldt",
        "BankID",
        "Buypass ID",
        email="anne-margrethe.karoline.bernhardine.ostrem-kvalsvik@langtnavn.example",
        mobile="+4700000017",
    ),
    _person("30888500029", "Torstein Vik", "MinID", email="torstein.vik@fjordpost.example", mobile="+4700000018"),
    _person("18929600017", None, "BankID", "Buypass ID", mobile="+4700000019"),
    _person("65849300053", "Łukasz Żółkiewski", "BankID", "Buypass ID", email="lukasz@zolk.example", mobile="+4700000020"),
    _person("06813100086", "Kåre Bjørnstad", "Commfides", mobile="+4700000021"),
    _person("21907900050", "Guro Ekeland", "BankID", "Buypass ID", email="guro.ekeland@nordpost.example", mobile="+4700000022"),
    _person("49878800094", "Nguyễn Thị Hồng Đặng", "BankID", "MinID", email="hong@dang.example", mobile="+4700000023"),
    _person("11920950096", "Sigrid Øygarden", "BankID", "Buypass ID", email="sigrid@oygarden.example", mobile="+4700000024"),
    _person("08895500004", "Nina Tveit", "Buypass ID", "Commfides", email="nina.tveit@nordpost.example"),
    _person("12848200032", "Per Olav Haugen-Sæter", "BankID", "Buypass ID", email="per.olav@haugen.example", mobile="+4700000026"),
)


def persons_json() -> bytes:
    """Return persons.json."""
    rows = [
        {
            "nationalIdentityNumber": person.national_identity_number.value,
            "name": person.name,
            "levels": [int(level) for level in person.levels],
            "eids": list(person.eids),
            "email": person.email,
            "mobile": person.mobile,
            "reserved": person.is_reserved,
        }
        for person in PERSONS
    ]
    return (json.dumps(rows, ensure_ascii=False, indent=2) + "\n").encode()


def read_persons(path: Path) -> tuple[Person, ...]:
    """Read persons.json."""
    return tuple(
        Person(
            national_identity_number=NationalIdentityNumber(row["nationalIdentityNumber"]),
            name=row["name"],
            levels=tuple(Level(level) for level in row["levels"]),
            eids=tuple(row["eids"]),
            email=row["email"],
            mobile=row["mobile"],
            is_reserved=row["reserved"],
        )
        for row in json.loads(path.read_bytes())
    )
