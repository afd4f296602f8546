"""PDFs made in code: a plain one, and a change to it that makes it what a test is about."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, String

A4 = (595.276, 841.89)
Change = Callable[[pikepdf.Pdf], None]


def pdf(
    *,
    pages: int = 1,
    size: tuple[float, float] = A4,
    words: str = "Hei",
    content: bytes | None = None,
    version: str = "1.7",
    change: Change | None = None,
) -> bytes:
    """Return a PDF whose page n shows `words` and n in Helvetica, after `change` has had its way with it."""
    document = pikepdf.new()
    font = document.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding))
    for number in range(1, pages + 1):
        document.add_blank_page(page_size=size)
        page = document.pages[-1].obj
        page.Resources = Dictionary(Font=Dictionary(F1=font))
        page.Contents = document.make_stream(content or f"BT /F1 20 Tf 72 {size[1] - 100} Td ({words} {number}) Tj ET".encode("cp1252"))
    if change is not None:
        change(document)
    return saved(document, version=version)


def saved(document: pikepdf.Pdf, *, version: str = "1.7") -> bytes:
    target = BytesIO()
    document.save(
        target,
        force_version=version,
        object_stream_mode=pikepdf.ObjectStreamMode.disable,
        compress_streams=False,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        static_id=True,
    )
    return target.getvalue()


def encrypted(*, user: str) -> bytes:
    target = BytesIO()
    with pikepdf.open(BytesIO(pdf())) as document:
        document.save(target, encryption=pikepdf.Encryption(owner="owner", user=user))
    return target.getvalue()


def action(**entries: object) -> Change:
    """Return a change that makes the file do something when it opens."""

    def change(document: pikepdf.Pdf) -> None:
        document.Root.OpenAction = Dictionary(**entries)

    return change


def on_page(number: int, **entries: object) -> Change:
    """Return a change that puts `entries` into the dictionary of page `number`."""

    def change(document: pikepdf.Pdf) -> None:
        for key, value in entries.items():
            document.pages[number - 1].obj[f"/{key}"] = value

    return change


def annotation(number: int = 1, *, appearance: bytes | None = None, **entries: object) -> Change:
    """Return a change that puts an annotation on page `number`, drawn by `appearance` in a box of 200 × 50 points."""

    def change(document: pikepdf.Pdf) -> None:
        item = Dictionary(
            {"/Type": Name.Annot, "/Rect": Array([100, 400, 300, 450]), **{f"/{key}": value for key, value in entries.items()}}
        )
        if appearance is not None:
            item.AP = Dictionary(N=_form(document, appearance))
        document.pages[number - 1].obj.Annots = Array([document.make_indirect(item)])

    return change


def field(*, kind: pikepdf.Name, value: object, appearance: bytes | None = None, needs_appearances: bool = False) -> Change:
    """Return a change that puts a form with one field on page 1."""

    def change(document: pikepdf.Pdf) -> None:
        entries: dict[str, object] = {"FT": kind, "T": String("felt"), "Subtype": Name.Widget, "DA": String("/Helv 12 Tf 0 g")}
        if value is not None:
            entries["V"] = value
        annotation(appearance=appearance, **entries)(document)
        helvetica = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
        document.Root.AcroForm = Dictionary(
            Fields=Array([document.pages[0].obj.Annots[0]]),
            NeedAppearances=needs_appearances,
            DA=String("/Helv 12 Tf 0 g"),
            DR=Dictionary(Font=Dictionary(Helv=document.make_indirect(helvetica))),
        )

    return change


def layer(*, is_off: bool = False, print_state: str | None = None, words: str = "Lag") -> Change:
    """Return a change that draws `words` in a layer; with a `print_state`, printing may differ from the screen."""

    def change(document: pikepdf.Pdf) -> None:
        group = Dictionary(Type=Name.OCG, Name=String("Lag"))
        configuration = Dictionary()
        if print_state is not None:
            group.Usage = Dictionary(Print=Dictionary(PrintState=Name(f"/{print_state}")))
        group = document.make_indirect(group)
        if is_off:
            configuration.OFF = Array([group])
        if print_state is not None:
            configuration.AS = Array([Dictionary(Event=Name.Print, Category=Array([Name.Print]), OCGs=Array([group]))])
        document.Root.OCProperties = Dictionary(OCGs=Array([group]), D=configuration)
        page = document.pages[0]
        page.obj.Resources.Properties = Dictionary(L0=group)
        page.contents_add(f"/OC /L0 BDC BT /F1 20 Tf 72 500 Td ({words}) Tj ET EMC".encode())

    return change


def attachment(document: pikepdf.Pdf) -> None:
    document.attachments["vedlegg.txt"] = b"vedlagt"


def _form(document: pikepdf.Pdf, content: bytes) -> pikepdf.Stream:
    resources = Dictionary(Font=Dictionary(F1=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)))
    return document.make_stream(content, Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 200, 50]), Resources=resources)
