"""
The small values every room speaks in: numbers of people and organizations, levels, and the wire's closed sets.

A value with a rule has a type whose constructor refuses; nothing downstream checks again. Personal ones redact themselves in `repr`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

WIRE_NAMESPACE = "http://signering.posten.no/schema/v1"


class ValueRefused(ValueError):
    """A value breaks the rule of its type."""


class Sector(StrEnum):
    """Public and private organizations have different rules (wire-spec.md 19)."""

    PUBLIC = "PUBLIC"
    PRIVATE = "PRIVATE"


class Flow(StrEnum):
    """How the signer comes to us: sent by the sender's own site, or told by us."""

    DIRECT = "DIRECT"
    PORTAL = "PORTAL"


class SignatureType(StrEnum):
    """The wire's `signature-type`."""

    AUTHENTICATED = "AUTHENTICATED_ELECTRONIC_SIGNATURE"
    ADVANCED = "ADVANCED_ELECTRONIC_SIGNATURE"


class Level(IntEnum):
    """Authentication level as the wire's `required-authentication` writes it; levels compare as numbers."""

    SUBSTANTIAL = 3
    HIGH = 4


class IdentifierFormat(StrEnum):
    """The wire's `identifier-in-signed-documents`: how the signer stands in the signed document."""

    NATIONAL_IDENTITY_NUMBER_AND_NAME = "PERSONAL_IDENTIFICATION_NUMBER_AND_NAME"
    DATE_OF_BIRTH_AND_NAME = "DATE_OF_BIRTH_AND_NAME"
    NAME = "NAME"


class OnBehalfOf(StrEnum):
    """The wire's `on-behalf-of`."""

    SELF = "SELF"
    OTHER = "OTHER"


class Language(StrEnum):
    """Languages of everything a person reads."""

    BOKMAL = "nb"
    NYNORSK = "nn"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class OrganizationNumber:
    """Nine digits. The check digit is not enforced: the wire's own test numbers fail it (wire-spec.md 17)."""

    value: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{9}", self.value):
            raise ValueRefused("An organization number has nine digits. Check the number.")

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class NationalIdentityNumber:
    """
    Eleven digits: a birth number, a D-number (day + 40) or a synthetic one (month + 80 or + 40).

    Only the form is enforced, as on the wire (wire-spec.md 17): a number nobody holds simply cannot log in. Never shown in `repr`.
    """

    value: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{11}", self.value):
            raise ValueRefused("A national identity number has eleven digits. Check the number.")

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return "NationalIdentityNumber(…)"

    @property
    def birth_date(self) -> date | None:
        """Return the date of birth that the number tells, or None when its digits name no date."""
        day, month, year = int(self.value[0:2]), int(self.value[2:4]), int(self.value[4:6])
        individual = int(self.value[6:9])
        day -= 40 if day > 40 else 0
        month -= 80 if month > 80 else 40 if month > 40 else 0
        if individual <= 499:
            century = 1900
        elif individual <= 749 and year >= 54:
            century = 1800
        elif year <= 39:
            century = 2000
        elif individual >= 900:
            century = 1900
        else:
            return None
        try:
            return date(century + year, month, day)
        except ValueError:
            return None
