"""
The one way by which XML of senders comes in: parsed strictly, held against the XSD, and only then looked at.

Whatever is wrong with it becomes one refusal that names the place and never the value (wire-spec.md 6.3 and 15).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lxml import etree

from segl.values import WIRE_NAMESPACE
from segl.wire.errors import ErrorCode, RequestRefused
from segl.xml.parsing import XmlRefused, parse
from segl.xml.schema import Schema, SchemaViolated


def read(data: bytes, *, root: str, what: str) -> etree._Element:
    """
    Return the root of `data` after it was found valid and to be the element `root` of the wire's namespace.

    `what` names the document in messages: "request", "manifest" …

    :raises RequestRefused: SCHEMA_VALIDATION_ERROR, if it is anything else.
    """
    try:
        element = parse(data, what=what)
    except XmlRefused as error:
        raise RequestRefused(ErrorCode.SCHEMA_VALIDATION_ERROR, str(error)) from error
    # Asked before the schema: the other flow's message is valid too, and must not be taken here.
    if element.tag != f"{{{WIRE_NAMESPACE}}}{root}":
        raise RequestRefused(
            ErrorCode.SCHEMA_VALIDATION_ERROR,
            f"The {what} does not begin with the element {root} in the namespace {WIRE_NAMESPACE}. Send that element to this address.",
        )
    try:
        schema().validate(element, what=what)
    except SchemaViolated as error:
        raise RequestRefused(ErrorCode.SCHEMA_VALIDATION_ERROR, str(error)) from error
    return element


@cache
def schema() -> Schema:
    """Return Segl's own schema of the wire, compiled once per process."""
    return Schema(Path(__file__).parent / "schemas", "messages.xsd")


def child(parent: etree._Element, name: str) -> etree._Element | None:
    """Return the first child element `name` of the wire's namespace, or None."""
    return parent.find(_path(name))


def children(parent: etree._Element, *names: str) -> list[etree._Element]:
    """Return the elements that the path of `names` leads to, in document order."""
    return parent.findall(_path(*names))


def text(parent: etree._Element, *names: str) -> str | None:
    """Return the text of the first element that the path of `names` leads to, exactly as written, or None if there is none."""
    element = parent.find(_path(*names))
    return None if element is None else element.text or ""


def _path(*names: str) -> str:
    return "/".join(f"{{{WIRE_NAMESPACE}}}{name}" for name in names)
