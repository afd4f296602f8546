"""The documentation as the tests read it: its pages, and what stands in them as code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/segl"
HIDDEN = {"node_modules", "target", "vendor", "var", "build", "dist"}

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")


def markdown_pages() -> list[Path]:
    """Every page of the repository that was written here."""
    pages = (
        page for page in ROOT.rglob("*.md") if not any(part in HIDDEN or part.startswith(".") for part in page.relative_to(ROOT).parts)
    )
    return sorted(pages)


def name_of(page: Path) -> str:
    """The page's path from the root, for the test's name."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [content for kind, content in FENCE.findall(page.read_text()) if kind == language]


def spans(page: Path) -> list[str]:
    """Everything between single backticks, outside fenced blocks."""
    return SPAN.findall(FENCE.sub("", page.read_text()))


def table_rows(page: Path) -> list[list[str]]:
    """The cells of every row of every table, headings and rules left out."""
    lines = page.read_text().splitlines()
    rows = []
    for number, line in enumerate(lines):
        is_rule = bool(re.fullmatch(r"\|[-| ]+\|", line))
        is_heading = number + 1 < len(lines) and bool(re.fullmatch(r"\|[-| ]+\|", lines[number + 1]))
        if line.startswith("| ") and not is_rule and not is_heading:
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows
