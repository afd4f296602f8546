"""
The one XML parser of Segl: every XML document from outside passes here, and nothing in it can reach out, expand or grow beyond the limits.

Documents with a DOCTYPE are refused before libxml2 sees them, because surviving an entity bomb is not the same as refusing it (reliability.md B-29, B-30).
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

MAX_BYTES: Final = 1_048_576  # reliability.md B-30
MAX_DEPTH: Final = 50  # reliability.md B-30
MAX_ATTRIBUTES: Final = 50  # reliability.md B-30; namespace declarations count
MAX_NAME_CHARACTERS: Final = 256  # reliability.md B-30
# Every tag costs a "<" and every attribute two quotation marks: counted in the text, they bound the tree's memory before it is built.
MAX_TAGS: Final = 20_000
MAX_QUOTATION_MARKS: Final = 20_000

_DECLARATION: Final = re.compile(r"<\?xml(?=\s)([^?]*)\?>")
_VERSION: Final = re.compile(r"\bversion\s*=\s*[\"']([^\"']*)[\"']")
_ENCODING: Final = re.compile(r"\bencoding\s*=\s*[\"']([^\"']*)[\"']")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PERSONAL: Final = re.compile(r"[0-9]{11,}|[^\s'@]+@[^\s'@]+")
# libxml2 quotes what people wrote in comments and CDATA sections that do not end, and in an xml:id.
_QUOTED_TEXT: Final = re.compile(
    r"(?:: <!--|\s*\n).*(?=, line [0-9]+, column [0-9]+)|(?<=attribute value) .*(?= is not an NCName)|(?<=^ID) .*(?= already defined)",
    re.DOTALL,
)
_BOM_UTF_8: Final = b"\xef\xbb\xbf"
_BOMS_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_BOM_UTF_32: Final = b"\xff\xfe\x00\x00"


class XmlRefused(Exception):
    """A document is not XML that Segl reads. The message says which document, what is wrong and what to do."""


def parse(data: bytes, *, what: str) -> etree._Element:
    """
    Return the root element of `data`; `what` names the document in messages ("manifest").

    UTF-8 and UTF-16 with byte order mark are read. Comments are dropped, so an element's text is whole: a comment inside a name or a number
    can never show readers of `.text` less than the schema and the signature saw.

    :raises XmlRefused: if it is not well-formed, holds a DOCTYPE or a processing instruction, or breaks a limit.
    """
    if len(data) > MAX_BYTES:
        raise XmlRefused(f"The {what} is larger than {MAX_BYTES} bytes. Send a smaller one.")
    text = _text(data, what)
    if text.count("<") > MAX_TAGS:
        raise XmlRefused(f"The {what} holds more than {MAX_TAGS} tags. Send a smaller one.")
    if text.count('"') + text.count("'") > MAX_QUOTATION_MARKS:
        raise XmlRefused(f"The {what} holds more than {MAX_QUOTATION_MARKS} quotation marks. Send a smaller one.")
    _check_prolog(text, what)
    # The encoding is given, so that a declaration cannot make libxml2 read other characters than the ones just checked.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        told = without_personal_values(_QUOTED_TEXT.sub("", str(error.msg)))
        raise XmlRefused(f"The {what} is not well-formed XML: {told}. Send well-formed XML.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlRefused(f"The {what} holds a DOCTYPE. Send it without.")
    _check_limits(root, what)
    return root


def without_personal_values(message: str) -> str:
    """Return `message` with identity numbers and e-mail addresses taken out."""
    return _PERSONAL.sub("…", message)


def _text(data: bytes, what: str) -> str:
    if data.startswith(_BOM_UTF_32):
        raise XmlRefused(f"The {what} is not UTF-8. Send it in UTF-8.")
    if data.startswith(_BOM_UTF_8):
        encoding, names = "utf-8-sig", ["utf-8"]
    elif data.startswith(_BOMS_UTF_16):
        encoding, names = "utf-16", ["utf-16", "utf-16le", "utf-16be"]
    else:
        encoding, names = "utf-8", ["utf-8", "us-ascii"]
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise XmlRefused(f"The {what} is not UTF-8. Send it in UTF-8.") from error
    # A zero byte is UTF-16 or UTF-32 without byte order mark; XML has no such character.
    if "\0" in text:
        raise XmlRefused(f"The {what} is not UTF-8. Send it in UTF-8.")
    declaration = _DECLARATION.match(text)
    if declaration:
        version, declared = _VERSION.search(declaration[1]), _ENCODING.search(declaration[1])
        if version and version[1] != "1.0":
            raise XmlRefused(f"The {what} says it is another version of XML than 1.0. Send version 1.0.")
        if declared and declared[1].lower() not in names:
            raise XmlRefused(f"The {what} declares another encoding than {names[0].upper()}. Send it in UTF-8 and say so.")
    return text


def _check_prolog(text: str, what: str) -> None:
    # A DOCTYPE is only well-formed before the root element, so the prolog is all there is to look through.
    declaration = _DECLARATION.match(text)
    position = declaration.end() if declaration else 0
    while True:
        found = _SPACE.match(text, position)
        position = found.end() if found else position
        end = text.find("-->", position + len("<!--")) if text.startswith("<!--", position) else -1
        if end < 0:
            break
        position = end + len("-->")
    if text.startswith("<!DOCTYPE", position):
        raise XmlRefused(f"The {what} holds a DOCTYPE. Send it without.")
    if text.startswith("<?", position):
        raise XmlRefused(f"The {what} holds a processing instruction. Send it without.")
    if not text.startswith("<", position) or text.startswith("<!", position):
        raise XmlRefused(f"The {what} is not well-formed XML: no root element begins after the prolog. Send well-formed XML.")


def _check_limits(root: etree._Element, what: str) -> None:
    if root.getnext() is not None or root.getprevious() is not None:
        raise XmlRefused(f"The {what} holds a processing instruction. Send it without.")
    depth = declarations = 0
    for event, item in etree.iterwalk(root, events=("start", "end", "start-ns", "pi")):
        if event == "start-ns":
            declarations += 1
            _check_name(item[0] or "", what)
        elif event == "end":
            depth -= 1
        elif event == "pi":
            raise XmlRefused(f"The {what} holds a processing instruction. Send it without.")
        else:
            depth += 1
            if depth > MAX_DEPTH:
                raise XmlRefused(f"The {what} is nested deeper than {MAX_DEPTH} elements. Send a flatter one.")
            if len(item.attrib) + declarations > MAX_ATTRIBUTES:
                raise XmlRefused(f"The {what} holds an element with more than {MAX_ATTRIBUTES} attributes. Send fewer.")
            declarations = 0
            _check_name(item.tag, what)
            for name in item.attrib:
                _check_name(name, what)


def _check_name(name: str, what: str) -> None:
    if len(name.rpartition("}")[2]) > MAX_NAME_CHARACTERS:
        raise XmlRefused(f"The {what} holds a name of more than {MAX_NAME_CHARACTERS} characters. Send shorter names.")
