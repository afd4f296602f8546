"""What the API process answers: the API, its health, and in the sandbox the test endpoints of wire-spec.md 2, rows 14 and 15."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from segl.entrypoints.health import health

urlpatterns = [path("health", health), path("", include("segl.entrypoints.api.urls"))]
if settings.SEGL_IS_SANDBOX:
    urlpatterns.append(path("", include("segl.sandbox.devmode_urls")))

handler400 = "segl.entrypoints.api.errors.bad_request"
handler404 = "segl.entrypoints.api.errors.not_found"
handler500 = "segl.entrypoints.api.errors.server_error"
