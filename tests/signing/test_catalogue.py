"""What the catalogue promises: the same things are said in three languages, and nothing is left over."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from segl.entrypoints import signing
from segl.entrypoints.signing.catalogue import Entry, TextMissing, entries, marked_up, number_in_words, text
from segl.values import Language

ROOM = Path(signing.__file__).parent
OTHERS = (Language.NYNORSK, Language.ENGLISH)
PUT_TOGETHER = {"refusal", "over", "help", "privacy", "accessibility"}
"""Sections whose keys the code puts together from a page's name."""


def forms(entry: Entry) -> dict[str, str]:
    return entry if isinstance(entry, dict) else {"": entry}


def placeholders(sentence: str) -> set[str]:
    # A plural form may say the count in its own words.
    return {name for _, name, _, _ in Formatter().parse(sentence) if name} - {"count", "number"}


class TestTheThreeLanguages:
    @pytest.mark.parametrize("language", OTHERS)
    def test_have_the_same_texts(self, language: Language) -> None:
        assert list(entries(language)) == list(entries(Language.BOKMAL))

    @pytest.mark.parametrize("language", OTHERS)
    def test_have_the_same_forms_and_placeholders(self, language: Language) -> None:
        for key, entry in entries(Language.BOKMAL).items():
            theirs = forms(entries(language)[key])
            assert set(theirs) == set(forms(entry)), key
            for form, sentence in forms(entry).items():
                assert placeholders(theirs[form]) == placeholders(sentence), f"{key} {form}"
                assert theirs[form].count("**") == sentence.count("**"), f"{key} {form}"

    @pytest.mark.parametrize("language", list(Language))
    def test_have_one_and_other_and_no_empty_sentence(self, language: Language) -> None:
        for key, entry in entries(language).items():
            assert set(forms(entry)) in ({""}, {"one", "other"}), key
            for sentence in forms(entry).values():
                assert sentence.strip() == sentence, key
                assert sentence, key
                assert sentence.count("**") % 2 == 0, key

    def test_have_no_norwegian_left_in_the_english(self) -> None:
        for key, entry in entries(Language.ENGLISH).items():
            for sentence in forms(entry).values():
                assert not re.search(r"[æøåÆØÅ]|\b(ikke|ikkje|eller|signert|lenke)\b", sentence), key

    def test_have_no_bokmal_left_in_the_nynorsk(self) -> None:
        for key, entry in entries(Language.NYNORSK).items():
            for sentence in forms(entry).values():
                found = re.search(
                    r"\b(ikke|jeg|noen|hvis|dokumentene|avsenderen|lenken|siden|etter at|fra|nå|mer)\b", sentence, re.IGNORECASE
                )
                assert not found, f"{key}: {found and found.group()}"

    @pytest.mark.parametrize("language", list(Language))
    def test_keep_the_house_tone(self, language: Language) -> None:
        for key, entry in entries(language).items():
            for sentence in forms(entry).values():
                assert "!" not in sentence, key
                assert not re.search(r"vennligst|klikk her|ver venleg|please|click here", sentence, re.IGNORECASE), key


class TestEachText:
    def test_is_said_somewhere(self) -> None:
        sources = "\n".join(
            path.read_text() for folder, ending in (("templates", "*.html"), (".", "*.py")) for path in (ROOM / folder).rglob(ending)
        )
        for key in entries(Language.BOKMAL):
            section, name = key.split(".")
            stem = name.removesuffix("_more").removesuffix("_link").removesuffix("_choose")
            assert section in PUT_TOGETHER or re.search(rf"[\"']{key}[\"']", sources) or re.search(rf'"{stem}"|\b{stem}=', sources), key

    def test_is_there_when_a_template_asks_for_it(self) -> None:
        asked = {key for path in (ROOM / "templates").rglob("*.html") for key in re.findall(r'{% text "([^"]+)"', path.read_text())}
        assert asked
        assert asked <= set(entries(Language.BOKMAL))


class TestATextWithACount:
    def test_is_in_words_up_to_twelve(self) -> None:
        assert text("confirm.title", Language.BOKMAL, count=1) == "Vil du signere dette dokumentet?"
        assert text("confirm.title", Language.NYNORSK, count=2) == "Vil du signere desse to dokumenta?"
        assert text("confirm.title", Language.ENGLISH, count=12) == "Do you want to sign these twelve documents?"
        assert number_in_words(13, Language.BOKMAL) == "13"

    def test_names_what_is_missing(self) -> None:
        with pytest.raises(TextMissing, match=r'There is no text "confirm.title" for these values in texts/nb.toml'):
            text("confirm.title", Language.BOKMAL)
        with pytest.raises(TextMissing, match=r'The text "read.deadline" in texts/en.toml needs the value \'deadline\''):
            text("read.deadline", Language.ENGLISH)


class TestMarkedUpText:
    def test_escapes_what_is_put_in(self) -> None:
        assert marked_up("confirm.for", Language.BOKMAL, sender="A & <b>") == "For <strong>A &amp; &lt;b&gt;</strong>"

    def test_finds_no_mark_up_in_a_name(self) -> None:
        assert marked_up("confirm.for", Language.BOKMAL, sender="**A** {sender}") == "For <strong>**A** {sender}</strong>"
