"""What a sender is told when a document breaks its schema, and what a schema may open."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import etree

from segl.xml.schema import Schema, SchemaUnusable, SchemaViolated

MAIN = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:letter" targetNamespace="urn:letter" elementFormDefault="qualified">
  <xs:include schemaLocation="parts/types.xsd"/>
  <xs:element name="letter"><xs:complexType><xs:sequence>
    <xs:element name="to" type="number" maxOccurs="5"/>
    <xs:element name="title" type="title"/>
    <xs:element name="kind" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="A"/></xs:restriction></xs:simpleType></xs:element>
    <xs:element name="days" minOccurs="0" type="xs:int"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
TYPES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:letter" targetNamespace="urn:letter">
  <xs:simpleType name="number"><xs:restriction base="xs:string"><xs:pattern value="[0-9]{11}"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="title"><xs:restriction base="xs:string"><xs:maxLength value="8"/></xs:restriction></xs:simpleType>
</xs:schema>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "main.xsd").write_text(MAIN)
    (tmp_path / "parts" / "types.xsd").write_text(TYPES)
    return tmp_path


def letter(body: str, attributes: str = "") -> etree._Element:
    return etree.fromstring(f'<letter xmlns="urn:letter" {attributes}>{body}</letter>')


class TestASchema:
    def test_is_compiled_while_no_other_is(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # libxml2 fails, or crashes, when two threads of a new process compile at once.
        compiling, most, compiled = 0, 0, etree.XMLSchema

        def slowly(document: etree._ElementTree) -> etree.XMLSchema:
            nonlocal compiling, most
            compiling += 1
            most = max(most, compiling)
            time.sleep(0.02)
            compiling -= 1
            return compiled(document)

        monkeypatch.setattr(etree, "XMLSchema", slowly)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: Schema(folder, "main.xsd"), range(4)))
        assert most == 1

    def test_lets_a_right_document_through_and_reaches_included_files(self, folder: Path) -> None:
        Schema(folder, "main.xsd").validate(letter("<to>12345678910</to><title>Lease</title>"), what="letter")

    @pytest.mark.requirement("R15")
    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (
                "<to>1234567891099</to><title>Lease</title>",
                "line 1: Element 'to': [facet 'pattern'] The value is not accepted by the pattern '[0-9]{11}'.",
            ),
            (
                "<to>Kari' is not accepted by 'x</to><title>Lease</title>",
                "line 1: Element 'to': [facet 'pattern'] The value is not accepted by the pattern '[0-9]{11}'.",
            ),
            (
                "<to>12345678910</to><title>Secret affair</title>",
                "line 1: Element 'title': [facet 'maxLength'] The value has a length of '13'; this exceeds the allowed maximum length of '8'.",
            ),
            (
                "<to>12345678910</to><title>x</title><kind>secret</kind>",
                "line 1: Element 'kind': [facet 'enumeration'] The value is not an element of the set {'A'}.",
            ),
            (
                "<to>12345678910</to><title>x</title><days>kari@secret.example</days>",
                "line 1: Element 'days': The value is not a valid value of the atomic type 'xs:int'.",
            ),
            (
                "<title>x</title>",
                "line 1: Element 'title': This element is not expected. Expected is ( to ).",
            ),
        ],
    )
    def test_tells_what_is_wrong_without_the_values(self, folder: Path, body: str, told: str) -> None:
        with pytest.raises(SchemaViolated) as refused:
            Schema(folder, "main.xsd").validate(letter(body), what="letter")
        assert str(refused.value) == f"The letter does not follow its schema. {told}"

    def test_masks_numbers_and_addresses_even_in_names(self, folder: Path) -> None:
        with pytest.raises(SchemaViolated) as refused:
            Schema(folder, "main.xsd").validate(letter("<_12345678910/>"), what="letter")
        assert str(refused.value) == (
            "The letter does not follow its schema. line 1: Element '_…': This element is not expected. Expected is ( to )."
        )

    def test_tells_the_first_three_violations_and_counts_the_rest(self, folder: Path) -> None:
        with pytest.raises(SchemaViolated, match=r" \(and 2 more\)$"):
            Schema(folder, "main.xsd").validate(letter("<to>1</to>" * 5 + "<title>x</title>"), what="letter")

    def test_ignores_schema_locations_in_the_document(self, folder: Path) -> None:
        hint = (
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="urn:letter {folder}/absent.xsd urn:other http://127.0.0.1:9/x.xsd"'
        )
        schema = Schema(folder, "main.xsd")
        schema.validate(letter("<to>12345678910</to><title>Lease</title>", hint), what="letter")
        with pytest.raises(SchemaViolated):
            schema.validate(letter("<to>1</to><title>Lease</title>", hint), what="letter")


class TestASchemaFile:
    @pytest.mark.parametrize(
        ("location", "told"),
        [
            ("../outside.xsd", 'The schema location "outside.xsd" leads out of its folder. Put the file inside.'),
            ("/etc/passwd", 'The schema location "passwd" leads out of its folder. Put the file inside.'),
            (
                "http://127.0.0.1:9/x.xsd",
                'The schema file "main.xsd" points at "http://127.0.0.1:9/x.xsd". Only files of its own folder may be named.',
            ),
            ("absent.xsd", 'The schema file "absent.xsd" cannot be read. Mend the installation.'),
        ],
    )
    def test_is_refused_when_a_location_is_not_a_file_of_the_folder(self, folder: Path, location: str, told: str) -> None:
        (folder / "main.xsd").write_text(MAIN.replace("parts/types.xsd", location))
        with pytest.raises(SchemaUnusable) as refused:
            Schema(folder, "main.xsd")
        assert str(refused.value) == told

    def test_is_refused_when_it_holds_a_doctype(self, folder: Path) -> None:
        (folder / "main.xsd").write_text('<!DOCTYPE x [<!ENTITY a "b">]>' + MAIN)
        with pytest.raises(SchemaUnusable, match=r'^The schema file "main\.xsd" holds a DOCTYPE\. Remove it\.$'):
            Schema(folder, "main.xsd")

    def test_is_refused_when_it_does_not_compile(self, folder: Path) -> None:
        (folder / "main.xsd").write_text(MAIN.replace('type="title"', 'type="nothing"'))
        with pytest.raises(SchemaUnusable, match=r'^The schema "main\.xsd" cannot be compiled'):
            Schema(folder, "main.xsd")
