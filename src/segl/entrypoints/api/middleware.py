"""What stands around every API view: the certificate, the errors, and the line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from segl.certificates import CertificateRefused, Purpose, check_enterprise_certificate, describe
from segl.entrypoints.api.door.peer import peer_certificate
from segl.entrypoints.api.errors import ErrorAnswer, answer, answer_to
from segl.wire.errors import ErrorCode

GetResponse = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger()


class RequestLog:
    """One line a request: method, route, status, organization, time. No query, no body, no token."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        if response.status_code == 204:
            del response["Content-Type"]  # Django's default, text/html, would say what nothing is made of (wire-spec.md 14)
        else:
            response["Content-Length"] = str(len(response.content))  # clients read exactly framed bodies (wire-spec.md 3)
        certificate = request.META.get("segl.peer_certificate")
        subject = describe(certificate).subject if certificate is not None else ""
        error = response.told if isinstance(response, ErrorAnswer) else ""
        log.info(
            "api-request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            certificate=subject,
            error=error,
            agent=request.headers.get("User-Agent", "")[:120],
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )
        settings.SEGL_NOTE_REQUEST(
            method=request.method or "", path=request.path, status=response.status_code, certificate=subject, outcome=error
        )
        return response


class Errors:
    """Whatever is raised becomes the sender's `<error>`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        """Return the answer for what a view raised."""
        return answer_to(exception)


class PeerCertificate:
    """Nobody gets further without a certificate that is checked on this very request (wire-spec.md 4.1, R1)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            certificate = peer_certificate(request.META)
        except CertificateRefused as refused:
            log.warning("api-certificate-refused", reason=refused.reason.value, certificate="")
            return answer(ErrorCode.NOT_AUTHORIZED, refused.message)
        if certificate is None:
            return answer(ErrorCode.NOT_AUTHORIZED, "The connection has no client certificate. Use mutual TLS.")
        request.META["segl.peer_certificate"] = certificate
        ports = settings.SEGL_PORTS
        try:
            check_enterprise_certificate(certificate, issuers=ports.enterprise.issuers(), now=ports.clock.real_now(), purpose=Purpose.TLS)
            ports.enterprise.check(certificate)
        except CertificateRefused as refused:
            log.warning("api-certificate-refused", reason=refused.reason.value, certificate=describe(certificate).subject)
            return answer(ErrorCode.NOT_AUTHORIZED, refused.message)
        except Exception as error:  # last resort: whatever the trust store says, the answer is XML
            return answer_to(error)
        return self.get_response(request)
