"""What Segl answers in the direct flow, as both clients need it (wire-spec.md 6.4, 9 and 11)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import etree

from segl.jobs.job import JobStatus, SignerStatus
from segl.values import NationalIdentityNumber, ValueRefused
from segl.wire.direct_job import SignerIdentifier, SignerIdentity
from segl.wire.direct_status import (
    DirectJobCreated,
    DirectJobState,
    DirectSignerState,
    SignerLink,
    job_response,
    signer_response,
    status_response,
)
from segl.wire.errors import ErrorCode, error_xml
from segl.wire.reading import schema
from wire.wire_xml import AGENT, BUYER, NAMESPACE, reference_folder

JOB = "https://localhost:8443/api/123456789/direct/signature-jobs/7"
SINCE = datetime(2026, 1, 23, 11, 51, 43, 123_000, UTC)
# Every text an xs:string can hold comes back unchanged, also where it stands in an attribute.
ODD = 'kundenr: <1337> & "æ"\n\t🫐'

buyer = NationalIdentityNumber(BUYER)
agent = NationalIdentityNumber(AGENT)
clerk = SignerIdentifier("clerk 1")


def link(identity: SignerIdentity, number: int) -> SignerLink:
    return SignerLink(href=f"{JOB}/signers/{number}", identity=identity, redirect_url=f"http://localhost:8000/redirect/token-{number}")


def created(*identities: SignerIdentity, reference: str | None = None, status_url: str | None = f"{JOB}/status") -> DirectJobCreated:
    signers = tuple(link(identity, number) for number, identity in enumerate(identities, start=1))
    return DirectJobCreated(job_id=7, reference=reference, status_url=status_url, signers=signers)


def state(
    *signers: tuple[SignerIdentity, SignerStatus],
    status: JobStatus = JobStatus.IN_PROGRESS,
    reference: str | None = None,
    delete_documents_url: str | None = None,
    pades_url: str | None = None,
) -> DirectJobState:
    return DirectJobState(
        job_id=7,
        reference=reference,
        status=status,
        signers=tuple(
            DirectSignerState(
                identity=identity,
                status=one,
                since=SINCE,
                xades_url=f"{JOB}/xades/{number}" if one is SignerStatus.SIGNED else None,
            )
            for number, (identity, one) in enumerate(signers, start=1)
        ),
        confirmation_url=f"{JOB}/complete/3",
        delete_documents_url=delete_documents_url,
        pades_url=pades_url,
    )


SIGNED, WAITING = SignerStatus.SIGNED, SignerStatus.WAITING
RESPONSES = {
    "one signer": job_response(created(buyer)),
    "two signers, reference, polling": job_response(created(buyer, clerk, reference="Ref 1", status_url=None)),
    "ten signers, empty reference": job_response(created(*(SignerIdentifier(f"{ODD} {n}") for n in range(10)), reference="")),
    "largest id": job_response(DirectJobCreated(job_id=2**63 - 1, reference=None, status_url=None, signers=(link(buyer, 1),))),
    "new redirect URL": signer_response(link(buyer, 1)),
    "new redirect URL, custom": signer_response(link(SignerIdentifier(ODD), 1)),
    "one of two signed": status_response(state((buyer, SIGNED), (clerk, WAITING), pades_url=f"{JOB}/pades", reference="Ref 1")),
    "all signed": status_response(
        state(
            (buyer, SIGNED),
            (SignerIdentifier(ODD), SIGNED),
            status=JobStatus.COMPLETED_SUCCESSFULLY,
            pades_url=f"{JOB}/pades",
            delete_documents_url=f"{JOB}/documents",
        )
    ),
    **{f"signer {one.value}": status_response(state((buyer, one), status=JobStatus.FAILED)) for one in SignerStatus},
    **{f"job {one.value}": status_response(state((buyer, WAITING), status=one)) for one in JobStatus},
    **{f"error {code.value}": error_xml(code, ODD) for code in ErrorCode},
}


def root_of(xml: bytes) -> etree._Element:
    return etree.fromstring(xml)


def texts(root: etree._Element, name: str) -> list[str | None]:
    return [element.text for element in root.findall(f"{{{NAMESPACE}}}{name}")]


def attributes(root: etree._Element, name: str, attribute: str) -> list[str | None]:
    return [element.get(attribute) for element in root.findall(f"{{{NAMESPACE}}}{name}")]


class TestEveryResponse:
    @pytest.mark.requirement("R17", "R52")
    @pytest.mark.parametrize("xml", RESPONSES.values(), ids=RESPONSES.keys())
    def test_follows_our_own_schema(self, xml: bytes) -> None:
        schema().validate(root_of(xml), what="response")

    @pytest.mark.requirement("R17", "R52", "R81")
    @pytest.mark.parametrize("xml", RESPONSES.values(), ids=RESPONSES.keys())
    def test_follows_the_public_schema(self, xml: bytes) -> None:
        folder = reference_folder() / "xsd"
        if not folder.is_dir():
            pytest.skip(f"the public XSDs are not at {folder}: set SEGL_REFERENCE")

        public_schema().assertValid(root_of(xml))

    @pytest.mark.requirement("R108")
    @pytest.mark.parametrize("xml", RESPONSES.values(), ids=RESPONSES.keys())
    def test_is_utf_8_with_one_namespace_and_no_doctype(self, xml: bytes) -> None:
        assert xml.startswith(b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<')
        assert b"<!DOCTYPE" not in xml
        assert xml.count(b"xmlns") == 1
        assert xml.decode("utf-8")

    @pytest.mark.requirement("R22")
    @pytest.mark.parametrize("xml", RESPONSES.values(), ids=RESPONSES.keys())
    def test_holds_bare_addresses_without_query(self, xml: bytes) -> None:
        for element in root_of(xml).iter():
            if etree.QName(element).localname.endswith("-url"):
                assert element.text is not None
                assert element.text.startswith(("https://", "http://"))
                assert not set(element.text) & set(" \n\t?")


_COMPILED: list[etree.XMLSchema] = []


def public_schema() -> etree.XMLSchema:
    """Return the public schema; its files include each other by relative names, and the network is off."""
    if not _COMPILED:
        path = reference_folder() / "xsd" / "direct-and-portal.xsd"
        _COMPILED.append(etree.XMLSchema(etree.parse(str(path), etree.XMLParser(no_network=True))))
    return _COMPILED[0]


class TestTheAnswerToANewJob:
    @pytest.mark.requirement("R17", "R18")
    def test_gives_each_signer_an_address_and_the_same_redirect_url_twice(self) -> None:
        root = root_of(job_response(created(buyer, clerk)))

        assert texts(root, "redirect-url") == ["http://localhost:8000/redirect/token-1", "http://localhost:8000/redirect/token-2"]
        assert attributes(root, "redirect-url", "signer") == [BUYER, "clerk 1"]
        assert attributes(root, "signer", "href") == [f"{JOB}/signers/1", f"{JOB}/signers/2"]
        signers = root.findall(f"{{{NAMESPACE}}}signer")
        assert [etree.QName(child).localname for signer in signers for child in signer] == [
            "personal-identification-number",
            "redirect-url",
            "signer-identifier",
            "redirect-url",
        ]
        assert [child.text for signer in signers for child in signer] == [
            BUYER,
            "http://localhost:8000/redirect/token-1",
            "clerk 1",
            "http://localhost:8000/redirect/token-2",
        ]

    @pytest.mark.requirement("R18")
    def test_names_no_signer_on_the_redirect_url_of_a_single_one(self) -> None:
        assert attributes(root_of(job_response(created(buyer))), "redirect-url", "signer") == [None]

    @pytest.mark.requirement("R19")
    def test_has_a_status_url_unless_the_sender_polls(self) -> None:
        assert texts(root_of(job_response(created(buyer))), "status-url") == [f"{JOB}/status"]
        assert texts(root_of(job_response(created(buyer, status_url=None))), "status-url") == []

    @pytest.mark.requirement("R21")
    @pytest.mark.parametrize(("reference", "written"), [(None, []), ("", [None]), (" Ref & <1>\n", [" Ref & <1>\n"])])
    def test_echoes_the_reference_as_it_was_given(self, reference: str | None, written: list[str | None]) -> None:
        assert texts(root_of(job_response(created(buyer, reference=reference))), "reference") == written
        assert texts(root_of(status_response(state((buyer, WAITING), reference=reference))), "reference") == written

    @pytest.mark.requirement("R22")
    def test_is_not_written_with_an_address_that_clients_cannot_follow(self) -> None:
        with pytest.raises(ValueRefused, match=r"^An address to hand out is not absolute"):
            job_response(created(buyer, status_url=f"{JOB}/status?token=x"))

    def test_hides_tokens_in_repr(self) -> None:
        assert repr(created(buyer)) == "DirectJobCreated(job_id=7, …)"
        assert repr(link(buyer, 1)) == "SignerLink(…)"
        assert repr(state((buyer, WAITING))) == "DirectJobState(job_id=7, status=<JobStatus.IN_PROGRESS: 'IN_PROGRESS'>, …)"


class TestASignersNewRedirectUrl:
    def test_is_answered_in_the_shape_of_the_signer_of_a_new_job(self) -> None:
        alone = root_of(signer_response(link(clerk, 2)))
        within = root_of(job_response(created(buyer, clerk))).findall(f"{{{NAMESPACE}}}signer")[1]

        assert etree.QName(alone).localname == "direct-signer-response"
        assert alone.get("href") == within.get("href") == f"{JOB}/signers/2"
        assert [(child.tag, child.text) for child in alone] == [(child.tag, child.text) for child in within]


class TestAStatus:
    @pytest.mark.requirement("R52")
    def test_after_the_first_of_two_signatures_names_the_signer_everywhere(self) -> None:
        root = root_of(status_response(state((buyer, SIGNED), (clerk, WAITING), pades_url=f"{JOB}/pades")))

        assert [etree.QName(element).localname for element in root] == [
            "signature-job-id",
            "signature-job-status",
            "status",
            "status",
            "confirmation-url",
            "xades-url",
            "pades-url",
        ]
        assert texts(root, "signature-job-status") == ["IN_PROGRESS"]
        assert texts(root, "status") == ["SIGNED", "WAITING"]
        assert attributes(root, "status", "signer") == [BUYER, "clerk 1"]
        assert attributes(root, "status", "since") == ["2026-01-23T12:51:43.123+01:00"] * 2
        assert texts(root, "xades-url") == [f"{JOB}/xades/1"]
        assert attributes(root, "xades-url", "signer") == [BUYER]
        assert texts(root, "confirmation-url") == [f"{JOB}/complete/3"]

    @pytest.mark.requirement("R52")
    def test_names_a_single_signer_too(self) -> None:
        root = root_of(status_response(state((agent, SIGNED), pades_url=f"{JOB}/pades")))

        assert attributes(root, "status", "signer") == attributes(root, "xades-url", "signer") == [AGENT]

    def test_offers_deletion_and_files_only_when_told_so(self) -> None:
        bare = root_of(status_response(state((buyer, SignerStatus.REJECTED), status=JobStatus.FAILED)))

        assert texts(bare, "delete-documents-url") == texts(bare, "pades-url") == texts(bare, "xades-url") == []
        full = root_of(RESPONSES["all signed"])
        assert texts(full, "delete-documents-url") == [f"{JOB}/documents"]
        assert texts(full, "pades-url") == [f"{JOB}/pades"]

    def test_gives_back_every_character_of_a_custom_identifier(self) -> None:
        root = root_of(RESPONSES["all signed"])

        assert attributes(root, "status", "signer")[1] == attributes(root, "xades-url", "signer")[1] == ODD
