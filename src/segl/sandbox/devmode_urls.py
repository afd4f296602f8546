"""The test endpoint of the API's host, for the official .NET client's helpers and for scripts; absent in production."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from segl.actions.access import JobNotFound
from segl.actions.admit_caller import admit_caller
from segl.database.models import Job
from segl.jobs.job import JobAlreadyEnded, SignerNotWaiting
from segl.sandbox.devmode import DevmodeOutcome, NotReadableInTime, SignerUnknown, devmode_sign
from segl.sandbox.material import SandboxMaterial, read_persons
from segl.wire.errors import ErrorCode, RequestRefused


@require_POST
def direct(request: HttpRequest, job_id: str) -> HttpResponse:
    """Let a signer sign, reject or fail; the body is the exit URL."""
    job = Job.objects.filter(pk=int(job_id)).first() if job_id.isascii() and job_id.isdigit() and len(job_id) < 19 else None
    if job is None:
        raise JobNotFound
    # Answers as for a job that is not there: whoever may not act for the sender learns nothing of the job.
    admit_caller(settings.SEGL_PORTS, certificate=request.META["segl.peer_certificate"], sender=job.sender_id, is_counted=False)
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


urlpatterns = [path("web/signature-jobs/<str:job_id>/devmodesign", direct)]
