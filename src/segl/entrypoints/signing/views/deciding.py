"""Saying yes or no: the confirm page, the reject page, and what they lead to."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from segl.actions import begin_signing, go_back, reject
from segl.ceremony.identification import ProviderUnavailable
from segl.ceremony.sitting import Problem, Stage
from segl.entrypoints.signing import pages
from segl.entrypoints.signing.catalogue import text
from segl.entrypoints.signing.views.answers import SeeOther, hand_over, origin_of
from segl.entrypoints.signing.views.problems import new_reference
from segl.entrypoints.signing.visits import Visit, now, ports, visit
from segl.jobs.job import JobAlreadyEnded, SignerNotWaiting


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, sitting_id: str) -> HttpResponse:
    """Say what signing means; on POST write the intent down and lead to the eID provider."""
    seen = visit(request, sitting_id)
    if seen.view.stage is not Stage.READING or pages.next_unopened(seen.view) is not None:
        return SeeOther(pages.place_of(seen.view))
    if request.method == "POST":
        return _log_in(request, seen)
    choices = begin_signing.choices(ports(), sitting_id=sitting_id, secret=seen.secret)
    notice = pages.problem_notice(seen.view, choices=choices, now=now())
    identifier, identifier_more = pages.identifier_sentences(seen.view)
    return pages.render_page(
        request,
        "signing/confirm.html",
        language=seen.view.language,
        form_targets=_eid_origins(),
        view=seen.view,
        choices=choices,
        notice=notice,
        steps=pages.steps(2, seen.view.language),
        step_name=text("step.confirm", seen.view.language),
        page_title=notice.heading if notice else text("confirm.page_title", seen.view.language),
        rows=pages.document_rows(seen.view),
        identifier=identifier,
        identifier_more=identifier_more,
        back_href=pages.document_address(sitting_id, seen.view.documents[0].number),
    )


def _log_in(request: HttpRequest, seen: Visit) -> HttpResponse:
    again = SeeOther(reverse("sitting", kwargs={"sitting_id": seen.sitting_id}))
    choices = begin_signing.choices(ports(), sitting_id=seen.sitting_id, secret=seen.secret)
    provider = request.POST.get("provider", "")
    if provider not in {choice.provider for choice in choices}:
        return again
    try:
        address = begin_signing.begin_signing(
            ports(), sitting_id=seen.sitting_id, secret=seen.secret, provider=provider, language=seen.view.language
        )
    except (ProviderUnavailable, SignerNotWaiting, JobAlreadyEnded):
        # The sitting knows why: its problem, or its stage.
        return again
    if origin_of(address) in _eid_origins():
        return SeeOther(address)
    return hand_over(request, seen.view, address=address, to_sender=False)


def _eid_origins() -> tuple[str, ...]:
    origins: tuple[str, ...] = tuple(getattr(settings, "SEGL_EID_ORIGINS", ()))
    return origins


@require_http_methods(["GET", "HEAD", "POST"])
def rejecting(request: HttpRequest, sitting_id: str) -> HttpResponse:
    """Ask once, without nudging; on POST register the rejection."""
    seen = visit(request, sitting_id)
    if seen.view.stage is not Stage.READING:
        return SeeOther(pages.place_of(seen.view))
    if request.method == "POST":
        try:
            reject.reject(ports(), sitting_id=sitting_id, secret=seen.secret)
        except (SignerNotWaiting, JobAlreadyEnded):
            return SeeOther(reverse("sitting", kwargs={"sitting_id": sitting_id}))
        return SeeOther(reverse("progress", kwargs={"sitting_id": sitting_id}))
    return pages.render_page(
        request,
        "signing/reject.html",
        language=seen.view.language,
        view=seen.view,
        page_title=text("reject.page_title", seen.view.language),
        deadline=pages.near_deadline(seen.view, now()),
        back_href=pages.document_address(sitting_id, seen.view.documents[0].number),
    )


@require_safe
def problem(request: HttpRequest, sitting_id: str) -> HttpResponse:
    """Say that the log-in could not be accepted, and offer to try again or to go back."""
    seen = visit(request, sitting_id)
    if seen.view.stage is not Stage.READING or seen.view.problem is not Problem.LOGIN_REFUSED:
        return SeeOther(pages.place_of(seen.view))
    choices = begin_signing.choices(ports(), sitting_id=sitting_id, secret=seen.secret)
    notice = pages.problem_notice(seen.view, choices=choices, now=now())
    return pages.render_page(
        request,
        "signing/message.html",
        language=seen.view.language,
        view=seen.view,
        icon="ExclamationmarkTriangle",
        heading=notice.heading if notice else "",
        sentences=notice.sentences if notice else (),
        confirm_href=reverse("confirm", kwargs={"sitting_id": sitting_id}),
        go_back_href=reverse("go-back", kwargs={"sitting_id": sitting_id}),
        reference=new_reference(),
    )


@require_POST
def going_back(request: HttpRequest, sitting_id: str) -> HttpResponse:
    """Go back to the sender after a technical error: the signer's state becomes FAILED."""
    seen = visit(request, sitting_id)
    try:
        go_back.go_back(ports(), sitting_id=sitting_id, secret=seen.secret)
    except (SignerNotWaiting, JobAlreadyEnded):
        return SeeOther(reverse("sitting", kwargs={"sitting_id": sitting_id}))
    return SeeOther(reverse("progress", kwargs={"sitting_id": sitting_id}))
