"""
The one place where what went wrong inside becomes what the sender is told: an `<error>` in application/xml, whatever happened.

Everything not listed here is a defect of ours: 500 with an incident id, and nothing else.
"""

from __future__ import annotations

import errno
import secrets
from datetime import datetime

import structlog
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse

from segl.actions.access import JobNotFound
from segl.actions.admit_caller import BrokerNotAuthorized, NoOrganizationNumber, NotAuthorized
from segl.actions.delete_documents import DocumentsNotDeletable
from segl.actions.limit_rate import RateLimited
from segl.actions.poll_status import PolledTooEarly
from segl.actions.ports import FenceUnavailable
from segl.actions.read_status import CeremonyNotCompleted, InvalidStatusQueryToken
from segl.asice.refusal import BundleRefused
from segl.certificates import CertificateRefused, RevocationUnknown
from segl.database.refusals import takes_no_writes
from segl.entrypoints.api.door.body import BodyTooLarge, BodyUnreadable
from segl.jobs.job import JobAlreadyEnded, SignerNotWaiting
from segl.jobs.terms import TermsRefused
from segl.pdf.refusal import PdfRefused
from segl.pdf.text import TextRefused
from segl.wire.errors import ErrorCode, RequestRefused, error_xml
from segl.wire.instants import write_instant, write_permitted_time

XML = "application/xml"
POLL_TIME_HEADER = "X-Next-permitted-poll-time"
RATE_LIMIT_HEADER = "DoSFilter"
"""The header by which the .NET client knows a rate limit (wire-spec.md 17)."""
RETRY_AFTER_SECONDS = "2"
"""Java's client sleeps so long before its one retry, however long it is (wire-spec.md R64)."""
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})

log = structlog.get_logger()


class ErrorAnswer(HttpResponse):
    """An error on its way out; log and request list read what it tells."""

    def __init__(self, code: ErrorCode, message: str, headers: dict[str, str] | None) -> None:
        super().__init__(error_xml(code, message), status=code.status, content_type=XML, headers=headers)
        self.told = f"{code.value}: {message}"


def answer(code: ErrorCode, message: str = "", headers: dict[str, str] | None = None) -> HttpResponse:
    """Return the error as HTTP."""
    return ErrorAnswer(code, message or code.when, headers)


def answer_to(error: Exception) -> HttpResponse:
    """Return what the sender is told about `error`."""
    match error:
        case RequestRefused(code=code, message=message):
            return answer(code, message)
        case BundleRefused():
            return answer(ErrorCode.ASICE_VALIDATION_FAILED, str(error))
        case PdfRefused() | TextRefused():
            return answer(ErrorCode.DOCUMENT_REJECTED, " ".join([str(error), *getattr(error, "__notes__", ())]))
        case TermsRefused(rule=rule):
            return answer(ErrorCode[rule.name], str(error))
        case CertificateRefused():
            return answer(ErrorCode.ASICE_VALIDATION_FAILED, f"The bundle's certificate is refused. {error}")
        case RevocationUnknown():
            return unavailable(str(error))
        case FenceUnavailable():
            return unavailable(_docstring(error))
        case NoOrganizationNumber():
            return answer(ErrorCode.NOT_AUTHORIZED, _docstring(error))
        case BrokerNotAuthorized(sender=sender):
            return answer(ErrorCode.BROKER_NOT_AUTHORIZED, f"{_described(error)} It may not act for organization {sender}.")
        case NotAuthorized():
            return answer(ErrorCode.NOT_AUTHORIZED, f"{_described(error)} Its organization has no access to this API.")
        case JobNotFound():
            return answer(ErrorCode.SIGNATURE_JOB_NOT_FOUND, _docstring(error))
        case InvalidStatusQueryToken():
            return answer(ErrorCode.INVALID_STATUS_QUERY_TOKEN, _docstring(error))
        case CeremonyNotCompleted():
            return answer(ErrorCode.SIGNING_CEREMONY_NOT_COMPLETED, _docstring(error))
        case SignerNotWaiting():
            return answer(ErrorCode.SIGNER_NOT_WAITING, _docstring(error))
        case JobAlreadyEnded():
            return answer(ErrorCode.JOB_ALREADY_COMPLETED, _docstring(error))
        case DocumentsNotDeletable() if error.earliest_at is None:
            return answer(ErrorCode.DOCUMENTS_NOT_DELETABLE, "Documents can be deleted when all signers have signed. Wait until they have.")
        case DocumentsNotDeletable(earliest_at=datetime() as earliest_at):
            return answer(
                ErrorCode.DOCUMENTS_NOT_DELETABLE, f"The documents may be deleted from {write_instant(earliest_at)}. Try again then."
            )
        case PolledTooEarly(next_permitted_at=at):
            permitted = write_permitted_time(at)
            return answer(ErrorCode.TOO_EAGER_POLLING, f"Polled too early. Wait until {permitted}.", {POLL_TIME_HEADER: permitted})
        case RateLimited(blocked_until=at):
            permitted = write_permitted_time(at)
            headers = {POLL_TIME_HEADER: permitted, RATE_LIMIT_HEADER: "unavailable"}
            return answer(ErrorCode.RATE_LIMITED, f"Too many calls in a second. Blocked until {permitted}.", headers)
        case BodyTooLarge():
            return answer(ErrorCode.REQUEST_TOO_LARGE, str(error))
        case BodyUnreadable():
            return answer(ErrorCode.MALFORMED_REQUEST, str(error))
        case DatabaseError() if takes_no_writes(error):
            return unavailable("Nothing can be stored just now; nothing was done. Try again shortly.")
        case OperationalError() | InterfaceError():
            return unavailable("The database does not answer; nothing was done. Try again shortly.")
        case OSError(errno=number) if number in DISK_FULL:
            log.error("disk-full", error=type(error).__name__, errno=number)
            return unavailable("Nothing can be stored just now; nothing was done. Try again shortly.")
        case Http404():
            return answer(ErrorCode.NOT_FOUND)
        case BadRequest() | SuspiciousOperation() | RequestDataTooBig():
            return answer(ErrorCode.MALFORMED_REQUEST)
        case _:
            return incident(error)


def unavailable(message: str) -> HttpResponse:
    """Return a 503: nothing was done, and the same call may be made again."""
    return answer(ErrorCode.UNAVAILABLE, message, {"Retry-After": RETRY_AFTER_SECONDS})


def incident(error: BaseException | None) -> HttpResponse:
    """Return a 500 that tells an incident id, under which the log tells the rest."""
    incident_id = secrets.token_hex(4).upper()
    log.error("api-incident", incident=incident_id, error=type(error).__name__, exc_info=error)
    return answer(ErrorCode.INTERNAL_ERROR, f"Segl failed; incident {incident_id}. Try again later, or tell the operator the incident id.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refuses: hosts, malformed requests."""
    return answer(ErrorCode.MALFORMED_REQUEST)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that nothing stands at."""
    return answer(ErrorCode.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what escaped every other handler."""
    return incident(None)


def _described(error: NotAuthorized) -> str:
    certificate = error.certificate
    return (
        f"Certificate of organization {error.organization or 'unknown'}: subject {certificate.subject}, "
        f"valid {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}, serial {certificate.serial_hex}, "
        f"issuer {certificate.issuer}."
    )


def _docstring(error: Exception) -> str:
    return " ".join((type(error).__doc__ or "").split())
