"""What an integrator needs in the first hour, on one page (design/ 13), and the clock that anybody in the sandbox may move forward."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from segl.actions.ports import Ports
from segl.database.models import ApiRequest
from segl.sandbox.clock import ClockNotMoved, move_clock
from segl.sandbox.material import SandboxMaterial, read_organizations, read_persons
from segl.sandbox.pages.snippets import snippets

SHOWN_REQUESTS = 50
FIRST_PERSONS = 4


def _material() -> SandboxMaterial:
    return SandboxMaterial(data=settings.SEGL.data)


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Sign something first, then call the API."""
    material = _material()
    organizations = read_organizations(material.organizations)
    persons = read_persons(material.persons)
    return render(
        request,
        "sandbox/start.html",
        {
            "settings": settings.SEGL,
            "organizations": organizations,
            "public": organizations[0],
            "persons": persons[:FIRST_PERSONS],
            "person_count": len(persons),
            "snippets": snippets(settings.SEGL, sender=organizations[0]),
            "clock": settings.SEGL_PORTS.clock.now(),
        },
    )


@csrf_exempt  # the clock guards nothing and is there for scripts as well; the sandbox proves nothing to anybody
def clock(request: HttpRequest) -> HttpResponse:
    """GET tells Segl's time, POST with `seconds=N` moves it forward."""
    ports: Ports = settings.SEGL_PORTS
    now = ports.clock.now()
    if request.method == "POST":
        text = request.POST.get("seconds", "")
        try:
            now = move_clock(ports, seconds=int(text))
        except (ValueError, ClockNotMoved):
            return JsonResponse({"error": " ".join((ClockNotMoved.__doc__ or "").split())}, status=400)
        if request.POST.get("back") == "start":
            return HttpResponseRedirect("/")
    return JsonResponse({"now": now.isoformat(timespec="milliseconds")})


@require_GET
def persons(request: HttpRequest) -> HttpResponse:
    """All test persons, and what each is good for."""
    return render(request, "sandbox/persons.html", {"persons": read_persons(_material().persons)})


@require_GET
def requests(request: HttpRequest) -> HttpResponse:
    """The latest API requests, refused handshakes included."""
    return render(request, "sandbox/requests.html", {"requests": ApiRequest.objects.order_by("-pk")[:SHOWN_REQUESTS]})


@require_GET
def requests_json(request: HttpRequest) -> JsonResponse:
    """The same for scripts."""
    rows = ApiRequest.objects.order_by("-pk")[:SHOWN_REQUESTS]
    names = ("at", "method", "path", "status", "certificate", "outcome")
    return JsonResponse({"requests": [{name: getattr(row, name) for name in names} for row in rows]})
