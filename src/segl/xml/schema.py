"""
XML Schema validation: one compiled schema, and messages that help the sender without repeating what people wrote.

A schema is built from one folder only, and neither it nor a validated document can make Segl open any other address (reliability.md B-30).
"""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock
from typing import Any, Final

from lxml import etree

from segl.xml.parsing import without_personal_values

XSD_NAMESPACE: Final = "http://www.w3.org/2001/XMLSchema"
MAX_REPORTED_ERRORS: Final = 3
MAX_ERROR_CHARACTERS: Final = 300

# libxml2 quotes the refused value in these four sentences. The value may be an identity number, an address or a title.
# The patterns are greedy on purpose: a value may hold quotes and the very words that follow it.
_QUOTED_VALUES: Final = (
    (re.compile(r"The value '.*' (?=is not accepted|is not an element|is less|is greater|must be|has )", re.DOTALL), "The value "),
    (re.compile(r"(?<=: )'.*' is not a valid value of", re.DOTALL), "The value is not a valid value of"),
    (re.compile(r"key-sequence \[.*\]", re.DOTALL), "key-sequence"),
    (re.compile(r"The (?:QName|actual) value '.*'(?= )", re.DOTALL), "The value"),
)
_NAMESPACE: Final = re.compile(r"\{[^}\s']*[:/][^}\s']*\}")
_COMPILING: Final = Lock()


class SchemaViolated(Exception):
    """A document does not follow its schema. The message holds the validator's text without the values it quotes."""


class SchemaUnusable(Exception):
    """A schema file is missing, wrong, or points outside its folder. Mend the installation."""


class Schema:
    """One compiled XML Schema. Safe to share between threads."""

    def __init__(self, folder: Path, main: str) -> None:
        """
        Compile the schema whose first file is `main` in `folder`; xs:include, xs:import and xs:redefine reach files of that folder only.

        :raises SchemaUnusable: if a file is missing or wrong, or a location leads out of the folder.
        """
        _check_locations(folder, folder / main, set())
        try:
            # libxml2 sets up its built-in types at the first compilation, and fails when two threads are first at once.
            with _COMPILING:
                self._schema = etree.XMLSchema(_read(folder / main))
        except etree.XMLSchemaParseError as error:
            raise SchemaUnusable(f'The schema "{main}" cannot be compiled: {error}. Mend the file.') from error
        self._lock = Lock()

    def validate(self, element: etree._Element, *, what: str) -> None:
        """
        Check that the tree below and including `element` follows the schema; `what` names the document in the message.

        xsi:schemaLocation in the document is ignored.

        :raises SchemaViolated: if it does not; the message quotes the first violations with their lines.
        """
        # lxml keeps the errors of the last run in the schema object, so two threads would read each other's.
        with self._lock:
            if self._schema.validate(element):
                return
            log: Any = self._schema.error_log  # lxml-stubs gives the log no members
            errors = [(entry.line, entry.message) for entry in log]
        told = "; ".join(f"line {line}: {_without_values(message)}" for line, message in errors[:MAX_REPORTED_ERRORS])
        more = f" (and {len(errors) - MAX_REPORTED_ERRORS} more)" if len(errors) > MAX_REPORTED_ERRORS else ""
        raise SchemaViolated(f"The {what} does not follow its schema. {told}{more}")


def _without_values(message: str) -> str:
    for pattern, replacement in _QUOTED_VALUES:
        message = pattern.sub(replacement, message)
    message = _NAMESPACE.sub("", without_personal_values(message))
    message = " ".join(message.split())
    return message if len(message) <= MAX_ERROR_CHARACTERS else message[:MAX_ERROR_CHARACTERS] + "…"


def _read(path: Path) -> etree._ElementTree:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.parse(str(path), parser)
    except (OSError, etree.XMLSyntaxError) as error:
        raise SchemaUnusable(f'The schema file "{path.name}" cannot be read. Mend the installation.') from error
    if tree.docinfo.internalDTD is not None:
        raise SchemaUnusable(f'The schema file "{path.name}" holds a DOCTYPE. Remove it.')
    return tree


def _check_locations(folder: Path, file: Path, seen: set[Path]) -> None:
    # libxml2 opens whatever a location says, relative to the file that says it; so every location is followed here before it is let loose.
    path = file.resolve()
    if not path.is_relative_to(folder.resolve()):
        raise SchemaUnusable(f'The schema location "{file.name}" leads out of its folder. Put the file inside.')
    if path in seen:
        return
    seen.add(path)
    for node in _read(path).getroot().iterchildren(*(f"{{{XSD_NAMESPACE}}}{kind}" for kind in ("include", "import", "redefine"))):
        location = node.get("schemaLocation")
        if location is None:
            continue
        if ":" in location:
            raise SchemaUnusable(f'The schema file "{path.name}" points at "{location}". Only files of its own folder may be named.')
        _check_locations(folder, path.parent / location, seen)
