"""How people read times and sizes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segl.entrypoints.signing import dates
from segl.values import Language

WINTER = datetime(2026, 12, 3, 13, 33, tzinfo=UTC)
SUMMER = datetime(2026, 7, 4, 22, 5, tzinfo=UTC)


class TestATime:
    @pytest.mark.parametrize(
        ("at", "language", "words"),
        [
            (WINTER, Language.BOKMAL, "torsdag 3. desember 2026 kl. 14.33"),
            (WINTER, Language.ENGLISH, "Thursday 3 December 2026 at 14:33"),
            (SUMMER, Language.BOKMAL, "søndag 5. juli 2026 kl. 00.05"),
            (SUMMER, Language.NYNORSK, "søndag 5. juli 2026 kl. 00.05"),
        ],
    )
    def test_is_told_in_oslo(self, at: datetime, language: Language, words: str) -> None:
        assert dates.date_and_time(at, language) == words


class TestASize:
    def test_is_in_the_units_people_know(self) -> None:
        assert dates.size(12, Language.BOKMAL) == "1 kB"
        assert dates.size(184_000, Language.BOKMAL) == "184 kB"
        assert dates.size(11_400_000, Language.NYNORSK) == "11,4 MB"
        assert dates.size(11_400_000, Language.ENGLISH) == "11.4 MB"
