"""Small files that ask for much: one function a bomb, named by what it holds. Written object by object, because no library makes such files."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import reduce

MANY = 1_000_000
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<%s>>/Contents 4 0 R>>"
Bomb = Callable[[], bytes]


def stream(content: bytes, entries: bytes = b"", *, is_packed: bool = True) -> bytes:
    """Return a stream object's body; packed, a million blanks are a thousand bytes."""
    packed = zlib.compress(content, 9) if is_packed else content
    head = b"<</Length %d%s%s>>" % (len(packed), b"/Filter/FlateDecode" if is_packed else b"", entries)
    return head + b"stream\n" + packed + b"\nendstream"


def written(objects: Mapping[int, bytes], *, trailer: bytes = b"", prefix: bytes = b"%PDF-1.7\n") -> bytes:
    """Return the file with these objects, a cross-reference table that is right, and object 1 as catalog."""
    whole, places = bytearray(prefix), {}
    for number, body in objects.items():
        places[number] = len(whole)
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(whole)
    size = max(objects) + 1
    whole += b"xref\n0 %d\n0000000000 65535 f \n" % size
    whole += b"".join(b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 00000 f \n" for number in range(1, size))
    whole += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, table)
    return bytes(whole)


def one_page(
    *, content: bytes = b"q Q", resources: bytes = b"", page: bytes = b"", catalog: bytes = b"", more: Mapping[int, bytes] | None = None
) -> bytes:
    """Return a file of one page; `page` and `catalog` are further entries, `more` objects from number 5."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: (PAGE % resources)[:-2] + page + b">>",
        4: stream(content),
    }
    return written(objects | dict(more or {}))


def form(content: bytes, resources: bytes, entries: bytes = b"") -> bytes:
    return stream(content, b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<<%s>>%s" % (resources, entries), is_packed=False)


def million_objects() -> bytes:
    return one_page(catalog=b"/Many[" + b"<<>>" * MANY + b"]")


def million_objects_in_streams() -> bytes:
    """Ten thousand object streams would be slower to make than to read; a hundred of ten thousand objects ask the same."""
    return one_page(
        catalog=b"/Many[" + b"".join(b"%d 0 R " % number for number in range(5, 105)) + b"]",
        more=dict.fromkeys(range(5, 105), b"[" + b"<</A[]>>" * 10000 + b"]"),
    )


def million_keys() -> bytes:
    return one_page(catalog=b"/Many<<" + b"".join(b"/K%d 0" % number for number in range(700_000)) + b">>")


def deep_arrays() -> bytes:
    return one_page(catalog=b"/Deep " + b"[" * 100_000 + b"]" * 100_000)


def chain_of_actions() -> bytes:
    """A chain of actions, each followed by the next."""
    chain = {number: b"<</S/GoTo/D[3 0 R/Fit]/Next %d 0 R>>" % (number + 1) for number in range(5, 50_000)}
    return one_page(catalog=b"/OpenAction 5 0 R", more=chain | {50_000: b"<</S/GoTo/D[3 0 R/Fit]/Next 5 0 R>>"})


def ten_thousand_pages() -> bytes:
    kids = range(5, 10_005)
    return written(
        {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 10000/Kids[" + b"".join(b"%d 0 R " % kid for kid in kids) + b"]>>"}
        | {4: stream(b"q Q")}
        | dict.fromkeys(kids, PAGE % b"")
    )


def ten_thousand_times_the_same_page() -> bytes:
    return written(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 10000/Kids[" + b"3 0 R " * 10_000 + b"]>>",
            3: PAGE % b"",
            4: stream(b"q Q"),
        }
    )


def pages_that_are_promised_and_not_there() -> bytes:
    return one_page(more={2: b"<</Type/Pages/Kids[3 0 R]/Count 999999999>>"})


def page_tree_in_itself() -> bytes:
    return one_page().replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]")


def page_that_is_its_own_parent() -> bytes:
    return one_page().replace(b"/Parent 2 0 R/MediaBox[0 0 595 842]", b"/Parent 3 0 R                      ")


def page_tree_that_doubles() -> bytes:
    """Thirty storeys of two references to the storey below: a thousand million pages in two kilobytes."""
    storeys = {number: b"<</Type/Pages/Count 2/Kids[%d 0 R %d 0 R]>>" % (number + 1, number + 1) for number in range(5, 35)}
    return written(
        {1: b"<</Type/Catalog/Pages 5 0 R>>", 4: stream(b"q Q")} | storeys | {35: (PAGE % b"").replace(b"/Parent 2 0 R", b"/Parent 34 0 R")}
    )


def cross_reference_before_itself() -> bytes:
    whole = one_page()
    at = int(whole.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % at)


def cross_reference_of_a_thousand_million() -> bytes:
    return one_page().replace(b"/Size 5", b"/Size 999999999").replace(b"xref\n0 5\n", b"xref\n0 999999999\n")


def cross_reference_stream(entries: bytes, table: bytes) -> bytes:
    head = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    body = stream(table, b"/Type/XRef/Root 1 0 R" + entries.replace(b"HERE", b"%d" % len(head)))
    return head + b"9 0 obj\n" + body + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(head)


def cross_reference_stream_before_itself() -> bytes:
    return cross_reference_stream(b"/Size 10/W[1 2 1]/Prev HERE", b"\x00" * 40)


def cross_reference_stream_of_millions() -> bytes:
    return cross_reference_stream(b"/Size 60000000/W[1 0 0]", b"\x00" * 60_000_000)


def cross_reference_stream_with_giant_fields() -> bytes:
    return cross_reference_stream(b"/Size 10/W[1 2147483647 2147483647]", b"\x00" * 40)


def object_stream(number: int, entries: bytes, content: bytes) -> bytes:
    """Return a file whose catalog lies in object stream `number`, which has these `entries` and this content."""
    head = b"%PDF-1.7\n"
    container = b"%d 0 obj\n" % number + stream(content, entries) + b"\nendobj\n"
    at = len(head) + len(container)
    rows = [b"\x00\x00\x00\x00"] * 10
    rows[1] = b"\x02" + number.to_bytes(2, "big") + b"\x00"
    rows[2] = b"\x02" + number.to_bytes(2, "big") + b"\x01"
    rows[number] = (
        b"\x02" + number.to_bytes(2, "big") + b"\x00" if b"/Itself" in entries else b"\x01" + len(head).to_bytes(2, "big") + b"\x00"
    )
    rows[9] = b"\x01" + at.to_bytes(2, "big") + b"\x00"
    table = b"9 0 obj\n" + stream(b"".join(rows), b"/Type/XRef/Root 1 0 R/Size 10/W[1 2 1]") + b"\nendobj\n"
    return head + container + table + b"startxref\n%d\n%%%%EOF\n" % at


def object_stream_in_itself() -> bytes:
    return object_stream(5, b"/Type/ObjStm/N 2/First 8/Itself true", b"1 0 2 9 <</A 2>> <<>>")


def object_stream_that_extends_itself() -> bytes:
    catalog = b"<</Type/Catalog/Pages 2 0 R>>"
    page = b"<</Type/Page/MediaBox[0 0 595 842]>>"
    return object_stream(
        5, b"/Type/ObjStm/N 2/First 9/Extends 5 0 R", b"1 0 2 30 " + catalog + b" <</Type/Pages/Count 1/Kids[" + page + b"]>>"
    )


def object_stream_of_millions() -> bytes:
    return object_stream(5, b"/Type/ObjStm/N 2147483647/First 8", b"1 0 2 9 " + b"9 9 " * 10_000_000)


def length_in_itself() -> bytes:
    return one_page(more={4: b"<</Length 4 0 R>>stream\nq Q\nendstream"})


def _nested_flate(depth: int, content: bytes) -> bytes:
    packed = reduce(lambda inner, _: zlib.compress(inner, 9), range(depth), content)
    return b"<</Length %d/Filter[%s]>>stream\n%s\nendstream" % (len(packed), b"/FlateDecode" * depth, packed)


def five_flates() -> bytes:
    return one_page(more={4: _nested_flate(5, b" " * 200_000_000)})


def ten_flates() -> bytes:
    return one_page(more={4: _nested_flate(10, b"q Q ")})


def run_lengths() -> bytes:
    return one_page(
        more={4: stream(b"\x81 " * 3_000_000, is_packed=True).replace(b"/Filter/FlateDecode", b"/Filter[/FlateDecode/RunLengthDecode]")}
    )


def giant_predictor() -> bytes:
    return one_page(more={4: stream(b" " * 1000, b"/DecodeParms<</Predictor 15/Columns 2147483647/Colors 32/BitsPerComponent 16>>")})


def content_as_a_picture(kind: bytes) -> Bomb:
    return lambda: one_page(
        more={
            4: b"<</Length 4/Filter/%s/DecodeParms<</K -1/Columns 2147483647/Rows 2147483647>>>>stream\n\xff\xd8\xff\xd9\nendstream" % kind
        }
    )


def sixty_megabytes_of_pairs() -> bytes:
    return one_page(content=b"q Q " * 15_000_000)


def sixty_megabytes_of_strings() -> bytes:
    return one_page(content=b"(" * 30_000_000 + b")" * 30_000_000)


def sixty_megabytes_of_blanks() -> bytes:
    return one_page(content=b" " * 60_000_000)


def pairs_beside_an_inline_image() -> bytes:
    return one_page(content=b"BI /W 1 /H 1 /BPC 8 /CS /G ID x EI " + b"q Q " * 2_000_000)


def half_a_million_content_streams() -> bytes:
    return written(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: (PAGE % b"").replace(b"4 0 R", b"[" + b"4 0 R " * (MANY // 2) + b"]"),
            4: stream(b"q Q"),
        }
    )


def half_a_million_annotations() -> bytes:
    return one_page(
        page=b"/Annots[" + b"5 0 R " * (MANY // 2) + b"]", more={5: b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Border[0 0 0]>>"}
    )


def layer_rule_that_doubles() -> bytes:
    """Forty rules of twice the next one: a million million layers to ask."""
    rules = {number: b"[/And %d 0 R %d 0 R]" % (number + 1, number + 1) for number in range(7, 47)}
    return one_page(
        page=b"/Annots[5 0 R]",
        catalog=b"/OCProperties<</OCGs[47 0 R]/D<<>>>>",
        more=rules
        | {5: b"<</Type/Annot/Subtype/Stamp/Rect[0 0 9 9]/OC 6 0 R>>", 6: b"<</Type/OCMD/VE 7 0 R>>", 47: b"<</Type/OCG/Name(x)>>"},
    )


def layer_rule_in_itself() -> bytes:
    return one_page(
        page=b"/Annots[5 0 R]", more={5: b"<</Type/Annot/Subtype/Stamp/Rect[0 0 9 9]/OC 6 0 R>>", 6: b"<</Type/OCMD/OCGs[6 0 R]>>"}
    )


def field_in_itself() -> bytes:
    return one_page(catalog=b"/AcroForm<</Fields[5 0 R]>>", more={5: b"<</T(a)/FT/Tx/Kids[5 0 R]>>"})


def field_that_is_its_own_parent() -> bytes:
    return one_page(
        page=b"/Annots[5 0 R]",
        catalog=b"/AcroForm<</Fields[5 0 R]>>",
        more={5: b"<</Type/Annot/Subtype/Widget/Rect[0 0 9 9]/Parent 5 0 R>>"},
    )


def giant_page() -> bytes:
    return one_page(more={3: (PAGE % b"").replace(b"[0 0 595 842]", b"[0 0 1000000000 1000000000]")})


def page_of_four_hundred_digits() -> bytes:
    return one_page(page=b"/UserUnit 1" + b"0" * 400)


def turn_of_four_hundred_digits() -> bytes:
    return one_page(page=b"/Rotate 9" + b"0" * 400)


def giant_picture(kind: bytes) -> Bomb:
    """What a reader would draw is a picture of two thousand million pixels a side; Segl never unpacks a picture."""
    return lambda: one_page(
        content=b"q 595 0 0 842 0 0 cm /I Do Q",
        resources=b"/XObject<</I 5 0 R>>",
        more={
            5: b"<</Type/XObject/Subtype/Image/Width 2147483647/Height 2147483647/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/%s/Length 9>>"
            b"stream\n\x00\x00\x00\x01\x30\x00\x01\x00\x00\nendstream" % kind
        },
    )


def form_in_itself() -> bytes:
    return one_page(content=b"q /X Do Q", resources=b"/XObject<</X 5 0 R>>", more={5: form(b"q /X Do Q", b"/XObject<</X 5 0 R>>")})


def forms_that_double() -> bytes:
    """Forty forms that each draw the next twice."""
    forms = {number: form(b"q /X Do Q q /X Do Q", b"/XObject<</X %d 0 R>>" % (number + 1)) for number in range(5, 45)}
    return one_page(content=b"q /X Do Q", resources=b"/XObject<</X 5 0 R>>", more=forms | {45: form(b"0 0 9 9 re f", b"")})


def pattern_in_itself() -> bytes:
    pattern = stream(
        b"/Pattern cs /P scn 0 0 9 9 re f",
        b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep 0.0001/YStep 0.0001/Resources<</Pattern<</P 5 0 R>>>>",
    )
    return one_page(content=b"/Pattern cs /P scn 0 0 595 842 re f", resources=b"/Pattern<</P 5 0 R>>", more={5: pattern})


def letter_in_itself() -> bytes:
    font = b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]/FirstChar 65/LastChar 65/Widths[9]/CharProcs<</A 6 0 R>>/Encoding<</Differences[65/A]>>/Resources<</Font<</F 5 0 R>>>>>>"
    letter = stream(b"9 0 d0 BT /F 9 Tf (AA) Tj ET")
    return one_page(content=b"BT /F 9 Tf 9 9 Td (AA) Tj ET", resources=b"/Font<</F 5 0 R>>", more={5: font, 6: letter})


def giant_character_map() -> bytes:
    ranges = b"".join(
        b"1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange 1 beginbfrange <00000000> <FFFFFFFF> <0000> endbfrange\n"
        for _ in range(50_000)
    )
    font = b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode 6 0 R/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/W[0 2147483647 9]>>]>>"
    return one_page(content=b"BT /F 9 Tf 9 9 Td <00410042> Tj ET", resources=b"/Font<</F 5 0 R>>", more={5: font, 6: stream(ranges)})


def colour_in_itself() -> bytes:
    return one_page(
        content=b"/C cs 0 sc 0 0 99 99 re f",
        resources=b"/ColorSpace<</C 5 0 R>>",
        more={5: b"[/Separation/X 5 0 R 6 0 R]", 6: b"<</FunctionType 3/Domain[0 1]/Functions[6 0 R 6 0 R]/Bounds[0.5]/Encode[0 1 0 1]>>"},
    )


def function_of_a_thousand_million_samples() -> bytes:
    return one_page(
        content=b"/C cs 0 sc 0 0 99 99 re f",
        resources=b"/ColorSpace<</C[/Separation/X/DeviceCMYK 5 0 R]>>",
        more={5: stream(b" " * 1000, b"/FunctionType 0/Domain[0 1]/Range[0 1 0 1 0 1 0 1]/Size[2147483647]/BitsPerSample 32")},
    )


def endless_calculation() -> bytes:
    return one_page(
        content=b"/C cs 0 sc 0 0 99 99 re f",
        resources=b"/ColorSpace<</C[/Separation/X/DeviceGray 5 0 R]>>",
        more={5: stream(b"{" + b"dup mul 2 exp " * 500_000 + b"}", b"/FunctionType 4/Domain[0 1]/Range[0 1]")},
    )


def packed_attachment() -> bytes:
    return one_page(
        catalog=b"/Names<</EmbeddedFiles<</Names[(a) 5 0 R]>>>>",
        more={5: b"<</Type/Filespec/F(a)/EF<</F 6 0 R>>>>", 6: stream(b"\0" * 500_000_000, b"/Type/EmbeddedFile")},
    )


def laughing_metadata() -> bytes:
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    packet = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">' + laughs + b"]><x>&l9;</x>"
    return one_page(catalog=b"/Metadata 5 0 R", more={5: stream(packet, b"/Type/Metadata/Subtype/XML", is_packed=False)})


def outline_in_itself() -> bytes:
    return one_page(
        catalog=b"/Outlines 5 0 R",
        more={5: b"<</First 6 0 R/Last 6 0 R/Count 1>>", 6: b"<</Title(x)/Parent 6 0 R/Next 6 0 R/First 5 0 R/Last 6 0 R>>"},
    )


def names_in_themselves() -> bytes:
    return one_page(catalog=b"/Names<</Dests 5 0 R>>", more={5: b"<</Kids[5 0 R 5 0 R]/Limits[(a)(b)]>>"})


def megabyte_of_comment() -> bytes:
    return written(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"%" + b"x" * 9_000_000 + b"\n<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: PAGE % b"",
            4: stream(b"q Q"),
        }
    )
