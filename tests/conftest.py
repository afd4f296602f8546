"""
What every test stands on: a data folder of its own, the database that SEGL_TEST_DATABASE names (sqlite, or a real PostgreSQL server
started here), no network but this machine, and the markers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

DATA = Path(tempfile.mkdtemp(prefix="segl-test-"))
os.environ["SEGL_DATA"] = str(DATA)
os.environ["SEGL_ENVIRONMENT"] = "sandbox"
os.environ["DJANGO_SETTINGS_MODULE"] = "segl.wiring.django_settings"
os.environ.setdefault("SEGL_REFERENCE", str(Path(__file__).resolve().parents[2] / "shared" / "reference"))

from support.postgresql import PostgresServer  # noqa: E402 — the environment must be set first

POSTGRES: PostgresServer | None = None
if os.environ.get("SEGL_TEST_DATABASE", "sqlite") == "postgresql":
    POSTGRES = PostgresServer.start()
    os.environ["SEGL_DATABASE_URL"] = POSTGRES.url("segl")

pytest_plugins = ["support.chromium", "support.running_segl", "support.scene"]
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "running_segl"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(*numbers): the test proves these requirements of wire-spec.md")
    config.addinivalue_line("markers", "any_database: what the test looks at is the same on every database, so once is enough")
    config.addinivalue_line("markers", "database: the test touches a database, so it also runs on PostgreSQL")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("any_database"):
            continue
        touches = set(getattr(item, "fixturenames", ())) & DATABASE_FIXTURES
        if touches or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.database)


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA, ignore_errors=True)
    if POSTGRES is not None:
        POSTGRES.stop()


@pytest.fixture(scope="session")
def postgres() -> PostgresServer | None:
    """The PostgreSQL server of this run, or None on SQLite."""
    return POSTGRES
