"""Every requirement that the direct flow promises has a test, and the page that says which is true."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("requirement_table", Path(__file__).with_name("requirement_table.py"))
assert _spec is not None
assert _spec.loader is not None
requirement_table = importlib.util.module_from_spec(_spec)
sys.modules["requirement_table"] = requirement_table
_spec.loader.exec_module(requirement_table)

PROMISED = [*range(1, 20), *range(21, 31), *range(33, 69), 73, *range(76, 80), *range(81, 88), *range(92, 95), *range(105, 111)]
"""Line 12 of the issue: R1-R19, R21-R30, R33-R68, R73, R76-R79, R81-R87, R92-R94, R105-R110."""


class TestARequirement:
    @pytest.mark.parametrize("number", PROMISED, ids="R{}".format)
    def test_of_the_direct_flow_has_a_test(self, number: int) -> None:
        assert requirement_table.proofs().get(number), f"R{number} has no test: {requirement_table.PROMISES[number]}"

    def test_that_a_test_names_is_one_that_is_promised(self) -> None:
        assert set(requirement_table.proofs()) <= set(PROMISED)

    def test_is_told_in_our_own_words(self) -> None:
        assert list(requirement_table.PROMISES) == PROMISED


class TestThePage:
    def test_is_what_the_tests_say(self) -> None:
        again = "Run .venv/bin/python tests/docs/requirement_table.py, and commit docs/requirements.md."

        assert requirement_table.PAGE.read_text() == requirement_table.table(), again


class TestReading:
    def test_finds_marks_of_functions_classes_and_rows(self, tmp_path: Path) -> None:
        path = tmp_path / "test_it.py"
        path.write_text(
            "@pytest.mark.requirement('R1', 'R2')\ndef test_a(): ...\n"
            "@pytest.mark.requirement('R3')\nclass TestB:\n  @pytest.mark.requirement('R4')\n  def test_c(self): ...\n"
            "ROWS = [Row(requirements=('R5',))]\nSCENARIOS = {'Greeting': ('R6',)}\n"
        )

        assert list(requirement_table._of_python(path)) == [
            ("test_a", 1),
            ("test_a", 2),
            ("TestB", 3),
            ("TestB.test_c", 4),
            ("rows of test_it", 5),
            ("Greeting", 6),
        ]

    def test_finds_marks_of_java(self) -> None:
        source = (
            '@Test @Tag("R4")\n  @DisplayName("greets (R6, R7)")\n  void greets() {}\n'
            '@Test\n@Tags({@Tag("R48"), @Tag("R49")})\npublic void redirects() {}\n@Test void nothing() { String r = "R9"; }\n'
        )

        assert list(requirement_table._of_java(source)) == [
            ("greets", 4),
            ("greets", 6),
            ("greets", 7),
            ("redirects", 48),
            ("redirects", 49),
        ]
