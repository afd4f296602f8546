"""
Which annotations and form fields a page shows, and whether Segl can draw them as every reader does.

What cannot be drawn right for certain is refused: the sealed page must show what the sender's page shows.
Source: reliability.md D5, D7, B-39; ISO 32000-1, 8.11.2 (layers), 12.5 (annotations), 12.7 (forms).
"""

from __future__ import annotations

import re

import pikepdf
from pikepdf import Array, Dictionary, Name

from segl.pdf.active_content import layer_states
from segl.pdf.refusal import PdfRefused, Reason

_INVISIBLE = 0x01  # flags: ISO 32000-1, table 165
_HIDDEN_FLAGS = 0x02 | 0x20  # Hidden, NoView
_KNOWN_KINDS = re.compile(
    "/(Text|Link|FreeText|Line|Square|Circle|Polygon|PolyLine|Highlight|Underline|Squiggly|StrikeOut|Stamp|Caret|Ink|Popup"
    "|FileAttachment|Sound|Movie|Widget|Screen|PrinterMark|TrapNet|Watermark|3D|Redact)"
)
_KINDS_WITHOUT_APPEARANCE = frozenset({"/Link", "/Popup"})
_TEXT, _CHOICE, _BUTTON = "/Tx", "/Ch", "/Btn"
# ReadOnly, Required, NoExport, DoNotSpellCheck and DoNotScroll leave the look alone; ISO 32000-1, tables 221, 228 and 230.
_PLAIN_TEXT_FLAGS = 0x07 | 1 << 22 | 1 << 23
_COMBO = 1 << 17
_PLAIN_CHOICE_FLAGS = 0x07 | _COMBO | 1 << 18 | 1 << 19 | 1 << 22 | 1 << 26
_NUMBER = r"[0-9]*\.?[0-9]+"
_PLAIN_STYLE = re.compile(rf"(?:{_NUMBER}\s+){{0,4}}(?:g|rg|k)?\s*(/\S+)\s+({_NUMBER})\s+Tf\s*(?:(?:{_NUMBER}\s+){{1,4}}(?:g|rg|k))?\s*")
_STROKE_COLOUR = {1: "G", 3: "RG", 4: "K"}


def is_annotation_shown(annotation: pikepdf.Object, layers: dict[tuple[int, int], bool]) -> bool:
    """Return whether a reader shows this annotation when the file opens; `layers` as from `layer_states`."""
    flags = int(annotation.get("/F", 0))
    if flags & _HIDDEN_FLAGS or (flags & _INVISIBLE and not _KNOWN_KINDS.fullmatch(str(annotation.get("/Subtype", "")))):
        return False
    return _is_layer_shown(annotation.get("/OC"), layers)


def _is_layer_shown(content: pikepdf.Object | None, layers: dict[tuple[int, int], bool]) -> bool:
    """Return whether a layer (OCG) or a rule over several (OCMD) is shown."""
    if content is None:
        return True
    if str(content.get("/Type", "")) != "/OCMD":
        return layers.get(content.objgen, True)
    if "/VE" in content:
        return _is_expression_true(content.VE, layers)
    members = content.get("/OCGs", Array())
    states = [_is_layer_shown(layer, layers) for layer in ([members] if isinstance(members, pikepdf.Dictionary) else members)]
    if not states:
        return True
    match str(content.get("/P", "/AnyOn")):
        case "/AllOn":
            return all(states)
        case "/AnyOff":
            return not all(states)
        case "/AllOff":
            return not any(states)
        case _:
            return any(states)


def _is_expression_true(expression: pikepdf.Object, layers: dict[tuple[int, int], bool]) -> bool:
    if not isinstance(expression, pikepdf.Array):
        return _is_layer_shown(expression, layers)
    operator, *operands = list(expression)
    states = [_is_expression_true(operand, layers) for operand in operands]
    match str(operator):
        case "/And":
            return all(states)
        case "/Or":
            return any(states)
        case "/Not" if len(states) == 1:
            return not states[0]
    raise PdfRefused(Reason.DAMAGED)


def draws_fields_anew(document: pikepdf.Pdf) -> bool:
    """Return whether the form asks readers to draw its fields anew from their values."""
    return bool(document.Root.get("/AcroForm", Dictionary()).get("/NeedAppearances", False))


