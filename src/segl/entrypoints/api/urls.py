"""The API's addresses (wire-spec.md 2)."""

from __future__ import annotations

from django.urls import path

from segl.entrypoints.api import views

JOBS = "api/<str:organization>/direct/signature-jobs"

urlpatterns = [
    path("api/<str:organization>", views.greeting),
    path(JOBS, views.jobs),
    path(f"{JOBS}/<str:job_id>/status", views.status),
    path(f"{JOBS}/<str:job_id>/signers/<str:position>", views.signer),
    path(f"{JOBS}/<str:job_id>/complete", views.confirm),
    path(f"{JOBS}/<str:job_id>/complete/<str:sequence>", views.confirm),
    path(f"{JOBS}/<str:job_id>/documents", views.documents),
    path(f"{JOBS}/<str:job_id>/pades", views.pades),
    path(f"{JOBS}/<str:job_id>/xades/<str:position>", views.xades),
]
