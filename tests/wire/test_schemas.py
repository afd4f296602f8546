"""Our own schemas beside the public examples, and at the places where the two flows differ (wire-spec.md 6, 7 and 12.3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from segl.wire.direct_job import parse_manifest, parse_request, parse_signer_update
from segl.wire.reading import schema
from segl.xml.parsing import parse
from segl.xml.schema import SchemaViolated
from wire.wire_xml import NAMESPACE, java_form, reference_folder, request

EXAMPLES = reference_folder() / "examples"
FLOWS = ("direct", "portal")
FOUND = sorted(path for flow in FLOWS for path in (EXAMPLES / flow).rglob("*.xml")) if EXAMPLES.is_dir() else []
ABSENT = pytest.param(EXAMPLES, id="absent", marks=pytest.mark.skip(f"the public examples are not at {EXAMPLES}: set SEGL_REFERENCE"))
ALL = [pytest.param(path, id=str(path.relative_to(EXAMPLES))) for path in FOUND] or [ABSENT]
DIRECT = [pytest.param(path, id=str(path.relative_to(EXAMPLES))) for path in FOUND if "direct" in path.relative_to(EXAMPLES).parts] or [
    ABSENT
]


def portal_manifest(signers: str, *, after: str = "") -> bytes:
    return request(
        f"<signers>{signers}</signers><sender><organization-number>123456789</organization-number></sender><title>T</title>"
        '<documents><document href="a.pdf" mime="application/pdf"><title>A</title></document></documents>' + after,
        root="portal-signature-job-manifest",
    )


def portal_signer(
    *,
    order: str = "",
    who: str = "<identified-by-contact-information/>",
    told: str = '<notifications><email address="a@b"/></notifications>',
) -> str:
    return f"<signer{order}>{who}{told}</signer>"


def validate(xml: bytes) -> None:
    schema().validate(parse(xml, what="message"), what="message")


def test_the_public_examples_are_there() -> None:
    if not EXAMPLES.is_dir():
        pytest.skip(f"the public examples are not at {EXAMPLES}: set SEGL_REFERENCE")
    assert len(FOUND) == 21


class TestAPublicExample:
    @pytest.mark.requirement("R26")
    @pytest.mark.parametrize("path", ALL)
    def test_follows_our_schema(self, path: Path) -> None:
        validate(path.read_bytes())

    @pytest.mark.requirement("R26", "R28")
    @pytest.mark.parametrize("path", ALL)
    def test_follows_our_schema_in_javas_namespaces(self, path: Path) -> None:
        xml = etree.tostring(parse(path.read_bytes(), what="example"), encoding="unicode")

        validate(java_form(f"<?xml version='1.0'?>{xml}".encode()))

    @pytest.mark.requirement("R25", "R26")
    @pytest.mark.parametrize("path", DIRECT)
    def test_of_a_sender_in_the_direct_flow_is_read(self, path: Path) -> None:
        xml = path.read_bytes()
        if path.name == "request.xml":
            assert parse_request(xml, is_sandbox=False).reference == "123-ABC"
        elif path.name.startswith("manifest"):
            assert str(parse_manifest(xml).sender) == "123456789"
        elif path.name == "signer-update-request.xml":
            parse_signer_update(xml)
        else:
            assert "response" in path.name


class TestAPortalManifest:
    @pytest.mark.requirement("R27")
    @pytest.mark.parametrize("after", ["", "<availability/>", "<availability><available-seconds>0</available-seconds></availability>"])
    @pytest.mark.parametrize("order", ["", ' order="0"', ' order="9"'])
    def test_may_leave_order_and_availability_out(self, order: str, after: str) -> None:
        validate(portal_manifest(portal_signer(order=order), after=after))

    @pytest.mark.requirement("R36")
    def test_may_give_two_signers_one_address_with_different_numbers(self) -> None:
        both = '<notifications><email address="a@b"/><sms number="{}"/></notifications>'

        validate(portal_manifest(portal_signer(told=both.format(1)) + portal_signer(told=both.format(2))))

    @pytest.mark.parametrize("time", ["2026-02-10T12:00:00", "2026-02-10T12:00:00Z", "2026-02-10T12:00:00.1234567+01:00"])
    def test_may_write_its_activation_time_with_or_without_offset(self, time: str) -> None:
        validate(portal_manifest(portal_signer(), after=f"<availability><activation-time>{time}</activation-time></availability>"))

    @pytest.mark.requirement("R29")
    @pytest.mark.parametrize(
        ("xml", "element"),
        [
            (portal_manifest(portal_signer(order=' order="10"')), "order"),
            (portal_manifest(portal_signer(order=' order="-1"')), "order"),
            (portal_manifest(portal_signer() * 11), "signer"),
            (portal_manifest(""), "signers"),
            (portal_manifest(portal_signer(told="")), "signer"),
            (portal_manifest(portal_signer(told="<notifications/>")), "notifications"),
            (portal_manifest(portal_signer(told="<notifications-using-lookup><sms/></notifications-using-lookup>")), "sms"),
            (portal_manifest(portal_signer(told='<notifications><sms number="1"/><email address="a"/></notifications>')), "email"),
            (portal_manifest(portal_signer(who="<signer-identifier>x</signer-identifier>")), "signer-identifier"),
            (
                portal_manifest(portal_signer(), after="<availability><available-seconds>-1</available-seconds></availability>"),
                "available-seconds",
            ),
            (
                portal_manifest(portal_signer(), after="<availability><activation-time>tomorrow</activation-time></availability>"),
                "activation-time",
            ),
            (request("<exit-urls/>", root="portal-signature-job-request"), "exit-urls"),
            (request(f"<reference>{'x' * 51}</reference>", root="portal-signature-job-request"), "reference"),
        ],
    )
    def test_beyond_a_limit_is_refused(self, xml: bytes, element: str) -> None:
        with pytest.raises(SchemaViolated, match=element):
            validate(xml)


class TestAResponse:
    @pytest.mark.requirement("R108")
    @pytest.mark.parametrize("name", ["signature-job-status", "status"])
    def test_has_one_of_three_job_statuses(self, name: str) -> None:
        flow = "direct-signature-job-status-response" if name == "signature-job-status" else "portal-signature-job-status-change-response"
        xml = request(f"<signature-job-id>1</signature-job-id><{name}>CANCELLED</{name}>", root=flow)

        with pytest.raises(SchemaViolated, match=name):
            validate(xml)

    @pytest.mark.requirement("R109")
    def test_of_ours_never_holds_an_element_the_public_schema_does_not_know(self) -> None:
        xml = request(
            "<signature-job-id>1</signature-job-id><cancellation-url>https://a</cancellation-url><news/>",
            root="portal-signature-job-response",
        )

        with pytest.raises(SchemaViolated, match="news"):
            validate(xml)

    def test_stands_in_the_wires_namespace(self) -> None:
        assert NAMESPACE == "http://signering.posten.no/schema/v1"
