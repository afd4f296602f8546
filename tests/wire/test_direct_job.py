"""The direct flow's request and manifest: what is read, in which shapes, and where the limits are (wire-spec.md 6.2, 7 and 17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segl.values import IdentifierFormat, Level, NationalIdentityNumber, OnBehalfOf, OrganizationNumber, SignatureType, ValueRefused
from segl.wire.addresses import ExitUrl
from segl.wire.direct_job import (
    DirectJobRequest,
    ExitUrls,
    ManifestDocument,
    ManifestSigner,
    SignerIdentifier,
    StatusRetrieval,
    parse_manifest,
    parse_request,
    parse_signer_update,
)
from segl.wire.errors import ErrorCode, RequestRefused
from wire.wire_xml import (
    AGENT,
    BUYER,
    EXIT_URLS,
    ONE_DOCUMENT,
    custom_signer,
    dot_net_form,
    java_form,
    manifest,
    request,
    signer,
)

PLAIN: Callable[[bytes], bytes] = bytes
SHAPES = [PLAIN, java_form, dot_net_form]
SHAPE_NAMES = ["plain", "Java", ".NET"]
DONE, REJECTED, FAILED = (ExitUrl(f"https://sender.example/{page}") for page in ("done", "rejected", "failed"))
THREE_URLS = ExitUrls(completion=DONE, rejection=REJECTED, error=FAILED)


def document(position: int, *, title: str = "A document") -> str:
    return f'<document href="{position:04}.pdf" mime="application/pdf"><title>{title}</title></document>'


def documents(*items: str) -> str:
    return f"<documents>{''.join(items)}</documents>"


def refused_request(xml: bytes, code: ErrorCode = ErrorCode.SCHEMA_VALIDATION_ERROR) -> str:
    with pytest.raises(RequestRefused) as refused:
        parse_request(xml, is_sandbox=False)
    assert (refused.value.code, refused.value.status) == (code, 400)
    return refused.value.message


def refused_manifest(xml: bytes, code: ErrorCode = ErrorCode.SCHEMA_VALIDATION_ERROR) -> str:
    with pytest.raises(RequestRefused) as refused:
        parse_manifest(xml)
    assert (refused.value.code, refused.value.status) == (code, 400)
    return refused.value.message


class TestARequest:
    @pytest.mark.requirement("R19", "R28")
    @pytest.mark.parametrize("shape", SHAPES, ids=SHAPE_NAMES)
    def test_with_exit_urls_alone_waits_for_the_browser(self, shape: Callable[[bytes], bytes]) -> None:
        assert parse_request(shape(request()), is_sandbox=False) == DirectJobRequest(
            reference=None, exit_urls=THREE_URLS, status_retrieval=StatusRetrieval.WAIT_FOR_CALLBACK, polling_queue=""
        )

    @pytest.mark.requirement("R21", "R28")
    @pytest.mark.parametrize("shape", SHAPES, ids=SHAPE_NAMES)
    def test_with_everything_is_read_in_full(self, shape: Callable[[bytes], bytes]) -> None:
        xml = request(
            "<reference> Ref &amp; æ\n</reference>"
            + EXIT_URLS
            + "<status-retrieval-method>POLLING</status-retrieval-method><polling-queue> my queue/æ+b </polling-queue>"
        )

        assert parse_request(shape(xml), is_sandbox=False) == DirectJobRequest(
            reference=" Ref & æ\n", exit_urls=THREE_URLS, status_retrieval=StatusRetrieval.POLLING, polling_queue=" my queue/æ+b "
        )

    def test_knows_an_empty_reference_from_none_and_an_empty_queue_as_the_default(self) -> None:
        parsed = parse_request(request(f"<reference/>{EXIT_URLS}<polling-queue/>"), is_sandbox=False)

        assert (parsed.reference, parsed.polling_queue) == ("", "")

    def test_may_send_the_browser_to_this_machine_in_the_sandbox(self) -> None:
        xml = request(EXIT_URLS.replace("https://sender.example", "http://127.0.0.1:8001"))

        assert parse_request(xml, is_sandbox=True).exit_urls.error == ExitUrl("http://127.0.0.1:8001/failed")
        assert refused_request(xml, ErrorCode.INVALID_EXIT_URL) == (
            "The element completion-url is refused. The exit URL does not begin with https://. Use https."
        )

    def test_reads_a_text_whole_that_a_comment_interrupts(self) -> None:
        xml = request(EXIT_URLS.replace("sender.example/done", "sender.example<!-- x -->.evil.example/done"))

        assert str(parse_request(xml, is_sandbox=False).exit_urls.completion) == "https://sender.example.evil.example/done"

    @pytest.mark.requirement("R15")
    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("", "Missing child element(s)"),
            (EXIT_URLS + "<reference>late</reference>", "reference"),
            (EXIT_URLS + "<unknown/>", "unknown"),
            (EXIT_URLS.replace("error-url", "other-url"), "other-url"),
            (EXIT_URLS + "<status-retrieval-method>CARRIER_PIGEON</status-retrieval-method>", "status-retrieval-method"),
            ("stray" + EXIT_URLS, "direct-signature-job-request"),
            ('<reference extra="1">r</reference>' + EXIT_URLS, "extra"),
            (EXIT_URLS.replace("<exit-urls", '<exit-urls xmlns="urn:other"'), "exit-urls"),
        ],
    )
    def test_against_the_schema_is_refused_in_the_validators_words(self, content: str, told: str) -> None:
        message = refused_request(request(content))

        assert message.startswith("The request does not follow its schema. line 1: ")
        assert told in message
        assert "\n" not in message

    @pytest.mark.requirement("R29")
    @pytest.mark.parametrize(
        ("content", "element"),
        [
            (f"<reference>{'ø' * 51}</reference>{EXIT_URLS}", "reference"),
            (EXIT_URLS.replace("https://sender.example/failed", "https://sender.example/" + "x" * 478), "error-url"),
            (EXIT_URLS + f"<polling-queue>{'q' * 256}</polling-queue>", "polling-queue"),
        ],
    )
    def test_one_over_a_limit_is_refused(self, content: str, element: str) -> None:
        assert element in refused_request(request(content))

    @pytest.mark.requirement("R29")
    def test_at_every_limit_is_accepted(self) -> None:
        address = "https://sender.example/" + "x" * 477
        xml = request(
            f"<reference>{'ø' * 50}</reference>"
            + EXIT_URLS.replace("https://sender.example/failed", address)
            + f"<polling-queue>{'æ' * 255}</polling-queue>"
        )

        parsed = parse_request(xml, is_sandbox=False)

        assert (parsed.reference, str(parsed.exit_urls.error), parsed.polling_queue) == ("ø" * 50, address, "æ" * 255)

    @pytest.mark.requirement("R16")
    @pytest.mark.parametrize(
        "doctype",
        [
            "<!DOCTYPE direct-signature-job-request>",
            '<!DOCTYPE d [<!ENTITY e "x">]>',
            '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
            '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd">',
        ],
    )
    def test_with_a_doctype_is_refused_before_anything_is_resolved(self, doctype: str) -> None:
        xml = request("<reference>&e;</reference>" + EXIT_URLS).replace(b"?><", f"?>{doctype}<".encode())

        assert refused_request(xml) == "The request holds a DOCTYPE. Send it without."

    def test_cannot_name_a_schema_of_its_own(self) -> None:
        location = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x http://127.0.0.1:9/x.xsd"'
        xml = request().replace(b" xmlns=", f" {location} xmlns=".encode())

        assert parse_request(xml, is_sandbox=False).exit_urls == THREE_URLS

    @pytest.mark.parametrize("root", ["portal-signature-job-request", "direct-signature-job-manifest", "error"])
    def test_of_another_kind_is_refused(self, root: str) -> None:
        assert refused_request(request(root=root)) == (
            "The request does not begin with the element direct-signature-job-request in the namespace "
            "http://signering.posten.no/schema/v1. Send that element to this address."
        )

    def test_without_namespace_is_refused(self) -> None:
        xml = request().replace(b' xmlns="http://signering.posten.no/schema/v1"', b"")

        assert "in the namespace http://signering.posten.no/schema/v1" in refused_request(xml)

    @pytest.mark.parametrize("xml", [b"", b"not xml", b"<a", b"\xff\xfe\x00", b'{"reference": 1}'])
    def test_that_is_not_xml_is_refused(self, xml: bytes) -> None:
        assert refused_request(xml).startswith("The request ")


class TestAManifest:
    @pytest.mark.requirement("R25", "R28")
    @pytest.mark.parametrize("shape", SHAPES, ids=SHAPE_NAMES)
    def test_is_read_in_full(self, shape: Callable[[bytes], bytes]) -> None:
        xml = manifest(
            signers=(
                signer(BUYER, more="<signature-type>ADVANCED_ELECTRONIC_SIGNATURE</signature-type><on-behalf-of>OTHER</on-behalf-of>"),
                custom_signer("kundenr: 1337 æ"),
            ),
            texts="<title>The job</title><description>Read it\nwell</description>",
            documents=documents(document(1, title="First"), '<document href="b+c.txt" mime="text/plain"><title>Second</title></document>'),
            after="<required-authentication>3</required-authentication>"
            "<identifier-in-signed-documents>DATE_OF_BIRTH_AND_NAME</identifier-in-signed-documents>",
        )

        parsed = parse_manifest(shape(xml))

        assert parsed.signers == (
            ManifestSigner(identity=NationalIdentityNumber(BUYER), signature_type=SignatureType.ADVANCED, on_behalf_of=OnBehalfOf.OTHER),
            ManifestSigner(identity=SignerIdentifier("kundenr: 1337 æ"), signature_type=None, on_behalf_of=OnBehalfOf.SELF),
        )
        assert parsed.sender == OrganizationNumber("123456789")
        assert (parsed.title, parsed.description) == ("The job", "Read it\nwell")
        assert parsed.documents == (
            ManifestDocument(href="0001.pdf", mime="application/pdf", title="First"),
            ManifestDocument(href="b+c.txt", mime="text/plain", title="Second"),
        )
        assert parsed.required_authentication is Level.SUBSTANTIAL
        assert parsed.identifier_in_signed_documents is IdentifierFormat.DATE_OF_BIRTH_AND_NAME

    def test_leaves_to_the_sector_what_it_does_not_say(self) -> None:
        parsed = parse_manifest(manifest())

        assert parsed.signers[0].signature_type is None
        assert (parsed.description, parsed.required_authentication, parsed.identifier_in_signed_documents) == (None, None, None)

    def test_with_an_empty_description_has_none(self) -> None:
        assert parse_manifest(manifest(texts="<title>The job</title><description/>")).description is None

    @pytest.mark.requirement("R25")
    @pytest.mark.parametrize("shape", SHAPES, ids=SHAPE_NAMES)
    def test_of_the_older_form_gives_its_documents_texts_to_the_job(self, shape: Callable[[bytes], bytes]) -> None:
        older = (
            '<document href="contract.pdf" mime="application/pdf"><title>Contract</title><description>Sign here</description></document>'
        )

        parsed = parse_manifest(shape(manifest(texts="", documents=older, after="<required-authentication>4</required-authentication>")))

        assert (parsed.title, parsed.description) == ("Contract", "Sign here")
        assert parsed.documents == (ManifestDocument(href="contract.pdf", mime="application/pdf", title="Contract"),)
        assert parsed.required_authentication is Level.HIGH

    @pytest.mark.requirement("R29")
    @pytest.mark.parametrize(
        ("xml", "element"),
        [
            (manifest(documents=documents(*(document(n) for n in range(21)))), "document"),
            (manifest(documents=documents()), "documents"),
            (manifest(signers=[custom_signer(f"signer {n}") for n in range(11)]), "signer"),
            (manifest(signers=()), "signer"),
            (manifest(texts=f"<title>{'ø' * 81}</title>"), "title"),
            (manifest(texts="<title/>"), "title"),
            (manifest(documents=documents(document(1, title="ø" * 81))), "title"),
            (manifest(documents=documents(document(1, title=""))), "title"),
            (manifest(texts=f"<title>T</title><description>{'ø' * 221}</description>"), "description"),
            (manifest(signers=[signer("012345678901")]), "personal-identification-number"),
            (manifest(signers=[signer("0123456789")]), "personal-identification-number"),
            (manifest(signers=[signer(f" {BUYER}")]), "personal-identification-number"),
            (manifest(signers=[signer("٠١٢٣٤٥٦٧٨٩٠")]), "personal-identification-number"),
            (manifest(signers=[custom_signer("x" * 81)]), "signer-identifier"),
            (manifest(signers=[custom_signer("")]), "signer-identifier"),
            (manifest(organization="1234567890"), "organization-number"),
            (manifest(organization="12345678"), "organization-number"),
            (manifest(documents=ONE_DOCUMENT.replace("contract.pdf", "a.p")), "href"),
            (manifest(documents=ONE_DOCUMENT.replace("contract.pdf", "x" * 101)), "href"),
            (manifest(documents=ONE_DOCUMENT.replace("application/pdf", "x" * 101)), "mime"),
            (manifest(documents=ONE_DOCUMENT.replace("application/pdf", "")), "mime"),
            (manifest(after="<required-authentication>2</required-authentication>"), "required-authentication"),
            (
                manifest(after="<identifier-in-signed-documents>SHOE_SIZE</identifier-in-signed-documents>"),
                "identifier-in-signed-documents",
            ),
            (manifest(signers=[signer(BUYER, more="<signature-type>INK</signature-type>")]), "signature-type"),
            (manifest(signers=["<signer/>"]), "signer"),
            (manifest(signers=[signer(BUYER).replace("<signer>", '<signer order="1">')]), "order"),
            (manifest(texts="<title>T</title><nonsensitive-title>N</nonsensitive-title>"), "nonsensitive-title"),
            (manifest(after="<availability/>"), "availability"),
        ],
    )
    def test_beyond_a_limit_is_refused(self, xml: bytes, element: str) -> None:
        message = refused_manifest(xml)

        assert message.startswith("The manifest does not follow its schema. line 1: ")
        assert element in message

    @pytest.mark.requirement("R29")
    def test_at_every_limit_is_accepted(self) -> None:
        xml = manifest(
            signers=[custom_signer(f"{n}" + "ø" * 79) for n in range(10)],
            texts=f"<title>{'🫐' * 80}</title><description>{'🫐' * 220}</description>",
            documents=documents(*(document(n, title="ø" * 80) for n in range(20))),
        )

        parsed = parse_manifest(xml)

        assert (len(parsed.signers), len(parsed.documents)) == (10, 20)
        assert (parsed.title, parsed.description) == ("🫐" * 80, "🫐" * 220)

    @pytest.mark.requirement("R36")
    @pytest.mark.parametrize(
        "signers",
        [
            (signer(BUYER), signer(AGENT), signer(BUYER)),
            (custom_signer("clerk"), signer(AGENT), custom_signer("clerk")),
            (custom_signer(BUYER), signer(AGENT), signer(BUYER)),
        ],
        ids=["numbers", "custom identifiers", "one of each that read alike"],
    )
    def test_with_two_signers_of_one_identifier_is_refused_without_repeating_it(self, signers: tuple[str, ...]) -> None:
        assert refused_manifest(manifest(signers=signers), ErrorCode.INVALID_SIGNER) == (
            "Signers 1 and 3 of the manifest have the same identifier. Give each signer an identifier of their own."
        )

    def test_tells_identifiers_apart_that_differ_in_case_or_space_only(self) -> None:
        parsed = parse_manifest(manifest(signers=[custom_signer("clerk"), custom_signer("Clerk"), custom_signer("clerk ")]))

        assert [str(one.identity) for one in parsed.signers] == ["clerk", "Clerk", "clerk "]

    @pytest.mark.parametrize(
        "blank", [" ", " \t\n ", "\u00a0\u2003", "\u200b\u00ad"], ids=["space", "white space", "wide spaces", "nothing seen"]
    )
    def test_with_a_title_that_shows_nothing_is_refused(self, blank: str) -> None:
        told = "The title of {} in the manifest shows nothing. Write one that people can read."
        older = f'<document href="a.pdf" mime="application/pdf"><title>{blank}</title></document>'

        assert refused_manifest(manifest(texts=f"<title>{blank}</title>")) == told.format("the job")
        assert refused_manifest(manifest(documents=documents(document(1), document(2, title=blank)))) == told.format("document 2")
        assert refused_manifest(manifest(texts="", documents=older)) == told.format("the job")

    def test_keeps_a_title_as_it_is_written(self) -> None:
        assert parse_manifest(manifest(texts="<title> Lån  1 </title>")).title == " Lån  1 "

    def test_with_two_documents_of_one_file_is_refused(self) -> None:
        xml = manifest(documents=documents(document(1), document(2), document(1)))

        assert refused_manifest(xml, ErrorCode.DOCUMENT_REJECTED) == (
            "Documents 1 and 3 of the manifest name the same file. Give each document a file of its own."
        )

    @pytest.mark.parametrize(
        "xml",
        [
            manifest(signers=[signer("010133000011")]),
            manifest(signers=[custom_signer("kari@sender.example" + "x" * 80)]),
            manifest(texts=f"<title>{'Secret will of 01013300001 ' * 4}</title>"),
            manifest(after=f"<required-authentication>{BUYER}</required-authentication>"),
            manifest(texts="<title>T<!--]]> Secret of kari æ</title>"),
            manifest(texts="<title>T<!--æ\nSecret, line 1, column 2 kari\n</title>"),
        ],
    )
    def test_is_refused_without_repeating_what_people_wrote(self, xml: bytes) -> None:
        message = refused_manifest(xml)

        assert BUYER not in message
        assert "kari" not in message
        assert "Secret" not in message
        assert "\n" not in message

    def test_of_the_portal_flow_is_refused(self) -> None:
        assert refused_manifest(request(root="portal-signature-job-manifest")).startswith(
            "The manifest does not begin with the element direct-signature-job-manifest"
        )

    @pytest.mark.requirement("R16")
    def test_with_a_doctype_is_refused(self) -> None:
        xml = manifest().replace(b"?><", b'?><!DOCTYPE x [<!ENTITY e "x">]><')

        assert refused_manifest(xml) == "The manifest holds a DOCTYPE. Send it without."

    def test_shows_nothing_personal_in_repr(self) -> None:
        shown = repr(parse_manifest(manifest(signers=[signer(BUYER), custom_signer("kari")])))

        assert shown == "DirectManifest(sender=OrganizationNumber(value='123456789'), …)"
        assert repr(SignerIdentifier("kari")) == "SignerIdentifier(…)"
        assert (
            repr(ManifestDocument(href="kari.pdf", mime="application/pdf", title="Secret")) == "ManifestDocument(mime='application/pdf', …)"
        )
        asked = parse_request(request("<reference>kari</reference>" + EXIT_URLS), is_sandbox=False)
        assert repr(asked) == "DirectJobRequest(status_retrieval=<StatusRetrieval.WAIT_FOR_CALLBACK: 'WAIT_FOR_CALLBACK'>, …)"


class TestASignersUpdate:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            request("<redirect-url/>", root="direct-signer-update-request"),
            java_form(request("<redirect-url/>", root="direct-signer-update-request")),
            request("\n  <!-- the only wish there is -->\n  <redirect-url></redirect-url>\n", root="direct-signer-update-request"),
        ],
    )
    def test_wishes_for_a_new_redirect_url(self, body: bytes) -> None:
        parse_signer_update(body)

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b" ", "request"),
            (request("", root="direct-signer-update-request"), "redirect-url"),
            (request("<redirect-url>x</redirect-url>", root="direct-signer-update-request"), "redirect-url"),
            (request("<redirect-url/><redirect-url/>", root="direct-signer-update-request"), "redirect-url"),
            (request(), "direct-signer-update-request"),
        ],
    )
    def test_of_any_other_content_is_refused(self, body: bytes, told: str) -> None:
        with pytest.raises(RequestRefused) as refused:
            parse_signer_update(body)

        assert refused.value.code is ErrorCode.SCHEMA_VALIDATION_ERROR
        assert told in refused.value.message


class TestASignerIdentifier:
    @pytest.mark.parametrize("value", ["", "x" * 81])
    def test_is_refused_when_empty_or_long(self, value: str) -> None:
        with pytest.raises(ValueRefused, match=r"^A signer identifier has 1 to 80 characters\. Choose another\.$"):
            SignerIdentifier(value)
