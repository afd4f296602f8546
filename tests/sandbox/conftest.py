"""Sandbox material made once for all tests of this folder: RSA keys are slow to make."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segl.sandbox.material import SandboxMaterial, ensure


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> SandboxMaterial:
    return ensure(tmp_path_factory.mktemp("data"), server_organization_number="984661185", now=datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
