"""Rows of multipart bodies that are refused, each with its exact message."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from segl.wire.multipart import MAX_PART_HEADER_BYTES
from support.cost import Cost

TYPE = "multipart/mixed; boundary=limit"
NO_END = "The multipart body has no closing boundary. Send the whole body, with CR LF line ends."
NO_MULTIPART = "The request's Content-Type is not multipart/mixed. Send the XML and the bundle as two parts."
NO_BOUNDARY = "The request's Content-Type does not name one boundary. Give the parameter boundary once."
BAD_BOUNDARY = "The boundary in the request's Content-Type is not one to 70 characters of RFC 2046. Choose another."
OTHER_PART = (
    "The multipart body holds a part that is neither application/xml nor application/octet-stream. Send one part of each and no other."
)
NO_HEADER = f"A part of the multipart body has no header that ends within {MAX_PART_HEADER_BYTES} bytes. Put an empty line after it."
NAMELESS = "A part of the multipart body has a header line without a name. Write each as Name: value."
HEADER_TWICE = "A part of the multipart body has the same Content header twice. Send it once."
ENCODED = "A part of the multipart body is transfer-encoded. Send its bytes as they are."
XML_TYPE, ZIP_TYPE = "application/xml", "application/octet-stream"
MISSING = "The multipart body holds no part of type {}. Send one."
TWICE = "The multipart body holds two parts of type {}. Send one."

Made = Callable[[bytes, bytes], tuple[str, bytes]]


class MultipartRow(NamedTuple):
    """One refused request; `make` takes the XML and the bundle and gives Content-Type and body."""

    what: str
    make: Made
    message: str
    at_most: Cost = Cost(milliseconds=50, mebibytes=32)


def part(content: bytes, header: str = "", kind: str = XML_TYPE) -> bytes:
    return f"Content-Type: {kind}\r\n{header}\r\n".encode() + content


def body(*parts: bytes) -> bytes:
    return b"".join(b"--limit\r\n" + each + b"\r\n" for each in parts) + b"--limit--\r\n"


def good(xml: bytes, bundle: bytes) -> bytes:
    return body(part(xml), part(bundle, kind=ZIP_TYPE))


def typed(content_type: str) -> Made:
    """Return a good body under this Content-Type."""
    return lambda xml, bundle: (content_type, good(xml, bundle))


def changed(old: bytes, new: bytes) -> Made:
    """Return a good body in which `old` has become `new` everywhere."""
    return lambda xml, bundle: (TYPE, good(xml, bundle).replace(old, new))


def headed(header: str) -> Made:
    """Return a body whose XML part has another header line."""
    return lambda xml, bundle: (TYPE, body(part(xml, header), part(bundle, kind=ZIP_TYPE)))


def parts(make: Callable[[bytes, bytes], tuple[bytes, ...]]) -> Made:
    return lambda xml, bundle: (TYPE, body(*make(part(xml), part(bundle, kind=ZIP_TYPE))))


def bytes_alone(content: bytes) -> Made:
    return lambda xml, bundle: (TYPE, content)


REFUSED = [
    MultipartRow("no Content-Type", typed(""), NO_MULTIPART),
    MultipartRow("XML alone", lambda xml, _: ("application/xml", xml), NO_MULTIPART),
    MultipartRow("a bundle alone", lambda _, bundle: (ZIP_TYPE, bundle), NO_MULTIPART),
    MultipartRow("a form that is not multipart", typed("application/x-www-form-urlencoded"), NO_MULTIPART),
    MultipartRow("multipart/alternative", typed("multipart/alternative; boundary=limit"), NO_MULTIPART),
    MultipartRow("multipart/encrypted", typed("multipart/encrypted; boundary=limit"), NO_MULTIPART),
    MultipartRow("an open quotation mark", typed('multipart/mixed; boundary="limit'), NO_MULTIPART),
    MultipartRow("a Content-Type in two", typed("multipart/mixed; boundary=limit, multipart/mixed; boundary=other"), NO_MULTIPART),
    MultipartRow("no boundary", typed("multipart/mixed"), NO_BOUNDARY),
    MultipartRow("two boundaries", typed("multipart/mixed; boundary=limit; boundary=other"), NO_BOUNDARY),
    MultipartRow("a boundary by RFC 2231", typed("multipart/mixed; boundary*0=lim; boundary*1=it"), NO_BOUNDARY),
    MultipartRow("an empty boundary", typed('multipart/mixed; boundary=""'), BAD_BOUNDARY),
    MultipartRow("a boundary of 71 characters", typed("multipart/mixed; boundary=" + "x" * 71), BAD_BOUNDARY),
    MultipartRow("a boundary of eight thousand characters", typed("multipart/mixed; boundary=" + "x" * 8_000), BAD_BOUNDARY),
    MultipartRow("a boundary with a line end", typed('multipart/mixed; boundary="lim\r\nit"'), NO_MULTIPART),
    MultipartRow("a boundary with a NUL", typed('multipart/mixed; boundary="lim\0it"'), BAD_BOUNDARY),
    MultipartRow("a boundary that is not ASCII", typed("multipart/mixed; boundary=grænse"), BAD_BOUNDARY),
    MultipartRow("a thousand parameters", typed("multipart/mixed" + "; a=b" * 1_000), NO_BOUNDARY),
    MultipartRow("eight thousand backslashes", typed('multipart/mixed; boundary="' + "\\" * 8_000), NO_MULTIPART),
    MultipartRow("an empty body", bytes_alone(b""), NO_END),
    MultipartRow("another boundary", typed("multipart/mixed; boundary=other"), NO_END),
    MultipartRow("a body cut short", lambda xml, bundle: (TYPE, good(xml, bundle)[:-6]), NO_END),
    MultipartRow("bare line feeds", changed(b"\r\n", b"\n"), NO_END),
    MultipartRow("bare carriage returns", changed(b"\r\n", b"\r"), NO_END),
    MultipartRow("a boundary without its dashes", changed(b"--limit", b"limit"), NO_END),
    MultipartRow("an end that runs on", changed(b"--limit--\r\n", b"--limit--x"), NO_END),
    MultipartRow(
        "a hundred thousand near boundaries", bytes_alone(b"\r\n--limitx" * 100_000), NO_END, Cost(milliseconds=300, mebibytes=32)
    ),
    MultipartRow("four megabytes of padding", bytes_alone(b"--limit" + b" " * 4_000_000 + b"x"), NO_END),
    MultipartRow("no parts", lambda *_: (TYPE, body()), MISSING.format(XML_TYPE)),
    MultipartRow("no XML", parts(lambda xml, bundle: (bundle,)), MISSING.format(XML_TYPE)),
    MultipartRow("no bundle", parts(lambda xml, bundle: (xml,)), MISSING.format(ZIP_TYPE)),
    MultipartRow("the XML twice", parts(lambda xml, bundle: (xml, bundle, xml)), TWICE.format(XML_TYPE)),
    MultipartRow("the bundle twice", parts(lambda xml, bundle: (bundle, xml, bundle)), TWICE.format(ZIP_TYPE)),
    MultipartRow("twenty thousand parts", parts(lambda xml, bundle: (xml,) * 20_000), TWICE.format(XML_TYPE)),
    MultipartRow("a third part", parts(lambda xml, bundle: (xml, bundle, part(b"x", kind="text/plain"))), OTHER_PART),
    MultipartRow("a part without header", parts(lambda xml, bundle: (xml, bundle, b"\r\nx")), OTHER_PART),
    MultipartRow(
        "a multipart inside", parts(lambda xml, bundle: (part(b"--x\r\n\r\n--x--", kind="multipart/mixed; boundary=x"), bundle)), OTHER_PART
    ),
    MultipartRow("text/xml", changed(b"application/xml", b"text/xml"), OTHER_PART),
    MultipartRow("a type that is none", changed(b"application/xml", b"application"), OTHER_PART),
    MultipartRow("a type with a NUL", changed(b"application/xml", b"application/xml\0"), OTHER_PART),
    MultipartRow("a header that does not end", parts(lambda xml, bundle: (bundle, b"Content-Type: application/xml")), NO_HEADER),
    MultipartRow("a header of a mebibyte", headed("X: " + "a" * 1_048_576 + "\r\n"), NO_HEADER),
    MultipartRow("a header line without name", headed("no name\r\n"), NAMELESS),
    MultipartRow("a header line that begins with a colon", headed(": x\r\n"), NAMELESS),
    MultipartRow("a header name with a space", headed("X Y: z\r\n"), NAMELESS),
    MultipartRow("two types of a part", headed("content-type: application/octet-stream\r\n"), HEADER_TWICE),
    MultipartRow("two dispositions", headed("Content-Disposition: a\r\nCONTENT-DISPOSITION: b\r\n"), HEADER_TWICE),
    *(
        MultipartRow(f"transfer encoding {encoding}", headed(f"Content-Transfer-Encoding: {encoding}\r\n"), ENCODED)
        for encoding in ("base64", "quoted-printable", "gzip", "binary; x", "x-uuencode")
    ),
]
