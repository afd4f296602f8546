"""XML from outside: the one strict parser, the canonical form, and validation against a schema."""

from segl.xml.canonical import Canonicalization, canonicalize
from segl.xml.parsing import XmlRefused, parse

__all__ = ["Canonicalization", "XmlRefused", "canonicalize", "parse"]
