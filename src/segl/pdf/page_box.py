"""
Where a page's visible content lies and how large it is shown: CropBox within MediaBox, turned by Rotate, enlarged by UserUnit.

Source: ISO 32000-1, 14.11.2 (page boundaries) and table 30 (Rotate, UserUnit).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pikepdf

from segl.pdf.refusal import PdfRefused, Reason

MIN_SIDE_POINTS = 3.0  # limits that readers share: ISO 32000-1, annex C
MAX_SIDE_POINTS = 14_400.0

Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBox:
    """The visible rectangle in the page's own space, and how it is turned and enlarged when shown."""

    left: float
    bottom: float
    right: float
    top: float
    quarter_turns: int
    """Clockwise, 0 to 3."""
    unit: float
    """Points a unit."""

    @property
    def shown_size(self) -> tuple[float, float]:
        """Return width and height in points as a reader shows the page."""
        width, height = (self.right - self.left) * self.unit, (self.top - self.bottom) * self.unit
        return (height, width) if self.quarter_turns % 2 else (width, height)

    def placed(self, *, x: float, y: float, scale: float) -> Matrix:
        """Return the matrix that puts the shown page, `scale` times its shown size, with its lower left corner at (x, y)."""
        s = scale * self.unit
        match self.quarter_turns:
            case 0:
                return (s, 0, 0, s, x - s * self.left, y - s * self.bottom)
            case 1:
                return (0, -s, s, 0, x - s * self.bottom, y + s * self.right)
            case 2:
                return (-s, 0, 0, -s, x + s * self.right, y + s * self.top)
            case _:
                return (0, s, -s, 0, x + s * self.top, y - s * self.left)


def _rectangle(value: pikepdf.Object) -> tuple[float, float, float, float]:
    first_x, first_y, second_x, second_y = (float(value[index]) for index in range(4))
    return min(first_x, second_x), min(first_y, second_y), max(first_x, second_x), max(first_y, second_y)


def page_box(page: pikepdf.Page, *, number: int) -> PageBox:
    """
    Return the box of `page`, which is page `number` of its file.

    :raises PdfRefused: PAGE_SIZE when nothing would show, or when the size shown lies outside what readers can show.
    """
    try:
        left, bottom, right, top = _rectangle(page.obj.MediaBox)
        crop = page.obj.get("/CropBox")
        if crop is not None:
            crop_left, crop_bottom, crop_right, crop_top = _rectangle(crop)
            left, bottom, right, top = max(left, crop_left), max(bottom, crop_bottom), min(right, crop_right), min(top, crop_top)
        turn = int(page.obj.get("/Rotate", 0))
        unit = float(page.obj.get("/UserUnit", 1))
    except (AttributeError, TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
        raise PdfRefused(Reason.PAGE_SIZE, number) from error
    if turn % 90:
        raise PdfRefused(Reason.PAGE_SIZE, number)
    box = PageBox(left=left, bottom=bottom, right=right, top=top, quarter_turns=turn // 90 % 4, unit=unit)
    sides = (*box.shown_size, right - left, top - bottom)
    if not all(math.isfinite(side) for side in sides) or not all(MIN_SIDE_POINTS <= side <= MAX_SIDE_POINTS for side in box.shown_size):
        raise PdfRefused(Reason.PAGE_SIZE, number)
    if not (left < right and bottom < top):
        raise PdfRefused(Reason.PAGE_SIZE, number)
    return box
