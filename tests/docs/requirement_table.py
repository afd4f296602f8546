"""
Which test proves which requirement of wire-spec.md: read from the tests themselves, written to docs/requirements.md.

Run `.venv/bin/python tests/docs/requirement_table.py` after adding or renaming a test with the marker `requirement`.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "requirements.md"
NUMBER = re.compile(r"R[1-9][0-9]*")

PROMISES: dict[int, str] = {
    1: "Nothing of the API answers without a client certificate.",
    2: "TLS 1.2 and 1.3 work; older versions are refused.",
    3: "The organization number is found in certificates of SEID 1, SEID 2, and with only a common name.",
    4: "The Java client gets through TLS to localhost with the folder of CAs.",
    5: "The server's certificate passes the .NET client's checks.",
    6: "A sender is greeted.",
    7: "A broker is greeted with the sender it acts for.",
    8: "A broker without the right is told so, with what its certificate says.",
    9: "An organization without access is told so.",
    10: "A broker may do all that its sender may, and nothing for others.",
    11: "A job arrives as Java sends it: chunked, charset before the boundary.",
    12: "A job arrives as .NET sends it: attachments without name.",
    13: "Parts may come in any order, and the boundary may be quoted.",
    14: "A missing or doubled part is refused.",
    15: "XML against the schema is refused with the validator's words.",
    16: "A DOCTYPE is refused and nothing of it is fetched.",
    17: "Create answers with a redirect URL and an href for each signer.",
    18: "The deprecated redirect URLs equal the signers' own.",
    19: "There is a status URL unless the job is polled for.",
    21: "The sender's reference comes back unchanged, or not at all.",
    22: "Every URL is absolute, short, bare, and without a query.",
    23: "XML has the content type application/xml and nothing more.",
    24: "Job ids are random, unique and small enough for .NET's helper.",
    25: "Both forms of the manifest's documents make the same job.",
    26: "The public examples are accepted.",
    27: "Empty availability and order 0 mean the same as leaving them out.",
    28: "Unused namespaces and standalone change nothing.",
    29: "Each limit on counts and lengths holds.",
    30: "Documents of 10 485 760 bytes are taken, one byte more is not.",
    33: "A PDF that is locked, of another version or no PDF at all is refused.",
    34: "Plain text may be signed and stands in the sealed PDF.",
    35: "The manifest's sender is the one in the address.",
    36: "No two signers of a job have the same identifier.",
    37: "Bundles packed by Java and by .NET are read.",
    38: "Java's bundle signature verifies.",
    39: ".NET's bundle signature verifies.",
    40: "Odd issuer names and serial numbers are no reason to refuse.",
    41: "SHA-1 may name the certificate and do nothing else.",
    42: "Canonical XML 1.0 and 1.1 are both accepted.",
    43: "A bundle in which anything was changed, added or left out is refused.",
    44: "A bundle signed by a stranger is refused.",
    45: "ZIP files made to harm are refused cheaply.",
    46: "Java gets a new redirect URL.",
    47: ".NET gets a new redirect URL with an empty request.",
    48: "A redirect URL works once, and looking at it uses nothing up.",
    49: "A new redirect URL makes the earlier one fail.",
    50: "The signer comes back to the exit URL of what happened, with a token.",
    51: "The token needs no escaping.",
    52: "Status by token says everything of every signer.",
    53: "Between two signatures the job is in progress and has a sealed PDF.",
    54: "A missing or wrong token is refused.",
    55: "Any token is too early before a ceremony has ended.",
    56: "The signer leaves only when the sender can read what happened.",
    57: "Polling gives only jobs that are polled for.",
    58: "The default queue has three spellings.",
    59: "Queue names survive both clients' encodings.",
    60: "Queues are apart by name, flow and organization.",
    61: "The time of the next poll reads in Java and .NET.",
    62: "Nothing new means an interval's wait; something new means none.",
    63: "Polling too early is refused and costs nothing.",
    64: "No answer asks a client to sleep for long.",
    65: "An unconfirmed change comes again after ten minutes.",
    66: "Twenty pollers get a hundred changes, each once.",
    67: "Confirming an old change leaves the newer one.",
    68: "A delivered change is not delivered again at once.",
    73: "Confirming may be repeated and deletes nothing.",
    76: "Documents may be deleted when all have signed.",
    77: "Deleting waits a day, and then takes what was signed.",
    78: "The sealed PDF comes as plain bytes of a known length.",
    79: "A signature's XML comes for those who have signed.",
    81: "Every error is XML, whoever found it.",
    82: "Another's job looks as one that does not exist.",
    83: "The eleventh call of a second blocks for half a minute.",
    84: "Ten megabytes go in and out within ten seconds.",
    85: "Expect: 100-continue is answered at once.",
    86: "A rejection ends the job and keeps what was signed.",
    87: "A direct job expires after thirty days.",
    92: "Private senders get advanced signatures at level 4 and nothing less.",
    93: "Public senders get authenticated signatures unless they ask, and rules when they do.",
    94: "A number is never shown of somebody who was not addressed by it.",
    105: "The sealed PDF has front page, originals, footers and the signatures, and nothing of the sender.",
    106: "Signing without a browser is in the sandbox only.",
    107: "The official clients' smoke scenarios pass.",
    108: "No DOCTYPE in an answer, and three job statuses.",
    109: "Answers hold nothing that the public schema does not know.",
    110: "A connection serves a hundred calls, errors among them.",
}
"""Line 12 of the direct flow's issue, in our own words; the full texts stand in wire-spec.md, section 26."""


