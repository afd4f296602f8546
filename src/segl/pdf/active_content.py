"""
Finds everything in a PDF that acts, reaches outside, or shows one thing on screen and another in print.

Actions are judged where they stand (an allow-list) and by their own words wherever they are (a refuse-list), since either alone can be
dressed up. Source: reliability.md D7; ISO 32000-1, 12.6 (actions), 8.11 (layers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pikepdf

from segl.pdf.refusal import PdfRefused, Reason

MAX_OBJECTS = 300_000  # dictionaries and arrays looked at; a tagged file of 200 pages has some 50 000
_ALLOWED_ACTIONS = frozenset({"/GoTo", "/URI", "/Named"})
_PAGE_MOVES = frozenset({"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"})
_REFUSED_ACTIONS = {
    "/JavaScript": Reason.JAVASCRIPT,
    "/Launch": Reason.LAUNCH,
    "/GoToR": Reason.OTHER_FILE,
    "/GoToE": Reason.OTHER_FILE,
    "/Thread": Reason.OTHER_FILE,
    "/SubmitForm": Reason.SENDS_DATA,
    "/ImportData": Reason.SENDS_DATA,
    "/ResetForm": Reason.ACTION,
    "/Hide": Reason.ACTION,
    "/SetOCGState": Reason.ACTION,
    "/Trans": Reason.ACTION,
    "/Movie": Reason.MULTIMEDIA,
    "/Sound": Reason.MULTIMEDIA,
    "/Rendition": Reason.MULTIMEDIA,
    "/RichMediaExecute": Reason.MULTIMEDIA,
    "/GoTo3DView": Reason.MULTIMEDIA,
}
_ACTION_KEYS = frozenset({"/A", "/PA", "/OpenAction", "/Next"})
_REFUSED_KEYS = {
    "/JS": Reason.JAVASCRIPT,
    "/JavaScript": Reason.JAVASCRIPT,
    "/XFA": Reason.XFA,
    "/RichMediaContent": Reason.MULTIMEDIA,
    "/RichMediaSettings": Reason.MULTIMEDIA,
    "/3DD": Reason.MULTIMEDIA,
    "/OPI": Reason.EXTERNAL_STREAM,
}
_REFUSED_SUBTYPES = {
    "/Movie": Reason.MULTIMEDIA,
    "/Sound": Reason.MULTIMEDIA,
    "/Screen": Reason.MULTIMEDIA,
    "/3D": Reason.MULTIMEDIA,
    "/RichMedia": Reason.MULTIMEDIA,
}
_CONTAINERS = (pikepdf.Dictionary, pikepdf.Array, pikepdf.Stream)
# The way up, and the tag tree: nothing in it is ever carried out, and it is the largest part of a tagged file.
_NOT_FOLLOWED = frozenset({"/Parent", "/P", "/StructTreeRoot"})


@dataclass(slots=True)
class _Walk:
    """One walk over everything reachable, page by page first so that a finding has a page number."""

    seen: set[tuple[int, int]]
    visited: int = 0
    has_attachments: bool = False
    stack: list[tuple[pikepdf.Object, str]] = field(default_factory=list)

    def over(self, start: pikepdf.Object, *, key: str, page: int | None) -> None:
        self.stack.append((start, key))
        while self.stack:
            thing, under = self.stack.pop()
            if thing.is_indirect:
                if thing.objgen in self.seen:
                    continue
                self.seen.add(thing.objgen)
            self.visited += 1
            if self.visited > MAX_OBJECTS:
                raise PdfRefused(Reason.TOO_COMPLEX)
            if isinstance(thing, pikepdf.Array):
                self._follow((under, item) for item in thing)
            else:
                entries = dict(thing.items())  # read once: each question to the library costs as much as a hundred to a dict
                reason = _what_is_wrong(entries, under, is_stream=isinstance(thing, pikepdf.Stream))
                if reason is not None:
                    raise PdfRefused(reason, page)
                self.has_attachments |= "/EF" in entries
                self._follow((f"/AA{name}" if under == "/AA" else name, value) for name, value in entries.items())

    def _follow(self, entries: Iterator[tuple[str, object]]) -> None:
        followed = 0
        for name, value in entries:
            if isinstance(value, pikepdf.Object) and isinstance(value, _CONTAINERS) and name not in _NOT_FOLLOWED:
                self.stack.append((value, name))
                # Counted here too, so that a list of a million ends before it has been copied.
                followed += 1
                if followed > MAX_OBJECTS:
                    raise PdfRefused(Reason.TOO_COMPLEX)


def _what_is_wrong(entries: Mapping[str, object], under: str, *, is_stream: bool) -> Reason | None:
    for key, reason in _REFUSED_KEYS.items():
        if key in entries:
            return reason
    kind = str(entries.get("/S", ""))
    by_word = _REFUSED_SUBTYPES.get(str(entries.get("/Subtype", ""))) or _REFUSED_ACTIONS.get(kind)
    if by_word is not None:
        return by_word
    if is_stream:
        if "/F" in entries or "/FFilter" in entries or "/Ref" in entries:
            return Reason.EXTERNAL_STREAM
    elif str(entries.get("/FS", "")) == "/URL":
        return Reason.EXTERNAL_STREAM
    if under in _ACTION_KEYS or (under.startswith("/AA/")):
        return _action_trouble(entries, kind)
    return None


def _action_trouble(action: Mapping[str, object], kind: str) -> Reason | None:
    if not kind:
        # An attribute object of the tag tree also stands under /A, and a dictionary without /S is no action.
        return None
    if kind not in _ALLOWED_ACTIONS:
        return Reason.ACTION
    if kind == "/Named" and str(action.get("/N", "")) not in _PAGE_MOVES:
        return Reason.ACTION
    return None


def refuse_active_content(document: pikepdf.Pdf) -> bool:
    """
    Walk all that is reachable and return whether the document carries attachments.

    :raises PdfRefused: for what D7 refuses, with its page where it hangs on one; TOO_COMPLEX when there is too much to look at.
    """
    pages = [page.obj for page in document.pages]
    # A link to another page must not lead the walk there: its findings would get the wrong number.
    walk = _Walk(seen={page.objgen for page in pages})
    for number, page in enumerate(pages, start=1):
        walk.seen.discard(page.objgen)
        walk.over(page, key="", page=number)
    walk.over(document.Root, key="", page=None)
    return walk.has_attachments or "/AF" in document.Root


def refuse_uneven_layers(document: pikepdf.Pdf) -> None:
    """
    Refuse a layer whose state on screen, as the file opens, differs from its state in print.

    :raises PdfRefused: LAYERS.
    """
    if layer_states(document, event="/View") != layer_states(document, event="/Print"):
        raise PdfRefused(Reason.LAYERS)


def layer_states(document: pikepdf.Pdf, *, event: str) -> dict[tuple[int, int], bool]:
    """Return for each layer, by object number, whether the default configuration shows it at `event` (`/View` or `/Print`)."""
    properties = document.Root.get("/OCProperties")
    if properties is None:
        return {}
    layers = list(properties.get("/OCGs", ()))
    configuration = properties.get("/D", pikepdf.Dictionary())
    nothing = pikepdf.Dictionary()
    base = str(configuration.get("/BaseState", "/ON")) != "/OFF"
    states = {layer.objgen: base for layer in layers}
    states.update({layer.objgen: True for layer in configuration.get("/ON", ())})
    states.update({layer.objgen: False for layer in configuration.get("/OFF", ())})
    for usage in configuration.get("/AS", ()):
        if str(usage.get("/Event", "")) != event:
            continue
        categories = [str(category) for category in usage.get("/Category", ())]
        for layer in usage.get("/OCGs", ()):
            for category in categories:
                state = layer.get("/Usage", nothing).get(category, nothing).get(f"{category}State")
                if state is not None:
                    states[layer.objgen] = str(state) != "/OFF"
    return states
