"""Both addresses in this process, with the product's own routes and middleware, and who calls them with which certificate or cookie."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote

from django.apps import apps
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from support.neighbours import Neighbourhood

API, WEB = "segl.wiring.api_urls", "segl.wiring.web_urls"
API_MIDDLEWARE = [f"segl.entrypoints.api.middleware.{name}" for name in ("RequestLog", "PeerCertificate", "Errors")]
BOOKKEEPING = {"RateWindow", "PollGate", "ApiRequest", "Heartbeat"}
"""What calls leave of themselves, whatever they ask for."""


def routes(urlconf: str) -> set[str]:
    """Every route of an address, as it is written in the code."""
    return set(_routes(get_resolver(urlconf).url_patterns, ""))


def _routes(patterns: Iterable[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, before + str(pattern.pattern))
        else:
            yield before + str(pattern.pattern)


@contextmanager
def address(near: Neighbourhood, urlconf: str) -> Iterator[None]:
    """Let Django's test clients speak to that address."""
    more = {"MIDDLEWARE": API_MIDDLEWARE} if urlconf == API else {}
    segl = replace(settings.SEGL, data=near.material.data)
    with override_settings(ROOT_URLCONF=urlconf, SEGL_PORTS=near.ports, SEGL=segl, **more):
        yield


def call(
    near: Neighbourhood, role: str | None, method: str, path: str, body: bytes = b"", content_type: str = "application/xml"
) -> HttpResponse:
    """Call the API as an organization of the sandbox, or without a certificate; 500 is an answer too."""
    environ = {} if role is None else {"segl.told_certificate": _told(near, role)}
    client = Client(raise_request_exception=False)
    answer: HttpResponse = client.generic(method, path, body, content_type, **environ, **{"wsgi.input": io.BytesIO(body)})
    return answer


def everything_stored(near: Neighbourhood) -> dict[str, list[dict[str, object]]]:
    """Every row of every table but the calls' own, and the names of all documents."""
    rows = {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in apps.get_models()
        if model.__module__.startswith("segl.") and model.__name__ not in BOOKKEEPING
    }
    return {**rows, "documents": [{"digest": digest} for digest in sorted(near.stored_digests())]}


def told(answer: HttpResponse, *own: str) -> tuple[int, str, dict[str, str]]:
    """What an answer tells, without what is drawn anew for each: reference, form token; and without what the caller itself wrote (`own`)."""
    text = answer.content.decode()
    for each in own:
        text = text.replace(each, "…")
    text = re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', r"\1…", text)
    text = re.sub(r"\b[2-9BCDFGHJ-NP-TV-Z]{4}-[2-9BCDFGHJ-NP-TV-Z]{2}\b", "…", text)
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    return answer.status_code, text, headers


def _told(near: Neighbourhood, role: str) -> str:
    leaf, end, _ = (near.material.folder / f"{role}.pem").read_text().partition("-----END CERTIFICATE-----")
    return quote(leaf + end)