def proofs() -> dict[int, dict[str, list[str]]]:
    """Return for each number the files with the names of the tests that name it."""
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for name, number in _of_python(path):
            _note(found, path, name, number)
    for path in sorted((ROOT / "interop").rglob("src/test/**/*.java")):
        for name, number in _of_java(path.read_text()):
            _note(found, path, name, number)
    return found


def table() -> str:
    """Return docs/requirements.md."""
    found = proofs()
    lines = [
        "# Requirements and their tests",
        "",
        "What the official clients need of Segl, and the tests that prove it. Written by `tests/docs/requirement_table.py`; "
        "a number without a test fails the suite.",
        "",
        "| Number | Promise | Tests |",
        "|---|---|---|",
    ]
    for number, promise in PROMISES.items():
        tests = "<br>".join(f"[{file}](../{file}): {', '.join(names)}" for file, names in sorted(found.get(number, {}).items()))
        lines.append(f"| R{number} | {promise} | {tests} |")
    return "\n".join(lines) + "\n"


def _note(found: dict[int, dict[str, list[str]]], path: Path, name: str, number: int) -> None:
    names = found[number][str(path.relative_to(ROOT))]
    if name not in names:
        names.append(name)


def _of_python(path: Path) -> Iterator[tuple[str, int]]:
    tree = ast.parse(path.read_text(), filename=str(path))
    for outer in tree.body:
        if isinstance(outer, ast.ClassDef):
            for number in _marked(outer.decorator_list):
                yield outer.name, number
            for inner in outer.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    for number in _marked(inner.decorator_list):
                        yield f"{outer.name}.{inner.name}", number
        elif isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
            for number in _marked(outer.decorator_list):
                yield outer.name, number
        else:
            yield from _of_rows(outer, path.stem)


def _of_rows(outer: ast.stmt, module: str) -> Iterator[tuple[str, int]]:
    """Rows of a table, whose numbers become markers where it is used: a dictionary of names, or the keyword `requirements`."""
    for node in ast.walk(outer):
        if isinstance(node, ast.keyword) and node.arg == "requirements":
            for number in _numbers(node.value):
                yield f"rows of {module}", number
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    for number in _numbers(value):
                        yield str(key.value), number


def _marked(decorators: Iterable[ast.expr]) -> Iterator[int]:
    for decorator in decorators:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
                for argument in node.args:
                    yield from _numbers(argument)


def _numbers(node: ast.AST) -> Iterator[int]:
    for constant in ast.walk(node):
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str) and NUMBER.fullmatch(constant.value):
            yield int(constant.value[1:])


ARGUMENTS = r"""\((?:[^()"]|"[^"]*"|\((?:[^()"]|"[^"]*")*\))*\)"""
ANNOTATED = re.compile(rf"((?:@\w+(?:{ARGUMENTS})?\s*)+)(?:public\s+|static\s+|final\s+)*(?:void|class)\s+(\w+)")


def _of_java(source: str) -> Iterator[tuple[str, int]]:
    """JUnit's own marks: @Tag("R48") before a test, and numbers in its @DisplayName."""
    for match in ANNOTATED.finditer(source):
        marks = "".join(re.findall(rf"@(?:Tag|Tags|DisplayName)\s*{ARGUMENTS}", match[1]))
        for number in re.findall(r"\bR([1-9][0-9]*)\b", marks):
            yield match[2], int(number)


if __name__ == "__main__":
    PAGE.write_text(table())
