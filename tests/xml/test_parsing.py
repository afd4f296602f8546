"""What XML is read, and what is refused before or after a look: each row is one document and its exact message."""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import process_time

import pytest
from lxml import etree

from segl.xml.parsing import XmlRefused, parse

DOCTYPE = "The manifest holds a DOCTYPE. Send it without."
NOT_UTF_8 = "The manifest is not UTF-8. Send it in UTF-8."
OTHER_ENCODING = "The manifest declares another encoding than {}. Send it in UTF-8 and say so."
NOT_DECLARED_UTF_8 = OTHER_ENCODING.format("UTF-8")
INSTRUCTION = "The manifest holds a processing instruction. Send it without."
NO_ROOT = "The manifest is not well-formed XML: no root element begins after the prolog. Send well-formed XML."


def broken(why: str) -> str:
    return f"The manifest is not well-formed XML: {why}. Send well-formed XML."


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><l>&j;</l>"
)

REFUSED: list[tuple[str, bytes, str]] = [
    ("billion laughs", BILLION_LAUGHS.encode(), DOCTYPE),
    ("quadratic blow-up", f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 1000}</a>'.encode(), DOCTYPE),
    ("an external entity", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', DOCTYPE),
    ("an entity of the network", b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]><a>&x;</a>', DOCTYPE),
    ("a parameter entity", b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]><a/>', DOCTYPE),
    ("an external subset", b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', DOCTYPE),
    ("a public identifier", b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x.dtd"><html/>', DOCTYPE),
    ("an empty DOCTYPE", b"<!DOCTYPE a><a/>", DOCTYPE),
    ("a DOCTYPE behind comments", b'<?xml version="1.0"?>\n<!-- - --><!--x-->\t<!DOCTYPE a><a/>', DOCTYPE),
    ("a DOCTYPE behind a byte order mark", b"\xef\xbb\xbf<!DOCTYPE a><a/>", DOCTYPE),
    ("a DOCTYPE in UTF-16", '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16"), DOCTYPE),
    ("a DOCTYPE in big-endian UTF-16", "\ufeff<!DOCTYPE a><a/>".encode("utf-16-be"), DOCTYPE),
    ("a DOCTYPE in lower case", b"<!doctype a><a/>", NO_ROOT),
    ("a DOCTYPE behind an open comment", b"<!-- <!DOCTYPE a><a/>", NO_ROOT),
    ("a DOCTYPE behind the root", b"<a/><!DOCTYPE a>", broken("Extra content at the end of the document, line 1, column 5")),
    ("a DOCTYPE inside the root", b"<a><!DOCTYPE a></a>", broken("StartTag: invalid element name, line 1, column 5")),
    ("UTF-16 without byte order mark", "<!DOCTYPE a><a/>".encode("utf-16-le"), NOT_UTF_8),
    ("UTF-32", "<a/>".encode("utf-32"), NOT_UTF_8),
    ("big-endian UTF-32", "<a/>".encode("utf-32-be"), NOT_UTF_8),
    ("EBCDIC", "<?xml version='1.0'?><a/>".encode("cp037"), NOT_UTF_8),
    ("Latin-1", "<a>æ</a>".encode("latin-1"), NOT_UTF_8),
    ("an overlong encoding", b"<a>\xc0\xbc</a>", NOT_UTF_8),
    ("a half surrogate", b"<a>\xed\xa0\x80</a>", NOT_UTF_8),
    ("half a character of UTF-16", "<a/>".encode("utf-16") + b"\x00", NOT_UTF_8),
    *(
        (f"{name} declared", f'<?xml version="1.0" encoding="{name}"?><a/>'.encode(), NOT_DECLARED_UTF_8)
        for name in ("UTF-7", "UTF-16", "ISO-8859-1", "IBM037", "UTF-32", "utf_8", "x-user-defined", "")
    ),
    ("UTF-8 declared in UTF-16", '<?xml version="1.0" encoding="UTF-8"?><a/>'.encode("utf-16"), OTHER_ENCODING.format("UTF-16")),
    ("UTF-7 that hides a DOCTYPE", b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>', NOT_DECLARED_UTF_8),
    ("XML 1.1", b'<?xml version="1.1"?><a/>', "The manifest says it is another version of XML than 1.0. Send version 1.0."),
    ("an instruction before the root", b'<?xml-stylesheet href="http://127.0.0.1:9/"?><a/>', INSTRUCTION),
    ("an instruction in the root", b"<a><?php echo ?></a>", INSTRUCTION),
    ("an instruction after the root", b"<a/><!-- x --><?x?>", INSTRUCTION),
    ("a second declaration", b'<?xml version="1.0"?><?xml version="1.0"?><a/>', INSTRUCTION),
    ("a space before the declaration", b' <?xml version="1.0"?><a/>', INSTRUCTION),
    ("an unknown entity", b"<a>&nbsp;</a>", broken("Entity 'nbsp' not defined, line 1, column 10")),
    ("a character that is none", b"<a>&#0;</a>", broken("xmlParseCharRef: invalid xmlChar value 0, line 1, column 8")),
    ("an open element", b"<a><b></a>", broken("Opening and ending tag mismatch: b line 1 and a, line 1, column 11")),
    ("an attribute twice", b"<a b='1' b='2'/>", broken("Attribute b redefined, line 1, column 15")),
    ("an unknown prefix", b"<x:a/>", broken("Namespace prefix x on a is not defined, line 1, column 5")),
    ("a name that is a number", b"<a><_12345678910></a>", broken("Opening and ending tag mismatch: _… line 1 and a, line 1, column 22")),
    ("nothing", b"", NO_ROOT),
    ("spaces", b"  \n ", NO_ROOT),
    ("text", b"hello", NO_ROOT),
    ("51 levels", b"<a>" * 51 + b"</a>" * 51, "The manifest is nested deeper than 50 elements. Send a flatter one."),
    (
        "51 attributes",
        ("<a " + " ".join(f"b{n}='1'" for n in range(51)) + "/>").encode(),
        "The manifest holds an element with more than 50 attributes. Send fewer.",
    ),
    (
        "51 namespaces",
        ("<r><a " + " ".join(f"xmlns:b{n}='urn:{n}'" for n in range(51)) + "/></r>").encode(),
        "The manifest holds an element with more than 50 attributes. Send fewer.",
    ),
    *(
        (f"a long name as {what}", document.encode(), "The manifest holds a name of more than 256 characters. Send shorter names.")
        for what, document in [
            ("element", f"<r><{'a' * 257}/></r>"),
            ("attribute", f"<r {'a' * 257}=''/>"),
            ("prefix", f"<r xmlns:{'a' * 257}='urn:a'/>"),
        ]
    ),
    ("more than a mebibyte", b"<a>" + b" " * 1_048_576 + b"</a>", "The manifest is larger than 1048576 bytes. Send a smaller one."),
    ("too many elements", b"<a>" + b"<b/>" * 20_000 + b"</a>", "The manifest holds more than 20000 tags. Send a smaller one."),
    (
        "too many attributes",
        b"<a>" + b"<b c='' d=''/>" * 6_000 + b"</a>",
        "The manifest holds more than 20000 quotation marks. Send a smaller one.",
    ),
]

READ: list[tuple[str, bytes]] = [
    ("as Java writes it", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><a xmlns:x="urn:x">æ</a>'.encode()),
    ("as .NET writes it", '<?xml version="1.0" encoding="utf-8"?>\r\n<a xmlns:xsi="urn:xsi">æ</a>'.encode()),
    ("with a byte order mark", '\ufeff<?xml version="1.0" encoding="utf-8"?><a>æ</a>'.encode()),
    ("without declaration", "<a>æ</a>".encode()),
    ("in UTF-16", '<?xml version="1.0" encoding="UTF-16"?><a>æ</a>'.encode("utf-16")),
    ("in big-endian UTF-16", "\ufeff<?xml version='1.0' encoding='UTF-16BE'?><a>æ</a>".encode("utf-16-be")),
    ("between comments", "<!-- <!DOCTYPE x> --><a>æ</a><!-- after -->".encode()),
    ("with a character reference", b"<a>&#230;</a>"),
]


class TestADocument:
    @pytest.mark.requirement("R16")
    @pytest.mark.parametrize(("document", "message"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
    def test_is_refused_with(self, document: bytes, message: str, no_network: None) -> None:
        began = process_time()
        with pytest.raises(XmlRefused) as refused:
            parse(document, what="manifest")
        assert str(refused.value) == message
        assert process_time() - began < 0.25  # reliability.md B-29 says 0.05; a slow test machine gets five times that

    @pytest.mark.requirement("R28")
    @pytest.mark.parametrize("document", [pytest.param(row[1], id=row[0]) for row in READ])
    def test_is_read(self, document: bytes) -> None:
        root = parse(document, what="manifest")
        assert (root.tag, root.text) == ("a", "æ")

    def test_at_the_limits_is_read(self) -> None:
        parse(b"<a>" * 50 + b"</a>" * 50, what="manifest")
        parse(("<a " + " ".join(f"b{n}='1'" for n in range(50)) + "/>").encode(), what="manifest")
        parse(f"<{'a' * 256}/>".encode(), what="manifest")
        parse(b"<a>" + b" " * (1_048_576 - 7) + b"</a>", what="manifest")

    def test_keeps_its_texts_whole_though_comments_stand_in_them(self) -> None:
        root = parse(b"<a>123<!-- -->456<![CDATA[78]]>9</a>", what="manifest")
        assert (root.text, len(root)) == ("123456789", 0)

    def test_fetches_nothing_by_xinclude_or_schema_location(self, no_network: None) -> None:
        document = (
            b'<a xmlns:xi="http://www.w3.org/2001/XInclude" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            b'xsi:schemaLocation="urn:a http://127.0.0.1:9/a.xsd"><xi:include href="file:///etc/passwd" parse="text"/></a>'
        )
        root = parse(document, what="manifest")
        assert [etree.QName(child).localname for child in root] == ["include"]
        assert root[0].text is None


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a socket was opened: {arguments}")

    opened: Callable[..., None] = refuse
    monkeypatch.setattr(socket.socket, "connect", opened)
