"""What an integrator needs in the first hour, on one page (design/ 13), and the clock that anybody in the sandbox may move forward."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from segl.actions.ports import Ports
from segl.database.models import ApiRequest
from segl.entrypoints.signing import dates
from segl.entrypoints.signing.catalogue import LANGUAGE_NAMES
from segl.entrypoints.signing.languages import page_language
from segl.sandbox.clock import ClockNotMoved, move_clock
from segl.sandbox.material import KEY_STORE_PASSWORD, Person, SandboxMaterial, read_organizations, read_persons
from segl.sandbox.pages import catalogue
from segl.sandbox.pages.goodness import good_for
from segl.sandbox.pages.snippets import snippets
from segl.values import Language

SHOWN_REQUESTS = 50
SHOWN_AT_START = 4
FIRST_PERSONS = 4
STEPS = {"hour": 60 * 60, "day": 24 * 60 * 60, "week": 7 * 24 * 60 * 60}
"""Seconds that the buttons move the clock."""

LONGEST_NUMBER = 12
"""Digits of `seconds` that are looked at; thirty years have nine."""

STATIC = Path(__file__).parent / "static"
STATIC_TYPES = {"sandbox.css": "text/css; charset=utf-8", "copy.mjs": "text/javascript; charset=utf-8"}
DEMO_SENDER = Path(__file__).resolve().parents[4] / "examples" / "demo-sender"
"""In a checkout; an installed Segl has no demo sender, and its button would lead nowhere."""


def _material() -> SandboxMaterial:
    return SandboxMaterial(data=settings.SEGL.data)


def _page(request: HttpRequest, template: str, *, status: int = 200, **context: object) -> HttpResponse:
    language = page_language(request)
    frame = {
        "language": language,
        "language_name": LANGUAGE_NAMES[language],
        "languages": [(each.value, name, each is language) for each, name in LANGUAGE_NAMES.items()],
        "is_sandbox": True,
        "here": request.path,
    }
    response = render(request, template, {**frame, **context}, status=status)
    response.headers["Content-Language"] = language.value
    return response


def _with_use(persons: tuple[Person, ...], language: Language) -> list[tuple[Person, str]]:
    return [(person, good_for(person, language)) for person in persons]


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Sign something first, then call the API."""
    return _start(request)


def _start(request: HttpRequest, *, status: int = 200, is_clock_refused: bool = False) -> HttpResponse:
    material, segl = _material(), settings.SEGL
    language = page_language(request)
    organizations = read_organizations(material.organizations)
    persons = read_persons(material.persons)
    now = settings.SEGL_PORTS.clock.now()
    hello, *others = snippets(segl, sender=organizations[0], signer=persons[0])
    return _page(
        request,
        "sandbox/start.html",
        status=status,
        demo_url=segl.demo_url if DEMO_SENDER.is_dir() else None,
        hello=hello,
        snippets=[(snippet, catalogue.text(f"code.{snippet.id}", language)) for snippet in others],
        addresses=[
            ("api", f"{segl.api_url}/api"),
            ("web", segl.web_url),
            ("identity_provider", f"{segl.sandbox_url}/idp"),
            ("time_stamps", f"{segl.sandbox_url}/tsa"),
            ("folder", str(material.folder)),
            ("ca", str(material.ca)),
            ("password", KEY_STORE_PASSWORD),
        ],
        organizations=[(each, catalogue.text(f"organization.{each.role.value}", language)) for each in organizations],
        persons=_with_use(persons[:FIRST_PERSONS], language),
        person_count=len(persons),
        clock_time=dates.time(now, language),
        clock_date=catalogue.date(now, language),
        clock_steps=[(seconds, catalogue.text(f"clock.{name}", language)) for name, seconds in STEPS.items()],
        is_clock_refused=is_clock_refused,
        requests=ApiRequest.objects.order_by("-pk")[:SHOWN_AT_START],
    )


@csrf_exempt  # the clock guards nothing and is there for scripts as well; the sandbox proves nothing to anybody
@require_http_methods(["GET", "HEAD", "POST"])
def clock(request: HttpRequest) -> HttpResponse:
    """
    GET tells Segl's time; POST moves it forward by the form field `seconds` and tells the new one.

    With the field `back=start`, as the start page's buttons have it, the answer leads back there.
    """
    ports: Ports = settings.SEGL_PORTS
    is_from_page = request.POST.get("back") == "start"
    if request.method != "POST":
        return _told(ports)
    text = request.POST.get("seconds", "")
    try:
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
            raise ClockNotMoved
        move_clock(ports, seconds=int(text))
    except ClockNotMoved:
        if is_from_page:
            return _start(request, status=400, is_clock_refused=True)
        return JsonResponse({"error": " ".join((ClockNotMoved.__doc__ or "").split())}, status=400)
    if is_from_page:
        return HttpResponseRedirect("/#clock", status=303)
    return _told(ports)


def _told(ports: Ports) -> JsonResponse:
    return JsonResponse({"now": ports.clock.now().isoformat(timespec="milliseconds")})


@require_safe
def persons(request: HttpRequest) -> HttpResponse:
    """All test persons, and what each is good for."""
    rows = _with_use(read_persons(_material().persons), page_language(request))
    return _page(request, "sandbox/persons.html", persons=rows)


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """The latest API requests, refused handshakes included."""
    return _page(request, "sandbox/requests.html", requests=ApiRequest.objects.order_by("-pk")[:SHOWN_REQUESTS], count=SHOWN_REQUESTS)


@require_safe
def requests_json(request: HttpRequest) -> JsonResponse:
    """The same for scripts."""
    rows = ApiRequest.objects.order_by("-pk")[:SHOWN_REQUESTS]
    names = ("at", "method", "path", "status", "certificate", "outcome")
    return JsonResponse({"requests": [{name: getattr(row, name) for name in names} for row in rows]})


@require_safe
def static(request: HttpRequest, name: str) -> HttpResponse:
    """
    The style and the script that only these pages have.

    :raises Http404: if it is neither.
    """
    if name not in STATIC_TYPES:
        raise Http404
    return HttpResponse((STATIC / name).read_bytes(), content_type=STATIC_TYPES[name])
