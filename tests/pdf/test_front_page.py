"""What the front page says, and when it is true."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pypdfium2
import pytest
from PIL import ImageOps

from segl.pdf.front_page import DocumentNote, FrontPage, level_words, long_time, notes_on, short_time, state_sentence
from segl.pdf.inspection import InspectedPdf
from segl.pdf.text import extract_text
from segl.pdf.typesetting import TypesettingFailed, drawable_text, typeset
from segl.values import Level, SignatureType

from .builders import pdf
from .sealed import SEALED_AT, composed, content, document, drawn, signer


def words(sealed: bytes, page: int = 1) -> str:
    return " ".join(extract_text(sealed)[page - 1].split())


LONG_WORDS = [
    "Arbeidsavtale_2026_Fjordvik_kommune_Ingrid_Solvang_vedlegg_3_versjon_2_ferdig",
    "https://www.fjordvik.kommune.no/avtaler/2026/arbeidsavtale-ingrid-solvang",
    "W" * 80,
]


def rightmost_ink(sealed: bytes, page: int) -> int:
    """Return the last column, in points, where anything is drawn on the white page."""
    _, _, right, _ = ImageOps.invert(drawn(sealed, page).convert("L")).getbbox() or (0, 0, 0, 0)
    return right


def boxes_beside(sealed: bytes, text: str) -> tuple[list[float], float]:
    """Return the right edges of the characters on the first page that stand on the line of `text`, before it, and its left edge."""
    page = pypdfium2.PdfDocument(sealed)[0].get_textpage()
    found = page.search(text).get_next()
    assert found is not None
    start, count = found
    left, bottom, _, top = page.get_charbox(start)
    others = [page.get_charbox(index) for index in range(page.count_chars()) if not start <= index < start + count]
    return [box[2] for box in others if box[0] < left and box[1] < top and box[3] > bottom], left


def rightmost_beside(sealed: bytes, text: str) -> float:
    return max(boxes_beside(sealed, text)[0])


def left_of(sealed: bytes, text: str) -> float:
    return boxes_beside(sealed, text)[1]


class TestTheFrontPage:
    def test_names_job_title_documents_and_people(self) -> None:
        original = pdf(pages=4)
        given = content(
            [document(original, title="Læreavtale"), document(pdf(), number=2, title="Plan")], names=["Ingrid Solvang", "Jonas Myhre"]
        )

        page = words(composed(given))

        assert "Signert dokument Signed document" in page
        assert "Oppdrag 40718265 Job 40718265" in page
        assert "Begge har signert. Forseglet onsdag 25. november 2026 kl. 10.40.12, norsk tid." in page
        assert f"SHA-256 {given.documents[0].sha256}" in page
        assert "side 2–5" in page
        assert "side 6 " in page
        assert "Ingrid Solvang Født 14.03.2007" in page
        assert "23.11.2026 kl. 14.32.08 BankID, høyt nivå (4)" in page

    def test_tells_how_to_check_it_in_both_languages_and_never_calls_it_valid(self) -> None:
        page = words(composed(content([document(pdf())])))

        assert "Slik kontrollerer du dokumentet" in page
        assert "Forsiden og bunntekstene er laget av signeringstjenesten og er ikke en del av det som ble signert." in page
        assert "This page and the footers were made by the signing service and are not part of what was signed." in page
        assert "gyldig" not in page.lower()

    def test_leaves_out_the_identifier_when_only_the_name_is_asked_for(self) -> None:
        page = words(composed(content([document(pdf())], signers=[signer("Ola Nordmann", identifier_line=None, level=Level.SUBSTANTIAL)])))

        assert "23.11.2026 kl. 14.32.08 BankID, betydelig nivå (3)" in page
        assert "Ola Nordmann Avansert" in page
        assert "Født" not in page

    @pytest.mark.parametrize(
        ("signature_type", "words_of_it"),
        [
            (SignatureType.AUTHENTICATED, "Autentisert elektronisk signatur, logget inn 23.11.2026 kl. 14.31.50"),
            (SignatureType.ADVANCED, "Avansert elektronisk signatur, logget inn 23.11.2026 kl. 14.31.50"),
        ],
    )
    def test_names_the_signature_type_and_when_the_person_logged_in(self, signature_type: SignatureType, words_of_it: str) -> None:
        """Issue line 18; at a running session the log-in may be long before the signature."""
        page = words(composed(content([document(pdf())], signers=[signer("Ola Nordmann", signature_type=signature_type)])))

        assert words_of_it in page

    def test_says_what_became_of_forms_signatures_and_attachments(self) -> None:
        notes = (DocumentNote.FORM_FIELDS, DocumentNote.EARLIER_SIGNATURE, DocumentNote.ATTACHMENTS)
        expected = (
            "Skjemafeltene er låst. Originalen har en tidligere signatur. Originalen har vedlegg. "
            "Originalen ligger uendret som vedlegg i denne PDF-en."
        )

        assert expected in words(composed(content([document(pdf(), notes=notes)])))
        assert "ligger uendret" not in words(composed(content([document(pdf())])))

    def test_goes_on_to_a_second_page_with_many_documents_and_people(self) -> None:
        documents = [document(pdf(), number=number, title=f"Dokument nummer {number}") for number in range(1, 21)]
        sealed = composed(content(documents, names=[f"Person Etternavn {number}" for number in range(1, 11)]))
        texts = extract_text(sealed)

        fronts = [text for text in texts if "Forside " in text]
        assert len(fronts) >= 2
        assert [f"Forside {number} av {len(fronts)}, laget ved forsegling" in text for number, text in enumerate(fronts, start=1)] == [
            True
        ] * len(fronts)
        assert f"side {len(fronts) + 1}\n" in texts[0].replace("\r", "")
        assert f"Side {len(texts)} av {len(texts)}" in texts[-1]

    def test_names_ten_people_in_the_footer_in_two_lines_and_counts_the_rest(self) -> None:
        names = [f"Anne-Margrethe Solvang-Bjerkås {number}" for number in range(1, 11)]

        footer = words(composed(content([document(pdf())], names=names)), 3).removeprefix("Hei 1 ")

        shown = footer.count("Anne-Margrethe")
        assert 4 <= shown <= 6
        assert (
            footer == f"Signert av {', '.join(names[:shown])} og {10 - shown} til, se forsiden Dokument 1: Avtale, side 1 av 1 Side 3 av 3"
        )

    def test_wraps_a_title_and_a_name_of_greatest_length(self) -> None:
        title, name = "Overordentlig-lang-tittel " * 3 + "ja", "Fornavnesen-Etternavnesen " * 5

        page = words(composed(content([document(pdf(), title=title)], title=title, names=[name.strip()])))

        assert page.count(title) >= 2
        assert name.strip() in page

    @pytest.mark.parametrize("title", LONG_WORDS)
    def test_breaks_a_title_without_a_space_inside_its_margins_and_beside_its_page_numbers(self, title: str) -> None:
        sealed = composed(content([document(pdf(), title=title)], title=title))

        assert "".join(words(sealed).split()).count(title) == 2
        assert rightmost_ink(sealed, 1) <= 534
        assert rightmost_beside(sealed, "side 2") < left_of(sealed, "side 2")

    def test_breaks_a_name_without_a_space(self) -> None:
        name = "Fornavnesen-Etternavnesen" * 5

        sealed = composed(content([document(pdf())], names=[name]))

        assert name in "".join(words(sealed).split())
        assert rightmost_beside(sealed, "BankID") < left_of(sealed, "BankID")

    def test_leaves_nothing_in_the_text_where_a_title_breaks(self) -> None:
        title = LONG_WORDS[0]
        reader = pypdfium2.PdfDocument(composed(content([document(pdf())], title=title)))

        raw = reader[0].get_textpage().get_text_range()

        assert title in raw.replace("\r\n", "")

    @pytest.mark.parametrize("title", [*LONG_WORDS, "Avtale om tilskudd til drift og utvikling av tjenester for barn og unge i kommunen"])
    def test_shortens_a_title_in_the_footer_to_one_line_and_keeps_its_page(self, title: str) -> None:
        footer = words(composed(content([document(pdf(), title=title)])), 2)

        found = re.fullmatch(r"Hei 1 Signert av Ingrid Solvang Dokument 1: (.{30,}), side 1 av 1 Side 2 av 2", footer)
        assert found
        assert found[1] == title or (found[1].endswith("…") and title.startswith(found[1][:-1]))

    def test_shortens_a_name_in_the_footer_that_two_lines_do_not_hold_and_counts_the_rest(self) -> None:
        footer = words(composed(content([document(pdf())], names=["N" * 200, "Ola", "Kari"])), 2)

        assert re.fullmatch(r"Hei 1 Signert av N+ N+… og 2 til, se forsiden Dokument 1: Avtale, side 1 av 1 Side 2 av 2", footer)

    def test_shortens_a_single_name_in_the_footer_to_two_lines(self) -> None:
        footer = extract_text(composed(content([document(pdf())], names=["N" * 200])))[1].removeprefix("Hei 1").strip().split("\n")

        assert footer[0].startswith("Signert av N")
        assert footer[1].endswith("N…")
        assert footer[2].startswith("Dokument 1: Avtale")

    @pytest.mark.parametrize(
        "name", ["Anna-Máret Ántte Bæivváš", "Ŋáŋŧŧa Đorđević", "Nguyễn Thị Hồng Ánh", "Łukasz Źdźbło", "Ștefan Țuțea", "Ольга Ёлкина"]
    )
    def test_writes_names_with_letters_from_many_languages(self, name: str) -> None:
        assert name in words(composed(content([document(pdf())], names=[name])))

    def test_is_made_even_when_no_font_has_a_letter_and_shows_a_substitute(self) -> None:
        page = words(composed(content([document(pdf())], names=["李小龙 Lee", "محمد بن عبد الله"])))

        assert "\ufffd\ufffd\ufffd Lee" in page

    def test_takes_no_markup_from_names_and_titles(self) -> None:
        page = words(composed(content([document(pdf(), title="*x* #panic()")], title='$x$ <a> "b" \\', names=["_Ola_ [Nordmann]"])))

        assert "*x* #panic()" in page
        assert '$x$ <a> "b" \\' in page
        assert "_Ola_ [Nordmann]" in page

    def test_needs_at_least_one_signer_and_no_more_than_were_asked(self) -> None:
        for signers, asked in (((), 1), ((signer("Ola"), signer("Kari")), 1)):
            with pytest.raises(ValueError, match="names at least one signer, and no more than were asked"):
                FrontPage(job_id="1", title="T", sealed_at=SEALED_AT, documents=(), signers=signers, signer_count=asked)


class TestTheStateSentence:
    @pytest.mark.parametrize(
        ("signed", "asked", "sentence"),
        [
            (1, 1, "Én person har signert."),
            (2, 2, "Begge har signert."),
            (3, 3, "Alle tre har signert."),
            (10, 10, "Alle ti har signert."),
            (1, 3, "Én av tre har signert."),
            (2, 3, "To av tre har signert."),
            (9, 10, "Ni av ti har signert."),
            (13, 14, "13 av 14 har signert."),
        ],
    )
    def test_counts_in_words(self, signed: int, asked: int, sentence: str) -> None:
        assert state_sentence(signed=signed, asked=asked) == sentence


class TestATime:
    @pytest.mark.parametrize(
        ("instant", "long", "short"),
        [
            (datetime(2026, 11, 25, 9, 40, 12, tzinfo=UTC), "onsdag 25. november 2026 kl. 10.40.12, norsk tid", "25.11.2026 kl. 10.40.12"),
            (datetime(2026, 6, 30, 22, 0, 5, tzinfo=UTC), "onsdag 1. juli 2026 kl. 00.00.05, norsk tid", "01.07.2026 kl. 00.00.05"),
            (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "fredag 1. januar 2027 kl. 00.30.00, norsk tid", "01.01.2027 kl. 00.30.00"),
        ],
    )
    def test_is_norwegian_in_summer_and_winter(self, instant: datetime, long: str, short: str) -> None:
        assert (long_time(instant), short_time(instant)) == (long, short)


class TestALevel:
    def test_has_words_and_its_number(self) -> None:
        assert [level_words(level) for level in Level] == ["betydelig nivå (3)", "høyt nivå (4)"]


class TestTheNotes:
    def test_follow_from_the_inspection(self) -> None:
        plain = InspectedPdf(pages=((1, 1),), has_form_fields=False, has_earlier_signature=False, has_attachments=False)
        full = InspectedPdf(pages=((1, 1),), has_form_fields=True, has_earlier_signature=True, has_attachments=True)

        assert notes_on(plain) == ()
        assert notes_on(full) == (DocumentNote.FORM_FIELDS, DocumentNote.EARLIER_SIGNATURE, DocumentNote.ATTACHMENTS)


class TestATextThatIsDrawn:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("Blåbær", "Blåbær"),
            ("Bla\u030aba\u0308r", "Blåbär"),
            ("Ola\u202enmO", "Ola\ufffdnmO"),
            ("Ola\x00\n", "Ola\ufffd\ufffd"),
            ("李", "\ufffd"),
        ],
    )
    def test_is_composed_and_shows_a_substitute_for_what_cannot_be_drawn(self, given: str, shown: str) -> None:
        assert drawable_text(given) == shown


class TestATemplate:
    def test_that_lacks_its_content_fails_with_a_sentence(self) -> None:
        with pytest.raises(TypesettingFailed, match=r'^The template "front_page\.typ" could not be typeset\.'):
            typeset("front_page.typ", content={}, unix_seconds=0)


class TestManyThreads:
    def test_may_compose_and_read_at_once(self) -> None:
        given = content([document(pdf())])
        alone = composed(given)

        with ThreadPoolExecutor(max_workers=4) as threads:
            results = list(threads.map(lambda _: (composed(given), extract_text(alone)), range(12)))

        assert {sealed for sealed, _ in results} == {alone}
        assert len({texts for _, texts in results}) == 1
