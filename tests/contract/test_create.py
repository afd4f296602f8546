"""A job is created: what both clients send is taken, what comes back is what both clients read (wire-spec.md 6 and 7)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from support.running_segl import RunningSegl
from wire.wire_xml import AGENT, BUYER, custom_signer, reference_folder, signer

from .conftest import Register, caller
from .sending import (
    CONTRACT,
    JAVA_HEADERS,
    ONE,
    Draft,
    bundle,
    create,
    dot_net_create,
    for_one,
    java_create,
    padded_pdf,
    polling,
    send,
)
from .speaking import NS, XML, Answer, Api, chunked, request

EXAMPLES = reference_folder() / "examples" / "direct"
NO_EXAMPLES = f"the public examples are not at {EXAMPLES}: set SEGL_REFERENCE"
MAX_BYTES = 10_485_760
LIST = "<documents>{}</documents>"
ENTRY = '<document href="{href}" mime="application/pdf"><title>{title}</title></document>'


def post_parts(api: Api, content_type: str, parts: list[bytes], boundary: str) -> Answer:
    dashes = f"--{boundary}\r\n".encode()
    body = b"".join(dashes + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return api.post(api.jobs, ("Accept", XML), ("Content-Type", content_type), body=body)


def parts_of(api: Api, draft: Draft) -> tuple[bytes, bytes]:
    wrapped = bundle(draft, sender=api.sender, signed_by=api.party)
    return (
        b"Content-Type: application/xml\r\n\r\n" + draft.request_xml(),
        b"Content-Type: application/octet-stream\r\n\r\n" + wrapped,
    )


class TestARequest:
    @pytest.mark.requirement("R11", "R28", "R37", "R38", "R107")
    @pytest.mark.parametrize("role", ["public-sender", "private-sender"])
    def test_of_the_java_client_creates_a_job(self, segl: RunningSegl, role: str) -> None:
        api = caller(segl, role)

        assert api.ask(java_create(api, for_one(BUYER))).status == 200

    @pytest.mark.requirement("R12", "R28", "R37", "R39", "R40", "R107")
    @pytest.mark.parametrize("role", ["public-sender", "private-sender"])
    def test_of_the_dot_net_client_creates_a_job(self, segl: RunningSegl, role: str) -> None:
        api = caller(segl, role)

        assert api.ask(dot_net_create(api, for_one(BUYER))).status == 200

    @pytest.mark.requirement("R13")
    @pytest.mark.parametrize("kind", ["multipart/mixed", "multipart/related", "multipart/form-data", "Multipart/Mixed"])
    def test_may_have_its_parts_in_reverse_order_and_its_boundary_quoted(self, public: Api, kind: str) -> None:
        metadata, wrapped = parts_of(public, for_one(BUYER))

        answer = post_parts(public, f'{kind}; boundary="a (b) c:d"', [wrapped, metadata], "a (b) c:d")

        assert answer.status == 200

    @pytest.mark.parametrize("accept", [(), (("Accept", "*/*"),), (("Accept", "text/html"),), (("Accept", "application/json;q=0.9"),)])
    def test_is_answered_in_xml_whatever_it_accepts(self, public: Api, accept: tuple[tuple[str, str], ...]) -> None:
        create_request = java_create(public, for_one(BUYER)).replace(b"Accept: application/xml\r\n", b"", 1)
        head, _, rest = create_request.partition(b"\r\n")
        lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in accept)

        answer = public.ask(head + b"\r\n" + lines + rest)

        assert (answer.status, answer.header("content-type")) == (200, XML)

    @pytest.mark.requirement("R85")
    def test_may_wait_for_100_continue(self, public: Api) -> None:
        head, _, body = dot_net_create(public, for_one(BUYER)).partition(b"\r\n\r\n")

        with public.connect() as connection:
            connection.say(head + b"\r\nExpect: 100-continue\r\n\r\n")
            assert connection.hear_head().status == 100
            assert connection.ask(body).status == 200

    @pytest.mark.requirement("R14")
    @pytest.mark.parametrize(
        "chosen",
        [
            lambda metadata, wrapped: [metadata],
            lambda metadata, wrapped: [wrapped],
            lambda metadata, wrapped: [metadata, metadata, wrapped],
            lambda metadata, wrapped: [metadata, wrapped, wrapped],
            lambda metadata, wrapped: [],
        ],
        ids=["no bundle", "no XML", "two XMLs", "two bundles", "nothing"],
    )
    def test_needs_exactly_one_of_each_part(self, public: Api, chosen: Callable[[bytes, bytes], list[bytes]]) -> None:
        parts = chosen(*parts_of(public, for_one(BUYER)))

        post_parts(public, "multipart/mixed; boundary=b", parts, "b").refuses(400, "MALFORMED_REQUEST")

    @pytest.mark.requirement("R14", "R81")
    @pytest.mark.parametrize("content_type", ["application/xml", "multipart/mixed", "multipart/mixed; boundary=", "", "text/html; x"])
    def test_that_is_no_multipart_is_refused(self, public: Api, content_type: str) -> None:
        answer = public.post(public.jobs, ("Content-Type", content_type), body=b"<x/>")

        answer.refuses(400, "MALFORMED_REQUEST")

    @pytest.mark.requirement("R15")
    def test_with_invalid_xml_is_told_what_the_validator_says(self, public: Api) -> None:
        answer = create(public, for_one(BUYER, after="<polling-que>a</polling-que>"))

        answer.refuses(400, "SCHEMA_VALIDATION_ERROR", "polling-que")

    @pytest.mark.requirement("R15")
    def test_with_a_manifest_of_the_other_flow_is_refused(self, public: Api) -> None:
        draft = for_one(BUYER)
        xml = draft.manifest_xml(public.sender).replace(b"direct-signature-job-manifest", b"portal-signature-job-manifest")
        wrapped = bundle(draft, sender=public.sender, signed_by=public.party, manifest_xml=xml)
        metadata, _ = parts_of(public, draft)

        answer = post_parts(
            public,
            "multipart/mixed; boundary=b",
            [metadata, b"Content-Type: application/octet-stream\r\n\r\n" + wrapped],
            "b",
        )

        answer.refuses(400, "SCHEMA_VALIDATION_ERROR")

    @pytest.mark.requirement("R16")
    @pytest.mark.parametrize(
        "doctype",
        ["<!DOCTYPE x>", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'],
    )
    @pytest.mark.parametrize("where", ["request", "manifest"])
    def test_with_a_doctype_is_refused_without_resolving_it(self, public: Api, doctype: str, where: str) -> None:
        draft = for_one(BUYER, before="<reference>ab</reference>")

        def spoiled(xml: bytes) -> bytes:
            return xml.replace(b"?>", b"?>" + doctype.encode(), 1)

        manifest = draft.manifest_xml(public.sender)
        wrapped = bundle(
            draft, sender=public.sender, signed_by=public.party, manifest_xml=spoiled(manifest) if where == "manifest" else manifest
        )
        metadata = spoiled(draft.request_xml()) if where == "request" else draft.request_xml()
        parts = [b"Content-Type: application/xml\r\n\r\n" + metadata, b"Content-Type: application/octet-stream\r\n\r\n" + wrapped]

        answer = post_parts(public, "multipart/mixed; boundary=b", parts, "b")

        answer.refuses(400, "SCHEMA_VALIDATION_ERROR", "DOCTYPE")

    @pytest.mark.requirement("R35")
    def test_whose_manifest_names_another_sender_is_refused(self, public: Api, private: Api) -> None:
        create(public, for_one(BUYER, organization=private.sender)).refuses(400, "SENDER_MISMATCH")


class TestAnAnswer:
    @pytest.mark.requirement("R17", "R18", "R19", "R21", "R23")
    def test_to_one_signer_has_what_both_clients_need(self, public: Api) -> None:
        job = send(public, for_one(BUYER, before="<reference>  123 æøå  </reference>"))
        answer = job.answer

        assert answer.header("content-type") == XML
        assert [element.tag.removeprefix(NS) for element in answer.xml] == [
            "reference",
            "signature-job-id",
            "redirect-url",
            "status-url",
            "signer",
        ]
        assert answer.text("reference") == "  123 æøå  "
        assert answer.text("status-url") == f"{job.address}/status"
        assert answer.text("personal-identification-number") == BUYER
        assert job.hrefs == [f"{job.address}/signers/1"]
        assert answer.xml.findtext(f"{NS}redirect-url") == job.redirects[0]
        assert job.redirects[0].startswith(f"{public.segl.web_url}/redirect/")

    @pytest.mark.requirement("R17", "R18", "R21")
    def test_to_several_signers_says_which_redirect_url_is_whose(self, public: Api) -> None:
        job = send(public, Draft(signers=[custom_signer("kunde 7"), signer(BUYER)]))

        top = [(element.get("signer"), element.text) for element in job.answer.xml.findall(f"{NS}redirect-url")]
        assert top == [("kunde 7", job.redirects[0]), (BUYER, job.redirects[1])]
        assert len(set(job.redirects)) == 2
        assert job.answer.texts("reference") == []

    @pytest.mark.requirement("R19")
    @pytest.mark.parametrize(
        ("after", "has_url"),
        [
            ("", True),
            ("<status-retrieval-method>WAIT_FOR_CALLBACK</status-retrieval-method>", True),
            ("<status-retrieval-method>WAIT_FOR_CALLBACK</status-retrieval-method><polling-queue>q</polling-queue>", True),
            (polling(), False),
            (polling("q"), False),
        ],
    )
    def test_has_a_status_url_unless_the_job_is_polled_for(self, public: Api, after: str, has_url: bool) -> None:
        assert bool(send(public, for_one(BUYER, after=after)).answer.texts("status-url")) == has_url

    @pytest.mark.requirement("R24")
    def test_has_an_id_below_2_to_the_31_that_is_random(self, public: Api) -> None:
        ids = [send(public, for_one(BUYER)).id for _ in range(8)]

        assert len(set(ids)) == 8
        assert all(0 < one < 2**31 for one in ids)
        # Eight random numbers lie in one sixty-fourth of the room once in 4^20; a counter always does.
        assert max(ids) - min(ids) > 2**31 / 64

    @pytest.mark.requirement("R22", "R51")
    def test_holds_addresses_with_the_longest_exit_urls_too(self, public: Api) -> None:
        longest = "https://sender.example/" + "a" * (500 - len("https://sender.example/"))
        exits = (
            f"<exit-urls><completion-url>{longest}</completion-url><rejection-url>{longest}</rejection-url>"
            f"<error-url>{longest}</error-url></exit-urls>"
        )

        assert send(public, for_one(BUYER, exits=exits)).redirects


class TestAManifest:
    @pytest.mark.requirement("R25")
    @pytest.mark.parametrize("form", ["documents", "document"])
    def test_may_have_either_form_of_content(self, public: Api, people: list[str], form: str) -> None:
        legacy = '<document href="0000_avtale.pdf" mime="application/pdf"><title>Gammel</title><description>Les</description></document>'
        drafts = {"documents": for_one(people[0]), "document": for_one(people[0], texts="", listed=legacy)}

        job = send(public, drafts[form])

        page = _reading_page(public.segl, job.redirects[0])
        assert ("Gammel" if form == "document" else "Oppdrag") in page
        assert ("Les" in page) or form == "documents"

    @pytest.mark.requirement("R29")
    @pytest.mark.parametrize(
        "draft",
        [
            for_one(BUYER, listed=LIST.format("".join(ENTRY.format(href=f"{n:04}.pdf", title="T") for n in range(21)))),
            Draft(signers=[custom_signer(f"kunde {n}") for n in range(11)]),
            for_one(BUYER, texts=f"<title>{'x' * 81}</title>"),
            for_one(BUYER, texts=f"<title>T</title><description>{'x' * 221}</description>"),
            for_one(BUYER, before=f"<reference>{'x' * 51}</reference>"),
            for_one(BUYER, exits=Draft(signers=[]).exits.replace("/done", "/" + "a" * 500)),
            for_one("123456789012"),
            for_one(BUYER, organization="1234567890"),
        ],
        ids=["documents", "signers", "title", "description", "reference", "exit URL", "identity number", "organization"],
    )
    def test_beyond_a_limit_is_refused(self, public: Api, draft: Draft) -> None:
        create(public, draft).refuses(400, "SCHEMA_VALIDATION_ERROR")

    @pytest.mark.requirement("R29")
    def test_at_every_limit_is_taken(self, private: Api) -> None:
        files = {f"{n:04}.pdf": CONTRACT for n in range(20)}
        draft = Draft(
            signers=[custom_signer(f"{n:080}") for n in range(10)],
            before=f"<reference>{'æ' * 50}</reference>",
            texts=f"<title>{'𝔸' * 80}</title><description>{'ø' * 220}</description>",
            files=files,
        )

        assert create(private, draft).status == 200

    @pytest.mark.requirement("R36")
    @pytest.mark.parametrize("twice", [custom_signer("kunde 7"), signer(BUYER)])
    def test_with_one_signer_twice_is_refused(self, public: Api, twice: str) -> None:
        create(public, Draft(signers=[twice, twice])).refuses(400, "INVALID_SIGNER")

    @pytest.mark.requirement("R36")
    def test_may_mix_numbers_and_custom_identifiers(self, public: Api) -> None:
        assert create(public, Draft(signers=[custom_signer("kunde 7"), signer(BUYER), signer(AGENT)])).status == 200


class TestAPublicExample:
    @pytest.mark.requirement("R26", "R25")
    @pytest.mark.skipif(not EXAMPLES.is_dir(), reason=NO_EXAMPLES)
    @pytest.mark.parametrize(
        ("request_name", "manifest_name"),
        [
            ("request.xml", "manifest.xml"),
            ("request.xml", "manifest-signer-without-pin.xml"),
            ("request.xml", "manifest-specify-signtype-and-auth.xml"),
            ("multiple_signers/request.xml", "multiple_signers/manifest.xml"),
        ],
    )
    def test_creates_a_job(self, segl: RunningSegl, register: Register, request_name: str, manifest_name: str) -> None:
        api = _example_sender(segl, register)
        draft = Draft(signers=[], files={"document.pdf": CONTRACT})
        wrapped = bundle(draft, sender=api.sender, signed_by=api.party, manifest_xml=(EXAMPLES / manifest_name).read_bytes())
        parts = [
            b"Content-Type: application/xml\r\n\r\n" + (EXAMPLES / request_name).read_bytes(),
            b"Content-Type: application/octet-stream\r\n\r\n" + wrapped,
        ]

        answer = post_parts(api, "multipart/mixed; boundary=b", parts, "b")

        assert answer.status == 200, answer.body.decode()
        assert answer.text("reference") == "123-ABC"

    @pytest.mark.requirement("R26", "R46")
    @pytest.mark.skipif(not EXAMPLES.is_dir(), reason=NO_EXAMPLES)
    def test_of_an_update_gives_a_new_redirect_url(self, public: Api) -> None:
        job = send(public, for_one(BUYER))

        answer = public.post(job.hrefs[0], ("Content-Type", XML), body=(EXAMPLES / "signer-update-request.xml").read_bytes())

        assert answer.text("redirect-url") != job.redirects[0]

    @pytest.mark.requirement("R33")
    @pytest.mark.skipif(not (EXAMPLES.parents[1] / "pdf").is_dir(), reason=NO_EXAMPLES)
    def test_of_a_pdf_is_taken_whatever_its_version(self, public: Api) -> None:
        files = {path.name: path.read_bytes() for path in sorted((EXAMPLES.parents[1] / "pdf").glob("*.pdf"))}

        assert len(files) == 6
        assert create(public, for_one(BUYER, files=files)).status == 200


class TestTheDocuments:
    @pytest.mark.requirement("R30", "R84")
    def test_may_have_10_485_760_bytes_and_are_taken_and_given_back_within_ten_seconds(self, private: Api, people: list[str]) -> None:
        other = len(CONTRACT)
        files = {"large.pdf": padded_pdf(MAX_BYTES - other), "avtale.pdf": CONTRACT}
        whole = java_create(private, for_one(people[0], files=files))

        began = time.monotonic()
        answer = private.ask(whole)

        assert answer.status == 200, answer.body.decode()
        assert time.monotonic() - began < 10
        job = f"{private.jobs}/{answer.text('signature-job-id')}"
        signed = private.post(f"/web/signature-jobs/{answer.text('signature-job-id')}/devmodesign?signer={people[0]}")
        assert signed.status == 200, signed.body.decode()
        began = time.monotonic()
        pades = private.get(f"{job}/pades")
        assert time.monotonic() - began < 10
        assert len(pades.body) > MAX_BYTES

    @pytest.mark.requirement("R30")
    def test_with_one_byte_more_are_refused(self, private: Api) -> None:
        files = {"large.pdf": padded_pdf(MAX_BYTES + 1 - len(CONTRACT)), "avtale.pdf": CONTRACT}

        create(private, for_one(BUYER, files=files)).refuses(400, "DOCUMENTS_TOO_LARGE", "10485760")

    @pytest.mark.requirement("R34")
    def test_may_be_plain_text_that_shows_in_the_sealed_pdf(self, private: Api, people: list[str]) -> None:
        import pypdfium2

        draft = for_one(people[0], files={"vilkår.txt": "Vilkår på norsk: blåbærsyltetøy\n".encode()})
        job = send(private, draft)
        job.token(people[0])

        with pypdfium2.PdfDocument(private.get(f"{job.address}/pades").body) as sealed:
            shown = "\n".join(sealed[number].get_textpage().get_text_range() for number in range(len(sealed)))
        assert "blåbærsyltetøy" in shown

    @pytest.mark.parametrize("mime", ["image/png", "application/msword", "application/pdfx"])
    def test_of_another_type_are_refused(self, public: Api, mime: str) -> None:
        draft = for_one(BUYER, listed=ONE.format(name="0000_avtale.pdf", mime=mime))

        create(public, draft).refuses(400, "DOCUMENT_REJECTED", "application/pdf or text/plain")


class TestARefusal:
    @pytest.mark.requirement("R81", "R110")
    def test_in_the_middle_of_a_large_upload_is_read_and_leaves_the_connection_usable(self, public: Api) -> None:
        body = chunked(b"x" * (15 * 1024 * 1024), size=1 << 16)
        large = request("POST", public.jobs, ("Transfer-Encoding", "chunked"), *JAVA_HEADERS, body=body)

        with public.connect() as connection:
            connection.ask(large).refuses(413, "REQUEST_TOO_LARGE")
            assert connection.ask(request("GET", f"/api/{public.sender}")).status == 200


def _reading_page(segl: RunningSegl, url: str) -> str:
    with segl.browser(follow_redirects=True) as browser:
        return browser.get(url).text


def _example_sender(segl: RunningSegl, register: Register) -> Api:
    """Return the broker, for the organization number that all public examples have."""
    broker = caller(segl, "broker")
    added = segl.command("organization", "add", "123456789", "Eksempel", "--sector", "public")
    assert added.returncode == 0, added.stderr
    assert segl.command("broker", "add", broker.party.number, "123456789").returncode == 0
    return broker.for_sender("123456789")
