"""What the web process answers: the signer's pages, its health, and in the sandbox the start page."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from segl.entrypoints.health import health

urlpatterns = [path("health", health), path("", include("segl.entrypoints.signing.urls"))]
if settings.SEGL_IS_SANDBOX:
    urlpatterns.append(path("", include("segl.sandbox.pages.urls")))

handler400 = "segl.entrypoints.signing.views.problems.bad_request"
handler403 = "segl.entrypoints.signing.views.problems.forbidden"
handler404 = "segl.entrypoints.signing.views.problems.not_found"
handler500 = "segl.entrypoints.signing.views.problems.server_error"
