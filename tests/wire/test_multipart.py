"""Create requests as bytes: what both official clients and self-made integrations send, and what is refused (wire-spec.md 6.1)."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from segl.wire.errors import ErrorCode, RequestRefused
from segl.wire.multipart import MAX_PART_HEADER_BYTES, split
from wire.wire_xml import dot_net_multipart, java_multipart

XML = b'<?xml version="1.0" encoding="UTF-8"?><a/>'
ZIP = b"PK\x03\x04\x00\r\n--\r\n\r\n--b\r\n\x00\xff"
XML_PART = b"Content-Type: application/xml\r\n\r\n" + XML
ZIP_PART = b"Content-Type: application/octet-stream\r\n\r\n" + ZIP


def body(*parts: bytes, boundary: str = "limit", before: bytes = b"", after: bytes = b"\r\n") -> bytes:
    dashes = b"--" + boundary.encode()
    return before + b"".join(dashes + b"\r\n" + part + b"\r\n" for part in parts) + dashes + b"--" + after


def refusal(content_type: str, data: bytes) -> str:
    with pytest.raises(RequestRefused) as refused:
        split(content_type, data)
    assert refused.value.code is ErrorCode.MALFORMED_REQUEST
    assert refused.value.status == 400
    return refused.value.message


class TestACreateRequest:
    @pytest.mark.requirement("R11")
    @pytest.mark.parametrize(
        "boundary",
        [
            "-tG8aBc_dEf0123456789ABCDEFGHIJklmno_p-",
            "_-AbCdEfGhIjKlMnOpQrStUvWxYz01",
            "--------------------------------",
            "httpclient_boundary_7c1c5b4e-6a3d-4c53-9d3f-0d6c8f1d2a3b",
        ],
    )
    def test_of_java_is_split_with_charset_before_the_boundary(self, boundary: str) -> None:
        parts = split(*java_multipart(XML, ZIP, boundary=boundary))

        assert (parts.metadata, parts.bundle) == (XML, ZIP)

    @pytest.mark.requirement("R12")
    def test_of_dot_net_is_split_with_parts_that_are_nameless_attachments(self) -> None:
        parts = split(*dot_net_multipart(XML, ZIP))

        assert (parts.metadata, parts.bundle) == (XML, ZIP)

    @pytest.mark.requirement("R13")
    def test_may_send_the_bundle_first_and_quote_the_boundary(self) -> None:
        parts = split('multipart/mixed; boundary="limit"', body(ZIP_PART, XML_PART))

        assert (parts.metadata, parts.bundle) == (XML, ZIP)

    @pytest.mark.parametrize(
        ("content_type", "boundary"),
        [
            ("multipart/mixed;boundary=limit", "limit"),
            ("Multipart/Mixed; BOUNDARY=limit", "limit"),
            ("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW"),
            ('multipart/related; type="application/xml"; start="<a;b>"; boundary=limit', "limit"),
            ('multipart/mixed; boundary="two words"', "two words"),
            (r'multipart/mixed; boundary="quo\ted"', "quoted"),
            ("multipart/mixed; boundary=a:b=c/d", "a:b=c/d"),
            ("multipart/mixed ; boundary = limit ;", "limit"),
            ("multipart/mixed; boundary=" + "x" * 70, "x" * 70),
            ("multipart/mixed; boundary=x", "x"),
        ],
    )
    def test_may_write_its_content_type_in_any_legal_way(self, content_type: str, boundary: str) -> None:
        parts = split(content_type, body(XML_PART, ZIP_PART, boundary=boundary))

        assert (parts.metadata, parts.bundle) == (XML, ZIP)

    @pytest.mark.parametrize(
        "header",
        [
            b"content-type:application/xml",
            b"CONTENT-TYPE: Application/XML; charset=utf-8",
            b'Content-Disposition: form-data; name="request"; filename="r.xml"\r\nContent-Type: application/xml',
            b"Content-Type: application/xml\r\nContent-Disposition: attachment\r\nContent-Length: 42\r\nX-Any: thing",
            b"Content-Transfer-Encoding: binary\r\nContent-Type: application/xml",
            b"Content-Type: application/xml;\r\n\tcharset=utf-8",
            b"X-Twice: 1\r\nX-Twice: 2\r\nContent-Type: application/xml",
        ],
    )
    def test_may_write_part_headers_in_any_order_and_case(self, header: bytes) -> None:
        parts = split("multipart/mixed; boundary=limit", body(header + b"\r\n\r\n" + XML, ZIP_PART))

        assert (parts.metadata, parts.bundle) == (XML, ZIP)

    @pytest.mark.parametrize(
        "data",
        [
            body(XML_PART, ZIP_PART, before=b"A preamble nobody reads.\r\n\r\n"),
            body(XML_PART, ZIP_PART, before=b"\r\n"),
            body(XML_PART, ZIP_PART, before=b"--limited is not the boundary\r\n"),
            body(XML_PART, ZIP_PART, after=b"\r\nAn epilogue.\r\n--limit\r\nContent-Type: text/plain\r\n\r\nnot read"),
            body(XML_PART, ZIP_PART, after=b""),
            body(XML_PART, ZIP_PART, after=b" \t\r\n"),
            body(XML_PART, ZIP_PART).replace(b"--limit\r\n", b"--limit \t \r\n"),
        ],
        ids=["preamble", "empty first line", "preamble like a boundary", "epilogue", "no last line end", "padded end", "padded boundaries"],
    )
    def test_may_have_what_mime_allows_around_its_parts(self, data: bytes) -> None:
        parts = split("multipart/mixed; boundary=limit", data)

        assert (parts.metadata, parts.bundle) == (XML, ZIP)

    def test_keeps_every_byte_of_a_bundle_that_looks_like_boundaries(self) -> None:
        bundle = b"\r\n--limi\r\n--limits\r\n--limit-\r\n--limit--no\r\n-limit\r\n\r\n"

        parts = split("multipart/mixed; boundary=limit", body(XML_PART, b"Content-Type: application/octet-stream\r\n\r\n" + bundle))

        assert parts.bundle == bundle

    def test_keeps_random_bundles_byte_for_byte(self) -> None:
        chance = random.Random(20260101)
        for _ in range(200):
            bundle = bytes(chance.choice(b"\r\n-limt\x00") for _ in range(chance.randrange(60)))
            if b"\r\n--limit" in b"\r\n" + bundle:
                continue
            parts = split("multipart/mixed; boundary=limit", body(XML_PART, b"Content-Type: application/octet-stream\r\n\r\n" + bundle))
            assert parts.bundle == bundle

    def test_of_ten_megabytes_is_copied_once(self) -> None:
        content_type, data = java_multipart(XML, bytes(10_485_760))

        tracemalloc.start()
        try:
            parts = split(content_type, data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert len(parts.bundle) == 10_485_760
        assert peak < 11_000_000


class TestARefusedCreateRequest:
    @pytest.mark.requirement("R14")
    @pytest.mark.parametrize(
        ("parts", "message"),
        [
            ((ZIP_PART,), "The multipart body holds no part of type application/xml. Send one."),
            ((XML_PART,), "The multipart body holds no part of type application/octet-stream. Send one."),
            ((), "The multipart body holds no part of type application/xml. Send one."),
            ((XML_PART, XML_PART, ZIP_PART), "The multipart body holds two parts of type application/xml. Send one."),
            ((XML_PART, ZIP_PART, ZIP_PART), "The multipart body holds two parts of type application/octet-stream. Send one."),
        ],
    )
    def test_has_a_part_too_few_or_too_many(self, parts: tuple[bytes, ...], message: str) -> None:
        assert refusal("multipart/mixed; boundary=limit", body(*parts)) == message

    @pytest.mark.parametrize(
        "header",
        [
            b"Content-Type: text/xml\r\n",
            b"Content-Type: application/pdf\r\n",
            b"Content-Type: multipart/mixed; boundary=inner\r\n",
            b"Content-Type: application\r\n",
            b"Content-Type:\r\n",
            b"Content-Disposition: attachment\r\n",
            b"",
        ],
    )
    def test_has_a_part_of_another_type(self, header: bytes) -> None:
        assert refusal("multipart/mixed; boundary=limit", body(XML_PART, header + b"\r\nhello", ZIP_PART)) == (
            "The multipart body holds a part that is neither application/xml nor application/octet-stream. Send one part of each and no other."
        )

    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "application/xml",
            "multipart",
            "multipart/alternative; boundary=limit",
            "multipart/mixed; boundary=a b",
            "multipart/mixed, boundary=limit",
            ";",
            'multipart/mixed; boundary="limit',
        ],
    )
    def test_is_no_multipart(self, content_type: str) -> None:
        assert refusal(content_type, body(XML_PART, ZIP_PART)) == (
            "The request's Content-Type is not multipart/mixed. Send the XML and the bundle as two parts."
        )

    @pytest.mark.parametrize("content_type", ["multipart/mixed", "multipart/mixed; boundary=a; boundary=a", "multipart/mixed; limit"])
    def test_names_no_boundary_or_two(self, content_type: str) -> None:
        message = refusal(content_type, body(XML_PART, ZIP_PART))

        assert "boundary" in message or "multipart/mixed" in message
        assert message.endswith(("Give the parameter boundary once.", "Send the XML and the bundle as two parts."))

    @pytest.mark.parametrize("boundary", ["x" * 71, '""', '"ends in space "', '"a\tb"', "æøå", "a[b"])
    def test_has_a_boundary_that_mime_forbids(self, boundary: str) -> None:
        assert refusal(f"multipart/mixed; boundary={boundary}", b"") == (
            "The boundary in the request's Content-Type is not one to 70 characters of RFC 2046. Choose another."
        )

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            body(XML_PART, ZIP_PART)[:-6],
            body(XML_PART, ZIP_PART).replace(b"--limit--", b"--limit-"),
            body(XML_PART, ZIP_PART, after=b"x"),
            body(XML_PART, ZIP_PART).replace(b"\r\n", b"\n"),
            body(XML_PART, ZIP_PART, boundary="other"),
        ],
        ids=["empty", "cut", "not closed", "close runs on", "bare line feeds", "other boundary"],
    )
    def test_has_no_end(self, data: bytes) -> None:
        message = refusal("multipart/mixed; boundary=limit", data)

        assert message == "The multipart body has no closing boundary. Send the whole body, with CR LF line ends."

    @pytest.mark.parametrize(
        ("part", "message"),
        [
            (
                b"Content-Type: application/xml",
                "A part of the multipart body has no header that ends within 8192 bytes. Put an empty line after it.",
            ),
            (
                b"X: " + b"a" * MAX_PART_HEADER_BYTES + b"\r\n\r\n",
                "A part of the multipart body has no header that ends within 8192 bytes. Put an empty line after it.",
            ),
            (b"no name\r\n\r\n", "A part of the multipart body has a header line without a name. Write each as Name: value."),
            (
                b"Content-Type: application/xml\r\ncontent-type: application/xml\r\n\r\n",
                "A part of the multipart body has the same Content header twice. Send it once.",
            ),
            (
                b"Content-Type: application/xml\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEvPg==",
                "A part of the multipart body is transfer-encoded. Send its bytes as they are.",
            ),
        ],
    )
    def test_has_a_part_with_a_broken_header(self, part: bytes, message: str) -> None:
        assert refusal("multipart/mixed; boundary=limit", body(part, ZIP_PART)) == message

    def test_cannot_make_the_parser_slow_with_near_boundaries_and_padding(self) -> None:
        # A million near misses; a parser that starts over at each, or walks padding in Python, would take minutes.
        data = b"--limit" + b" " * 4_000_000 + b"x" + b"\r\n--limitx" * 1_000_000

        assert "no closing boundary" in refusal("multipart/mixed; boundary=limit", data)
