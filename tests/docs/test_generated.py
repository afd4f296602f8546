"""What the documentation repeats of the code is what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from docs.pages import ROOT
from segl.settings import SETTINGS, reference
from segl.wire.errors import ErrorCode

GENERATE = ROOT / "docs/generate.py"


class TestGeneratedParts:
    def test_are_what_the_code_says(self) -> None:
        done = subprocess.run([sys.executable, GENERATE, "--check"], capture_output=True, text=True, check=False)

        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_are_told_of_when_they_are_old(self, tmp_path: Path) -> None:
        # A copy whose page says something else: the check must be able to fail.
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs/generate.py").write_text(GENERATE.read_text())
        (tmp_path / "docs/error-codes.md").write_text("<!-- script/docs: error-codes -->\nnothing\n<!-- end -->\n")
        done = subprocess.run([sys.executable, tmp_path / "docs/generate.py", "--check"], capture_output=True, text=True, check=False)

        assert (done.returncode, done.stdout) == (1, "docs/error-codes.md is out of date. Run script/docs.\n")


class TestThePageOfSettings:
    def test_holds_the_table_and_each_name(self) -> None:
        page = (ROOT / "docs/operating/settings.md").read_text()

        assert reference() in page
        assert [row.name for row in SETTINGS if f"`{row.name}`" not in page] == []


class TestThePageOfErrors:
    def test_names_each_code(self) -> None:
        page = (ROOT / "docs/error-codes.md").read_text()

        assert [code.value for code in ErrorCode if f"`{code.value}`" not in page] == []


class TestTheStandards:
    def test_are_found_in_the_docstrings(self) -> None:
        page = (ROOT / "docs/standards.md").read_text()

        assert "| ETSI EN 319 142-1 | " in page
        assert "`signatures/pades.py`" in page
