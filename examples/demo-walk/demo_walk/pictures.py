"""The sealed PDF as pictures, and what can be said of it without trusting anybody: how many pages, what is attached, whether it is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pikepdf
import pypdfium2

DOTS_PER_POINT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What stands in a sealed PDF."""

    pages: int
    attachments: tuple[str, ...]
    has_seal: bool


def draw_pages(sealed: Path, folder: Path) -> list[Path]:
    """Draw each page as PNG, 144 dots an inch."""
    drawn = []
    with pypdfium2.PdfDocument(sealed) as document:
        for number in range(len(document)):
            target = folder / f"page-{number + 1:02d}.png"
            document[number].render(scale=DOTS_PER_POINT).to_pil().save(target)
            drawn.append(target)
    return drawn


def look_into(sealed: Path) -> Seen:
    """Return what `sealed` holds; whether the seal is good is for a validator to say."""
    with pikepdf.open(sealed) as document:
        form = document.Root.get("/AcroForm")
        fields = form.get("/Fields", []) if isinstance(form, pikepdf.Dictionary) else []
        has_seal = any(str(each.get("/FT")) == "/Sig" and "/V" in each for each in fields)
        return Seen(pages=len(document.pages), attachments=tuple(sorted(document.attachments)), has_seal=has_seal)