def refuse_undrawable_annotations(document: pikepdf.Pdf) -> None:
    """
    Refuse an annotation or form field that is shown but that Segl cannot draw for certain as readers do.

    :raises PdfRefused: NO_APPEARANCE, FORM_FIELD or FORM_LETTERS.
    """
    anew = draws_fields_anew(document)
    layers = layer_states(document, event="/View")
    for number, page in enumerate(document.pages, start=1):
        for annotation in page.obj.get("/Annots", ()):
            kind = str(annotation.get("/Subtype", ""))
            if kind in _KINDS_WITHOUT_APPEARANCE or not is_annotation_shown(annotation, layers):
                if kind == "/Link" and not _has_appearance(annotation):
                    _border(annotation)  # what cannot be read must fail here, not when the page is sealed
                continue
            reason = None
            if kind == "/Widget":
                reason = _trouble_with_field(document, annotation, anew=anew)
            elif not _has_appearance(annotation):
                reason = Reason.NO_APPEARANCE
            if reason is not None and not _is_empty(annotation):
                raise PdfRefused(reason, number, field=_field_name(annotation))


def _is_empty(annotation: pikepdf.Object) -> bool:
    left, bottom, right, top = _sides(annotation)
    return left == right or bottom == top


def _sides(annotation: pikepdf.Object) -> tuple[float, float, float, float]:
    first_x, first_y, second_x, second_y = (float(side) for side in annotation.Rect)
    return min(first_x, second_x), min(first_y, second_y), max(first_x, second_x), max(first_y, second_y)


def _has_appearance(annotation: pikepdf.Object) -> bool:
    return "/N" in annotation.get("/AP", Dictionary())


def _trouble_with_field(document: pikepdf.Pdf, widget: pikepdf.Object, *, anew: bool) -> Reason | None:
    kind = str(_inherited(widget, "/FT") or "")
    if anew and kind in {_TEXT, _CHOICE}:
        return _trouble_with_drawing_anew(document, widget, kind)
    if anew and kind == _BUTTON and not _is_state_that_of_value(widget):
        return Reason.FORM_FIELD
    value = _inherited(widget, "/V")
    is_filled = value is not None and not (isinstance(value, pikepdf.String) and not str(value))
    return Reason.NO_APPEARANCE if is_filled and not _has_appearance(widget) else None


def _is_state_that_of_value(widget: pikepdf.Object) -> bool:
    """Return whether a check box or radio button stands as the field's value says; readers differ when it does not."""
    states = widget.get("/AP", Dictionary()).get("/N")
    if not isinstance(states, pikepdf.Dictionary):
        return True
    value = str(_inherited(widget, "/V") or "/Off")
    return str(widget.get("/AS", "/Off")) == (value if value in states else "/Off")


def _trouble_with_drawing_anew(document: pikepdf.Pdf, widget: pikepdf.Object, kind: str) -> Reason | None:
    # qpdf draws one line from the left, in the given size, without box; it can neither wrap, align, fit nor hide.
    flags = int(_inherited(widget, "/Ff") or 0)
    look = widget.get("/MK", Dictionary())
    if any(len(look.get(key, ())) for key in ("/BG", "/BC")) or int(look.get("/R", 0)) % 360:
        return Reason.FORM_FIELD
    if kind == _CHOICE and not flags & _COMBO:
        return Reason.FORM_FIELD
    value = _inherited(widget, "/V")
    if value is None or (isinstance(value, pikepdf.String) and not str(value)):
        return None
    if not isinstance(value, pikepdf.String) or _inherited(widget, "/RV") is not None or int(_inherited(widget, "/Q") or 0):
        return Reason.FORM_FIELD
    if flags & ~(_PLAIN_TEXT_FLAGS if kind == _TEXT else _PLAIN_CHOICE_FLAGS):
        return Reason.FORM_FIELD
    text = str(value)
    if kind == _CHOICE and text not in [str(option) for option in _inherited(widget, "/Opt") or () if _shows_itself(option)]:
        return Reason.FORM_FIELD
    form = document.Root.AcroForm
    style = _PLAIN_STYLE.fullmatch(str(_inherited(widget, "/DA") or form.get("/DA") or "").strip())
    if style is None or not 1 < float(style[2]) < 1000 or not _is_plain_latin(form, style[1]):
        return Reason.FORM_FIELD
    is_drawable = text.isprintable() and text.encode("cp1252", "ignore").decode("cp1252") == text
    return None if is_drawable else Reason.FORM_LETTERS


