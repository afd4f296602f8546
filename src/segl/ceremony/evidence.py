"""
The evidence of one signature: who signed, when, how, from where, and which intent the log-in covered.

It stands as signed text inside the XAdES and as canonical bytes in the database. Only a job whose identifier is national identity
number + name may show the number or the raw id_token, which contains it; every other evidence holds the token's SHA-256 alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from segl.ceremony.identification import Identification
from segl.ceremony.intent import canonical_json
from segl.values import IdentifierFormat, NationalIdentityNumber, SignatureType

EVIDENCE_VERSION = 1


class WrongPerson(Exception):
    """Somebody other than the addressed signer logged in."""


class NameNotAvailable(Exception):
    """The eID provider gave no name, and a signed document must name its signer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerIdentity:
    """How the signer stands in the signed document, cut down to what the identifier format allows."""

    name: str
    birth_date: date | None
    national_identity_number: NationalIdentityNumber | None


def settle_identity(
    identification: Identification, *, addressed_to: NationalIdentityNumber | None, identifier_format: IdentifierFormat
) -> SignerIdentity:
    """
    Return how the person stands in the document; `addressed_to` is None for a custom identifier, where any person may sign.

    :raises WrongPerson: if the job is addressed to another number.
    :raises NameNotAvailable: if the provider gave no name.
    """
    if addressed_to is not None and identification.national_identity_number != addressed_to:
        raise WrongPerson
    name = " ".join((identification.name or "").split())
    if not name:
        raise NameNotAvailable
    number = identification.national_identity_number
    match identifier_format:
        case IdentifierFormat.NATIONAL_IDENTITY_NUMBER_AND_NAME:
            return SignerIdentity(name=name, birth_date=number.birth_date, national_identity_number=number)
        case IdentifierFormat.DATE_OF_BIRTH_AND_NAME:
            return SignerIdentity(name=name, birth_date=number.birth_date, national_identity_number=None)
        case IdentifierFormat.NAME:
            return SignerIdentity(name=name, birth_date=None, national_identity_number=None)


def evidence_bytes(
    *,
    intent: bytes,
    identity: SignerIdentity,
    identification: Identification,
    signature_type: SignatureType,
    signed_at: datetime,
    ip_address: str,
) -> bytes:
    """Return the canonical evidence of one signature. `intent` is the intent's canonical bytes, kept verbatim so that its hash can be redone."""
    who: dict[str, Any] = {"name": identity.name}  # Any: JSON values
    how: dict[str, Any] = {  # Any: JSON values
        "authenticatedAt": _instant(identification.authenticated_at),
        "eid": identification.eid,
        "issuer": identification.issuer,
        "level": int(identification.level),
        "provider": identification.provider,
        "signatureType": signature_type.value,
    }
    if identity.birth_date is not None:
        who["birthDate"] = identity.birth_date.isoformat()
    if identity.national_identity_number is not None:
        who["nationalIdentityNumber"] = identity.national_identity_number.value
        how["idToken"] = identification.id_token
        how["verifyingKey"] = identification.verifying_key
    else:
        how["idTokenSha256"] = hashlib.sha256(identification.id_token.encode()).hexdigest()
    return canonical_json(
        {
            "evidence": EVIDENCE_VERSION,
            "how": how,
            "intent": intent.decode(),
            "intentSha256": hashlib.sha256(intent).hexdigest(),
            "ipAddress": ip_address,
            "when": _instant(signed_at),
            "who": who,
        }
    )


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
