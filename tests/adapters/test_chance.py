"""The secrets that Segl gives out: long, url-safe, never twice, and as even as chance is (reliability.md B-20)."""

from __future__ import annotations

import math
import re
from base64 import urlsafe_b64decode

import pytest

from segl.adapters.chance import SystemChance

TOKENS = 100_000
LEAST_LIKELY = 0.001
"""An honest source falls below it once in a thousand draws; so each test may draw once more, and fails by bad luck once in a million runs."""


def draw() -> bytes:
    """Return the bytes behind so many tokens, each looked at."""
    chance = SystemChance()
    tokens = [chance.token() for _ in range(TOKENS)]
    assert len(set(tokens)) == TOKENS
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)
    content = b"".join(urlsafe_b64decode(token + "=") for token in tokens)
    assert len(content) * 8 >= 128 * TOKENS
    return content


def monobit(content: bytes) -> float:
    """How likely as uneven a count of ones is (NIST SP 800-22, frequency test)."""
    ones, bits = int.from_bytes(content).bit_count(), len(content) * 8
    return math.erfc(abs(2 * ones - bits) / math.sqrt(2 * bits))


def poker(content: bytes) -> float:
    """How likely as uneven a count of the 256 bytes is: chi-square with 255 degrees of freedom, by Wilson and Hilferty's approximation."""
    expected = len(content) / 256
    statistic = sum((content.count(bytes([byte])) - expected) ** 2 / expected for byte in range(256))
    spread = 2 / (9 * 255)
    deviation = ((statistic / 255) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return math.erfc(abs(deviation) / math.sqrt(2))


class TestATokenOfSegl:
    @pytest.mark.parametrize("evenness", [monobit, poker])
    def test_is_one_of_too_many_to_guess(self, evenness: object) -> None:
        assert any(evenness(draw()) > LEAST_LIKELY for _ in range(2))  # type: ignore[operator]

    @pytest.mark.parametrize("odd", [b"\x0f" * 3_199_000 + b"\x1f" * 1000, bytes(range(255)) * 12_549, b"ab" * 1_600_000])
    def test_would_not_pass_from_a_source_that_is_uneven(self, odd: bytes) -> None:
        assert min(monobit(odd), poker(odd)) < LEAST_LIKELY
