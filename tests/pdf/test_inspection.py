"""What the intake table (reliability.md D7) accepts and refuses, in the words a sender reads."""

from __future__ import annotations

import zlib

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from segl.pdf.inspection import inspect
from segl.pdf.refusal import PdfRefused, Reason

from .builders import A4, Change, action, annotation, attachment, encrypted, field, layer, on_page, pdf, saved

BOX = b"0 0 200 50 re f"


def _names_javascript(document: pikepdf.Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    document.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), script])))


def _xfa(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm = Dictionary(Fields=Array(), XFA=document.make_stream(b"<xdp/>"))


def _external_stream(document: pikepdf.Pdf) -> None:
    document.pages[0].obj.Contents = document.make_stream(b"", F=Dictionary(Type=Name.Filespec, F=String("secret.txt")))


def _external_image(document: pikepdf.Pdf) -> None:
    image = document.make_stream(b"", Type=Name.XObject, Subtype=Name.Image, Width=1, Height=1, F=String("https://example.no/x"))
    document.pages[0].obj.Resources.XObject = Dictionary(Im0=image)


def _url_file(document: pikepdf.Pdf) -> None:
    document.Root.AF = Array([Dictionary(Type=Name.Filespec, FS=Name.URL, F=String("https://example.no"))])


def _chained(document: pikepdf.Pdf) -> None:
    destination = Array([document.pages[0].obj, Name.Fit])
    launch = Dictionary(S=Name.Launch, F=String("calc.exe"))
    document.Root.OpenAction = Dictionary(S=Name.GoTo, D=destination, Next=Array([launch]))


def _outline_launch(document: pikepdf.Pdf) -> None:
    item = document.make_indirect(Dictionary(Title=String("x"), A=Dictionary(S=Name.Launch, F=String("x"))))
    document.Root.Outlines = Dictionary(First=item, Last=item, Count=1)


def _two_pages_with_bomb(document: pikepdf.Pdf) -> None:
    bomb = pikepdf.Stream(document, b"")
    bomb.write(zlib.compress(b" " * (70 * 1024 * 1024), 9), filter=Name.FlateDecode)
    document.pages[1].obj.Contents = bomb


def _broken_flate(document: pikepdf.Pdf) -> None:
    document.pages[1].obj.Contents = pikepdf.Stream(document, b"")
    document.pages[1].obj.Contents.write(b"no flate at all", filter=Name.FlateDecode)


def _late_catalog(document: pikepdf.Pdf) -> None:
    document.Root.Version = Name("/2.0")


def _no_pages() -> bytes:
    return saved(pikepdf.new())


def _broken_cross_reference() -> bytes:
    whole = pdf()
    at = whole.rindex(b"startxref")
    return whole[:at] + b"startxref\n7\n%%EOF\n"


def _circular_page_tree() -> bytes:
    return pdf(change=lambda document: document.Root.Pages.Kids.append(document.Root.Pages))


def _much_content(document: pikepdf.Pdf) -> None:
    part = pikepdf.Stream(document, b"")
    part.write(zlib.compress(b"0 0 m " * 1_000_000, 9), filter=Name.FlateDecode)
    document.pages[0].obj.Contents = Array([document.make_indirect(part)] * 12)


def _deep_filters(document: pikepdf.Pdf) -> None:
    content = b"q Q " * 1000
    for _ in range(10):
        content = zlib.compress(content)
    stream = pikepdf.Stream(document, b"")
    stream.write(content, filter=Array([Name.FlateDecode] * 10))
    document.pages[0].obj.Contents = stream


def _deep_page_tree(document: pikepdf.Pdf) -> None:
    kid = document.pages[0].obj
    for _ in range(1_000):
        node = document.make_indirect(Dictionary(Type=Name.Pages, Count=1, Kids=Array([kid])))
        kid.Parent = node
        kid = node
    document.Root.Pages = kid


def _anew(value: object = None, *, kind: pikepdf.Name = Name.Tx, encoding: object = Name.WinAnsiEncoding, **entries: object) -> Change:
    """Return a change that puts in one field which readers are told to draw anew, with `entries`, in a font of `encoding`."""

    def change(document: pikepdf.Pdf) -> None:
        field(kind=kind, value=String("Bjørn Å") if value is None else value, needs_appearances=True)(document)
        for key, entry in entries.items():
            document.pages[0].obj.Annots[0][f"/{key}"] = entry
        font = document.Root.AcroForm.DR.Font.Helv
        del font.Encoding
        if encoding is not None:
            font.Encoding = encoding

    return change


def _tick_box(*, state: pikepdf.Name, value: pikepdf.Name) -> Change:
    def change(document: pikepdf.Pdf) -> None:
        field(kind=Name.Btn, value=value, appearance=BOX, needs_appearances=True)(document)
        box = document.pages[0].obj.Annots[0]
        box.AP = Dictionary(N=Dictionary(Ja=box.AP.N, Off=document.make_stream(b"", BBox=Array([0, 0, 1, 1]))))
        box.AS = state

    return change


NORWEGIAN = Dictionary(Type=Name.Encoding, Differences=Array([229, Name.aring, 248, Name.oslash]))
PAIRS = Array([Array([String("b"), String("Valg B")])])
NOT_DRAWN_ANEW = [
    ("a field in a font without encoding", _anew(encoding=None)),
    ("a field in standard encoding", _anew(encoding=Name.StandardEncoding)),
    ("a field in an encoding of its own", _anew(encoding=NORWEGIAN)),
    ("a field in a font that the form lacks", _anew(DA=String("/Arial 12 Tf 0 g"))),
    ("a field of several lines", _anew(Ff=1 << 12)),
    ("a password field", _anew(Ff=1 << 13)),
    ("a file field", _anew(Ff=1 << 20)),
    ("a comb field", _anew(Ff=1 << 24, MaxLen=9)),
    ("a rich-text field", _anew(Ff=1 << 25)),
    ("a field with rich text", _anew(RV=String("<b>Ola</b>"))),
    ("a field set to the right", _anew(Q=2)),
    ("a field whose size fits its text", _anew(DA=String("/Helv 0 Tf 0 g"))),
    ("a field with a border", _anew(MK=Dictionary(BC=Array([1, 0, 0])))),
    ("an empty field with a background", _anew(String(""), MK=Dictionary(BG=Array([1, 1, 0])))),
    ("a turned field", _anew(MK=Dictionary(R=90))),
    ("a choice that shows another text than its value", _anew(String("b"), kind=Name.Ch, Ff=1 << 17, Opt=PAIRS)),
    ("a choice that is none of those offered", _anew(String("c"), kind=Name.Ch, Ff=1 << 17, Opt=Array([String("b")]))),
    ("a list of choices", _anew(String("b"), kind=Name.Ch, Opt=Array([String("a"), String("b")]))),
    ("a box that is not ticked though its value says so", _tick_box(state=Name.Off, value=Name.Ja)),
    ("a box that is ticked though its value says no", _tick_box(state=Name.Ja, value=Name.Off)),
]

REFUSED = [
    ("empty bytes", b"", Reason.NOT_A_PDF, None),
    ("an image", b"\x89PNG\r\n\x1a\n" + b"x" * 200, Reason.NOT_A_PDF, None),
    ("text before the header", b"Hello\n" + pdf(), Reason.NOT_A_PDF, None),
    ("white space of more than 1 KiB before the header", b" " * 1025 + pdf(), Reason.NOT_A_PDF, None),
    ("version 2.0", pdf(version="2.0"), Reason.VERSION, None),
    ("version 1.0", pdf(version="1.1").replace(b"%PDF-1.1", b"%PDF-1.0"), Reason.VERSION, None),
    ("version 1.8", pdf().replace(b"%PDF-1.7", b"%PDF-1.8"), Reason.VERSION, None),
    ("a catalog that says 2.0", pdf(change=_late_catalog), Reason.VERSION, None),
    ("bytes after the end", pdf() + b"<script>", Reason.TRAILING_BYTES, None),
    ("more than ten megabytes", pdf() + b" " * 10_485_760, Reason.TOO_LARGE, None),
    ("a password", encrypted(user="secret"), Reason.ENCRYPTED, None),
    ("restrictions without a password", encrypted(user=""), Reason.ENCRYPTED, None),
    ("no end mark", pdf().replace(b"%%EOF", b""), Reason.DAMAGED, None),
    ("a broken cross-reference", _broken_cross_reference(), Reason.DAMAGED, None),
    ("half a file", pdf(pages=3)[:600] + b"\n%%EOF\n", Reason.DAMAGED, None),
    ("a circular page tree", _circular_page_tree(), Reason.DAMAGED, None),
    ("no pages", _no_pages(), Reason.NO_PAGES, None),
    ("too many pages", pdf(pages=2_001), Reason.TOO_MANY_PAGES, None),
    ("a giant page", pdf(change=on_page(1, MediaBox=Array([0, 0, 20_000, 20_000]))), Reason.PAGE_SIZE, 1),
    ("a page made giant by its unit", pdf(pages=2, change=on_page(2, UserUnit=100)), Reason.PAGE_SIZE, 2),
    ("a crop box beside the page", pdf(change=on_page(1, CropBox=Array([2000, 2000, 2100, 2100]))), Reason.PAGE_SIZE, 1),
    ("a page turned by 45 degrees", pdf(change=on_page(1, Rotate=45)), Reason.PAGE_SIZE, 1),
    ("JavaScript on opening", pdf(change=action(S=Name.JavaScript, JS=String("x"))), Reason.JAVASCRIPT, None),
    ("JavaScript by name", pdf(change=_names_javascript), Reason.JAVASCRIPT, None),
    (
        "JavaScript on a page",
        pdf(pages=3, change=on_page(3, AA=Dictionary(O=Dictionary(S=Name.JavaScript, JS=String("x"))))),
        Reason.JAVASCRIPT,
        3,
    ),
    ("a started program", pdf(change=action(S=Name.Launch, F=String("calc.exe"))), Reason.LAUNCH, None),
    ("a started program in the outline", pdf(change=_outline_launch), Reason.LAUNCH, None),
    ("a started program behind a move", pdf(change=_chained), Reason.LAUNCH, None),
    ("a move to another file", pdf(change=action(S=Name.GoToR, F=String("x.pdf"), D=Array([0, Name.Fit]))), Reason.OTHER_FILE, None),
    ("a move to an embedded file", pdf(change=action(S=Name.GoToE, D=Array([0, Name.Fit]))), Reason.OTHER_FILE, None),
    (
        "a link that submits",
        pdf(pages=2, change=annotation(2, Subtype=Name.Link, A=Dictionary(S=Name.SubmitForm, F=String("https://example.no")))),
        Reason.SENDS_DATA,
        2,
    ),
    ("imported data", pdf(change=action(S=Name.ImportData, F=String("x.fdf"))), Reason.SENDS_DATA, None),
    ("an action that hides", pdf(change=action(S=Name.Hide, T=String("felt"))), Reason.ACTION, None),
    ("an action nobody knows", pdf(change=action(S=Name.Surprise)), Reason.ACTION, None),
    ("a named action that is no page move", pdf(change=action(S=Name.Named, N=Name.Print)), Reason.ACTION, None),
    ("a switch of layers", pdf(change=action(S=Name.SetOCGState, State=Array())), Reason.ACTION, None),
    ("a film", pdf(change=annotation(appearance=BOX, Subtype=Name.Movie)), Reason.MULTIMEDIA, 1),
    ("a sound", pdf(change=annotation(appearance=BOX, Subtype=Name.Sound)), Reason.MULTIMEDIA, 1),
    ("a 3D model", pdf(change=annotation(appearance=BOX, Subtype=Name("/3D"))), Reason.MULTIMEDIA, 1),
    ("rich media", pdf(change=annotation(appearance=BOX, Subtype=Name.RichMedia)), Reason.MULTIMEDIA, 1),
    ("an XFA form", pdf(change=_xfa), Reason.XFA, None),
    ("content in another file", pdf(change=_external_stream), Reason.EXTERNAL_STREAM, 1),
    ("an image on the network", pdf(change=_external_image), Reason.EXTERNAL_STREAM, 1),
    ("a file on the network", pdf(change=_url_file), Reason.EXTERNAL_STREAM, None),
    ("one q too many", pdf(content=b"q 1 0 0 1 0 0 cm"), Reason.UNBALANCED, 1),
    ("one Q too many", pdf(content=b"Q"), Reason.UNBALANCED, 1),
    ("Q before q", pdf(content=b"Q 0 0 10 10 re f q"), Reason.UNBALANCED, 1),
    ("a layer only in print", pdf(change=layer(is_off=True, print_state="ON")), Reason.LAYERS, None),
    ("a layer only on screen", pdf(change=layer(print_state="OFF")), Reason.LAYERS, None),
    ("a note without appearance", pdf(pages=2, change=annotation(2, Subtype=Name.Text)), Reason.NO_APPEARANCE, 2),
    ("a filled field without appearance", pdf(change=field(kind=Name.Tx, value=String("Ola"))), Reason.NO_APPEARANCE, 1),
    ("a field in Cyrillic", pdf(change=field(kind=Name.Tx, value=String("Привет"), needs_appearances=True)), Reason.FORM_LETTERS, 1),
    *((what, pdf(change=change), Reason.FORM_FIELD, 1) for what, change in NOT_DRAWN_ANEW),
    ("72 MB of content on a page", pdf(change=_much_content), Reason.TOO_COMPLEX, 1),
    ("ten filters on one another", pdf(change=_deep_filters), Reason.DAMAGED, 1),
    ("a page tree of a thousand storeys", pdf(change=_deep_page_tree), Reason.DAMAGED, None),
    ("page content that unpacks to 70 MiB", pdf(pages=2, change=_two_pages_with_bomb), Reason.DAMAGED, 2),
    ("page content that does not unpack", pdf(pages=2, change=_broken_flate), Reason.DAMAGED, 2),
]

ACCEPTED = [
    ("a page without resources", pdf(content=b"q Q", change=lambda d: d.pages[0].obj.__delitem__("/Resources"))),
    *((f"version {version}", pdf(version=version)) for version in ("1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7")),
    ("white space around", b"\r\n \t" + b" " * 1000 + pdf() + b"\r\n\r\n  \x00"),
    ("a move on opening, as LaTeX writes it", pdf(change=lambda d: action(S=Name.GoTo, D=Array([d.pages[0].obj, Name.Fit]))(d))),
    ("a destination on opening", pdf(change=lambda d: setattr(d.Root, "OpenAction", Array([d.pages[0].obj, Name.Fit])))),
    ("a link to the web", pdf(change=annotation(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String("https://example.no"))))),
    ("a button to the next page", pdf(change=annotation(Subtype=Name.Link, A=Dictionary(S=Name.Named, N=Name.NextPage)))),
    ("a stamp with an appearance", pdf(change=annotation(appearance=BOX, Subtype=Name.Stamp))),
    ("a hidden note", pdf(change=annotation(Subtype=Name.Text, F=2))),
    ("an empty form field", pdf(change=field(kind=Name.Tx, value=None))),
    ("a field to be drawn anew", pdf(change=_anew())),
    ("a choice to be drawn anew", pdf(change=_anew(String("b"), kind=Name.Ch, Ff=1 << 17, Opt=Array([String("b")])))),
    ("a ticked box", pdf(change=_tick_box(state=Name.Ja, value=Name.Ja))),
    ("a layer that is off everywhere", pdf(change=layer(is_off=True))),
    ("a layer that is on everywhere", pdf(change=layer())),
    ("paired q and Q", pdf(content=b"q q Q Q")),
    ("an empty page", pdf(change=lambda d: d.pages[0].obj.__delitem__("/Contents"))),
]


