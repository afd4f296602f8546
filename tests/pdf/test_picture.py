"""The picture in the README shows what the room makes today."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops

from .picture import picture

SHOWN = Path(__file__).parents[2] / "docs/sealed-page.png"


class TestThePictureOfASealedPdf:
    def test_is_small_enough_for_a_readme(self) -> None:
        assert SHOWN.stat().st_size <= 200 * 1024

    def test_is_what_the_room_makes(self) -> None:
        shown, made = Image.open(SHOWN).convert("L"), Image.open(BytesIO(picture())).convert("L")

        difference = ImageChops.difference(shown, made).point(lambda level: 255 if level > 96 else 0)

        assert shown.size == made.size
        assert difference.histogram()[255] <= 0.001 * shown.width * shown.height
