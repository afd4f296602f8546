"""
Sets Segl's own pages from templates beside this file and from data, never from source made of what people wrote.

It also knows which characters the vendored fonts can draw, because a name with a rare letter must not stop a signature. Source: stack.md, PDF traps.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import typst
from fontTools.ttLib import TTFont

_ROOM = Path(__file__).parent
_FONTS = _ROOM / "fonts"
_SUBSTITUTE = "\N{REPLACEMENT CHARACTER}"
_JOINERS = frozenset("\u200c\u200d")
"""Zero-width joiners shape Arabic and Indic letters. All other format characters can reorder or hide text and are shown as the substitute."""

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


class TypesettingFailed(Exception):
    """A page of Segl's own could not be typeset. The template or the fonts are at fault, not the document: report it."""


@dataclass(slots=True)
class _Press:
    """One typst compiler with its fonts, kept because loading costs fifty times a compilation. typst objects are not shared between threads."""

    compiler: typst.Compiler
    lock: threading.Lock = field(default_factory=threading.Lock)


@cache
def _press() -> _Press:
    # Made at first use, never at import: a process forked after typst has started its threads would wait for them for ever.
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_FONTS])
    return _Press(compiler=typst.Compiler(root=_ROOM, font_paths=fonts))


@cache
def _template(name: str) -> bytes:
    return (_ROOM / name).read_bytes()


def typeset(template: str, *, content: JsonValue, unix_seconds: int) -> bytes:
    """
    Return a tagged PDF 1.7 made from `template`, a .typ file beside this one, whose `sys.inputs.content` is `content` as JSON.

    `unix_seconds` becomes the file's date; the same arguments give the same bytes.

    :raises TypesettingFailed: if the template does not compile.
    """
    press = _press()
    try:
        with press.lock:
            pdf = press.compiler.compile(
                input=_template(template),
                format="pdf",
                sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
                pdf_standards=["1.7"],
                timestamp=unix_seconds,
            )
    except Exception as error:
        raise TypesettingFailed(f'The template "{template}" could not be typeset. Compare it with the fonts in pdf/fonts.') from error
    if not isinstance(pdf, bytes):
        raise TypesettingFailed(f'The template "{template}" gave no PDF. Check the installed version of typst.')
    return pdf


def _code_points(font_file: str) -> frozenset[int]:
    with TTFont(_FONTS / font_file, lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def _drawable() -> frozenset[int]:
    """Code points that DejaVu Sans has, or both Inter and Source Serif: whatever the face asked for, the fallback chain then ends in a glyph."""
    sans, serif, fallback = (_code_points(name) for name in ("Inter-Regular.ttf", "SourceSerif4-SemiBold.ttf", "DejaVuSans.ttf"))
    return fallback | (sans & serif)


def code_point_label(character: str) -> str:
    """Return the character's number, as in `[U+4E2D]`: nothing is lost where the text itself is what people sign."""
    return f"[U+{ord(character):04X}]"


def drawable_text(text: str, *, otherwise: Callable[[str], str] = lambda character: _SUBSTITUTE) -> str:
    """
    Return `text` composed (NFC) and with every character that no font can draw replaced by `otherwise(character)`.

    Control and bidirectional formatting characters count as not drawable: they could make a name look like another.
    """
    drawable = _drawable()
    return "".join(
        character
        if ord(character) in drawable
        and (character in _JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
        else otherwise(character)
        for character in unicodedata.normalize("NFC", text)
    )
