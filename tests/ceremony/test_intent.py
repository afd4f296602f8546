"""The signing intent, and the nonce that puts the provider's signature over the documents."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields
from typing import Any

import pytest

from segl.ceremony.intent import SALT_BITS, IntendedDocument, canonical_json, nonce_of
from segl.values import IdentifierFormat, SignatureType

from .builders import intent

CANONICAL = (
    '{"documents":[{"fileName":"læreavtale.pdf","sha256":"' + "aa" * 32 + '"},{"fileName":"vilkår.txt","sha256":"' + "bb" * 32 + '"}],'
    '"identifierFormat":"DATE_OF_BIRTH_AND_NAME","job":40718265,"salt":"' + "0f" * 32 + '",'
    '"signatureType":"AUTHENTICATED_ELECTRONIC_SIGNATURE","signer":1}'
)


class TestASigningIntent:
    def test_is_written_in_these_very_bytes(self) -> None:
        # Whoever holds an old evidence must be able to redo the hash: these bytes may never change.
        assert intent().canonical() == CANONICAL.encode()

    @pytest.mark.parametrize(
        "changes",
        [
            {"job_id": 40718266},
            {"signer": 2},
            {"documents": (IntendedDocument(file_name="læreavtale.pdf", sha256="aa" * 32),)},
            {"documents": tuple(reversed(intent().documents))},
            {"documents": (IntendedDocument(file_name="other.pdf", sha256="aa" * 32), intent().documents[1])},
            {"documents": (IntendedDocument(file_name="læreavtale.pdf", sha256="ab" * 32), intent().documents[1])},
            {"identifier_format": IdentifierFormat.NAME},
            {"signature_type": SignatureType.ADVANCED},
            {"salt": "0e" * 32},
        ],
    )
    def test_has_another_nonce_when_anything_differs(self, changes: dict[str, Any]) -> None:
        assert nonce_of(intent(**changes).canonical()) != nonce_of(intent().canonical())

    def test_covers_each_of_its_fields(self) -> None:
        assert {field.name for field in fields(intent())} == {
            "job_id",
            "signer",
            "documents",
            "identifier_format",
            "signature_type",
            "salt",
        }

    def test_has_a_salt_that_nobody_can_guess(self) -> None:
        assert SALT_BITS >= 128


class TestTheNonce:
    def test_is_the_sha256_in_base64url_without_padding(self) -> None:
        nonce = nonce_of(CANONICAL.encode())
        assert base64.urlsafe_b64decode(nonce + "=") == hashlib.sha256(CANONICAL.encode()).digest()
        assert len(nonce) == 43
        assert set(nonce) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class TestCanonicalJson:
    def test_does_not_depend_on_the_order_of_keys(self) -> None:
        assert canonical_json({"b": 1, "a": {"d": "é", "c": None}}) == '{"a":{"c":null,"d":"é"},"b":1}'.encode()
