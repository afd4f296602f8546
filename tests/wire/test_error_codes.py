"""Errors as the clients act on them: XML of one shape, one HTTP status a code (wire-spec.md 15)."""

from __future__ import annotations

import pytest
from lxml import etree

from segl.wire.errors import MAX_MESSAGE_CHARACTERS, ErrorCode, RequestRefused, error_xml, reference
from segl.wire.reading import schema
from wire.wire_xml import NAMESPACE

# wire-spec.md 15, row by row; the clients tie exceptions to these very pairs.
STATUSES = {
    "NOT_AUTHORIZED": 403,
    "BROKER_NOT_AUTHORIZED": 403,
    "INVALID_STATUS_QUERY_TOKEN": 403,
    "SIGNING_CEREMONY_NOT_COMPLETED": 404,
    "SCHEMA_VALIDATION_ERROR": 400,
    "ASICE_VALIDATION_FAILED": 400,
    "FEATURE_NOT_AVAILABLE": 403,
    "ARCHIVED_DOCUMENT_NOT_FOUND": 404,
    "JOB_ALREADY_COMPLETED": 409,
    "TOO_EAGER_POLLING": 429,
    "RATE_LIMITED": 429,
    "SIGNATURE_JOB_NOT_FOUND": 404,
    "SENDER_MISMATCH": 400,
    "DOCUMENT_REJECTED": 400,
    "DOCUMENTS_TOO_LARGE": 400,
    "INVALID_AVAILABILITY": 400,
    "INVALID_SIGNER": 400,
    "INVALID_IDENTIFIER": 400,
    "SIGNATURE_TYPE_NOT_ALLOWED": 400,
    "LOOKUP_NOT_ALLOWED": 400,
    "DOCUMENTS_NOT_DELETABLE": 409,
    "SIGNER_NOT_WAITING": 409,
    "REQUEST_TOO_LARGE": 413,
    "INTERNAL_ERROR": 500,
    "UNAVAILABLE": 503,
}


def fields(xml: bytes) -> dict[str, str]:
    root = etree.fromstring(xml)
    assert root.tag == f"{{{NAMESPACE}}}error"
    return {etree.QName(element).localname: element.text or "" for element in root}


class TestAnErrorCode:
    @pytest.mark.requirement("R54")
    @pytest.mark.parametrize(("code", "status"), STATUSES.items())
    def test_has_the_status_that_the_clients_expect(self, code: str, status: int) -> None:
        assert ErrorCode(code).status == status

    @pytest.mark.parametrize("code", ErrorCode)
    def test_says_when_it_comes_and_what_to_do(self, code: ErrorCode) -> None:
        assert code.value == code.name
        assert code.when.endswith(".")
        assert code.remedy.endswith(".")
        assert "|" not in code.when + code.remedy

    def test_is_the_callers_to_mend_below_500_and_ours_from_there(self) -> None:
        assert {code.error_type for code in ErrorCode if code.status < 500} == {"CLIENT"}
        assert {code.error_type for code in ErrorCode if code.status >= 500} == {"SERVER"}


class TestAnError:
    @pytest.mark.requirement("R81", "R23")
    @pytest.mark.parametrize("code", ErrorCode)
    def test_is_valid_xml_with_its_three_elements_in_order(self, code: ErrorCode) -> None:
        xml = error_xml(code, "The job is gone. Make another.")

        schema().validate(etree.fromstring(xml), what="error")
        assert list(fields(xml).items()) == [
            ("error-code", code.name),
            ("error-message", "The job is gone. Make another."),
            ("error-type", code.error_type),
        ]
        assert xml.startswith(
            b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<error xmlns="http://signering.posten.no/schema/v1">'
        )

    @pytest.mark.requirement("R81")
    @pytest.mark.parametrize(
        ("message", "shown"),
        [
            ("two\nlines\r\n and\ttabs ", "two lines and tabs"),
            ("<b>&amp;]]>", "<b>&amp;]]>"),
            ("nul\x00 escape\x1b surrogate\ud800 \uffff", "nul\ufffd escape\ufffd surrogate\ufffd \ufffd"),
            ("blåbær 🫐", "blåbær 🫐"),
            ("", ErrorCode.NOT_FOUND.when),
            ("x" * 5000, "x" * (MAX_MESSAGE_CHARACTERS - 1) + "…"),
        ],
    )
    def test_is_written_whatever_its_message_holds(self, message: str, shown: str) -> None:
        assert fields(error_xml(ErrorCode.NOT_FOUND, message))["error-message"] == shown

    def test_is_what_a_refused_request_turns_into(self) -> None:
        refused = RequestRefused(ErrorCode.SENDER_MISMATCH, "The sender differs. Use one.")

        assert (refused.code, refused.status, str(refused)) == (ErrorCode.SENDER_MISMATCH, 400, "The sender differs. Use one.")


class TestTheReferencePage:
    def test_has_one_row_a_code(self) -> None:
        page = reference()

        for code in ErrorCode:
            assert page.count(f"| {code.status} | `{code.name}` | {code.when} | {code.remedy} |\n") == 1
        assert page.startswith("# Error codes\n\n")
