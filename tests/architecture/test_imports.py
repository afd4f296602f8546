"""Who may import whom: .importlinter holds, and would not hold if somebody broke it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLANTED = [
    ("pdf/planted.py", "from segl.jobs import job", "Documents and signatures are made without knowing what a job is"),
    ("jobs/planted.py", "from segl.wire import errors", "The rules know no format"),
    ("jobs/planted.py", "from segl.database import models", "A storey may look down, never up"),
    ("actions/planted.py", "from segl.adapters import clock", "A storey may look down, never up"),
    ("actions/planted.py", "import httpx", "Only adapters speak to the network"),
    ("entrypoints/api/planted.py", "from segl.entrypoints.signing import pages", "No entrance uses another"),
    ("signatures/planted.py", "import httpx", "Rules and formats touch no framework, no network, no clock and no chance"),
    ("ceremony/planted.py", "import secrets", "Rules and formats touch no framework, no network, no clock and no chance"),
    ("adapters/eid/planted.py", "from segl.adapters import document_store", "No neighbour knows another"),
    ("entrypoints/cli/planted.py", "from segl.sandbox import seeding", "The product never imports the sandbox"),
]


def lint(folder: Path) -> tuple[int, str]:
    program = (
        f"import sys; sys.path.insert(0, {str(folder / 'src')!r}); from importlinter.cli import lint_imports;"
        f"sys.exit(lint_imports(config_filename={str(folder / '.importlinter')!r}, cache_dir=None))"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return run.returncode, run.stdout + run.stderr


@pytest.fixture
def copy_of_the_house(tmp_path: Path) -> Path:
    without = shutil.ignore_patterns("*.pyc", "__pycache__", "static", "fonts", "templates", "*.egg-info")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=without)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


class TestTheHouse:
    def test_keeps_its_contracts(self) -> None:
        status, told = lint(ROOT)
        assert status == 0, told

    @pytest.mark.parametrize(("path", "line", "contract"), PLANTED)
    def test_would_notice(self, copy_of_the_house: Path, path: str, line: str, contract: str) -> None:
        (copy_of_the_house / "src" / "segl" / path).write_text(f'"""Planted."""\n\n{line}\n')
        status, told = lint(copy_of_the_house)
        assert status == 1, told
        assert f"{contract} BROKEN" in told
