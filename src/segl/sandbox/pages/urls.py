"""The sandbox's addresses (design.md 2)."""

from __future__ import annotations

from django.urls import path

from segl.sandbox.pages import views

urlpatterns = [
    path("", views.start, name="sandbox-start"),
    path("sandbox/clock", views.clock, name="sandbox-clock"),
    path("sandbox/persons", views.persons, name="sandbox-persons"),
    path("sandbox/requests", views.requests, name="sandbox-requests"),
    path("sandbox/requests.json", views.requests_json, name="sandbox-requests-json"),
    path("sandbox/static/<str:name>", views.static, name="sandbox-static"),
]
