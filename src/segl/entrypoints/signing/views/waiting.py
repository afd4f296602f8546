"""After the person has acted: back from the eID provider, waiting for the seal, and out to the sender."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from segl.actions import complete_signing, leave
from segl.ceremony.sitting import Outcome, Problem, Stage
from segl.entrypoints.signing import dates, pages
from segl.entrypoints.signing.catalogue import text
from segl.entrypoints.signing.cookies import keep_secret, secrets_by_sitting
from segl.entrypoints.signing.views.answers import SeeOther, hand_over
from segl.entrypoints.signing.visits import now, ports, visit, visit_after_sealing, wait_for_evaluation


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """
    Take the eID provider's answer; what went wrong with the log-in is told on the page this leads to.

    :raises SittingNotFound, SittingTimedOut: if the answer belongs to no attempt of this browser.
    """
    returned = complete_signing.complete_signing(
        ports(),
        parameters=request.GET.dict(),
        cookie_secrets=secrets_by_sitting(request),
        ip_address=request.META["REMOTE_ADDR"],
    )
    wait_for_evaluation(request.GET.get("state", ""))
    seen = visit_after_sealing(request, returned.sitting_id, secret=returned.secret)
    if seen.view.stage is Stage.READING and seen.view.problem is Problem.LOGIN_REFUSED:
        address = reverse("problem", kwargs={"sitting_id": seen.sitting_id})
    else:
        address = pages.place_of(seen.view)
    response = SeeOther(address)
    keep_secret(request, response, sitting_id=returned.sitting_id, secret=returned.secret)
    return response


@require_safe
def progress(request: HttpRequest, sitting_id: str) -> HttpResponse:
    """Wait for the seal, in this answer for a second and then in the page; then hand the browser over to the sender."""
    seen = visit_after_sealing(request, sitting_id)
    view = seen.view
    if view.stage is Stage.DONE:
        return hand_over(request, view, address=reverse("leave", kwargs={"sitting_id": sitting_id}), to_sender=True)
    if view.stage is not Stage.SEALING:
        return SeeOther(pages.place_of(view))
    heading, sentence = pages.progress_sentences(view)
    return pages.render_page(
        request,
        "signing/progress.html",
        language=view.language,
        view=view,
        page_title=text("progress.page_title", view.language),
        heading=heading,
        sentence=sentence,
        is_signed=view.outcome is Outcome.SIGNED,
        is_slow=pages.is_slow(view, now()),
        stored_time=dates.time(view.acted_at, view.language) if view.acted_at else None,
        steps=pages.steps(3, view.language),
        step_name=text("step.sign", view.language),
        progress_href=reverse("progress", kwargs={"sitting_id": sitting_id}),
        state_href=reverse("progress-state", kwargs={"sitting_id": sitting_id}),
    )


@require_safe
def progress_state(request: HttpRequest, sitting_id: str) -> JsonResponse:
    """Return `{"next": address or null, "is_slow": bool}` for the page that waits."""
    view = visit(request, sitting_id).view
    match view.stage:
        case Stage.SEALING:
            following = None
        case Stage.DONE:
            following = reverse("leave", kwargs={"sitting_id": sitting_id})
        case _:
            following = pages.place_of(view)
    return JsonResponse({"next": following, "is_slow": pages.is_slow(view, now())})


@require_http_methods(["GET", "HEAD", "POST"])
def leaving(request: HttpRequest, sitting_id: str) -> HttpResponse:
    """Lead to the exit URL when the sender can read the outcome, else to where the sitting stands."""
    seen = visit(request, sitting_id)
    if seen.view.stage not in {Stage.DONE, Stage.OVER}:
        return SeeOther(pages.place_of(seen.view))
    if request.method == "HEAD":
        return HttpResponse(status=204)
    return SeeOther(leave.exit_url(ports(), sitting_id=sitting_id, secret=seen.secret))


@require_safe
def over(request: HttpRequest, sitting_id: str) -> HttpResponse:
    """Say why the job ended without this person's act."""
    view = visit(request, sitting_id).view
    if view.stage is not Stage.OVER:
        return SeeOther(pages.place_of(view))
    icon, heading, sentence = pages.over_sentences(view)
    return pages.render_page(
        request,
        "signing/message.html",
        language=view.language,
        view=view,
        icon=icon,
        heading=heading,
        sentences=(sentence,),
        leave_href=reverse("leave", kwargs={"sitting_id": sitting_id}),
    )
