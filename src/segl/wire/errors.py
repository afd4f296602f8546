"""
The errors of the API: their codes, their HTTP statuses, and the XML they travel in.

Callers act on HTTP status and code together, so a code has exactly one status here (wire-spec.md 15). The page of error codes in the
documentation is written from this table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from segl.wire.writing import NOT_XML, add, root_element, written

MAX_MESSAGE_CHARACTERS: Final = 2000
"""Longer messages are cut: they end up in callers' logs. Our own choice; the wire names no limit."""


class ErrorCode(StrEnum):
    """Every `error-code` Segl answers with. `status` is its HTTP status, `when` its cause, `remedy` what the caller can do."""

    status: int
    when: str
    remedy: str

    def __new__(cls, code: str, status: int, when: str, remedy: str) -> ErrorCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.status = status
        member.when = when
        member.remedy = remedy
        return member

    MALFORMED_REQUEST = (
        "MALFORMED_REQUEST",
        400,
        "The request cannot be read: its multipart body, its query or its HTTP is broken.",
        "Mend what the message names.",
    )
    SCHEMA_VALIDATION_ERROR = (
        "SCHEMA_VALIDATION_ERROR",
        400,
        "The request or the bundle's manifest is not well-formed XML, or not valid against the XSD.",
        "Mend the element the message names and validate against the XSD before sending.",
    )
    ASICE_VALIDATION_FAILED = (
        "ASICE_VALIDATION_FAILED",
        400,
        "The document bundle cannot be opened, or its signature does not hold.",
        "Build the bundle again as the message says.",
    )
    SENDER_MISMATCH = (
        "SENDER_MISMATCH",
        400,
        "The manifest's organization number is not the one in the address.",
        "Use the same organization number in both.",
    )
    DOCUMENT_REJECTED = (
        "DOCUMENT_REJECTED",
        400,
        "A document is missing, of a type that is not accepted, or cannot be signed safely.",
        "Replace the document the message names.",
    )
    DOCUMENTS_TOO_LARGE = (
        "DOCUMENTS_TOO_LARGE",
        400,
        "The documents together are larger than 10 485 760 bytes.",
        "Send smaller documents, or fewer.",
    )
    INVALID_AVAILABILITY = (
        "INVALID_AVAILABILITY",
        400,
        "The activation time or the time to sign is outside what is allowed.",
        "Give at most 7 776 000 seconds, or leave the element out.",
    )
    INVALID_SIGNER = (
        "INVALID_SIGNER",
        400,
        "Two signers have the same identifier, or a signer is addressed in a way the job does not allow.",
        "Give each signer an identifier of their own.",
    )
    INVALID_IDENTIFIER = (
        "INVALID_IDENTIFIER",
        400,
        "The identifier asked for in signed documents does not go with the sector, the signature type or the signers.",
        "Ask for another identifier-in-signed-documents, or leave it out.",
    )
    INVALID_EXIT_URL = (
        "INVALID_EXIT_URL",
        400,
        "An exit URL is not one that a signer's browser may be sent to.",
        "Use an absolute https address as the message says.",
    )
    SIGNATURE_TYPE_NOT_ALLOWED = (
        "SIGNATURE_TYPE_NOT_ALLOWED",
        400,
        "The sector may not ask for this signature type or authentication level.",
        "Leave signature-type and required-authentication out to get what the sector may have.",
    )
    LOOKUP_NOT_ALLOWED = (
        "LOOKUP_NOT_ALLOWED",
        400,
        "Contact information may not be looked up for this signer.",
        "Give the e-mail address or mobile number in notifications.",
    )
    NOT_AUTHORIZED = (
        "NOT_AUTHORIZED",
        403,
        "The certificate's organization has no access to the API.",
        "Check that the right certificate is used; ask the operator for access.",
    )
    BROKER_NOT_AUTHORIZED = (
        "BROKER_NOT_AUTHORIZED",
        403,
        "The certificate belongs to another organization, which may not act for the one in the address.",
        "Have the sender authorize the broker, or use the sender's own certificate.",
    )
    FEATURE_NOT_AVAILABLE = (
        "FEATURE_NOT_AVAILABLE",
        403,
        "The organization has not enabled an option that the request asks for.",
        "Leave the option out, or ask the operator to enable it.",
    )
    INVALID_STATUS_QUERY_TOKEN = (
        "INVALID_STATUS_QUERY_TOKEN",
        403,
        "The status query token is missing, or was not issued for this signature job.",
        "Use the token that the signer's browser brought to the exit URL.",
    )
    NOT_FOUND = (
        "NOT_FOUND",
        404,
        "There is nothing at this address.",
        "Use the addresses exactly as Segl's responses give them.",
    )
    SIGNATURE_JOB_NOT_FOUND = (
        "SIGNATURE_JOB_NOT_FOUND",
        404,
        "The signature job or signer is unknown, belongs to another organization, or its documents have been deleted.",
        "Use the addresses exactly as Segl's responses give them.",
    )
    SIGNING_CEREMONY_NOT_COMPLETED = (
        "SIGNING_CEREMONY_NOT_COMPLETED",
        404,
        "The status was asked for before any signer had signed, rejected or failed.",
        "Ask when the signer's browser has come to one of the exit URLs.",
    )
    ARCHIVED_DOCUMENT_NOT_FOUND = (
        "ARCHIVED_DOCUMENT_NOT_FOUND",
        404,
        "No archived document of this organization has the id.",
        "Check the id and the organization number.",
    )
    METHOD_NOT_ALLOWED = (
        "METHOD_NOT_ALLOWED",
        405,
        "The address does not answer this HTTP method.",
        "Use a method that the Allow header names.",
    )
    JOB_ALREADY_COMPLETED = (
        "JOB_ALREADY_COMPLETED",
        409,
        "The signature job has ended, so it can no longer be cancelled or changed.",
        "Fetch the job's status to see how it ended.",
    )
    SIGNER_NOT_WAITING = (
        "SIGNER_NOT_WAITING",
        409,
        "A new redirect URL was asked for a signer who has already acted, or whose job has ended.",
        "Fetch the job's status to see what happened.",
    )
    DOCUMENTS_NOT_DELETABLE = (
        "DOCUMENTS_NOT_DELETABLE",
        409,
        "The documents may not be deleted yet.",
        "Try again after the time in the message.",
    )
    REQUEST_TOO_LARGE = (
        "REQUEST_TOO_LARGE",
        413,
        "The request body is larger than any valid request can be.",
        "Send smaller documents.",
    )
    URI_TOO_LONG = (
        "URI_TOO_LONG",
        414,
        "The address line of the request is too long.",
        "Use the addresses exactly as Segl's responses give them.",
    )
    TOO_EAGER_POLLING = (
        "TOO_EAGER_POLLING",
        429,
        "The queue was polled before the permitted time.",
        "Wait until the time in the header X-Next-permitted-poll-time.",
    )
    RATE_LIMITED = (
        "RATE_LIMITED",
        429,
        "The organization made too many calls in a second, and is blocked for half a minute.",
        "Wait until the time in the header X-Next-permitted-poll-time, and make fewer calls a second.",
    )
    HEADERS_TOO_LARGE = (
        "HEADERS_TOO_LARGE",
        431,
        "The request's headers are too large.",
        "Send fewer or shorter headers.",
    )
    INTERNAL_ERROR = (
        "INTERNAL_ERROR",
        500,
        "Segl failed. Nothing the caller did is known to be wrong.",
        "Try again later; tell the operator the incident id in the message.",
    )
    UNAVAILABLE = (
        "UNAVAILABLE",
        503,
        "Segl or something it needs is out of service, and nothing was done.",
        "Try again shortly.",
    )

    @property
    def error_type(self) -> str:
        """Return the wire's `error-type`: who can mend it."""
        return "CLIENT" if self.status < 500 else "SERVER"


