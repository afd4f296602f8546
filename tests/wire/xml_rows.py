"""Rows of XML documents that are refused before or after a look, each with its exact message when it is called "manifest"."""

from __future__ import annotations

from typing import NamedTuple

from support.cost import Cost


class XmlRow(NamedTuple):
    """One refused document. The cost is what reliability.md B-29 allows."""

    what: str
    document: bytes
    message: str
    at_most: Cost = Cost(milliseconds=50, mebibytes=20)


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

_ROWS: list[tuple[str, bytes, str]] = [
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
    ("an entity as an attribute's default", b'<!DOCTYPE a [<!ENTITY x "y"><!ATTLIST a b CDATA "&x;">]><a/>', DOCTYPE),
    (
        "a DOCTYPE behind half a mebibyte of comments",
        b"<!--x-->" * 65_000 + b"<!DOCTYPE a><a/>",
        "The manifest holds more than 20000 tags. Send a smaller one.",
    ),
    ("a DOCTYPE behind a comment of a mebibyte", b"<!--" + b" " * 1_048_500 + b"--><!DOCTYPE a><a/>", DOCTYPE),
    ("a conditional section", b"<a><![INCLUDE[x]]></a>", broken("StartTag: invalid element name, line 1, column 5")),
    ("big-endian UTF-16 without byte order mark", "<a/>".encode("utf-16-be"), NOT_UTF_8),
    ("UTF-32 that says so", "<?xml version='1.0' encoding='UTF-32'?><a/>".encode("utf-32-be"), NOT_UTF_8),
    ("big-endian UTF-32 with byte order mark", b"\0\0\xfe\xff" + "<a/>".encode("utf-32-be"), NOT_UTF_8),
    ("UTF-7 with its byte order mark", b"+/v8-<a/>", NO_ROOT),
    ("two byte order marks", "\ufeff\ufeff<a/>".encode(), NO_ROOT),
    ("a byte order mark of UTF-16 before UTF-8", b"\xff\xfe<a/>", NO_ROOT),
    (
        "a second encoding in the declaration",
        b'<?xml version="1.0" encoding="UTF-8" encoding="UTF-16"?><a/>',
        broken("parsing XML declaration: '?>' expected, line 1, column 38"),
    ),
    ("a declaration without version", b'<?xml encoding="UTF-8"?><a/>', broken("Malformed declaration expecting version, line 1, column 7")),
    ("a declaration in capitals", b'<?XML version="1.0"?><a/>', INSTRUCTION),
    (
        "a declaration inside the root",
        b'<a><?xml version="1.0"?></a>',
        broken("XML declaration allowed only at the start of the document, line 1, column 9"),
    ),
    ("a declaration that does not end", b'<?xml version="1.0"<a/>', INSTRUCTION),
    (
        "standalone neither yes nor no",
        b'<?xml version="1.0" standalone="maybe"?><a/>',
        broken("standalone accepts only 'yes' or 'no', line 1, column 33"),
    ),
    ("a half surrogate by reference", b"<a>&#xD800;</a>", broken("xmlParseCharRef: invalid xmlChar value 55296, line 1, column 12")),
    ("a character beyond Unicode", b"<a>&#x110000;</a>", broken("xmlParseCharRef: character reference out of bounds, line 1, column 14")),
    (
        "a character reference of a thousand digits",
        b"<a>&#" + b"9" * 1000 + b";</a>",
        broken("xmlParseCharRef: character reference out of bounds, line 1, column 1007"),
    ),
    ("a non-character by reference", b"<a>&#xFFFF;</a>", broken("xmlParseCharRef: invalid xmlChar value 65535, line 1, column 12")),
    ("a control character", b"<a>\x01</a>", broken("PCDATA invalid Char value 1, line 1, column 4")),
    ("a NUL", b"<a>\0</a>", NOT_UTF_8),
    ("a non-character", "<a>\ufffe</a>".encode(), broken("PCDATA invalid Char value 65534, line 1, column 4")),
    ("a bare ampersand", b"<a>b & c</a>", broken("xmlParseEntityRef: no name, line 1, column 7")),
    ("the end of a CDATA section alone", b"<a>]]></a>", broken("Sequence ']]>' not allowed in content, line 1, column 4")),
    ("an open CDATA section", b"<a><![CDATA[</a>", broken("CData section not finished, line 1, column 17")),
    ("an open comment in the root", b"<a><!-- </a>", broken("Comment not terminated, line 1, column 13")),
    ("two hyphens in a comment", b"<a><!-- -- --></a>", broken("Double hyphen within comment, line 1, column 9")),
    ("an attribute without quotation marks", b"<a b=c/>", broken("AttValue: \" or ' expected, line 1, column 6")),
    ("a tag in an attribute", b"<a b='<c/>'/>", broken("Unescaped '<' not allowed in attributes values, line 1, column 7")),
    ("two roots", b"<a/><b/>", broken("Extra content at the end of the document, line 1, column 5")),
    ("text behind the root", b"<a/>text", broken("Extra content at the end of the document, line 1, column 5")),
    (
        "an attribute twice by two prefixes",
        b"<a xmlns:x='urn:a' xmlns:y='urn:a' x:b='1' y:b='2'/>",
        broken("Namespaced Attribute b in 'urn:a' redefined, line 1, column 51"),
    ),
    ("a prefix of no namespace", b"<a xmlns:x=''/>", broken("xmlns:x: Empty XML namespace is not allowed, line 1, column 14")),
    ("the prefix xml for something else", b"<a xmlns:xml='urn:a'/>", broken("xml namespace prefix mapped to wrong URI, line 1, column 21")),
    ("the prefix xmlns declared", b"<a xmlns:xmlns='urn:a'/>", broken("redefinition of the xmlns prefix is forbidden, line 1, column 23")),
    ("a name of two colons", b"<a:b:c xmlns:a='urn:a'/>", broken("Failed to parse QName 'a:b:c', line 1, column 7")),
    ("an xml:id twice", b"<a><b xml:id='x'/><c xml:id='x'/></a>", broken("ID already defined, line 1, column 32")),
    (
        "nineteen thousand levels",
        b"<a>" * 9_990 + b"</a>" * 9_990,
        broken("Excessive depth in document: 256, use XML_PARSE_HUGE option, line 1, column 771"),
    ),
    (
        "nine thousand attributes",
        ("<a " + " ".join(f"b{n}=''" for n in range(9_000)) + "/>").encode(),
        "The manifest holds an element with more than 50 attributes. Send fewer.",
    ),
    (
        "nine thousand namespaces",
        ("<a " + " ".join(f"xmlns:b{n}='urn:{n}'" for n in range(9_000)) + "/>").encode(),
        "The manifest holds an element with more than 50 attributes. Send fewer.",
    ),
    ("a name of half a mebibyte", b"<" + b"a" * 524_288 + b"/>", broken("Name too long: NCName, line 1, column 524290")),
    ("an attribute's name of half a mebibyte", b"<a " + b"b" * 524_288 + b"=''/>", broken("Name too long: NCName, line 1, column 524292")),
    (
        "a thousand levels that do not end",
        b"<a>" * 1_000,
        broken("Excessive depth in document: 256, use XML_PARSE_HUGE option, line 1, column 771"),
    ),
    *(
        (f"{what} that nobody may read in a log", document.encode(), broken(told))
        for what, document, told in [
            ("a comment", "<a><!-- Ola Nordmann -- --></a>", "Double hyphen within comment, line 1, column 22"),
            ("a comment of two lines", "<a><!-- \nOla Nordmann -- --></a>", "Double hyphen within comment, line 2, column 14"),
            ("a CDATA section", "<a><![CDATA[Ola Nordmann", "CData section not finished, line 1, column 25"),
            ("an xml:id", "<a xml:id='Ola Nordmann'/>", "xml:id : attribute value is not an NCName, line 1, column 25"),
        ]
    ),
]

REFUSED = [XmlRow(*row) for row in _ROWS]
