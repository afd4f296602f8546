"""The signer's addresses. Sitting ids stand in them: they are random and worth nothing without the cookie."""

from __future__ import annotations

from django.urls import path

from segl.entrypoints.signing import assets
from segl.entrypoints.signing.views import deciding, door, reading, site, waiting

SITTING = "sign/<slug:sitting_id>"
DOCUMENT = SITTING + "/documents/<int:number>"

urlpatterns = [
    path("redirect/<str:token>", door.redirect, name="redirect"),
    path(SITTING + "/", reading.sitting, name="sitting"),
    path(DOCUMENT, reading.document, name="document"),
    path(DOCUMENT + "/text", reading.as_text, name="document-text"),
    path(DOCUMENT + "/pages.pdf", reading.rendition, name="document-pages"),
    path(DOCUMENT + "/file", reading.file, name="document-file"),
    path(SITTING + "/confirm", deciding.confirm, name="confirm"),
    path(SITTING + "/reject", deciding.rejecting, name="reject"),
    path(SITTING + "/problem", deciding.problem, name="problem"),
    path(SITTING + "/give-up", deciding.going_back, name="go-back"),
    path(SITTING + "/progress", waiting.progress, name="progress"),
    path(SITTING + "/progress.json", waiting.progress_state, name="progress-state"),
    path(SITTING + "/leave", waiting.leaving, name="leave"),
    path(SITTING + "/over", waiting.over, name="over"),
    path("eid/callback", waiting.callback, name="eid-callback"),
    path("language", site.language, name="language"),
    path("help", site.information, {"page": "help"}, name="help"),
    path("privacy", site.information, {"page": "privacy"}, name="privacy"),
    path("accessibility", site.information, {"page": "accessibility"}, name="accessibility"),
    path("static/<slug:of_digest>/<path:name>", assets.serve, name="asset"),
]

handler400 = "segl.entrypoints.signing.views.problems.bad_request"
handler403 = "segl.entrypoints.signing.views.problems.forbidden"
handler404 = "segl.entrypoints.signing.views.problems.not_found"
handler500 = "segl.entrypoints.signing.views.problems.server_error"
