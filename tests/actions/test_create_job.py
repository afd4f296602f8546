"""Creating a direct job: all of it is on disk at the answer, and a refusal leaves nothing."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from asice.builders import Changes
from pdf.bombs import layer_rule_that_doubles
from pdf.builders import encrypted
from segl.actions.access import hashed
from segl.actions.ports import FenceUnavailable
from segl.adapters.fence.caller import ProcessFence
from segl.asice.refusal import BundleRefused
from segl.certificates import CertificateRefused, RevocationUnknown
from segl.database.models import (
    AuditEvent,
    Job,
    Organization,
    RedirectToken,
    SignerGroup,
    StatusChange,
    WorkItem,
)
from segl.entrypoints.api.errors import answer_to
from segl.jobs.terms import TermsRefused
from segl.pdf.refusal import PdfRefused
from segl.pdf.text import TextRefused
from segl.sandbox.material import Role
from segl.values import SignatureType
from segl.wire.errors import RequestRefused
from support.direct_jobs import (
    BROKER,
    INGRID,
    JONAS,
    PRIVATE,
    PUBLIC,
    Asked,
    bundle_of,
    create,
    left_behind,
    multipart_of,
    pdf,
    pdf_of_size,
    request_xml,
)
from support.neighbours import NOW, Neighbourhood

MAX_BYTES = 10_485_760
REFUSALS = (RequestRefused, BundleRefused, PdfRefused, TextRefused, TermsRefused, CertificateRefused)
Attempt = Callable[[Neighbourhood], object]


class TestACreatedJob:
    def test_stands_in_the_database_as_it_was_asked_for(self, near: Neighbourhood) -> None:
        asked = Asked(signers=(INGRID, "kunde-7"), documents={"a.pdf": pdf("A"), "b.txt": "Vilkår".encode()}, queue="kø 1", level=3)
        created = create(near, asked)
        job = Job.objects.get(pk=created.job.pk)

        assert (job.flow, job.sender_id, job.creator_organization) == ("DIRECT", PUBLIC, PUBLIC)
        assert (job.title, job.description, job.reference) == ("Læreavtale", "Les den nøye", "ref-1")
        assert (job.level, job.identifier_format) == (3, "DATE_OF_BIRTH_AND_NAME")
        assert (job.is_polled, job.polling_queue) == (True, "kø 1")
        assert (job.status, job.visible_status, job.created_at) == ("IN_PROGRESS", "IN_PROGRESS", NOW)
        assert [(s.position, s.national_identity_number, s.custom_identifier) for s in job.signers.all()] == [
            (1, INGRID, None),
            (2, None, "kunde-7"),
        ]
        assert {s.signature_type for s in job.signers.all()} == {SignatureType.AUTHENTICATED}
        assert [(d.position, d.title, d.mime) for d in job.documents.all()] == [
            (1, "a.pdf & mer", "application/pdf"),
            (2, "b.txt & mer", "text/plain"),
        ]

    def test_has_its_bytes_in_the_store_when_it_is_answered(self, near: Neighbourhood) -> None:
        asked = Asked(documents={"a.pdf": pdf("A"), "b.txt": b"Tekst"})
        bundle = bundle_of(near, asked)
        job = create(near, asked, bundle=bundle).job

        first, second = job.documents.all()
        assert near.ports.documents.get(job.bundle_sha256) == bundle
        assert near.ports.documents.get(first.sha256) == pdf("A")
        assert first.rendition_sha256 == first.sha256
        assert near.ports.documents.get(second.sha256) == b"Tekst"
        assert near.ports.documents.get(second.rendition_sha256).startswith(b"%PDF-1.7")

    @pytest.mark.requirement("R24")
    def test_has_a_random_positive_id_below_two_to_the_31(self, near: Neighbourhood) -> None:
        ids = [create(near).job.pk for _ in range(5)]
        assert len(set(ids)) == 5
        assert all(0 < job_id < 2**31 for job_id in ids)
        assert ids != sorted(ids) or ids[1] - ids[0] != 1

    @pytest.mark.requirement("R17")
    def test_has_a_redirect_token_for_each_signer_stored_as_its_hash_only(self, near: Neighbourhood) -> None:
        created = create(near, Asked(signers=(INGRID, JONAS)))
        assert [redirect.signer.position for redirect in created.redirects] == [1, 2]
        rows = RedirectToken.objects.all()
        assert {row.pk for row in rows} == {hashed(redirect.token) for redirect in created.redirects}
        assert {row.expires_at for row in rows} == {NOW + timedelta(hours=24)}
        assert all(len(redirect.token) == 43 and redirect.token not in repr(redirect) for redirect in created.redirects)

    @pytest.mark.requirement("R87")
    def test_will_expire_by_itself_after_thirty_days(self, near: Neighbourhood) -> None:
        job = create(near).job
        assert SignerGroup.objects.get(job=job).deadline_at == NOW + timedelta(days=30)
        item = WorkItem.objects.get()
        assert (item.kind, item.key, item.due_at) == ("expire", str(job.pk), NOW + timedelta(days=30))

    @pytest.mark.requirement("R21")
    def test_has_no_reference_when_none_was_given(self, near: Neighbourhood) -> None:
        assert create(near, Asked(reference=None)).job.reference is None
        assert create(near, Asked(reference="")).job.reference == ""

    def test_enters_no_queue(self, near: Neighbourhood) -> None:
        create(near)
        assert not StatusChange.objects.exists()

    def test_leaves_an_audit_event_without_anything_personal(self, near: Neighbourhood) -> None:
        job = create(near).job
        event = AuditEvent.objects.get(kind="job-created")
        assert (event.job_id, event.at) == (job.pk, NOW)
        assert not [word for word in ("Lære", INGRID, "avtale") if any(word in e.details for e in AuditEvent.objects.all())]

    @pytest.mark.requirement("R10")
    def test_may_be_made_by_a_broker_with_its_own_or_the_senders_signature(self, near: Neighbourhood) -> None:
        by_broker = create(near, Asked(caller=BROKER, signed_by=Role.BROKER)).job
        assert (by_broker.sender_id, by_broker.creator_organization) == (PUBLIC, BROKER)
        assert create(near, Asked(caller=BROKER, signed_by=Role.PUBLIC_SENDER)).job.sender_id == PUBLIC

    @pytest.mark.requirement("R30")
    def test_may_hold_documents_of_exactly_the_limit(self, near: Neighbourhood) -> None:
        text = "\n".join(str(number**3) for number in range(500)).encode()
        asked = Asked(documents={"a.pdf": pdf("A"), "b.pdf": pdf_of_size(MAX_BYTES - len(pdf("A")) - len(text)), "c.txt": text})
        assert sum(map(len, asked.documents.values())) == MAX_BYTES
        job = create(near, asked).job
        assert sum(document.size_bytes for document in job.documents.all()) == MAX_BYTES


def _of(asked: Asked) -> Attempt:
    return lambda near: create(near, asked)


def _with_changes(changes: Changes) -> Attempt:
    return lambda near: create(near, bundle=bundle_of(near, Asked(), changes=changes))


def _parts(make: Callable[[bytes, bytes], bytes]) -> Attempt:
    def attempt(near: Neighbourhood) -> object:
        _, body = multipart_of(request_xml(Asked()), bundle_of(near, Asked()))
        _, first, second, end = body.split(b"--segl-test-boundary")
        return create(near, body=make(first, second) + b"--segl-test-boundary" + end)

    return attempt


def _flip(entries: dict[str, bytes], name: str) -> dict[str, bytes]:
    content = bytearray(entries[name])
    content[len(content) // 2] ^= 1
    return {**entries, name: bytes(content)}


DASHES = b"--segl-test-boundary"
SECOND = '<document href="borte.pdf" mime="application/pdf"><title>Borte</title></document>'
REFUSED: dict[str, tuple[Attempt, type[Exception], str]] = {
    "R14 bundle missing": (_parts(lambda xml, _: DASHES + xml), RequestRefused, "MALFORMED_REQUEST"),
    "R14 xml missing": (_parts(lambda _, bundle: DASHES + bundle), RequestRefused, "MALFORMED_REQUEST"),
    "R14 xml twice": (_parts(lambda xml, bundle: DASHES + xml + DASHES + xml + DASHES + bundle), RequestRefused, "MALFORMED_REQUEST"),
    "R14 bundle twice": (_parts(lambda xml, b: DASHES + xml + DASHES + b + DASHES + b), RequestRefused, "MALFORMED_REQUEST"),
    "R30 a byte too much": (
        lambda near: create(near, Asked(documents={"a.pdf": pdf_of_size(MAX_BYTES - 4), "b.txt": b"12345"})),
        RequestRefused,
        "DOCUMENTS_TOO_LARGE",
    ),
    "R33 password": (_of(Asked(documents={"a.pdf": encrypted(user="hemmelig")})), PdfRefused, "ENCRYPTED"),
    "R33 version 2.0": (_of(Asked(documents={"a.pdf": b"%PDF-2.0" + pdf()[8:]})), PdfRefused, "VERSION"),
    "R33 no PDF": (_of(Asked(documents={"a.pdf": b"Dette er tekst."})), PdfRefused, "NOT_A_PDF"),
    "R33 second is no PDF": (_of(Asked(documents={"a.pdf": pdf(), "b.pdf": b"Tekst"})), PdfRefused, "NOT_A_PDF"),
    "R35 other sender": (_of(Asked(manifest_sender=PRIVATE)), RequestRefused, "SENDER_MISMATCH"),
    "R36 same signer twice": (_of(Asked(signers=(INGRID, INGRID))), RequestRefused, "INVALID_SIGNER"),
    "R36 same custom signer twice": (_of(Asked(signers=("kunde", "kunde"))), RequestRefused, "INVALID_SIGNER"),
    "R43 changed document": (
        _with_changes(Changes(entries=lambda entries: _flip(entries, "avtale.pdf"))),
        BundleRefused,
        "digest",
    ),
    "R43 changed manifest": (
        _with_changes(Changes(entries=lambda e: e | {"manifest.xml": e["manifest.xml"].replace(b"Les den", b"les den")})),
        BundleRefused,
        "digest",
    ),
    "R43 unsigned extra file": (_with_changes(Changes(entries=lambda e: e | {"mer.pdf": pdf("Mer")})), BundleRefused, "not-signed"),
    "R43 missing file": (
        _with_changes(Changes(entries=lambda e: {name: content for name, content in e.items() if name != "avtale.pdf"})),
        BundleRefused,
        "reference",
    ),
    "R43 document outside the bundle": (
        _of(Asked(manifest_documents=f'<document href="avtale.pdf" mime="application/pdf"><title>A</title></document>{SECOND}')),
        BundleRefused,
        "document",
    ),
    "R43 second signature file": (
        _with_changes(Changes(entries=lambda e: e | {"META-INF/signatures2.xml": e["META-INF/signatures.xml"]})),
        BundleRefused,
        "unexpected-entry",
    ),
    "R44 unrelated organization": (_of(Asked(signed_by=Role.PRIVATE_SENDER)), RequestRefused, "ASICE_VALIDATION_FAILED"),
    "R44 revoked certificate": (_of(Asked(signed_by=Role.REVOKED)), CertificateRefused, ""),
    "R45 path traversal": (_with_changes(Changes(entries=lambda e: e | {"../ut.pdf": pdf("Ut")})), BundleRefused, "name"),
    "R45 no zip": (lambda near: create(near, bundle=b"PK\x03\x04 nothing more"), BundleRefused, "not-a-zip"),
    "R33 bomb": (_of(Asked(documents={"a.pdf": pdf(), "b.pdf": layer_rule_that_doubles()})), PdfRefused, "TOO_COSTLY"),
    "R45 bomb": (_with_changes(Changes(entries=lambda e: e | {"null.pdf": b"\0" * 11_000_000})), BundleRefused, "too-large"),
    "R93 several documents, advanced": (
        _of(Asked(documents={"a.pdf": pdf("A"), "b.pdf": pdf("B")}, signature_type=SignatureType.ADVANCED)),
        TermsRefused,
        "SIGNATURE_TYPE_NOT_ALLOWED",
    ),
    "R92 private, level 3": (
        _of(Asked(sender=PRIVATE, signed_by=Role.PRIVATE_SENDER, level=3)),
        TermsRefused,
        "SIGNATURE_TYPE_NOT_ALLOWED",
    ),
    "R94 custom identifier and number": (
        _of(Asked(signers=("kunde",), identifier_format="PERSONAL_IDENTIFICATION_NUMBER_AND_NAME")),
        TermsRefused,
        "INVALID_IDENTIFIER",
    ),
    "unknown type": (
        _of(Asked(manifest_documents='<document href="avtale.pdf" mime="image/png"><title>A</title></document>')),
        RequestRefused,
        "DOCUMENT_REJECTED",
    ),
    "text with bytes that are no text": (_of(Asked(documents={"a.txt": b"\xff\xfe\x00"})), TextRefused, "NOT_UTF8"),
}


class TestARefusedJob:
    @pytest.mark.requirement("R14", "R30", "R33", "R35", "R36", "R43", "R44", "R45", "R92", "R93", "R94")
    @pytest.mark.parametrize("case", list(REFUSED))
    def test_leaves_nothing_behind(self, near: Neighbourhood, case: str) -> None:
        attempt, kind, reason = REFUSED[case]
        before = left_behind(near)

        with pytest.raises(REFUSALS) as refused:
            attempt(near)

        error = refused.value
        found = getattr(error, "code", None) or getattr(error, "rule", None) or getattr(error, "reason", "")
        assert isinstance(error, kind), repr(error)
        assert reason in {"", str(found), getattr(found, "name", "")}, (found, str(error))
        assert str(error).endswith(".")
        assert left_behind(near) == before

    def test_says_which_of_several_documents_it_is_refused_for(self, near: Neighbourhood) -> None:
        with pytest.raises(PdfRefused) as refused:
            create(near, bundle=bundle_of(near, Asked(documents={"a.pdf": pdf(), "b.pdf": b"Tekst"})))

        assert (
            answer_to(refused.value)
            .content.decode()
            .count("The PDF does not begin with a PDF header. Send a PDF file. It is document 2 of 2 in the manifest.")
        )

    def test_is_not_one_whose_reader_cannot_be_had(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", "/nowhere")
        near.ports = replace(near.ports, fence=ProcessFence())
        with pytest.raises(FenceUnavailable) as unavailable:
            create(near, bundle=bundle_of(near, Asked()))

        assert answer_to(unavailable.value).status_code == 503
        assert not Job.objects.exists()

    def test_is_one_whose_text_documents_are_not_enabled(self, near: Neighbourhood) -> None:
        Organization.objects.filter(pk=PUBLIC).update(may_send_text=False)
        with pytest.raises(RequestRefused) as refused:
            create(near, Asked(documents={"a.txt": b"Tekst"}))
        assert refused.value.code == "FEATURE_NOT_AVAILABLE"
        assert not Job.objects.exists()

    @pytest.mark.requirement("R44")
    def test_is_one_whose_certificate_cannot_be_checked_now(self, near: Neighbourhood) -> None:
        near.clock.pass_time(days=2)
        with pytest.raises(RevocationUnknown) as refused:
            create(near)
        assert "revocation list" in str(refused.value)
        assert not Job.objects.exists()

    @pytest.mark.parametrize(("minutes", "is_accepted"), [(-5.1, False), (-4.9, True), (4.9, True), (5.1, False)])
    def test_is_one_whose_bundle_was_signed_at_another_time(self, near: Neighbourhood, minutes: float, is_accepted: bool) -> None:
        bundle = bundle_of(near, Asked())
        near.clock.pass_time(minutes=minutes)
        if is_accepted:
            create(near, bundle=bundle)
        else:
            with pytest.raises(BundleRefused) as refused:
                create(near, bundle=bundle)
            assert refused.value.reason == "signing-time"

    def test_is_judged_by_real_time_when_the_sandbox_has_moved_its_clock(self, near: Neighbourhood) -> None:
        near.clock.move(days=29)
        job = create(near).job
        assert job.created_at == NOW + timedelta(days=29)

    def test_is_one_whose_bytes_do_not_fit_on_the_disk(self, near: Neighbourhood) -> None:
        class FullDisk:
            def put(self, content: bytes) -> str:
                raise OSError(28, "No space left on device")

            def get(self, sha256: str) -> bytes: ...  # type: ignore[empty-body]

            def delete(self, sha256: str) -> None: ...

        near.ports = replace(near.ports, documents=FullDisk())
        with pytest.raises(OSError, match="No space left"):
            create(near)
        assert not Job.objects.exists()
        assert not AuditEvent.objects.exists()


class TestTheSameBundleTwice:
    def test_makes_two_jobs_over_the_same_bytes(self, near: Neighbourhood) -> None:
        bundle = bundle_of(near, Asked())
        one, two = (create(near, bundle=bundle).job for _ in range(2))
        assert one.pk != two.pk
        assert one.bundle_sha256 == two.bundle_sha256 == hashlib.sha256(bundle).hexdigest()
        assert len(near.stored_digests()) == 2
