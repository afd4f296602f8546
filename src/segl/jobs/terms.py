"""
The terms of a signature job: which signature types, levels and identifiers a sender may ask for, and what stands when it asks for nothing.

Public and private organizations differ (wire-spec.md 19). The names of the broken rules are the wire's error codes (wire-spec.md 15).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from segl.values import IdentifierFormat, Level, Sector, SignatureType

DIRECT_LIFETIME = timedelta(days=30)
"""A direct job lives 30 days from its creation (wire-spec.md 17)."""


class BrokenRule(StrEnum):
    """Which rule; spelled as the wire's error code."""

    SIGNATURE_TYPE_NOT_ALLOWED = "SIGNATURE_TYPE_NOT_ALLOWED"
    INVALID_IDENTIFIER = "INVALID_IDENTIFIER"
    FEATURE_NOT_AVAILABLE = "FEATURE_NOT_AVAILABLE"


class TermsRefused(Exception):
    """The sender asks for a combination that its sector may not have."""

    def __init__(self, rule: BrokenRule, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSigner:
    """What the terms need to know of one signer."""

    is_known_by_number: bool
    """Addressed by national identity number; otherwise by custom identifier or contact."""
    signature_type: SignatureType | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What stands."""

    level: Level
    identifier_format: IdentifierFormat
    signature_types: tuple[SignatureType, ...]
    """One a signer, in order."""


def required_level(*, job_level: Level, signature_type: SignatureType) -> Level:
    """Return the level a signer must log in at: an advanced signature demands the highest, whatever the job asks."""
    return Level.HIGH if signature_type is SignatureType.ADVANCED else job_level


def settle(
    *,
    sector: Sector,
    may_use_name_only: bool,
    signers: Sequence[AskedSigner],
    document_count: int,
    level: Level | None,
    identifier_format: IdentifierFormat | None,
) -> Terms:
    """
    Return the terms for what was asked; `may_use_name_only` is an option of the organization.

    :raises TermsRefused: if the sector does not allow the combination.
    """
    default_type = SignatureType.AUTHENTICATED if sector is Sector.PUBLIC else SignatureType.ADVANCED
    types = tuple(signer.signature_type or default_type for signer in signers)
    if sector is Sector.PRIVATE:
        _check_private(types=types, level=level, identifier_format=identifier_format, may_use_name_only=may_use_name_only)
    elif SignatureType.ADVANCED in types and document_count > 1:
        raise TermsRefused(
            BrokenRule.SIGNATURE_TYPE_NOT_ALLOWED,
            "A public organization may not ask for an advanced signature on several documents. Send one document a job, "
            "or ask for an authenticated signature.",
        )
    everyone_by_number = all(signer.is_known_by_number for signer in signers)
    chosen = identifier_format or _default_format(
        sector=sector, types=types, everyone_by_number=everyone_by_number, may_use_name_only=may_use_name_only
    )
    if chosen is IdentifierFormat.NATIONAL_IDENTITY_NUMBER_AND_NAME and not everyone_by_number:
        raise TermsRefused(
            BrokenRule.INVALID_IDENTIFIER,
            "The identifier PERSONAL_IDENTIFICATION_NUMBER_AND_NAME needs every signer addressed by personal identification number. "
            "Ask for DATE_OF_BIRTH_AND_NAME or NAME.",
        )
    allowed = {IdentifierFormat.NATIONAL_IDENTITY_NUMBER_AND_NAME, *([IdentifierFormat.NAME] if may_use_name_only else [])}
    if sector is Sector.PUBLIC and SignatureType.ADVANCED in types and chosen not in allowed:
        raise TermsRefused(
            BrokenRule.INVALID_IDENTIFIER,
            "A public organization's advanced signature allows only the identifier PERSONAL_IDENTIFICATION_NUMBER_AND_NAME, "
            "with every signer addressed by personal identification number. Ask for an authenticated signature, or address by number.",
        )
    return Terms(level=level or Level.HIGH, identifier_format=chosen, signature_types=types)


def _check_private(
    *, types: Sequence[SignatureType], level: Level | None, identifier_format: IdentifierFormat | None, may_use_name_only: bool
) -> None:
    if SignatureType.AUTHENTICATED in types:
        raise TermsRefused(
            BrokenRule.SIGNATURE_TYPE_NOT_ALLOWED,
            "A private organization may only ask for ADVANCED_ELECTRONIC_SIGNATURE. Leave signature-type out or set it so.",
        )
    if level is Level.SUBSTANTIAL:
        raise TermsRefused(
            BrokenRule.SIGNATURE_TYPE_NOT_ALLOWED,
            "A private organization may only ask for authentication level 4. Leave required-authentication out or set it to 4.",
        )
    if identifier_format is IdentifierFormat.NAME and not may_use_name_only:
        raise TermsRefused(
            BrokenRule.FEATURE_NOT_AVAILABLE,
            "The identifier NAME is not enabled for this organization. Ask for DATE_OF_BIRTH_AND_NAME, or have the option enabled.",
        )


def _default_format(
    *, sector: Sector, types: Sequence[SignatureType], everyone_by_number: bool, may_use_name_only: bool
) -> IdentifierFormat:
    if everyone_by_number:
        return IdentifierFormat.NATIONAL_IDENTITY_NUMBER_AND_NAME
    if sector is Sector.PUBLIC and SignatureType.ADVANCED in types and may_use_name_only:
        return IdentifierFormat.NAME
    return IdentifierFormat.DATE_OF_BIRTH_AND_NAME
