"""The canonical form of a part of a document, where lxml has a trap."""

from __future__ import annotations

import pytest

from segl.xml.canonical import Canonicalization, canonicalize
from segl.xml.parsing import XmlRefused, parse

DOCUMENT = (
    b'<a xmlns="urn:a" xmlns:p="urn:p" xmlns:unused="urn:u"><b xmlns="urn:b" z="1" y="2"><c><p:d/></c>'
    b'<e xmlns="">x&#13;&amp;</e></b>tail</a>'
)
CANONICAL = '<b xmlns="urn:b" xmlns:p="urn:p" xmlns:unused="urn:u" y="2" z="1"><c><p:d></p:d></c><e xmlns="">x&#xD;&amp;</e></b>'


class TestACanonicalForm:
    @pytest.mark.parametrize("algorithm", Canonicalization)
    def test_holds_every_namespace_in_scope_and_no_tail(self, algorithm: Canonicalization) -> None:
        element = parse(DOCUMENT, what="test")[0]
        assert canonicalize(element, algorithm).decode() == CANONICAL

    @pytest.mark.parametrize("algorithm", Canonicalization)
    @pytest.mark.parametrize(
        ("document", "canonical"),
        [
            (b'<a xmlns="urn:a"><b><c>x</c></b></a>', b'<b xmlns="urn:a"><c>x</c></b>'),
            (b'<a xmlns="urn:a"><p:b xmlns:p="urn:p"><c>x</c></p:b></a>', b'<p:b xmlns="urn:a" xmlns:p="urn:p"><c>x</c></p:b>'),
            (b'<r xmlns="urn:r"><a xmlns="urn:a"><c>x</c></a></r>', b'<a xmlns="urn:a"><c>x</c></a>'),
            (b'<a xmlns="urn:a"><b xmlns=""><c/></b></a>', b"<b><c></c></b>"),
        ],
    )
    def test_of_a_part_of_a_default_namespace_document_has_no_empty_namespace(
        self, document: bytes, canonical: bytes, algorithm: Canonicalization
    ) -> None:
        assert canonicalize(parse(document, what="test")[0], algorithm) == canonical

    def test_of_the_root_is_the_whole_document(self) -> None:
        root = parse(b"<?xml version='1.0'?>\n<a  b = 'c'/>\n", what="test")
        assert canonicalize(root, Canonicalization.INCLUSIVE_1_0) == b'<a b="c"></a>'

    @pytest.mark.parametrize("algorithm", Canonicalization)
    @pytest.mark.parametrize("attribute", ["xml:id='x'", "xml:base='http://x/'", "xml:lang='no'"])
    def test_is_refused_where_the_two_versions_differ(self, algorithm: Canonicalization, attribute: str) -> None:
        element = parse(f"<a {attribute}><b><c/></b></a>".encode(), what="test")[0][0]
        with pytest.raises(XmlRefused) as refused:
            canonicalize(element, algorithm)
        assert str(refused.value) == "An element above the signed one carries an xml: attribute. Make the document without."

    def test_is_refused_for_a_relative_namespace(self) -> None:
        with pytest.raises(XmlRefused) as refused:
            canonicalize(parse(b"<a xmlns='relative'/>", what="test"), Canonicalization.INCLUSIVE_1_0)
        assert str(refused.value) == "The signed part has no canonical form: a namespace name is relative. Use absolute names."
