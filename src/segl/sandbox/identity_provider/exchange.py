"""
One HTTP exchange of a neighbour: the request as it came over WSGI, and the answer to it.

Small on purpose: the neighbours have no sessions, forms or templates of Django's, and must run where Segl's own settings do not reach.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 65_536
MAX_FIELDS = 60


class BadRequest(Exception):
    """The request cannot be read. The message may be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in."""

    method: str
    path: str
    query: str
    content_type: str
    body: bytes
    cookies: Mapping[str, str]

    def fields(self) -> dict[str, str]:
        """
        Return the query parameters of a GET, or the form fields of a POST.

        :raises BadRequest: if one comes twice (OAuth forbids it), or if they cannot be decoded.
        """
        if self.method == "POST":
            if self.content_type != "application/x-www-form-urlencoded":
                raise BadRequest("Send the fields as application/x-www-form-urlencoded.")
            return _pairs(self.body.decode("ascii", errors="replace"))
        return _pairs(self.query)

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes out."""

    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=())


def json_answer(value: object, *, status: HTTPStatus = HTTPStatus.OK, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Answer with JSON that nobody may store."""
    return Answer(
        status=status,
        content_type="application/json",
        body=json.dumps(value).encode(),
        headers=(("Cache-Control", "no-store"), *headers),
    )


def redirect(url: str, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Send the browser on with a GET."""
    return Answer(status=HTTPStatus.SEE_OTHER, headers=(("Location", url), ("Cache-Control", "no-store"), *headers))


def read_request(environ: WSGIEnvironment, *, max_body_bytes: int = MAX_BODY_BYTES) -> Request:
    """
    Read one WSGI request.

    :raises BadRequest: if the body is too large or its length is no number.
    """
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "") or "/",
        query=environ.get("QUERY_STRING", ""),
        content_type=environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower(),
        body=_body(environ, max_body_bytes) if environ["REQUEST_METHOD"] == "POST" else b"",
        cookies=_cookies(environ.get("HTTP_COOKIE", "")),
    )


def respond(answer: Answer, start_response: StartResponse) -> Iterable[bytes]:
    """Write `answer` with the headers every page of a neighbour carries."""
    start_response(
        f"{answer.status.value} {answer.status.phrase}",
        [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
            *answer.headers,
        ],
    )
    return [answer.body]


def _body(environ: WSGIEnvironment, max_body_bytes: int) -> bytes:
    stream = cast(BinaryIO, environ["wsgi.input"])  # WSGI types it as a protocol without `read` limits
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared and not declared.isdecimal():
        raise BadRequest("Content-Length is no number.")
    if declared and int(declared) > max_body_bytes:
        raise BadRequest(f"The body is larger than {max_body_bytes} bytes.")
    if not declared and not environ.get("wsgi.input_terminated") and "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", ""):
        return b""
    body = stream.read(int(declared) if declared else max_body_bytes + 1)
    if len(body) > max_body_bytes:
        raise BadRequest(f"The body is larger than {max_body_bytes} bytes.")
    return body


def _pairs(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadRequest("The fields cannot be decoded, or are too many.") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("A field is given twice. Give each once.")
    return fields


def _cookies(header: str) -> dict[str, str]:
    cookie: SimpleCookie = SimpleCookie()
    try:
        cookie.load(header)
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in cookie.items()}
