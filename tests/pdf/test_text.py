"""Plain text as a document, and the text of a document as plain text."""

from __future__ import annotations

import pytest

from segl.pdf.inspection import inspect
from segl.pdf.text import MAX_TEXT_BYTES, TextNotExtracted, TextReason, TextRefused, decode_text, extract_text, typeset_text

from .builders import A4, pdf

CYRILLIC_AND_MORE = "Привет, Ďábel, Áŋŧe, Nguyễn Thị, Łękowski, Ελλάδα, €½–«»"


class TestTheTextOfAPdf:
    def test_is_one_string_a_page(self) -> None:
        assert extract_text(pdf(pages=3, words="Avtale")) == ("Avtale 1", "Avtale 2", "Avtale 3")

    def test_is_empty_where_a_page_has_none(self) -> None:
        assert extract_text(pdf(content=b"0 0 10 10 re f")) == ("",)

    def test_comes_with_norwegian_letters(self) -> None:
        assert extract_text(pdf(words="Blåbærsyltetøy"))[0] == "Blåbærsyltetøy 1"

    def test_that_cannot_be_read_is_said_so(self) -> None:
        with pytest.raises(TextNotExtracted, match=r"^The text of the PDF could not be read\. Show the pages instead\.$"):
            extract_text(b"no PDF")


@pytest.mark.requirement("R34")
class TestATextDocument:
    def test_is_typeset_as_a_pdf_that_may_be_signed(self) -> None:
        assert inspect(typeset_text("Hei", title="Avtale")).pages == (pytest.approx(A4, abs=0.01),)

    def test_keeps_lines_columns_and_letters(self) -> None:
        text = f"Første linje\n\n  Navn      Beløp\n  Ola       1 000\n{CYRILLIC_AND_MORE}"

        page = extract_text(typeset_text(text, title="Avtale"))[0]

        assert [line.rstrip() for line in page.split("\n") if line.strip()] == [
            "Avtale",
            "Første linje",
            "  Navn      Beløp",
            "  Ola       1 000",
            CYRILLIC_AND_MORE,
            "Side 1 av 1",
        ]

    def test_sets_tabs_at_every_eighth_column(self) -> None:
        assert "\na       b\nabcdefg h" in extract_text(typeset_text("a\tb\nabcdefg\th", title="T"))[0]

    def test_begins_a_page_at_a_form_feed(self) -> None:
        assert [page.split("\n")[1] for page in extract_text(typeset_text("en\n\fto\n\ftre\n", title="T"))] == ["en", "to", "tre"]

    def test_loses_nothing_of_a_long_line_without_spaces(self) -> None:
        lines = extract_text(typeset_text("x" * 1000, title="T"))[0].split("\n")

        assert sum(line.count("x") for line in lines) == 1000
        assert max(len(line) for line in lines) <= 86

    def test_is_never_read_as_markup(self) -> None:
        source = '#let x = 1; *fet* _kursiv_ $x^2$ = Overskrift #image("/etc/passwd") \\ // borte `rå` @ref <label>'

        words = " ".join(extract_text(typeset_text(source, title="#panic()"))[0].split())

        assert words == f"#panic() {source} Side 1 av 1"

    def test_shows_a_character_no_font_has_by_its_number(self) -> None:
        assert "Navn: [U+674E][U+5C0F]" in extract_text(typeset_text("Navn: 李小", title="T"))[0]

    def test_gives_the_same_bytes_each_time(self) -> None:
        assert typeset_text("Hei", title="T") == typeset_text("Hei", title="T")

    def test_loses_its_byte_order_mark_and_foreign_line_ends(self) -> None:
        assert decode_text(b"\xef\xbb\xbfen\r\nto\rtre") == "en\nto\ntre"

    @pytest.mark.parametrize(
        ("given", "reason", "line"),
        [
            (b"", TextReason.EMPTY, None),
            (b" \n\t\f ", TextReason.EMPTY, None),
            (b"en\nbl\xe5b\xe6r", TextReason.NOT_UTF8, 2),
            ("hei".encode("utf-16"), TextReason.NOT_UTF8, 1),
            (b"en\x00to", TextReason.CONTROL_CHARACTER, 1),
            (b"en\n\nto\x1b[31m", TextReason.CONTROL_CHARACTER, 3),
            ("en\x85".encode(), TextReason.CONTROL_CHARACTER, 1),
            ("Betal \u202e0001\u202c kroner".encode(), TextReason.HIDDEN_CHARACTER, 1),
            ("en\nmyk\u00adbindestrek".encode(), TextReason.HIDDEN_CHARACTER, 2),
            (b"x" * (MAX_TEXT_BYTES + 1), TextReason.TOO_LARGE, None),
            (b"x\n" * 60_001, TextReason.TOO_LARGE, None),
        ],
    )
    def test_is_refused_with_reason_line_and_remedy(self, given: bytes, reason: TextReason, line: int | None) -> None:
        with pytest.raises(TextRefused) as refused:
            decode_text(given)

        where = f" (line {line})" if line else ""
        assert (refused.value.reason, refused.value.line) == (reason, line)
        assert str(refused.value) == f"The text {reason.value[0]}{where}. {reason.value[1]}"

    def test_is_refused_when_typeset_without_being_decoded_first(self) -> None:
        with pytest.raises(TextRefused, match="control character"):
            typeset_text("en\x00to", title="T")
