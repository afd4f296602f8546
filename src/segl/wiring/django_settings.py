"""
Django's settings, made from Segl's own (segl/settings.py). `SEGL_DOOR` tells which process this is: `web` (default), `api` or `worker`.

Django is the shell: ORM, migrations, templates, CSRF. Its admin, auth and sessions are not installed.
"""

from __future__ import annotations

import os
import secrets
from typing import cast
from urllib.parse import urlsplit

from django.utils.functional import SimpleLazyObject

from segl.actions.ports import Ports
from segl.settings import load, with_secret
from segl.wiring.database import database_settings
from segl.wiring.request_log import note_request
from segl.wiring.structured_logs import configure_logs


def _build_ports() -> Ports:
    from segl.wiring.neighbours import build_ports  # the registry of models is not ready when the settings are read

    return build_ports(SEGL)


SEGL = with_secret(load(os.environ), draw=lambda: secrets.token_urlsafe(48))
SEGL_DOOR = os.environ.get("SEGL_DOOR", "web")
SEGL_PORTS = cast("Ports", SimpleLazyObject(_build_ports))  # made at first use; types see what it stands for
SEGL_IS_SANDBOX = SEGL.is_sandbox
SEGL_WEB_URL = SEGL.web_url
SEGL_API_URL = SEGL.api_url
SEGL_EID_ORIGINS = (SEGL.sandbox_url,) if SEGL.is_sandbox else ()
"""Origins that the confirm page may post on to; a provider that is not among them is reached over a page in between."""
SEGL_NOTE_REQUEST = note_request(is_sandbox=SEGL.is_sandbox)

configure_logs(SEGL_DOOR)

DEBUG = SEGL.debug
SECRET_KEY = SEGL.secret_key
ALLOWED_HOSTS = [host for host in {urlsplit(SEGL.web_url).hostname, urlsplit(SEGL.api_url).hostname, "localhost", "127.0.0.1"} if host]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "nb"
USE_I18N = False
DATABASES = {"default": database_settings(SEGL.database_url)}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
LOGGING_CONFIG = None
SILENCED_SYSTEM_CHECKS: list[str] = []

IS_HTTPS = SEGL.web_url.startswith("https://")
CSRF_COOKIE_NAME = "__Host-segl-csrf" if IS_HTTPS else "segl-csrf"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [SEGL.web_url]
CSRF_FAILURE_VIEW = "segl.entrypoints.signing.views.problems.csrf_failure"

INSTALLED_APPS = ["segl.database.apps.DatabaseConfig", "segl.entrypoints.signing.apps.SigningConfig"]
if SEGL_IS_SANDBOX:
    INSTALLED_APPS.append("segl.sandbox.pages.apps.SandboxPagesConfig")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

if SEGL_DOOR == "api":
    ROOT_URLCONF = "segl.wiring.api_urls"
    MIDDLEWARE = [
        "segl.entrypoints.api.middleware.RequestLog",
        "segl.entrypoints.api.middleware.PeerCertificate",
        "segl.entrypoints.api.middleware.Errors",
    ]
else:
    ROOT_URLCONF = "segl.wiring.web_urls"
    MIDDLEWARE = [
        "segl.entrypoints.signing.middleware.SecurityHeaders",
        "segl.entrypoints.signing.middleware.Problems",
        "django.middleware.csrf.CsrfViewMiddleware",
    ]
