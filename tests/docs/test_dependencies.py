"""Each dependency has its line: why, who keeps it, what if it dies."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.pages import ROOT, SOURCE, table_rows

PAGE = ROOT / "docs/decisions/dependencies.md"
ROWS = {re.sub(r"[`*]", "", row[0]): row for row in table_rows(PAGE)}
MAVEN = "{http://maven.apache.org/POM/4.0.0}"


def names(requirements: list[str]) -> list[str]:
    """The bare names of what pyproject.toml asks for."""
    return [re.split(r"[\[<>=~! ;]", requirement)[0] for requirement in requirements]


def of_project() -> list[str]:
    """What Segl needs to run, to build and to test."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = [each for group in project["project"]["optional-dependencies"].values() for each in group]
    return names([*project["project"]["dependencies"], *project["build-system"]["requires"], *extras])


def of_client() -> list[str]:
    """What the Python client needs."""
    return names(tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]["dependencies"])


def of_npm() -> list[str]:
    """What is judged by software from npm."""
    return [name for page in (ROOT / "interop").glob("*/package.json") for name in json.loads(page.read_text())["dependencies"]]


class TestEveryDependency:
    @pytest.mark.parametrize("name", sorted({*of_project(), *of_client(), *of_npm()}))
    def test_of_python_or_npm_has_a_line(self, name: str) -> None:
        assert name.lower() in {row.lower() for row in ROWS}

    def test_of_maven_has_a_line(self) -> None:
        asked = {
            f"{dependency.findtext(f'{MAVEN}groupId')}:{dependency.findtext(f'{MAVEN}artifactId')}"
            for pom in (ROOT / "interop").glob("*/pom.xml")
            for dependency in ElementTree.parse(pom).iter(f"{MAVEN}dependency")
        }
        patterns = [re.escape(name).replace("…", ".+") for name in ROWS if ":" in name]

        assert {name for name in asked if not any(re.fullmatch(pattern, name) for pattern in patterns)} == set()

    def test_that_is_vendored_has_a_line(self) -> None:
        accounts = [SOURCE / "entrypoints/signing/static/segl/vendor/VENDORED.md", SOURCE / "pdf/fonts/VENDORED.md"]
        packages = {name for page in accounts for name in re.findall(r"@[\w-]+/[\w-]+(?= \d|`)|`(pdfjs-dist)`", page.read_text()) if name}
        packages |= {name for page in accounts for name in re.findall(r"^\| `(@?[\w/-]+)` \|", page.read_text(), re.MULTILINE)}

        assert packages - set(ROWS) == set()

    def test_has_said_all_four_things(self) -> None:
        assert [name for name, row in ROWS.items() if len(row) != 4 or not all(row)] == []

    def test_is_still_asked_for(self) -> None:
        known = {name.lower() for name in (*of_project(), *of_client(), *of_npm())}
        stale = {name for name in ROWS if re.fullmatch(r"[A-Za-z0-9-]+", name) and name.lower() not in known}

        assert stale <= {"pdfjs-dist", "DejaVu"}


def test_a_page_is_there_to_be_read() -> None:
    assert Path(PAGE).read_text().startswith("# Dependencies")