@pytest.mark.requirement("R33")
class TestADocument:
    @pytest.mark.parametrize(("given", "reason", "page"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
    def test_is_refused_with_reason_page_and_remedy(self, given: bytes, reason: Reason, page: int | None) -> None:
        with pytest.raises(PdfRefused) as refused:
            inspect(given)

        where = (f' (page {page}, form field "{refused.value.field}")' if refused.value.field else f" (page {page})") if page else ""
        assert (refused.value.reason, refused.value.page) == (reason, page)
        assert str(refused.value) == f"The PDF {reason.what}{where}. {reason.remedy}"

    @pytest.mark.parametrize("given", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
    def test_is_accepted(self, given: bytes) -> None:
        assert inspect(given).pages == (pytest.approx(A4),)

    @pytest.mark.parametrize("missing", range(20, 700, 37))
    def test_that_is_cut_short_is_refused(self, missing: int) -> None:
        with pytest.raises(PdfRefused, match=r"is damaged|does not begin with a PDF header"):
            inspect(pdf()[:-missing] + b"%%EOF")

    def test_with_any_byte_changed_is_accepted_or_refused_and_nothing_else(self) -> None:
        whole = pdf(change=field(kind=Name.Tx, value=String("Ola"), appearance=BOX))
        outcomes = set()

        for position in range(0, len(whole), 3):
            changed = whole[:position] + bytes([whole[position] ^ 0x15]) + whole[position + 1 :]
            try:
                inspect(changed)
                outcomes.add("accepted")
            except PdfRefused as refused:
                outcomes.add(refused.reason.name)

        assert {"accepted", "DAMAGED", "NOT_A_PDF"} <= outcomes

    def test_is_refused_for_a_form_field_by_its_name(self) -> None:
        with pytest.raises(PdfRefused) as refused:
            inspect(pdf(change=_anew(Ff=1 << 12)))

        assert str(refused.value) == (
            'The PDF has a form field that readers are told to draw anew, in a way that Segl cannot draw (page 1, form field "felt").'
            " Flatten the form before sending, for example by printing to PDF."
        )


class TestEveryReason:
    def test_stands_in_the_table_of_refusals(self) -> None:
        assert {reason for _, _, reason, _ in REFUSED} | {Reason.TOO_COSTLY} == set(Reason)  # that one: test_bombs.py

    def test_has_a_sentence_of_its_own(self) -> None:
        assert len({reason.what for reason in Reason}) == len(Reason)


class TestThePages:
    @pytest.mark.parametrize(
        ("entries", "shown"),
        [
            ({}, (400, 600)),
            ({"Rotate": 90}, (600, 400)),
            ({"Rotate": -90}, (600, 400)),
            ({"Rotate": 180}, (400, 600)),
            ({"CropBox": Array([100, 100, 300, 400])}, (200, 300)),
            ({"CropBox": Array([-50, -50, 300, 9000])}, (300, 600)),
            ({"UserUnit": 2}, (800, 1200)),
            ({"MediaBox": Array([400, 600, 0, 0])}, (400, 600)),
            ({"Rotate": 270, "CropBox": Array([0, 0, 100, 300]), "UserUnit": 1.5}, (450, 150)),
        ],
    )
    def test_are_measured_as_a_reader_shows_them(self, entries: dict[str, object], shown: tuple[float, float]) -> None:
        assert inspect(pdf(size=(400, 600), change=on_page(1, **entries))).pages == (pytest.approx(shown),)


class TestAnAcceptedDocument:
    def test_tells_of_nothing_when_there_is_nothing(self) -> None:
        found = inspect(pdf())

        assert (found.has_form_fields, found.has_earlier_signature, found.has_attachments) == (False, False, False)

    def test_tells_of_a_form(self) -> None:
        found = inspect(pdf(change=field(kind=Name.Tx, value=String("Ola"), appearance=BOX)))

        assert (found.has_form_fields, found.has_earlier_signature) == (True, False)

    def test_tells_of_an_earlier_signature(self) -> None:
        found = inspect(pdf(change=field(kind=Name.Sig, value=Dictionary(Type=Name.Sig, Contents=String("x")), appearance=BOX)))

        assert (found.has_form_fields, found.has_earlier_signature) == (False, True)

    def test_tells_of_attachments(self) -> None:
        assert inspect(pdf(change=attachment)).has_attachments is True
