"""What each test person is good for, read off what persons.json says of them: nothing here is written down twice."""

from __future__ import annotations

from segl.sandbox.material import Person
from segl.sandbox.pages.catalogue import text
from segl.values import Language, Level

LONG_NAME = 60
"""Characters; more than this breaks lines nearly everywhere."""

USUAL_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzæøåABCDEFGHIJKLMNOPQRSTUVWXYZÆØÅ -'.")


def good_for(person: Person, language: Language) -> str:
    """Return one sentence of what can be tried with `person`."""
    words = ", ".join(text(f"person.{key}", language) for key in keys_of(person))
    return words[0].upper() + words[1:]


def keys_of(person: Person) -> tuple[str, ...]:
    """Return the traits of `person` as keys of the catalogue's section `person`."""
    name = person.name or ""
    traits = {
        "d_number": person.national_identity_number.value[0] in "4567",
        "nameless": person.name is None,
        "low": Level.HIGH not in person.levels,
        "long": len(name) > LONG_NAME,
        "letters": not USUAL_LETTERS.issuperset(name),
        "reserved": person.is_reserved,
    }
    return (*(key for key, is_so in traits.items() if is_so), *(() if person.is_reserved else (_contact(person),)))


def _contact(person: Person) -> str:
    match person.email is not None, person.mobile is not None:
        case True, True:
            return "both"
        case True, False:
            return "email"
        case False, True:
            return "mobile"
        case _:
            return "neither"
