"""
Canonical XML: the bytes of an element that signatures are made over, inclusive, without comments.

W3C Canonical XML 1.0 and 1.1; they differ only in attributes of the xml: prefix inherited from above the element, and such are refused here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, assert_never

from lxml import etree

from segl.xml.parsing import XmlRefused

XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"


class Canonicalization(StrEnum):
    """The two accepted algorithms, by the URI that XML Signature names them with."""

    INCLUSIVE_1_0 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    INCLUSIVE_1_1 = "http://www.w3.org/2006/12/xml-c14n11"


def canonicalize(element: etree._Element, algorithm: Canonicalization) -> bytes:
    """
    Return the canonical form of the tree below and including `element`, UTF-8, with the namespaces in scope where it stands.

    :raises XmlRefused: if an element above carries an xml: attribute, or a namespace name is relative.
    """
    match algorithm:
        case Canonicalization.INCLUSIVE_1_0 | Canonicalization.INCLUSIVE_1_1:
            # 1.0 copies xml:id and xml:base from omitted ancestors, 1.1 does not; where there are none, the two are one algorithm.
            if any(str(name).startswith(f"{{{XML_NAMESPACE}}}") for above in element.iterancestors() for name in above.attrib):
                raise XmlRefused("An element above the signed one carries an xml: attribute. Make the document without.")
        case _:
            assert_never(algorithm)
    # lxml has releases whose C14N of an element that is not the root writes xmlns="" into children of a default-namespace document, so the
    # element is serialised with every namespace in scope and parsed again as a root of its own. All of it passed the one parser before.
    root = element
    if element.getparent() is not None:
        parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(etree.tostring(element, encoding="utf-8", with_tail=False), parser)
    try:
        return etree.tostring(root, method="c14n", exclusive=False, with_comments=False)
    except etree.C14NError as error:
        raise XmlRefused("The signed part has no canonical form: a namespace name is relative. Use absolute names.") from error
