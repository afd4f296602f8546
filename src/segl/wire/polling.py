"""
The name of the polling queue as the clients put it into the address.

Java's default queue is `?polling_queue` without an equals sign, .NET's is no parameter at all, and a plus is a plus (wire-spec.md 12.1).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from segl.wire.errors import ErrorCode, RequestRefused
from segl.wire.writing import NOT_XML

DEFAULT_QUEUE: Final = ""
MAX_QUEUE_CHARACTERS: Final = 255
"""Our own cap, also in the XSD (wire-spec.md 6.2)."""

_PARAMETER: Final = "polling_queue"
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def polling_queue(query_string: str) -> str:
    """
    Return the queue that the raw query string names; the default queue is the empty string.

    `query_string` is what follows `?`, still percent-encoded; bytes above 127 may stand in it as WSGI gives them (Latin-1). Other parameters
    are ignored. The name is kept byte for byte: no trimming, no case folding, and `+` stays a plus.

    :raises RequestRefused: MALFORMED_REQUEST, if the name is given twice, is not percent-encoded UTF-8, or is too long.
    """
    names = [value for name, _, value in (pair.partition("=") for pair in query_string.split("&")) if name == _PARAMETER]
    if not names:
        return DEFAULT_QUEUE
    if len(names) > 1:
        raise _refused("is given twice. Give it once")
    queue = _decoded(names[0])
    if len(queue) > MAX_QUEUE_CHARACTERS:
        raise _refused(f"is longer than {MAX_QUEUE_CHARACTERS} characters. Use a shorter name")
    # No job can be on such a queue, for XML could not have named it; and PostgreSQL stores no NUL.
    if NOT_XML.search(queue):
        raise _refused("holds a character that XML cannot carry. Use the name that the job was created with")
    return queue


def _decoded(value: str) -> str:
    if _BROKEN_ESCAPE.search(value):
        raise _refused("holds a % that begins no escape. Write a percent sign as %25")
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        raise _refused("is not percent-encoded UTF-8. Encode it so") from error


def _refused(why: str) -> RequestRefused:
    return RequestRefused(ErrorCode.MALFORMED_REQUEST, f"The query parameter {_PARAMETER} {why}.")
