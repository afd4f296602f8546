"""The test endpoint of the API's host, for the official .NET client's helpers and for scripts; absent in production."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from segl.actions.access import JobNotFound
from segl.actions.admit_caller import BrokerNotAuthorized, admit_caller
from segl.database.models import Job
from segl.entrypoints.api.errors import answer
from segl.jobs.job import JobAlreadyEnded, SignerNotWaiting
from segl.sandbox.devmode import DevmodeOutcome, NotReadableInTime, SignerUnknown, devmode_sign
from segl.sandbox.material import SandboxMaterial, read_persons
from segl.wire.errors import ErrorCode, RequestRefused


def direct(request: HttpRequest, job_id: str) -> HttpResponse:
    """Let a signer sign, reject or fail; the body is the exit URL."""
    job = _job_of_caller(request, job_id)
    if request.method != "POST":
        return answer(ErrorCode.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
    try:
        outcome = DevmodeOutcome(request.GET.get("outcome", DevmodeOutcome.SIGN))
    except ValueError as error:
        raise RequestRefused(ErrorCode.MALFORMED_REQUEST, "The outcome is none of sign, reject and fail. Write one of them.") from error
    try:
        exit_url = devmode_sign(
            settings.SEGL_PORTS,
            job=job,
            identifier=request.GET.get("signer", ""),
            outcome=outcome,
            persons=read_persons(SandboxMaterial(data=settings.SEGL.data).persons),
        )
    except SignerUnknown as error:
        raise RequestRefused(ErrorCode.SIGNATURE_JOB_NOT_FOUND, str(SignerUnknown.__doc__)) from error
    except (SignerNotWaiting, JobAlreadyEnded) as error:
        raise RequestRefused(ErrorCode.SIGNER_NOT_WAITING, str(SignerNotWaiting.__doc__)) from error
    except NotReadableInTime as error:
        raise RequestRefused(ErrorCode.UNAVAILABLE, str(NotReadableInTime.__doc__)) from error
    return HttpResponse(exit_url, content_type="text/plain")


def _job_of_caller(request: HttpRequest, job_id: str) -> Job:
    """:raises JobNotFound: if there is no such job, or the caller may not act for its sender: the two look the same."""
    job = Job.objects.filter(pk=int(job_id)).first() if job_id.isascii() and job_id.isdigit() and len(job_id) < 19 else None
    sender = job.sender_id if job is not None else ""
    try:
        # Without a job too: a certificate without access must not tell known job ids from unknown ones.
        admit_caller(settings.SEGL_PORTS, certificate=request.META["segl.peer_certificate"], sender=sender, is_counted=False)
    except BrokerNotAuthorized as error:
        raise JobNotFound from error
    if job is None:
        raise JobNotFound
    return job


urlpatterns = [path("web/signature-jobs/<str:job_id>/devmodesign", direct)]