class RequestRefused(Exception):
    """
    The sender's request cannot be accepted, and the sender can mend it.

    The message says what, which and what to do, on one line, and holds nothing of persons or documents.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """Return the HTTP status to answer with."""
        return self.code.status


def error_xml(code: ErrorCode, message: str) -> bytes:
    """
    Return the `error` element as UTF-8 XML, to be sent as `application/xml`.

    Made to succeed whatever `message` holds: line breaks become spaces, what XML cannot carry becomes U+FFFD, an empty message becomes the
    code's own explanation.
    """
    root = root_element("error")
    add(root, "error-code", code.value)
    add(root, "error-message", _one_line(message) or code.when)
    add(root, "error-type", code.error_type)
    return written(root)


def reference() -> str:
    """Return the documentation's page of error codes, in Markdown."""
    lines = [
        "# Error codes",
        "",
        "Every error of the API is an `<error>` element sent as `application/xml`. Act on the HTTP status and the code; messages may change.",
        "`error-type` is `CLIENT` when the caller can mend it (4xx) and `SERVER` otherwise (5xx).",
        "",
        "| HTTP | Code | When | What to do |",
        "|---|---|---|---|",
    ]
    lines += [f"| {code.status} | `{code.value}` | {code.when} | {code.remedy} |" for code in ErrorCode]
    return "\n".join(lines) + "\n"


def _one_line(message: str) -> str:
    text = " ".join(NOT_XML.sub("\ufffd", message).split())
    return text if len(text) <= MAX_MESSAGE_CHARACTERS else text[: MAX_MESSAGE_CHARACTERS - 1] + "…"
