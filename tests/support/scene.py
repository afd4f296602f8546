"""The fixtures of every test that runs actions: neighbours in this process, and a database with the sandbox's organizations."""

from __future__ import annotations

import os
from pathlib import Path

import django
import pytest
from django.apps import apps
from django.db import connections

if not apps.ready:
    django.setup()  # what follows, and every test module that imports an action, needs the registry of models

if connections["default"].vendor == "sqlite":
    # A file, as in a real Segl. Django's own choice, memory with a shared cache, answers "table is locked" to the second writer.
    connections["default"].settings_dict["TEST"]["NAME"] = str(Path(os.environ["SEGL_DATA"]) / "test.sqlite3")
    # No test cuts the power, and each empties all tables.
    connections["default"].settings_dict["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )

from segl.adapters.keys.files import FileKeys
from segl.sandbox.material import SandboxMaterial, ensure

from .direct_jobs import seed_organizations
from .neighbours import NOW, Neighbourhood


@pytest.fixture(scope="session")
def sandbox_material(tmp_path_factory: pytest.TempPathFactory) -> SandboxMaterial:
    """Made once a run: RSA keys are slow to make."""
    return ensure(tmp_path_factory.mktemp("sandbox"), server_organization_number="984661185", now=NOW)


@pytest.fixture(scope="session")
def sandbox_keys(sandbox_material: SandboxMaterial) -> FileKeys:
    return FileKeys(sandbox_material.keys)


@pytest.fixture
def near(sandbox_material: SandboxMaterial, sandbox_keys: FileKeys, tmp_path: Path, transactional_db: None) -> Neighbourhood:
    """The neighbours and an empty database with the sandbox's organizations in it."""
    seed_organizations(sandbox_material)
    return Neighbourhood(material=sandbox_material, folder=tmp_path, keys=sandbox_keys)