def _shows_itself(option: pikepdf.Object) -> bool:
    """Return whether a choice shows the very text that is its value; with a text of its own it is a pair."""
    return isinstance(option, pikepdf.String)


def _is_plain_latin(form: pikepdf.Object, font_name: str) -> bool:
    font = form.get("/DR", Dictionary()).get("/Font", Dictionary()).get(font_name, Dictionary())
    # With any other encoding qpdf writes a question mark for each letter that is not ASCII.
    return str(font.get("/Subtype", "")) in {"/Type1", "/TrueType"} and font.get("/Encoding") == Name.WinAnsiEncoding


def _field_name(annotation: pikepdf.Object) -> str:
    name = str(_inherited(annotation, "/T") or "") if str(annotation.get("/Subtype", "")) == "/Widget" else ""
    return "".join(letter for letter in name if letter.isprintable())[:60]


def _inherited(field: pikepdf.Object, key: str) -> pikepdf.Object | None:
    for _ in range(50):
        if key in field:
            return field[key]
        if "/Parent" not in field:
            return None
        field = field.Parent
    raise PdfRefused(Reason.DAMAGED)


def draw_annotations_into_pages(source: pikepdf.Pdf, layers: dict[tuple[int, int], bool]) -> None:
    """Draw what each page's annotations show into the page and remove them; `source` has passed inspection."""
    if not any("/Annots" in page.obj for page in source.pages):
        return
    anew = draws_fields_anew(source)
    states: list[tuple[pikepdf.Object, pikepdf.Object]] = []
    for page in source.pages:
        if "/Annots" not in page.obj:
            continue
        # qpdf does not look at layers when it draws annotations.
        page.obj.Annots = Array([annotation for annotation in page.obj.Annots if is_annotation_shown(annotation, layers)])
        for annotation in page.obj.Annots:
            if int(annotation.get("/F", 0)) & _INVISIBLE:
                # qpdf takes the flag for every kind; it means only those a reader does not know.
                annotation.F = int(annotation.F) & ~_INVISIBLE
            if str(annotation.get("/Subtype", "")) == "/Link" and not _has_appearance(annotation):
                _draw_border(source, annotation)
            if anew and str(_inherited(annotation, "/FT") or "") in {_TEXT, _CHOICE} and "/AP" in annotation:
                # An old appearance may show an old value beside the new one.
                del annotation.AP
            if "/AS" in annotation:
                states.append((annotation, annotation.AS))
    if anew:
        source.generate_appearance_streams()
        for annotation, state in states:
            annotation.AS = state  # qpdf ticks by the value; readers go by the state
    source.flatten_annotations("screen")


def _border(link: pikepdf.Object) -> bytes | None:
    """Return what draws the border that readers give a link: black and 1 point wide unless it says otherwise; None when it has none."""
    left, bottom, right, top = _sides(link)
    wide, high = right - left, top - bottom
    style = link.get("/BS")
    # A border of other form is none, as in other readers.
    border = list(link.get("/Border", Array([0, 0, 1])))
    width = float(style.get("/W", 1)) if style is not None else float(border[2]) if len(border) >= 3 else 0.0
    colour = [float(part) for part in link.get("/C", (0,))]
    if width <= 0 or len(colour) not in _STROKE_COLOUR or min(wide, high) <= 0:
        return None
    is_line = style is not None and str(style.get("/S", "")) == "/U"
    half = width / 2
    path = f"0 {half:f} m {wide:f} {half:f} l" if is_line else f"{half:f} {half:f} {wide - width:f} {high - width:f} re"
    return f"{' '.join(f'{part:f}' for part in colour)} {_STROKE_COLOUR[len(colour)]} {width:f} w {path} S".encode()


def _draw_border(source: pikepdf.Pdf, link: pikepdf.Object) -> None:
    border = _border(link)
    if border is not None:
        left, bottom, right, top = _sides(link)
        box = Array([0, 0, right - left, top - bottom])
        link.AP = Dictionary(N=source.make_stream(border, Type=Name.XObject, Subtype=Name.Form, BBox=box))
