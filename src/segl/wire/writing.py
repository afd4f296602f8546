"""
How Segl's own XML is put into bytes: UTF-8, one declaration, the wire's namespace as default, and never a DOCTYPE.

The official clients refuse a DOCTYPE and ignore prefixes; some callers compare less carefully (wire-spec.md 14).
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from segl.values import WIRE_NAMESPACE

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that XML 1.0 cannot carry (Extensible Markup Language 1.0, production Char)."""

_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def root_element(name: str) -> etree._Element:
    """Return a new root in the wire's namespace."""
    return etree.Element(f"{{{WIRE_NAMESPACE}}}{name}", nsmap={None: WIRE_NAMESPACE})  # type: ignore[dict-item]  # lxml-stubs know no default namespace


def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """Append an element of the wire's namespace. No whitespace is put around `text`: the clients would keep it (wire-spec.md 6.4)."""
    element = etree.SubElement(parent, f"{{{WIRE_NAMESPACE}}}{name}")
    element.text = text
    return element


def written(root: etree._Element) -> bytes:
    """Return the tree as one UTF-8 document."""
    return _DECLARATION + etree.tostring(root, encoding="UTF-8", xml_declaration=False)
