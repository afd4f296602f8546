"""
Which parts of the documentation are written from the code, and how.

A generated part stands between two comments, `<!-- script/docs: NAME -->` and `<!-- end -->`; everything around it is written by hand.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src/segl"

PARTS = re.compile(r"(<!-- script/docs: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def settings() -> str:
    """The table of settings."""
    from segl.settings import reference

    return reference()


def error_codes() -> str:
    """The table of error codes, without the heading of its own."""
    from segl.wire.errors import reference

    return reference().partition("\n\n")[2]


def endpoints() -> str:
    """Every address of the API process, with its methods and the first sentence of its view."""
    from segl.entrypoints.api.urls import urlpatterns as product
    from segl.sandbox.devmode_urls import urlpatterns as sandbox

    lines = ["| Method | Address | What it does |", "|---|---|---|"]
    for pattern, is_sandbox in [*((each, False) for each in product), *((each, True) for each in sandbox)]:
        view = pattern.callback
        address = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
        mark = " *Sandbox* only." if is_sandbox else ""
        lines.append(f"| {', '.join(_methods(view))} | `{address}` | {_first_sentence(view.__doc__)}{mark} |")
    return "\n".join(lines) + "\n"


def commands() -> str:
    """Every command of `segl`, with its arguments and its help."""
    from segl.entrypoints.cli.commands import add_commands
    from segl.wiring import processes

    parser = argparse.ArgumentParser(prog="segl")
    group = parser.add_subparsers()
    processes.add_commands(group)
    add_commands(group)
    lines = ["| Command | What it does |", "|---|---|"]
    for name, arguments, help_text in sorted(_commands(group, "segl")):
        lines.append(f"| `{name}{arguments}` | {help_text} |")
    return "\n".join(lines) + "\n"


def standards() -> str:
    """Every standard that a docstring names, and the files that name it."""
    places: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        text = " ".join(" ".join(each.split()) for each in _docstrings(path))
        for found in STANDARD.finditer(text):
            name = re.sub(r"^(EN|TS) ", r"ETSI \1 ", found.group(0))
            places.setdefault(name, set()).add(str(path.relative_to(SOURCE)))
    lines = ["| Standard | Named in `src/segl/` |", "|---|---|"]
    lines += [f"| {name} | {', '.join(f'`{path}`' for path in sorted(places[name]))} |" for name in sorted(places, key=_in_order)]
    return "\n".join(lines) + "\n"


STANDARD = re.compile(
    r"RFC \d{4}|(?:ETSI )?(?:EN|TS) \d{3} \d{3}(?:-\d)?|ISO 32000-1|ITU-T X\.\d+|OpenID Connect (?:Core|Discovery)"
    r"|NIST SP 800-63B|Canonical XML 1\.\d|XML-Signature 1\.1|PKWARE APPNOTE|WCAG 2\.\d"
)

GENERATED: dict[str, Callable[[], str]] = {
    "settings": settings,
    "error-codes": error_codes,
    "endpoints": endpoints,
    "commands": commands,
    "standards": standards,
}


def _in_order(name: str) -> tuple[object, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name))


def _docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def _methods(view: Callable[..., object]) -> tuple[str, ...]:
    # The API's own decorator keeps the methods in its closure; a view without it names them where it refuses others.
    methods = inspect.getclosurevars(view).nonlocals.get("methods")
    if methods is None and (named := re.search(r'"Allow": "([A-Z, ]+)"', inspect.getsource(view))):
        methods = tuple(named.group(1).split(", "))
    if not methods:
        raise SystemExit(f"docs/generate.py: the view {view.__qualname__} does not tell its methods. Decorate it with for_sender.")
    return tuple(methods)


def _first_sentence(docstring: str | None) -> str:
    # Sources stand in docstrings for who reads the code; the page is for who calls the API.
    text = re.sub(r" \([^()]*\.md[^()]*\)", "", " ".join((docstring or "").split()))
    return re.split(r"(?<=\.) ", text)[0]


def _commands(group: argparse._SubParsersAction[argparse.ArgumentParser], prefix: str) -> Iterator[tuple[str, str, str]]:
    help_of = {action.dest: action.help or "" for action in group._choices_actions}
    for name, parser in group.choices.items():
        nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if nested:
            yield from _commands(nested[0], f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", "".join(_arguments(parser)), help_of[name]


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if not action.option_strings:
            yield f" {_value(action)}"
    for action in parser._actions:
        if action.option_strings and action.dest not in ("help", "json"):
            text = action.option_strings[0] if action.nargs == 0 else f"{action.option_strings[0]} {_value(action)}"
            yield f" {text}" if action.required else f" [{text}]"


def _value(action: argparse.Action) -> str:
    # A bare bar would end the cell of the table.
    return "\\|".join(action.choices) if action.choices else action.dest.upper()


def pages() -> list[Path]:
    """Every page that holds a generated part."""
    return [page for page in sorted(DOCS.rglob("*.md")) if PARTS.search(page.read_text())]


def renewed(page: Path) -> str:
    """Return the page's text with its generated parts made again."""

    def part(found: re.Match[str]) -> str:
        name = found.group(2)
        if name not in GENERATED:
            raise SystemExit(f"docs/generate.py: {page.relative_to(ROOT)} asks for {name!r}. Write one of {', '.join(GENERATED)}.")
        return f"{found.group(1)}\n{GENERATED[name]()}\n{found.group(4)}"

    return PARTS.sub(part, page.read_text())


def main() -> int:
    """Write the pages again, or with `--check` tell which are out of date."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation again, from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is out of date")
    is_check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as data:
        # Django's settings draw the sandbox's secret into the data folder; the documentation has no use for it.
        for name in [name for name in os.environ if name.startswith("SEGL_")]:
            del os.environ[name]
        os.environ["SEGL_DATA"] = data
        os.environ["DJANGO_SETTINGS_MODULE"] = "segl.wiring.django_settings"
        import django

        django.setup()
        old = [(page, text) for page in pages() if (text := renewed(page)) != page.read_text()]
    for page, text in old:
        print(f"{page.relative_to(ROOT)} {'is out of date. Run script/docs.' if is_check else 'is written again.'}")
        if not is_check:
            page.write_text(text)
    return 1 if is_check and old else 0


if __name__ == "__main__":
    sys.exit(main())
