"""What the page of rules says about files: their names, their length, and what may not stand in them."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 600
FORBIDDEN_NAMES = {
    f"{name}.py" for name in ("utils", "helpers", "common", "misc", "services", "managers", "base", "exceptions", "constants")
}
FORBIDDEN_CLASSES = re.compile(r"(Manager|Handler|Processor|Service|Helper)$")
LOCK_FILES = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock"}
"""They record the addresses of the machine they were made on."""
PLACES_OF_ONE_MACHINE = re.compile(rb"(?<![\w./-])/(?:home|Users)/[A-Za-z]\w*/")
SOURCES = ("src", "tests", "clients", "examples", "script", "interop")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, timeout=60, check=False)
    if listed.returncode != 0:  # an unpacked archive instead of a clone
        return [path for folder in SOURCES for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and "generated" not in path.parts]


class TestAPythonFile:
    def test_is_at_most_six_hundred_lines(self) -> None:
        too_long = {
            str(path.relative_to(ROOT)): lines for path in python_files() if (lines := len(path.read_text().splitlines())) > MAX_LINES
        }
        assert too_long == {}

    def test_has_a_name_that_says_what_is_in_it(self) -> None:
        assert [str(path.relative_to(ROOT)) for path in python_files() if path.name in FORBIDDEN_NAMES] == []

    def test_of_the_product_begins_with_what_it_knows(self) -> None:
        bare = [
            str(path.relative_to(ROOT))
            for path in python_files()
            if path.is_relative_to(ROOT / "src" / "segl") and "migrations" not in path.parts and path.read_text().strip()
            if ast.get_docstring(ast.parse(path.read_text())) is None
        ]
        assert bare == []


class TestAClass:
    def test_is_named_for_what_it_is(self) -> None:
        found = [
            f"{path.relative_to(ROOT)}: {node.name}"
            for path in python_files()
            if path.is_relative_to(ROOT / "src" / "segl")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ClassDef) and FORBIDDEN_CLASSES.search(node.name)
        ]
        assert found == []


class TestTheRepository:
    def test_holds_no_lock_file(self) -> None:
        assert [path.name for path in tracked() if path.name in LOCK_FILES] == []

    def test_names_no_folder_of_one_machine(self) -> None:
        found = [
            str(path.relative_to(ROOT))
            for path in tracked()
            if "vendor" not in path.parts and path.stat().st_size < 1_000_000 and PLACES_OF_ONE_MACHINE.search(path.read_bytes())
        ]
        assert found == []

    @pytest.mark.parametrize("folder", ["var", ".venv", "sandbox"])
    def test_holds_nothing_that_a_run_makes(self, folder: str) -> None:
        assert [path for path in tracked() if path.relative_to(ROOT).parts[0] == folder] == []

    def test_holds_no_private_key(self) -> None:
        begins = b"-----BEGIN " + b"PRIVATE KEY-----\nM"
        assert [str(path.relative_to(ROOT)) for path in tracked() if begins in path.read_bytes()] == []
