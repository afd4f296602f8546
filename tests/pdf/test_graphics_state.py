"""Pairing of q and Q, with everything that looks like one and is none."""

from __future__ import annotations

import pikepdf
import pytest

from segl.pdf.graphics_state import InlineImageFound, is_balanced
from segl.pdf.inspection import inspect
from segl.pdf.refusal import PdfRefused, Reason

from .builders import pdf

IMAGE = b"BI /W 1 /H 1 /BPC 8 /CS /G ID q EI "


class TestAPagesContent:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"q Q",
            b"q q 1 0 0 1 0 0 cm Q Q q Q",
            b"q\nQ",
            b"q[1]0 d Q",
            b"% q is a comment\nq Q",
            b"/q gs /Q gs",
            b"(q) Tj (Q Q) Tj",
            b"(a (nested q) Q \\) q) Tj",
            b"(\\\\) Tj q (x) Tj Q",
            b"[(q)-20(Q)] TJ",
            b"<71> Tj",
            b"rq Qr qq 1q",
        ],
    )
    def test_is_balanced(self, content: bytes) -> None:
        assert is_balanced(content) is True

    @pytest.mark.parametrize(
        "content", [b"q", b"Q", b"Q q", b"q Q Q", b"(q) Q", b"% Q\nq", b"q(Q)Tj", b"/q Q", b"(\\) q) Tj Q", b"q<</Q 1>>"]
    )
    def test_is_unbalanced(self, content: bytes) -> None:
        assert is_balanced(content) is False

    def test_with_an_inline_image_is_left_to_a_full_parser(self) -> None:
        with pytest.raises(InlineImageFound, match="Ask a full parser"):
            is_balanced(b"q " + IMAGE + b"Q")

    @pytest.mark.parametrize(("content", "is_refused"), [(b"q " + IMAGE + b"Q", False), (b"q " + IMAGE, True), (IMAGE + b"Q", True)])
    def test_with_an_inline_image_is_judged_all_the_same(self, content: bytes, is_refused: bool) -> None:
        if not is_refused:
            assert len(inspect(pdf(content=content)).pages) == 1
            return
        with pytest.raises(PdfRefused) as refused:
            inspect(pdf(content=content))
        assert refused.value.reason is Reason.UNBALANCED

    def test_shared_by_many_pages_is_read_once(self) -> None:
        def share(document: pikepdf.Pdf) -> None:
            stream = document.make_stream(b"q Q " * 300_000)
            for page in document.pages:
                page.obj.Contents = stream

        # 1.2 MB on 100 pages would be more than may be read in all.
        assert len(inspect(pdf(pages=100, change=share)).pages) == 100
