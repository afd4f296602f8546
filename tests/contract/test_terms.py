"""What public and private senders may ask for (wire-spec.md 19)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from support.running_segl import RunningSegl
from wire.wire_xml import AGENT, BUYER, custom_signer, signer

from .conftest import caller
from .sending import CONTRACT, Draft, create, send
from .speaking import Answer

ADVANCED, AUTHENTICATED = (
    f"<signature-type>{kind}</signature-type>" for kind in ("ADVANCED_ELECTRONIC_SIGNATURE", "AUTHENTICATED_ELECTRONIC_SIGNATURE")
)
NUMBER, BIRTH, NAME = (
    f"<identifier-in-signed-documents>{value}</identifier-in-signed-documents>"
    for value in ("PERSONAL_IDENTIFICATION_NUMBER_AND_NAME", "DATE_OF_BIRTH_AND_NAME", "NAME")
)
LEVEL_3, LEVEL_4 = (f"<required-authentication>{level}</required-authentication>" for level in (3, 4))
TWO = {"0000.pdf": CONTRACT, "0001.pdf": CONTRACT}
PUBLIC, PRIVATE = "public-sender", "private-sender"
KNOWN, CUSTOM = signer(BUYER), custom_signer("kunde 7")


def known(kind: str) -> str:
    return signer(BUYER, more=kind)


def evidence_of(answer: Answer) -> dict[str, Any]:
    """Return the evidence that is signed in a XAdES."""
    for signed in answer.xml.iter("{http://www.w3.org/2000/09/xmldsig#}Object"):
        text = (signed.text or "").strip()
        if signed.get("Encoding", "").endswith("base64"):
            text = base64.b64decode(text).decode()
        if text.startswith("{"):
            return dict(json.loads(text))
    raise AssertionError("no evidence in the XAdES")


class TestASender:
    @pytest.mark.requirement("R92")
    @pytest.mark.parametrize(
        ("draft", "code"),
        [
            (Draft(signers=[known(AUTHENTICATED)]), "SIGNATURE_TYPE_NOT_ALLOWED"),
            (Draft(signers=[KNOWN, signer(AGENT, more=AUTHENTICATED)]), "SIGNATURE_TYPE_NOT_ALLOWED"),
            (Draft(signers=[KNOWN], terms=LEVEL_3), "SIGNATURE_TYPE_NOT_ALLOWED"),
            (Draft(signers=[KNOWN], terms=NAME), "FEATURE_NOT_AVAILABLE"),
        ],
        ids=["authenticated", "one authenticated", "level 3", "name only"],
    )
    def test_that_is_private_may_not(self, segl: RunningSegl, draft: Draft, code: str) -> None:
        create(caller(segl, PRIVATE), draft).refuses(403 if code == "FEATURE_NOT_AVAILABLE" else 400, code)

    @pytest.mark.requirement("R92")
    @pytest.mark.parametrize(
        "draft",
        [
            Draft(signers=[KNOWN]),
            Draft(signers=[known(ADVANCED)], terms=LEVEL_4 + NUMBER),
            Draft(signers=[CUSTOM], terms=BIRTH),
            Draft(signers=[CUSTOM]),
            Draft(signers=[KNOWN], files=TWO),
        ],
    )
    def test_that_is_private_may(self, segl: RunningSegl, draft: Draft) -> None:
        assert create(caller(segl, PRIVATE), draft).status == 200

    @pytest.mark.requirement("R93")
    @pytest.mark.parametrize(
        ("draft", "code"),
        [
            (Draft(signers=[known(ADVANCED)], terms=BIRTH), "INVALID_IDENTIFIER"),
            (Draft(signers=[known(ADVANCED)], terms=NAME), "INVALID_IDENTIFIER"),
            (Draft(signers=[known(ADVANCED)], files=TWO), "SIGNATURE_TYPE_NOT_ALLOWED"),
        ],
        ids=["date of birth", "name", "two documents"],
    )
    def test_that_is_public_may_not_with_an_advanced_signature(self, segl: RunningSegl, draft: Draft, code: str) -> None:
        create(caller(segl, PUBLIC), draft).refuses(400, code)

    @pytest.mark.requirement("R93")
    @pytest.mark.parametrize(
        "draft",
        [
            Draft(signers=[KNOWN]),
            Draft(signers=[KNOWN], terms=LEVEL_3),
            Draft(signers=[KNOWN], terms=BIRTH),
            Draft(signers=[KNOWN], terms=NAME),
            Draft(signers=[KNOWN], files=TWO),
            Draft(signers=[known(ADVANCED)], terms=LEVEL_3 + NUMBER),
            Draft(signers=[CUSTOM]),
        ],
    )
    def test_that_is_public_may(self, segl: RunningSegl, draft: Draft) -> None:
        assert create(caller(segl, PUBLIC), draft).status == 200

    @pytest.mark.requirement("R94")
    @pytest.mark.parametrize("role", [PUBLIC, PRIVATE])
    @pytest.mark.parametrize("signers", [[CUSTOM], [KNOWN, CUSTOM]])
    def test_may_not_show_the_number_of_somebody_it_did_not_address_by_number(
        self, segl: RunningSegl, role: str, signers: list[str]
    ) -> None:
        create(caller(segl, role), Draft(signers=signers, terms=NUMBER)).refuses(400, "INVALID_IDENTIFIER")


class TestADefault:
    @pytest.mark.requirement("R92", "R93")
    @pytest.mark.parametrize(("role", "kind"), [(PRIVATE, "ADVANCED"), (PUBLIC, "AUTHENTICATED")])
    def test_signature_is_that_of_the_sector_at_level_4(self, segl: RunningSegl, people: list[str], role: str, kind: str) -> None:
        job = send(caller(segl, role), Draft(signers=[signer(people[0])]))
        job.token(people[0])

        evidence = evidence_of(job.api.get(f"{job.address}/xades/1"))

        assert kind in evidence["how"]["signatureType"]
        assert evidence["how"]["level"] == 4
