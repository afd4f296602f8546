"""The pages stand on a stage of sittings in memory; no database is touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.apps import apps
from django.test import override_settings

if not apps.ready:
    django.setup()  # what follows imports the registry of models

from segl.entrypoints.signing import visits

from .stage import Browser, Neighbours, StageOfSittings

WEB_SETTINGS: dict[str, Any] = {
    "ROOT_URLCONF": "segl.entrypoints.signing.urls",
    "MIDDLEWARE": [
        "segl.entrypoints.signing.middleware.SecurityHeaders",
        "segl.entrypoints.signing.middleware.Problems",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    "CSRF_FAILURE_VIEW": "segl.entrypoints.signing.views.problems.csrf_failure",
    "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}],
    "ALLOWED_HOSTS": ["localhost", "testserver"],
    "DEBUG": False,
    "SEGL_IS_SANDBOX": False,
    "SEGL_WEB_URL": "http://localhost:8000",
    "SEGL_EID_ORIGINS": ("http://127.0.0.1:8002",),
}


@pytest.fixture(scope="module", autouse=True)
def stage() -> Iterator[StageOfSittings]:
    with pytest.MonkeyPatch.context() as monkeypatch, override_settings(**WEB_SETTINGS, SEGL_PORTS=Neighbours()):
        monkeypatch.setattr(visits, "PATIENCE_SECONDS", 0.0)
        stage = StageOfSittings()
        stage.install(monkeypatch)
        yield stage


@pytest.fixture(autouse=True)
def as_it_was(stage: StageOfSittings) -> Iterator[None]:
    fresh = StageOfSittings()
    yield
    for name in ("choices", "eid_url", "exit_url", "file", "on_look"):
        setattr(stage, name, getattr(fresh, name))
    stage.acts.clear()
    stage.refusals.clear()


@pytest.fixture
def browser() -> Browser:
    return Browser()
