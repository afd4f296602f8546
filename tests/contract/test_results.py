"""What is signed is fetched: XAdES and sealed PDF, and when documents may be deleted (wire-spec.md 13.3, 13.4, 18)."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pikepdf
import pypdfium2
import pytest
from lxml import etree

from support.running_segl import RunningSegl
from wire.wire_xml import BUYER, custom_signer, signer

from .conftest import caller
from .sending import CONTRACT, DOT_NET_AGENT, JAVA_HEADERS, Draft, Sent, for_one, send
from .speaking import BYTES, XML, Answer, Api, request

DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def signed(private: Api, people: list[str]) -> tuple[Sent, Answer]:
    """A job signed by the first of two and then by the second, and its last status. Nobody changes it."""
    files = {"0000_avtale.pdf": CONTRACT, "vilkår.txt": "Vilkår på norsk\n".encode()}
    job = send(private, Draft(signers=[signer(people[0]), signer(people[1])], files=files))
    job.token(people[0])
    return job, job.status(job.token(people[1]))


class TestASealedPdf:
    @pytest.mark.requirement("R78")
    @pytest.mark.parametrize(
        "headers",
        [
            [("Accept", "application/octet-stream, application/xml"), *JAVA_HEADERS],
            [("Accept", "application/xml, application/octet-stream"), DOT_NET_AGENT],
            [],
            [("Accept", "application/pdf")],
            [("Accept", "application/octet-stream, application/pdf"), ("Accept-Encoding", "br, gzip;q=1.0, *;q=0.1")],
        ],
        ids=["Java", ".NET", "nothing", "pdf", "PHP"],
    )
    def test_comes_as_bytes_of_a_told_length_whatever_is_accepted(
        self, signed: tuple[Sent, Answer], headers: list[tuple[str, str]]
    ) -> None:
        job, status = signed

        answer = job.api.ask(request("GET", status.text("pades-url"), *headers))

        assert (answer.status, answer.header("content-type")) == (200, BYTES)
        assert answer.body.startswith(b"%PDF-1.7")
        assert answer.header("content-length") == str(len(answer.body))

    @pytest.mark.requirement("R105", "R34")
    def test_has_a_front_page_the_originals_footers_and_the_signatures(
        self, signed: tuple[Sent, Answer], people: list[str], segl: RunningSegl
    ) -> None:
        job, status = signed
        content = job.api.get(status.text("pades-url")).body
        names = [str(row["name"]) for row in segl.persons() if row["nationalIdentityNumber"] in people[:2]]

        with pypdfium2.PdfDocument(content) as shown:
            pages = [shown[number].get_textpage().get_text_range() for number in range(len(shown))]
            sizes = [shown[number].get_size() for number in range(len(shown))]
        with pikepdf.open(io.BytesIO(content)) as opened:
            attached = {name: opened.attachments[name].get_file().read_bytes() for name in opened.attachments}

        assert len(pages) == 3
        assert all(name in pages[0] for name in names)
        assert "Avtale" in pages[1]
        assert "Vilkår på norsk" in pages[2]
        assert all(name in page for name in names for page in pages[1:])
        assert all(size == pytest.approx((595.276, 841.89), abs=1) for size in sizes)
        originals = {CONTRACT, "Vilkår på norsk\n".encode()}
        assert originals <= set(attached.values())
        xades = {job.api.get(url).body for url in status.texts("xades-url")}
        assert xades <= set(attached.values())
        assert job.api.sender not in "".join(pages)
        assert "Nordlys" not in "".join(pages)

    @pytest.mark.requirement("R78", "R82")
    def test_is_not_there_before_somebody_has_signed(self, public: Api) -> None:
        public.get(f"{send(public, for_one(BUYER)).address}/pades").refuses(404, "SIGNATURE_JOB_NOT_FOUND")


class TestASignersXades:
    @pytest.mark.requirement("R79")
    @pytest.mark.parametrize("headers", [[("Accept", XML), *JAVA_HEADERS], [("Accept", f"{XML}, {BYTES}"), DOT_NET_AGENT], []])
    def test_comes_as_xml(self, signed: tuple[Sent, Answer], headers: list[tuple[str, str]]) -> None:
        job, status = signed

        for url in status.texts("xades-url"):
            answer = job.api.ask(request("GET", url, *headers))
            assert (answer.status, answer.header("content-type")) == (200, XML)
            assert etree.QName(answer.xml).localname in {"Signature", "XAdESSignatures"}

    @pytest.mark.requirement("R79")
    def test_is_there_only_for_who_has_signed(self, private: Api, people: list[str]) -> None:
        job = send(private, Draft(signers=[signer(people[0]), custom_signer("kunde 7"), signer(people[1])]))
        job.token("kunde 7")

        assert [private.get(f"{job.address}/xades/{position}").status for position in (1, 2, 3)] == [404, 200, 404]


class TestTheDocuments:
    @pytest.mark.requirement("R76")
    def test_may_be_deleted_only_when_all_have_signed(self, private: Api, people: list[str]) -> None:
        job = send(private, Draft(signers=[signer(people[0]), signer(people[1])]))
        first = job.status(job.token(people[0]))

        assert first.texts("delete-documents-url") == []
        private.delete(f"{job.address}/documents").refuses(409, "DOCUMENTS_NOT_DELETABLE", "all signers")
        assert job.status(job.token(people[1])).text("delete-documents-url") == f"{job.address}/documents"

    @pytest.mark.requirement("R76", "R77")
    def test_are_deleted_a_day_after_the_last_signature_and_not_before(self, own_segl: RunningSegl, people: list[str]) -> None:
        api = caller(own_segl, "public-sender")
        job = send(api, for_one(people[0]))
        token = job.token(people[0])
        status = job.status(token)
        url = status.text("delete-documents-url")

        early = api.delete(url)
        early.refuses(409, "DOCUMENTS_NOT_DELETABLE")
        (signed_at,) = (element.get("since") for element in status.xml if str(element.tag).endswith("}status"))
        earliest = datetime.fromisoformat(str(signed_at)) + timedelta(days=1)
        assert f"{earliest:%Y-%m-%dT%H:%M}" in early.message

        own_segl.move_clock(DAY - 3600)
        api.delete(url).refuses(409, "DOCUMENTS_NOT_DELETABLE")
        assert api.get(status.text("pades-url")).status == 200

        own_segl.move_clock(3600)
        for _ in range(2):
            assert api.delete(url).status == 204

        api.get(status.text("pades-url")).refuses(404, "SIGNATURE_JOB_NOT_FOUND")
        api.get(status.text("xades-url")).refuses(404, "SIGNATURE_JOB_NOT_FOUND")
        after = job.status(token)
        assert after.text("signature-job-status") == "COMPLETED_SUCCESSFULLY"
        assert [after.texts(name) for name in ("delete-documents-url", "xades-url", "pades-url")] == [[], [], []]
        assert api.post(after.text("confirmation-url")).status == 200
