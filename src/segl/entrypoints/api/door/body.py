"""
Reading a request's body under our own limit: Django ignores a chunked one, and its own limits answer in HTML.

Source: stack.md "TLS and the server", wire-spec.md 3 (Java sends chunked bodies) and 17 (14 MiB).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_REQUEST_BYTES = 14 * 1024 * 1024
"""wire-spec.md 17: documents up to 10 485 760 bytes, and room for what is around them."""

_STEP_BYTES = 256 * 1024


class BodyTooLarge(Exception):
    """The body is larger than allowed: 413. Send smaller documents."""


class BodyUnreadable(Exception):
    """The body ended early, came too slowly or was framed wrongly: 400. Send it again."""


def read_body(environ: Mapping[str, Any], *, limit: int = MAX_REQUEST_BYTES) -> bytes:  # Any: WSGI's own type
    """
    Return the whole body of the request, with Content-Length or chunked.

    What is not read after a refusal the server drains, so that the client gets to read the answer.

    :raises BodyTooLarge: if it has more than `limit` bytes.
    :raises BodyUnreadable: if it cannot be read to its end.
    """
    declared = str(environ.get("CONTENT_LENGTH") or "")
    if declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(f"The request has {int(declared)} bytes; at most {limit} are taken. Send smaller documents.")
    content = bytearray()
    while True:
        try:
            part = environ["wsgi.input"].read(_STEP_BYTES)
        except Exception as error:  # the server's own family of errors: framing, time-outs, a connection that ended
            raise BodyUnreadable("The request's body could not be read to its end. Send it again.") from error
        if not part:
            break
        content += part
        if len(content) > limit:
            raise BodyTooLarge(f"The request has more than {limit} bytes. Send smaller documents.")
    if declared.isdigit() and len(content) < int(declared):
        raise BodyUnreadable(f"The request's body ended after {len(content)} of {int(declared)} bytes. Send it again.")
    return bytes(content)
