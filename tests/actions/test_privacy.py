"""A search of everything a job leaves: the national identity number stands only where the identifier asks for it (issue line 21)."""

from __future__ import annotations

import io
import logging
import re
import zlib
from base64 import b64decode

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from segl.actions.read_results import sealed_pdf, xades_of
from segl.database.models import AuditEvent, Signature, WorkItem
from segl.pdf.text import extract_text
from segl.values import Flow
from support.direct_jobs import INGRID, IP_ADDRESS, PUBLIC, Asked, create, visit, work
from support.neighbours import Neighbourhood

PIN = "PERSONAL_IDENTIFICATION_NUMBER_AND_NAME"
TITLE = "Avtale om noe hemmelig"
SPACED = f"{INGRID[:6]} {INGRID[6:]}"


def unpacked(pdf: bytes) -> bytes:
    """Everything in a PDF in one piece: the file, each stream decoded, attachments, strings, and the text that is shown."""
    parts = [pdf, "\n".join(extract_text(pdf)).encode()]
    with pikepdf.open(io.BytesIO(pdf)) as document:
        for item in document.objects:
            if isinstance(item, pikepdf.Stream):
                try:
                    parts.append(item.read_bytes())
                except pikepdf.PdfError:
                    parts.append(item.read_raw_bytes())
            elif isinstance(item, pikepdf.Dictionary):
                parts.append(str(item).encode())
        parts += [attachment.get_file().read_bytes() for attachment in document.attachments.values()]
    return b"\n".join(parts)


def certificates_in(xades: bytes) -> list[x509.Certificate]:
    found = re.findall(rb"<(?:ds:X509Certificate|xades:EncapsulatedX509Certificate)[^>]*>([^<]+)<", xades)
    return [x509.load_der_x509_certificate(b64decode(each)) for each in found]


def with_base64_decoded(content: bytes) -> bytes:
    """The content, and every base64 text in it decoded: a number could hide in a token's segment."""
    texts = re.findall(rb"[A-Za-z0-9+/_-]{16,}={0,2}", re.sub(rb"\s", b"", content))
    decoded = []
    for each in texts:
        plain = each.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        try:
            decoded.append(b64decode(plain + b"=" * (-len(plain) % 4)))
        except ValueError:
            continue
    return content + b"\n".join(decoded)


def signed(near: Neighbourhood, identifier_format: str | None) -> tuple[bytes, bytes]:
    """Return sealed PDF and XAdES of a job that asked for this identifier."""
    job = create(near, Asked(identifier_format=identifier_format, title=TITLE))
    visit(near, job).signs()
    work(near)
    key = {"sender": PUBLIC, "job_id": job.job.pk, "flow": Flow.DIRECT}
    return sealed_pdf(near.ports, **key), xades_of(near.ports, **key, position=1)  # type: ignore[arg-type]


class TestTheIdentityNumber:
    @pytest.mark.parametrize("identifier_format", ["DATE_OF_BIRTH_AND_NAME", "NAME"])
    def test_stands_in_no_artefact_that_does_not_ask_for_it(self, near: Neighbourhood, identifier_format: str) -> None:
        pdf, xades = signed(near, identifier_format)
        token = Signature.objects.get().id_token
        everything = {
            "XAdES": with_base64_decoded(xades),
            "sealed PDF": with_base64_decoded(unpacked(pdf)),
            "certificates": b"".join(c.public_bytes(Encoding.DER) + str(c.subject).encode() for c in certificates_in(xades)),
        }
        for what, content in everything.items():
            for hidden in (INGRID, SPACED, token, *token.split(".")[1:]):
                assert hidden.encode() not in content, what
        assert b"Ingrid Solvang" in everything["XAdES"]
        assert b"Ingrid Solvang" in everything["sealed PDF"]
        row = Signature.objects.get()
        assert row.national_identity_number is None
        assert INGRID.encode() not in bytes(row.evidence)

    def test_stands_in_all_of_them_when_it_is_the_identifier(self, near: Neighbourhood) -> None:
        """The same search finds it, so the search above means something."""
        pdf, xades = signed(near, PIN)
        assert INGRID.encode() in xades
        assert INGRID.encode() in with_base64_decoded(xades).replace(xades, b"")
        assert INGRID.encode() in unpacked(pdf)
        signer = certificates_in(xades)[0]
        assert INGRID in str(signer.subject)

    @pytest.mark.parametrize(("identifier_format", "is_shown"), [("DATE_OF_BIRTH_AND_NAME", True), ("NAME", False)])
    def test_gives_way_to_the_birth_date_only_where_that_is_asked_for(
        self, near: Neighbourhood, identifier_format: str, is_shown: bool
    ) -> None:
        pdf, xades = signed(near, identifier_format)
        assert (b"2007-03-14" in xades) is is_shown
        assert ("14.03.2007" in "\n".join(extract_text(pdf))) is is_shown


class TestTheSender:
    @pytest.mark.requirement("R105")
    def test_stands_nowhere_in_the_sealed_pdf(self, near: Neighbourhood) -> None:
        pdf, _ = signed(near, PIN)
        for hidden in (b"Fjordvik", PUBLIC.encode(), b"sender.example"):
            assert hidden not in unpacked(pdf)


class TestTheLog:
    def test_names_nobody(self, near: Neighbourhood, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
        caplog.set_level(logging.DEBUG)
        job = create(near, Asked(title=TITLE, reference="sak-4711"))
        visitor = visit(near, job)
        visitor.signs(person="22898410068")
        near.switches.time_stamps_down = True
        visitor.signs()
        near.switches.time_stamps_down = False
        visitor.signs()
        near.switches.time_stamps_down = True
        work(near)
        near.switches.time_stamps_down = False
        near.clock.move(minutes=1)
        work(near)
        visitor.leaves()

        out, err = capsys.readouterr()
        told = out + err + caplog.text + str([record.__dict__ for record in caplog.records])
        signature = Signature.objects.get()
        hidden = [
            INGRID,
            "22898410068",
            "Ingrid",
            "Myhre",
            TITLE,
            "avtale.pdf",
            IP_ADDRESS,
            signature.id_token,
            visitor.secret,
            job.redirects[0].token,
            "sak-4711",
        ]
        assert "work-waits" in told
        assert [word for word in hidden if word in told] == []

    def test_of_audit_and_work_names_nobody_either(self, near: Neighbourhood) -> None:
        visitor = visit(near, create(near, Asked(title=TITLE)))
        visitor.signs(person="22898410068")
        visitor.signs()
        stored = str(list(AuditEvent.objects.values())) + str(list(WorkItem.objects.values()))
        assert [word for word in (INGRID, "22898410068", "Ingrid", "Myhre", TITLE, "avtale", IP_ADDRESS) if word in stored] == []


class TestTheSearch:
    def test_sees_through_compression(self) -> None:
        document = pikepdf.new()
        document.add_blank_page()
        hidden = pikepdf.Stream(document, zlib.compress(INGRID.encode()), Filter=pikepdf.Name.FlateDecode)
        document.Root.Hidden = document.make_indirect(hidden)
        target = io.BytesIO()
        document.save(target)
        assert INGRID.encode() not in target.getvalue()
        assert INGRID.encode() in unpacked(target.getvalue())
