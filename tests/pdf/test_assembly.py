"""The sealed PDF before its seal: what it looks like, what it holds, and what it must not hold."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from segl.pdf.assembly import CompositionFailed, SealedDocument, compose, compose_body
from segl.pdf.inspection import inspect
from segl.pdf.text import extract_text, typeset_text

from .builders import A4, Change, annotation, attachment, field, layer, on_page, pdf
from .sealed import composed, content, document, drawn

WHITE = (255, 255, 255)
RED = b"1 0 0 rg 0 0 200 50 re f"
MIDDLE = (int(23.8 + 200 * 0.92), int(11.3 + (841.9 - 425) * 0.92))  # of an annotation, on the sealed page
FOUR_COLOURS = b"1 0 0 rg 0 0 150 200 re f 0 1 0 rg 150 0 250 200 re f 0 0 1 rg 0 200 150 400 re f 0 0 0 rg 150 200 250 200 re f"


class TestASealedPdf:
    def test_has_a_front_page_then_the_pages_of_the_documents_in_order_all_on_a4(self) -> None:
        sealed = composed(content([document(pdf(pages=2, words="En")), document(pdf(pages=3, words="To", size=(300, 900)), number=2)]))

        assert inspect(sealed).pages == tuple(pytest.approx(A4, abs=0.01) for _ in range(6))
        texts = extract_text(sealed)
        assert [next(line for line in text.split("\n") if line) for text in texts[1:]] == ["En 1", "En 2", "To 1", "To 2", "To 3"]

    def test_has_a_footer_on_each_page(self) -> None:
        sealed = composed(
            content([document(pdf(pages=2)), document(pdf(), number=2, title="Plan")], names=["Ola Nordmann", "Kari Nordmann"])
        )

        footers = [" ".join(text.split())[-130:] for text in extract_text(sealed)]
        assert all("Signert av Ola Nordmann og Kari Nordmann" in footer for footer in footers)
        assert "Forside laget ved forsegling" in footers[0]
        assert "Dokument 1: Avtale, side 2 av 2" in footers[2]
        assert "Dokument 2: Plan, side 1 av 1" in footers[3]
        assert [f"Side {number} av 4" in footer for number, footer in enumerate(footers, start=1)] == [True] * 4

    def test_is_pdf_1_7_that_qpdf_finds_no_fault_with(self, tmp_path: Path) -> None:
        sealed = composed(content([document(pdf(version="1.2")), document(pdf(), number=2)]))

        assert sealed.startswith(b"%PDF-1.7")
        with pikepdf.open(BytesIO(sealed), attempt_recovery=False) as opened:
            assert opened.check_pdf_syntax() == []
            assert "/Prev" not in opened.trailer
        if shutil.which("qpdf"):
            (tmp_path / "sealed.pdf").write_bytes(sealed)
            checked = subprocess.run(["qpdf", "--check", tmp_path / "sealed.pdf"], capture_output=True, text=True, check=False)
            assert (checked.returncode, checked.stderr) == (0, "")

    def test_is_the_same_bytes_for_the_same_content_and_other_bytes_at_another_time(self) -> None:
        given = content([document(pdf())])

        assert composed(given) == composed(given)
        assert composed(given) != composed(replace(given, sealed_at=given.sealed_at.replace(second=13)))

    def test_can_be_composed_again_from_a_kept_body_when_the_next_person_has_signed(self) -> None:
        first = content([document(pdf())], names=["Ola Nordmann"], asked=2)
        second = content([document(pdf())], names=["Ola Nordmann", "Kari Nordmann"])
        body = compose_body([pdf()])

        assert "Én av to har signert." in extract_text(compose(first, body=body))[0]
        assert compose(second, body=body) == composed(second)

    def test_is_refused_a_body_of_other_documents(self) -> None:
        with pytest.raises(CompositionFailed, match=r"^The composed body belongs to other documents\. Compose the body again\.$"):
            compose(content([document(pdf())]), body=compose_body([pdf(), pdf()]))

    def test_is_refused_a_body_that_is_none(self) -> None:
        with pytest.raises(CompositionFailed, match=r"^The sealed PDF could not be put together\. Compose the body again\.$"):
            compose(content([document(pdf())]), body=b"no PDF")

    def test_is_tagged_and_says_its_language_and_title(self) -> None:
        with pikepdf.open(BytesIO(composed(content([document(pdf(pages=2))], title="Avtale & <plan>")))) as sealed:
            sections = [item for item in sealed.Root.StructTreeRoot.K[0].K if str(item.S) == "/Sect"]
            parents = pikepdf.NumberTree(sealed.Root.StructTreeRoot.ParentTree)

            assert (str(sealed.Root.Lang), bool(sealed.Root.MarkInfo.Marked)) == ("nb-NO", True)
            assert str(sealed.docinfo.Title) == "Avtale & <plan>"
            with sealed.open_metadata() as metadata:
                assert metadata["dc:title"] == "Avtale & <plan>"
            assert [len(section.K) for section in sections] == [2]
            for number in (1, 2):
                page = sealed.pages[number].obj
                assert parents[int(page.StructParents)][0].Pg.objgen == page.objgen

    def test_has_a_bookmark_for_each_document(self) -> None:
        given = content([document(pdf(pages=2)), document(pdf(), number=2, title="Plan")])

        with pikepdf.open(BytesIO(composed(given))) as sealed, sealed.open_outline() as outline:
            marks = [(item.title, sealed.pages.index(pikepdf.Page(item.destination[0])) + 1) for item in outline.root[1:]]

        assert marks == [("Dokument 1: Avtale", 2), ("Dokument 2: Plan", 4)]

    def test_carries_no_word_of_the_maker_of_its_parts(self) -> None:
        sealed = composed(content([document(pdf())]))

        assert b"ypst" not in sealed
        assert b"ikepdf" not in sealed


@pytest.mark.requirement("R105")
class TestItsAttachments:
    def test_are_the_originals_and_the_signature_files_unchanged(self) -> None:
        text = "Ren tekst\n"
        plain = SealedDocument(
            number=2,
            title="Tekst",
            file_name="tekst.txt",
            mime="text/plain",
            original=text.encode(),
            rendition=typeset_text(text, title="Tekst"),
        )
        given = content([document(pdf(version="1.3")), plain], names=["Ola Nordmann", "Kari Nordmann"])

        with pikepdf.open(BytesIO(composed(given))) as sealed:
            files = list(sealed.Root.AF)
            held = [(str(file.UF), str(file.AFRelationship), str(file.EF.F.Subtype), file.EF.F.read_bytes()) for file in files]
            assert held == [
                ("dokument-1.pdf", "/Source", "/application/pdf", pdf(version="1.3")),
                ("tekst.txt", "/Source", "/text/plain", b"Ren tekst\n"),
                ("signatur-1.xml", "/Supplement", "/application/xml", b"<XAdES1/>"),
                ("signatur-2.xml", "/Supplement", "/application/xml", b"<XAdES2/>"),
            ]
            assert len(sealed.attachments) == 4
            assert all(str(file.Desc) for file in files)

    def test_of_one_name_do_not_hide_each_other(self) -> None:
        same = [replace(document(pdf(words=word), number=number), file_name="a.pdf") for number, word in ((1, "En"), (2, "To"))]

        with pikepdf.open(BytesIO(composed(content(same)))) as sealed:
            assert [str(file.UF) for file in sealed.Root.AF] == ["a.pdf", "2-a.pdf", "signatur-1.xml"]


class TestAnOriginalPage:
    @pytest.mark.parametrize(
        "entries",
        [
            {},
            {"Rotate": 90},
            {"Rotate": 180},
            {"Rotate": 270},
            {"MediaBox": Array([-100, -50, 400, 600])},
            {"CropBox": Array([50, 100, 350, 500]), "Rotate": 90},
            {"UserUnit": 1.4},
            {"UserUnit": 0.5, "Rotate": 270, "CropBox": Array([20, 30, 390, 480])},
            {"MediaBox": Array([0, 0, 900, 600])},
        ],
        ids=str,
    )
    def test_stands_at_92_percent_centred_4_mm_from_the_top_as_a_reader_shows_it(self, entries: dict[str, object]) -> None:
        original = pdf(size=(400, 600), content=FOUR_COLOURS, change=on_page(1, **entries))
        width, height = inspect(original).pages[0]
        scale = min(0.92, 0.92 * A4[0] / width, 0.92 * A4[1] / height)
        left, top = (A4[0] - width * scale) / 2, 4 / 25.4 * 72
        unit = float(str(entries.get("UserUnit", 1)))  # pdfium does not enlarge by it
        alone, sealed = drawn(original, 1, scale=unit), drawn(composed(content([document(original)])), 2)

        points = [(x / 41 * width, y / 41 * height) for x in range(1, 41) for y in range(1, 41)]
        apart = [
            point
            for point in points
            if alone.getpixel((int(point[0]), int(point[1])))
            != sealed.getpixel((int(left + point[0] * scale), int(top + point[1] * scale)))
        ]

        assert len({alone.getpixel((int(x), int(y))) for x, y in points}) >= 4
        assert len(apart) <= 0.04 * len(points)  # points on the border between two colours

    def test_does_not_reach_into_the_margin_or_the_footer(self) -> None:
        original = pdf(content=b"0 0 0 rg -500 -500 5000 5000 re f")
        page = drawn(composed(content([document(original)])), 2)

        assert {page.getpixel((x, y)) for x in (3, 20, 573, 592) for y in range(0, 842, 10)} == {(255, 255, 255)}
        assert page.getpixel((300, 400)) == (0, 0, 0)
        assert page.getpixel((300, 835)) == (255, 255, 255)

    def test_keeps_text_that_can_be_found_and_copied(self, tmp_path: Path) -> None:
        sealed = composed(content([document(pdf(words="Blåbærsyltetøy"))]))

        assert "Blåbærsyltetøy 1" in extract_text(sealed)[1]
        if shutil.which("pdftotext"):
            (tmp_path / "sealed.pdf").write_bytes(sealed)
            found = subprocess.run(["pdftotext", "-enc", "UTF-8", tmp_path / "sealed.pdf", "-"], capture_output=True, text=True, check=True)
            assert "Blåbærsyltetøy 1" in found.stdout

    def test_made_of_several_content_streams_is_drawn_whole(self) -> None:
        def split(given: pikepdf.Pdf) -> None:
            parts = (b"BT /F1 20 Tf 72 700", b"Td (To deler) Tj ET")
            given.pages[0].obj.Contents = Array([given.make_stream(part) for part in parts])

        assert "To deler" in extract_text(composed(content([document(pdf(change=split))])))[1]

    def test_without_content_is_an_empty_page_with_a_footer(self) -> None:
        bare = pdf(change=lambda given: given.pages[0].obj.__delitem__("/Contents"))

        assert "Side 2 av 2" in extract_text(composed(content([document(bare)])))[1]

    def test_whose_layer_is_off_still_hides_it(self) -> None:
        hidden, shown = (composed(content([document(pdf(content=b"q Q", change=_black_layer(is_off=off)))])) for off in (True, False))

        assert drawn(hidden, 2).getpixel((300, 400)) == (255, 255, 255)
        assert drawn(shown, 2).getpixel((300, 400)) == (0, 0, 0)


def _black_layer(*, is_off: bool) -> Change:
    def change(given: pikepdf.Pdf) -> None:
        layer(is_off=is_off)(given)
        given.pages[0].contents_add(b"/OC /L0 BDC 0 0 600 850 re f EMC")

    return change


def _everything_in_the_result(sealed: bytes) -> set[str]:
    """Return every key and name value in the file."""
    found: set[str] = set()
    with pikepdf.open(BytesIO(sealed)) as opened:
        for item in opened.objects:
            stack = [item]
            while stack:
                thing = stack.pop()
                if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
                    found.update(str(key) for key in thing.keys())  # noqa: SIM118 - a stream iterates over nothing
                    stack.extend(value for _, value in thing.items() if isinstance(value, pikepdf.Object) and not value.is_indirect)
                elif isinstance(thing, pikepdf.Array):
                    stack.extend(value for value in thing if isinstance(value, pikepdf.Object) and not value.is_indirect)
                elif isinstance(thing, pikepdf.Name):
                    found.add(str(thing))
    return found


class TestWhatCouldActOrChange:
    @pytest.mark.parametrize(
        "change",
        [
            annotation(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String("https://example.no"))),
            annotation(appearance=b"0 0 200 50 re f", Subtype=Name.Stamp),
            field(kind=Name.Tx, value=String("Ola"), appearance=b"0 0 200 50 re f"),
            field(kind=Name.Tx, value=String("Ola"), needs_appearances=True),
            field(kind=Name.Sig, value=Dictionary(Type=Name.Sig, Contents=String("x")), appearance=b"0 0 200 50 re f"),
            attachment,
        ],
        ids=["link", "stamp", "form field", "form field to be drawn", "earlier signature", "attachment"],
    )
    def test_is_not_in_the_sealed_pdf(self, change: Change) -> None:
        found = _everything_in_the_result(composed(content([document(pdf(change=change))])))

        assert not found & {
            "/Annots",
            "/AcroForm",
            "/Annot",
            "/Widget",
            "/AA",
            "/OpenAction",
            "/JS",
            "/URI",
            "/Sig",
            "/Perms",
            "/Alternates",
        }

    def test_is_drawn_into_the_page_when_it_was_seen(self) -> None:
        stamped = pdf(change=annotation(appearance=b"1 0 0 rg 0 0 200 50 re f", Subtype=Name.Stamp))

        page = drawn(composed(content([document(stamped)])), 2)

        # The stamp's middle stands at (200, 425) from the lower left of the original.
        assert page.getpixel((int(23.8 + 200 * 0.92), int(11.3 + (841.9 - 425) * 0.92))) == (255, 0, 0)

    def test_is_not_drawn_when_it_was_hidden(self) -> None:
        hidden = pdf(content=b"q Q", change=annotation(appearance=b"1 0 0 rg 0 0 200 50 re f", Subtype=Name.Stamp, F=2))

        page = drawn(composed(content([document(hidden)])), 2).crop((0, 0, 595, 780))

        assert page.getcolors() == [(595 * 780, (255, 255, 255))]

    def test_is_locked_as_filled_in(self) -> None:
        filled = pdf(change=field(kind=Name.Tx, value=String("Blåbær"), needs_appearances=True))

        assert "Blåbær" in extract_text(composed(content([document(filled)])))[1]

    def test_is_drawn_anew_without_its_old_appearance(self) -> None:
        filled = pdf(change=field(kind=Name.Tx, value=String("Ny"), appearance=b"1 0 0 rg 0 0 200 50 re f", needs_appearances=True))

        sealed = composed(content([document(filled)]))

        assert "Ny" in extract_text(sealed)[1]
        assert drawn(sealed, 2).getpixel(MIDDLE) == WHITE

    def test_with_the_invisible_flag_is_drawn_when_its_kind_is_known(self) -> None:
        known, unknown = (
            drawn(composed(content([document(pdf(change=annotation(appearance=RED, Subtype=kind, F=1)))])), 2)
            for kind in (Name.Stamp, Name.Surprise)
        )

        assert (known.getpixel(MIDDLE), unknown.getpixel(MIDDLE)) == ((255, 0, 0), WHITE)

    @pytest.mark.parametrize(
        ("policy", "is_off", "is_shown"),
        [
            (None, True, False),
            (None, False, True),
            ("AllOff", True, True),
            ("AllOff", False, False),
            ("AnyOff", True, True),
            ("AllOn", True, False),
        ],
    )
    def test_is_drawn_when_the_rule_over_its_layers_shows_it(self, policy: str | None, is_off: bool, is_shown: bool) -> None:
        def change(given: pikepdf.Pdf) -> None:
            layer(is_off=is_off)(given)
            rule = Dictionary(Type=Name.OCMD, OCGs=given.Root.OCProperties.OCGs[0])
            if policy is not None:
                rule.P = Name(f"/{policy}")
            annotation(appearance=RED, Subtype=Name.Stamp, OC=given.make_indirect(rule))(given)

        page = drawn(composed(content([document(pdf(change=change))])), 2)

        assert page.getpixel(MIDDLE) == ((255, 0, 0) if is_shown else WHITE)

    @pytest.mark.parametrize("negated", [False, True])
    def test_is_drawn_when_the_expression_over_its_layers_is_true(self, negated: bool) -> None:
        def change(given: pikepdf.Pdf) -> None:
            layer(is_off=True)(given)
            hidden = given.Root.OCProperties.OCGs[0]
            expression = Array([Name.Not, hidden]) if negated else Array([Name.And, Array([Name.Not, hidden]), hidden])
            annotation(appearance=RED, Subtype=Name.Stamp, OC=given.make_indirect(Dictionary(Type=Name.OCMD, VE=expression)))(given)

        page = drawn(composed(content([document(pdf(change=change))])), 2)

        assert page.getpixel(MIDDLE) == ((255, 0, 0) if negated else WHITE)

    @pytest.mark.parametrize(
        ("entries", "colour"),
        [
            ({}, (0, 0, 0)),
            ({"Border": Array([0, 0, 6]), "C": Array([1, 0, 0])}, (255, 0, 0)),
            ({"BS": Dictionary(W=6), "C": Array([0, 1, 0])}, (0, 255, 0)),
            ({"Border": Array([0, 0, 0])}, WHITE),
            ({"BS": Dictionary(W=0)}, WHITE),
            ({"C": Array()}, WHITE),
        ],
        ids=str,
    )
    def test_is_the_border_of_a_link_as_readers_draw_it(self, entries: dict[str, object], colour: tuple[int, int, int]) -> None:
        linked = pdf(change=annotation(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String("https://example.no")), **entries))

        page = drawn(composed(content([document(linked)])), 2, scale=4)

        # The lower edge of the link stands 400 points above the lower edge of the original.
        assert page.getpixel((int(4 * MIDDLE[0]), int(4 * (11.34 + (841.89 - 400.5) * 0.92)))) == colour
        assert page.getpixel((4 * MIDDLE[0], 4 * MIDDLE[1])) == WHITE

    def test_keeps_no_tie_to_the_old_tags(self) -> None:
        def tie(given: pikepdf.Pdf) -> None:
            image = given.make_stream(b"\x00", Type=Name.XObject, Subtype=Name.Image, Width=1, Height=1, BitsPerComponent=8)
            image.ColorSpace, image.StructParent, image.Metadata = Name.DeviceGray, 0, given.make_stream(b"<x/>")
            given.pages[0].obj.Resources.XObject = Dictionary(Im0=image)
            given.pages[0].obj.StructParents = 0

        with pikepdf.open(BytesIO(composed(content([document(pdf(change=tie))])))) as sealed:
            image = sealed.pages[1].obj.Resources.XObject["/Original"].Resources.XObject.Im0
            assert "/StructParent" not in image
            assert "/Metadata" not in image
