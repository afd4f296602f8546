"""What XML is read, and what is refused before or after a look: each row is one document and its exact message."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from lxml import etree

from segl.xml.parsing import XmlRefused, parse
from support.cost import over
from wire.xml_rows import REFUSED, XmlRow

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
    @pytest.mark.parametrize("row", [pytest.param(row, id=row.what) for row in REFUSED])
    def test_is_refused_with(self, row: XmlRow, no_network: None) -> None:
        def read() -> None:
            with pytest.raises(XmlRefused) as refused:
                parse(row.document, what="manifest")
            assert str(refused.value) == row.message

        assert over(row.at_most, read) == ""

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
