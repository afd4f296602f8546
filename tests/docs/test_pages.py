"""The pages lead somewhere: every link, file, function, script, command, setting and error code that one names is there."""

from __future__ import annotations

import argparse
import ast
import os
import re
from pathlib import Path

import pytest

from docs.pages import FENCE, ROOT, SOURCE, SPAN, markdown_pages, name_of, spans, table_rows
from segl.settings import OTHERS, SETTINGS
from segl.wire.errors import ErrorCode

PAGES = markdown_pages()
TOUR = ROOT / "docs/tour.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACE = re.compile(r"([\w./-]+\.py):([A-Za-z_][\w.]*)")
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:py|mjs|toml|xsd|typ|html|md)|[\w-]+\.py")

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
# The pages of client and demo name files of the reader's own.
each_page_of_segl = pytest.mark.parametrize(
    "page", [p for p in PAGES if p.relative_to(ROOT).parts[0] not in ("clients", "examples")], ids=name_of
)


def file_at(path: str) -> Path | None:
    """The file that a page means: from the root, or from src/segl as in the tour."""
    return next((folder / path for folder in (ROOT, SOURCE, ROOT / "docs/operating") if (folder / path).is_file()), None)


def has_name(file: Path, dotted: str) -> bool:
    """Whether a Python file defines a function, class or method of that name."""
    body: list[ast.stmt] = ast.parse(file.read_text()).body
    for name in dotted.split("."):
        found = next((n for n in body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and n.name == name), None)
        if found is None:
            return False
        body = found.body
    return True


def anchors(file: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


class TestEveryPage:
    @each_page
    def test_links_to_what_is_there(self, page: Path) -> None:
        lost = []
        for target in LINK.findall(SPAN.sub("", FENCE.sub("", page.read_text()))):
            path, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            file = page.parent / path if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                lost.append(target)

        assert lost == []

    @each_page
    def test_names_functions_that_exist(self, page: Path) -> None:
        lost = []
        for span in spans(page):
            for path, name in PLACE.findall(span):
                file = file_at(path)
                if file is None or not has_name(file, name):
                    lost.append(f"{path}:{name}")

        assert lost == []

    @each_page_of_segl
    def test_names_files_that_exist(self, page: Path) -> None:
        named = {path for span in spans(page) if "{" not in span and "…" not in span and "*" not in span for path in FILE.findall(span)}

        assert {path for path in named if file_at(path) is None} - {"conftest.py"} == set()

    @each_page
    def test_names_scripts_that_can_be_run(self, page: Path) -> None:
        named = set(re.findall(r"(?<![\w/.])script/([a-z-]+)", page.read_text()))

        assert {name for name in named if not os.access(ROOT / "script" / name, os.X_OK)} == set()

    @each_page
    def test_names_settings_that_exist(self, page: Path) -> None:
        known = {row.name for row in SETTINGS}
        named = set(re.findall(r"\bSEGL_[A-Z_]*[A-Z]\b", page.read_text()))

        assert {name for name in named - known if not name.startswith(OTHERS)} == set()

    @each_page
    def test_tells_nothing_of_the_machine_it_was_written_on(self, page: Path) -> None:
        assert re.findall(r"(?<![\w.])/(?:work|root|home|Users|tmp)/\S*", page.read_text()) == []


class TestTheTour:
    def test_leads_through_every_room(self) -> None:
        visited = {path.split("/")[0].removesuffix(".py") for span in spans(TOUR) for path, _ in PLACE.findall(span)}
        rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and not path.name.startswith("__")}

        assert rooms - visited - {"xml"} == set()

    def test_names_many_places(self) -> None:
        assert len({place for span in spans(TOUR) for place in PLACE.findall(span)}) > 60


class TestTheCommandLine:
    def test_has_every_command_that_a_page_names(self) -> None:
        from segl.entrypoints.cli.commands import add_commands
        from segl.wiring import processes

        group = argparse.ArgumentParser().add_subparsers()
        processes.add_commands(group)
        add_commands(group)
        known = {name: _verbs(parser) for name, parser in group.choices.items()}
        lost = []
        for page in PAGES:
            text = page.read_text()
            for words in [*SPAN.findall(FENCE.sub("", text)), *re.findall(r"^    (segl .+)$", text, re.MULTILINE)]:
                if not words.startswith("segl "):
                    continue
                command, *rest = words.split()[1:]
                verbs = known.get(command)
                asked = rest[0].split("|") if verbs and rest else []
                if verbs is None or (verbs and not set(asked) <= verbs):
                    lost.append(f"{name_of(page)}: {words}")

        assert lost == []


def _verbs(parser: argparse.ArgumentParser) -> set[str]:
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return set(nested[0].choices) if nested else set()


class TestErrorCodes:
    @pytest.mark.parametrize("name", ["docs/divergences.md", "docs/api.md", "docs/operating/when-something-is-down.md"])
    def test_in_prose_are_real_ones(self, name: str) -> None:
        words = {span.split()[-1] for span in spans(ROOT / name) if re.fullmatch(r"(?:\d{3} )?[A-Z]+(?:_[A-Z]+)+", span)}
        values = {word for path in ("values.py", "jobs/job.py", "wire/direct_job.py") for word in _strings(SOURCE / path)}
        settings = {row.name for row in SETTINGS}

        assert words - {code.value for code in ErrorCode} - values - settings == set()


def _strings(path: Path) -> set[str]:
    return {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


class TestTheDecisions:
    FILES = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))

    def test_are_numbered_without_gap(self) -> None:
        assert [int(file.name[:4]) for file in self.FILES] == list(range(1, len(self.FILES) + 1))

    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    def test_say_situation_decision_and_price(self, file: Path) -> None:
        text = file.read_text()

        assert text.startswith(f"# {int(file.name[:4])}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Situation", "Decision", "Price"]

    def test_stand_in_the_index(self) -> None:
        index = (ROOT / "docs/decisions/README.md").read_text()

        assert [file.name for file in self.FILES if f"({file.name})" not in index] == []


class TestTheChangelog:
    def test_keeps_what_is_not_released(self) -> None:
        headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

        assert headings[0] == "Unreleased"

    def test_uses_the_headings_of_keep_a_changelog(self) -> None:
        used = set(re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE))

        assert used <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


class TestTheReadme:
    def test_shows_the_picture_of_a_sealed_page(self) -> None:
        assert "(docs/sealed-page.png)" in (ROOT / "README.md").read_text()

    def test_lists_every_folder(self) -> None:
        listed = {cell for row in table_rows(ROOT / "README.md") for cell in re.findall(r"\[([\w/-]+)/\]", row[0])}

        assert listed == {"docs", "src/segl", "clients/python", "examples/demo-sender", "interop", "tests", "bench", "fuzz", "script"}
