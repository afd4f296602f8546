"""Intents and log-ins with good values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from segl.ceremony.identification import Identification
from segl.ceremony.intent import IntendedDocument, SigningIntent
from segl.values import IdentifierFormat, Level, NationalIdentityNumber, SignatureType

NUMBER = NationalIdentityNumber("14830750003")
SOMEBODY_ELSE = NationalIdentityNumber("22898410068")
ID_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJwaWQiOiIxNDgzMDc1MDAwMyJ9.c2lnbmF0dXJl"
SIGNED_AT = datetime(2026, 11, 24, 12, 0, 5, 250_999, tzinfo=UTC)


def intent(**changes: Any) -> SigningIntent:
    good = SigningIntent(
        job_id=40718265,
        signer=1,
        documents=(
            IntendedDocument(file_name="læreavtale.pdf", sha256="aa" * 32),
            IntendedDocument(file_name="vilkår.txt", sha256="bb" * 32),
        ),
        identifier_format=IdentifierFormat.DATE_OF_BIRTH_AND_NAME,
        signature_type=SignatureType.AUTHENTICATED,
        salt="0f" * 32,
    )
    return replace(good, **changes)


def identification(**changes: Any) -> Identification:
    good = Identification(
        provider="sandbox",
        eid="BankID",
        level=Level.HIGH,
        national_identity_number=NUMBER,
        name="Ingrid Solvang",
        authenticated_at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
        issuer="http://127.0.0.1:8002/idp",
        id_token=ID_TOKEN,
        verifying_key='{"kty": "RSA"}',
    )
    return replace(good, **changes)
