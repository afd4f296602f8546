"""The glossary's words are one a thing and really on the wire, and every module says what it knows."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from docs.pages import ROOT, SOURCE, table_rows

GLOSSARY = table_rows(ROOT / "docs/glossary.md")
PARTS_OF_NAMES = {"direct-…", "portal-…"}


class TestTheGlossary:
    def test_says_five_things_of_each_word(self) -> None:
        assert [row[0] for row in GLOSSARY if len(row) != 5 or not all(row)] == []

    def test_has_each_word_once(self) -> None:
        assert [word for word, count in Counter(row[0] for row in GLOSSARY).items() if count > 1] == []

    def test_takes_the_wires_words_from_the_wire(self) -> None:
        on_the_wire = (
            "\n".join(
                path.read_text()
                for path in [*SOURCE.glob("wire/**/*.*"), *SOURCE.glob("entrypoints/api/*.py"), *SOURCE.glob("jobs/*.py")]
                if path.suffix in {".py", ".xsd"}
            )
            + (SOURCE / "values.py").read_text()
        )
        words = {word for row in GLOSSARY for word in re.findall(r"`([^`]+)`", row[1])} - PARTS_OF_NAMES

        assert {
            word for word in words if word not in on_the_wire and not (word == "signature-job" and "signature-job-id" in on_the_wire)
        } == set()

    @pytest.mark.parametrize(
        "word", ["signature job", "signer", "sitting", "signing intent", "seal intent", "evidence", "lease", "invariant"]
    )
    def test_has_the_words_that_the_code_lives_by(self, word: str) -> None:
        assert word in {row[0] for row in GLOSSARY}


def modules() -> list[Path]:
    """Every Python file of ours that holds code; migrations are made by Django."""
    folders = [SOURCE, ROOT / "clients/python/src", ROOT / "examples/demo-sender", ROOT / "docs", ROOT / "tests"]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [path for path in files if path.read_text().strip() and "migrations" not in path.parts]


class TestEveryModule:
    def test_says_what_it_knows(self) -> None:
        silent = [str(path.relative_to(ROOT)) for path in modules() if ast.get_docstring(ast.parse(path.read_text())) is None]

        assert silent == []


class TestARoom:
    FORBIDDEN = ("utils", "helpers", "common", "misc", "services", "managers", "base", "exceptions", "constants")

    def test_has_no_drawer_for_everything(self) -> None:
        assert [str(path) for path in modules() if path.stem in self.FORBIDDEN] == []
