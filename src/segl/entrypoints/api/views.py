"""
The API's views: who calls, which action, which answer. Everything is application/xml but the greeting and the sealed PDF.

Errors are raised and become XML in `middleware.py` by the table in `errors.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from segl.actions import (
    confirm_status,
    create_job,
    delete_documents,
    issue_redirect_url,
    poll_status,
    read_results,
    read_status,
)
from segl.actions.admit_caller import Caller, admit_caller
from segl.entrypoints.api import answers
from segl.entrypoints.api.door.body import read_body
from segl.entrypoints.api.errors import POLL_TIME_HEADER, answer
from segl.values import Flow
from segl.wire import direct_job
from segl.wire.errors import ErrorCode
from segl.wire.instants import write_instant, write_permitted_time
from segl.wire.polling import polling_queue

XML = "application/xml"
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, Caller, P], HttpResponse]


def for_sender(*methods: str) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """Admit the caller to a view: checks certificate, rights, rate limit and method, in that order."""

    def decorate(view: View[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def admitted(request: HttpRequest, organization: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            caller = admit_caller(settings.SEGL_PORTS, certificate=request.META["segl.peer_certificate"], sender=organization)
            if request.method not in methods:
                return answer(ErrorCode.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(methods)})
            return view(request, caller, *args, **kwargs)

        return admitted

    return decorate


@for_sender("GET")
def greeting(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Say who is calling (wire-spec.md 5)."""
    text = f"You are {caller.creator.organization}"
    if caller.is_broker:
        text += f",\noperating on behalf of {caller.sender.number}"
    return HttpResponse(text, content_type="text/plain")


@for_sender("GET", "POST")
def jobs(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Create a job, or poll for what is new."""
    return _create(request, caller) if request.method == "POST" else _poll(request, caller)


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    created = create_job.create_direct_job(
        settings.SEGL_PORTS,
        sender=caller.sender,
        creator=caller.creator,
        content_type=request.headers.get("Content-Type", ""),
        body=read_body(request.META),
    )
    return HttpResponse(answers.created(created), content_type=XML)


def _poll(request: HttpRequest, caller: Caller) -> HttpResponse:
    queue = polling_queue(request.META.get("QUERY_STRING", ""))
    polled = poll_status.poll_status(settings.SEGL_PORTS, sender=caller.sender.number, flow=Flow.DIRECT, queue=queue)
    if polled.state is None:
        return HttpResponse(status=204, headers={POLL_TIME_HEADER: write_permitted_time(polled.next_permitted_at)})
    return HttpResponse(
        answers.state(polled.state, sender=caller.sender.number, sequence=polled.sequence),
        content_type=XML,
        headers={POLL_TIME_HEADER: write_instant(polled.next_permitted_at)},
    )


@for_sender("GET")
def status(request: HttpRequest, caller: Caller, job_id: str) -> HttpResponse:
    """Tell the job's state to who holds a status query token."""
    state = read_status.status_by_token(sender=caller.sender.number, job_id=_number(job_id), token=request.GET.get("status_query_token"))
    return HttpResponse(answers.state(state, sender=caller.sender.number, sequence=None), content_type=XML)


@for_sender("POST")
def signer(request: HttpRequest, caller: Caller, job_id: str, position: str) -> HttpResponse:
    """Give a signer a new redirect URL. An empty body means the same as `<redirect-url/>` (wire-spec.md 9)."""
    direct_job.parse_signer_update(read_body(request.META))
    issued = issue_redirect_url.issue_redirect_url(
        settings.SEGL_PORTS, sender=caller.sender.number, job_id=_number(job_id), position=_number(position)
    )
    return HttpResponse(answers.signer(issued, sender=caller.sender.number), content_type=XML)


@for_sender("POST")
def confirm(request: HttpRequest, caller: Caller, job_id: str, sequence: str | None = None) -> HttpResponse:
    """Acknowledge what was delivered."""
    confirm_status.confirm_status(
        settings.SEGL_PORTS,
        sender=caller.sender.number,
        job_id=_number(job_id),
        flow=Flow.DIRECT,
        sequence=None if sequence is None else _number(sequence),
    )
    return _empty()


@for_sender("DELETE")
def documents(request: HttpRequest, caller: Caller, job_id: str) -> HttpResponse:
    """Delete the documents of a completed job."""
    delete_documents.delete_documents(settings.SEGL_PORTS, sender=caller.sender.number, job_id=_number(job_id), flow=Flow.DIRECT)
    return HttpResponse(status=204)


@for_sender("GET")
def pades(request: HttpRequest, caller: Caller, job_id: str) -> HttpResponse:
    """Give the sealed PDF."""
    content = read_results.sealed_pdf(settings.SEGL_PORTS, sender=caller.sender.number, job_id=_number(job_id), flow=Flow.DIRECT)
    return HttpResponse(content, content_type="application/octet-stream")


@for_sender("GET")
def xades(request: HttpRequest, caller: Caller, job_id: str, position: str) -> HttpResponse:
    """Give one signer's XAdES."""
    content = read_results.xades_of(
        settings.SEGL_PORTS,
        sender=caller.sender.number,
        job_id=_number(job_id),
        flow=Flow.DIRECT,
        position=_number(position),
    )
    return HttpResponse(content, content_type=XML)


def _empty() -> HttpResponse:
    """200 without body: older .NET clients take exactly 200 for success. Django's default Content-Type would lie about nothing."""
    response = HttpResponse(status=200)
    del response["Content-Type"]
    return response


def _number(text: str) -> int:
    """A job id, position or sequence from an address; anything else is an address that nothing stands at."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Http404
    return int(text)
