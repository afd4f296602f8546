"""Sandbox material made once for all tests of this folder: RSA keys are slow to make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from segl.sandbox.material import SandboxMaterial, ensure

from .browser import MovableClock, Scene

NOW = datetime(2026, 11, 24, 12, 0, 0, 900_000, tzinfo=UTC)


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> SandboxMaterial:
    return ensure(tmp_path_factory.mktemp("data"), server_organization_number="984661185", now=NOW)


@pytest.fixture
def scene(material: SandboxMaterial) -> Iterator[Scene]:
    scene = Scene(material=material, clock=MovableClock(NOW))
    with scene.browser:
        yield scene
    for path in material.folder.glob("identity-provider.sqlite3*"):
        path.unlink()
