"""
The two parts of a create request: the XML that describes the job, and the document bundle.

The official clients send MIME multipart/mixed with nameless parts, which form parsers refuse; so this is a MIME parser of its own
(wire-spec.md 6.1; RFC 2046 section 5.1). Parts are told apart by media type alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from segl.wire.errors import ErrorCode, RequestRefused

METADATA_TYPE: Final = "application/xml"
BUNDLE_TYPE: Final = "application/octet-stream"
MULTIPART_TYPES: Final = frozenset({"multipart/mixed", "multipart/form-data", "multipart/related"})
MAX_PART_HEADER_BYTES: Final = 8192
"""Our own limit. The clients send two short lines a part."""

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEDIA_TYPE: Final = re.compile(rf"[ \t]*({_WORD}/{_WORD})[ \t]*(?=;|$)")
_PARAMETER: Final = re.compile(rf';(?:[ \t]*({_WORD})[ \t]*=[ \t]*(?:({_WORD}|[^\s;"]+)|"((?:[^"\\\r\n]|\\.)*)"))?[ \t]*(?=;|$)')
# RFC 2046 section 5.1.1, bchars: at most 70, not ending in a space.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_HEADER: Final = re.compile(rf"({_WORD})[ \t]*:(.*)", re.DOTALL)
_FOLDED: Final = re.compile(r"\r\n[ \t]+")
_PADDING: Final = re.compile(rb"[ \t]*")
_PLAIN_ENCODINGS: Final = frozenset({"", "binary", "8bit", "7bit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a create request consists of."""

    metadata: bytes
    """The request's XML, not yet parsed."""
    bundle: bytes
    """The ASiC-E file, not yet opened."""


def split(content_type: str, body: bytes) -> Parts:
    """
    Return the XML and the bundle of a multipart body, in whatever order they stand; `content_type` is the request's header value.

    `body` is searched in place and each part copied once.

    :raises RequestRefused: MALFORMED_REQUEST, if the body is not multipart with exactly one part of each kind.
    """
    boundary = _boundary(content_type)
    found: dict[str, bytes] = {}
    for start, end in _parts(body, b"--" + boundary):
        media_type, content_at = _part_header(body, start, end)
        if media_type not in (METADATA_TYPE, BUNDLE_TYPE):
            raise _refused(
                f"The multipart body holds a part that is neither {METADATA_TYPE} nor {BUNDLE_TYPE}. Send one part of each and no other."
            )
        if media_type in found:
            raise _refused(f"The multipart body holds two parts of type {media_type}. Send one.")
        found[media_type] = body[content_at:end]
    for media_type in (METADATA_TYPE, BUNDLE_TYPE):
        if media_type not in found:
            raise _refused(f"The multipart body holds no part of type {media_type}. Send one.")
    return Parts(metadata=found[METADATA_TYPE], bundle=found[BUNDLE_TYPE])


def _boundary(content_type: str) -> bytes:
    media_type, parameters = _media_type(content_type)
    if media_type not in MULTIPART_TYPES:
        raise _refused("The request's Content-Type is not multipart/mixed. Send the XML and the bundle as two parts.")
    boundaries = [value for name, value in parameters if name == "boundary"]
    if len(boundaries) != 1:
        raise _refused("The request's Content-Type does not name one boundary. Give the parameter boundary once.")
    if not _BOUNDARY.fullmatch(boundaries[0]):
        raise _refused("The boundary in the request's Content-Type is not one to 70 characters of RFC 2046. Choose another.")
    return boundaries[0].encode("ascii")


def _media_type(value: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the type in lower case and its parameters, names in lower case, values unquoted; ("", []) if it is not one."""
    value = value.strip(" \t")
    found = _MEDIA_TYPE.match(value)
    if found is None:
        return "", []
    at, parameters = found.end(), []
    while at < len(value):
        parameter = _PARAMETER.match(value, at)
        if parameter is None:
            return "", []
        at = parameter.end()
        name, plain, quoted = parameter.groups()
        if name is not None:
            parameters.append((name.lower(), plain if plain is not None else re.sub(r"\\(.)", r"\1", quoted)))
    return found[1].lower(), parameters


def _parts(body: bytes, dashes: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each part (its header included) begins and ends. What stands before the first and after the last is skipped."""
    at = 0
    start: int | None = None
    while True:
        line_at, content_end = _next_line(body, dashes, at)
        if line_at < 0:
            raise _refused("The multipart body has no closing boundary. Send the whole body, with CR LF line ends.")
        after = line_at + len(dashes)
        is_last = body.startswith(b"--", after)
        line_end = _line_end(body, after + 2 if is_last else after, may_end_body=is_last)
        if line_end is None:
            # Only looks like a boundary: one boundary may be the beginning of a longer line of a part.
            at = after
            continue
        if start is not None:
            yield start, max(start, content_end)
        if is_last:
            return
        start = line_end
        # The line end of this boundary may be the very one that the next boundary line needs before it.
        at = line_end - 2


def _next_line(body: bytes, dashes: bytes, at: int) -> tuple[int, int]:
    """Return where the next boundary line begins and where the part before it ends: (-1, -1) if there is none."""
    if at == 0 and body.startswith(dashes):
        return 0, 0
    found = body.find(b"\r\n" + dashes, at)
    return (found + 2, found) if found >= 0 else (-1, -1)


def _line_end(body: bytes, at: int, *, may_end_body: bool) -> int | None:
    """Return where the line after a boundary's padding ends, or None if other characters stand there."""
    padding = _PADDING.match(body, at)
    at = padding.end() if padding else at
    if body.startswith(b"\r\n", at):
        return at + 2
    return at if may_end_body and at == len(body) else None


def _part_header(body: bytes, start: int, end: int) -> tuple[str, int]:
    """Return the part's media type and where its content begins."""
    if body.startswith(b"\r\n", start):
        return "", start + 2
    header_end = body.find(b"\r\n\r\n", start, min(end, start + MAX_PART_HEADER_BYTES))
    if header_end < 0:
        raise _refused(
            f"A part of the multipart body has no header that ends within {MAX_PART_HEADER_BYTES} bytes. Put an empty line after it."
        )
    headers: dict[str, str] = {}
    for line in _FOLDED.sub(" ", body[start:header_end].decode("latin-1")).split("\r\n"):
        header = _HEADER.fullmatch(line)
        if header is None:
            raise _refused("A part of the multipart body has a header line without a name. Write each as Name: value.")
        name = header[1].lower()
        if name in headers and name.startswith("content-"):
            raise _refused("A part of the multipart body has the same Content header twice. Send it once.")
        headers[name] = header[2].strip(" \t")
    if headers.get("content-transfer-encoding", "").lower() not in _PLAIN_ENCODINGS:
        raise _refused("A part of the multipart body is transfer-encoded. Send its bytes as they are.")
    return _media_type(headers.get("content-type", ""))[0], header_end + 4


def _refused(message: str) -> RequestRefused:
    return RequestRefused(ErrorCode.MALFORMED_REQUEST, message)
