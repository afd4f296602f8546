"""
Small files that ask for much (reliability.md B-42): each is refused in its own words or taken, within the figures of its row.

Whatever was taken must also be composed: a job that is signed and cannot be sealed is the worst of ends.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pdf import bombs
from pdf.bombs import Bomb
from segl.actions.ports import COMPOSITION, INSPECTION, READING, FencedOut
from segl.adapters.fence.caller import ProcessFence
from segl.pdf.body import compose_body
from segl.pdf.inspection import inspect
from segl.pdf.refusal import PdfRefused, Reason
from segl.pdf.text import TextNotExtracted, extract_text

PICTURES = (b"DCTDecode", b"JBIG2Decode", b"CCITTFaxDecode", b"JPXDecode")

# What; the file; what is said, and of which page; the most seconds of processor and MiB that its process may have taken (some 25 are its own).
REFUSED: list[tuple[str, Bomb, Reason, int | None, float, int]] = [
    ("a list of a million objects", bombs.million_objects, Reason.TOO_COMPLEX, None, 5, 420),
    ("a hundred lists of ten thousand objects", bombs.million_objects_in_streams, Reason.TOO_COMPLEX, None, 10, 500),
    ("arrays in arrays, a hundred thousand deep", bombs.deep_arrays, Reason.DAMAGED, None, 1, 60),
    ("ten thousand pages", bombs.ten_thousand_pages, Reason.TOO_MANY_PAGES, None, 2, 90),
    ("one page ten thousand times", bombs.ten_thousand_times_the_same_page, Reason.DAMAGED, None, 1, 60),
    ("pages that are promised and not there", bombs.pages_that_are_promised_and_not_there, Reason.DAMAGED, None, 1, 60),
    ("a page tree in itself", bombs.page_tree_in_itself, Reason.DAMAGED, None, 1, 60),
    ("a page that is its own parent", bombs.page_that_is_its_own_parent, Reason.DAMAGED, None, 1, 60),
    ("a page tree that doubles", bombs.page_tree_that_doubles, Reason.DAMAGED, None, 1, 60),
    ("a cross-reference before itself", bombs.cross_reference_before_itself, Reason.DAMAGED, None, 1, 60),
    ("a cross-reference of a thousand million", bombs.cross_reference_of_a_thousand_million, Reason.DAMAGED, None, 1, 60),
    ("a cross-reference stream before itself", bombs.cross_reference_stream_before_itself, Reason.DAMAGED, None, 1, 60),
    ("a cross-reference stream of millions", bombs.cross_reference_stream_of_millions, Reason.DAMAGED, None, 4, 160),
    ("a cross-reference stream of giant fields", bombs.cross_reference_stream_with_giant_fields, Reason.DAMAGED, None, 1, 60),
    ("an object stream in itself", bombs.object_stream_in_itself, Reason.DAMAGED, None, 1, 60),
    ("an object stream that extends itself", bombs.object_stream_that_extends_itself, Reason.DAMAGED, None, 1, 60),
    ("an object stream of millions", bombs.object_stream_of_millions, Reason.DAMAGED, None, 2, 160),
    ("a length in itself", bombs.length_in_itself, Reason.DAMAGED, None, 1, 60),
    ("five filters on one another", bombs.five_flates, Reason.DAMAGED, 1, 3, 160),
    ("ten filters on one another", bombs.ten_flates, Reason.DAMAGED, 1, 1, 60),
    ("two kinds of filter on one another", bombs.run_lengths, Reason.DAMAGED, 1, 2, 220),
    ("a predictor of giant rows", bombs.giant_predictor, Reason.DAMAGED, 1, 1, 60),
    *((f"content as a picture, {kind.decode()}", bombs.content_as_a_picture(kind), Reason.DAMAGED, 1, 1.0, 60) for kind in PICTURES),
    ("sixty megabytes of strings in strings", bombs.sixty_megabytes_of_strings, Reason.TOO_COSTLY, None, 11, 540),
    ("eight megabytes beside an inline image", bombs.pairs_beside_an_inline_image, Reason.TOO_COSTLY, None, 11, 545),
    ("half a million content streams", bombs.half_a_million_content_streams, Reason.TOO_COMPLEX, None, 4, 220),
    ("half a million annotations", bombs.half_a_million_annotations, Reason.DAMAGED, None, 3, 120),
    ("a layer rule that doubles", bombs.layer_rule_that_doubles, Reason.TOO_COSTLY, None, 11, 60),
    ("a layer rule in itself", bombs.layer_rule_in_itself, Reason.DAMAGED, None, 1, 60),
    ("a field in itself", bombs.field_in_itself, Reason.TOO_COMPLEX, None, 2, 60),
    ("a field that is its own parent", bombs.field_that_is_its_own_parent, Reason.DAMAGED, None, 1, 60),
    ("a giant page", bombs.giant_page, Reason.PAGE_SIZE, 1, 1, 60),
    ("a unit of four hundred digits", bombs.page_of_four_hundred_digits, Reason.NO_PAGES, None, 1, 60),
    ("a turn of four hundred digits", bombs.turn_of_four_hundred_digits, Reason.NO_PAGES, None, 1, 60),
]
TAKEN: list[tuple[str, Bomb, float, int]] = [
    ("seven hundred thousand keys", bombs.million_keys, 8, 500),
    ("a chain of fifty thousand actions", bombs.chain_of_actions, 8, 160),
    ("sixty megabytes of blanks", bombs.sixty_megabytes_of_blanks, 3, 220),
    *((f"a giant picture, {kind.decode()}", bombs.giant_picture(kind), 1.0, 60) for kind in PICTURES),
    ("a form in itself", bombs.form_in_itself, 1, 60),
    ("forty forms that each draw the next twice", bombs.forms_that_double, 1, 60),
    ("a pattern in itself", bombs.pattern_in_itself, 1, 60),
    ("a letter in itself", bombs.letter_in_itself, 1, 60),
    ("a giant character map", bombs.giant_character_map, 1, 60),
    ("a colour in itself", bombs.colour_in_itself, 1, 60),
    ("a function of a thousand million samples", bombs.function_of_a_thousand_million_samples, 1, 60),
    ("an endless calculation", bombs.endless_calculation, 1, 60),
    ("an attachment that unpacks to 500 MB", bombs.packed_attachment, 1, 60),
    ("metadata that laughs", bombs.laughing_metadata, 1, 60),
    ("an outline in itself", bombs.outline_in_itself, 1, 60),
    ("names in themselves", bombs.names_in_themselves, 1, 60),
    ("nine megabytes of comment", bombs.megabyte_of_comment, 2, 120),
]


def figures() -> tuple[float, int]:
    """Return the seconds of processor and the most MiB that this process has taken."""
    return time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def inspected(given: bytes) -> tuple[str, int | None, str, float, int]:
    try:
        inspect(given)
    except PdfRefused as refused:
        return refused.reason.name, refused.page, str(refused), *figures()
    return "", None, "", *figures()


def composed(given: bytes) -> tuple[int, float, int]:
    return len(compose_body([given])), *figures()


@pytest.fixture(scope="module")
def fence() -> Iterator[ProcessFence]:
    with pytest.MonkeyPatch.context() as patch:
        # So that the functions above, which measure, are found behind the fence.
        patch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
        made = ProcessFence()
        made.start()
    yield made
    made.close()


class TestABomb:
    @pytest.mark.parametrize(
        ("bomb", "reason", "page", "most_seconds", "most_mib"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
    )
    def test_is_refused_in_its_own_words_within_limits_and_the_next_is_read(
        self, fence: ProcessFence, bomb: Bomb, reason: Reason, page: int | None, most_seconds: float, most_mib: int
    ) -> None:
        # What never ends by itself is ended sooner here than in earnest, to spare the suite; the clock on the wall is that of a busy machine.
        limits = replace(INSPECTION, cpu_seconds=2 if reason is Reason.TOO_COSTLY else INSPECTION.cpu_seconds, seconds=120)
        try:
            name, found_page, words, seconds, mib = fence.run(inspected, bomb(), within=limits)
        except FencedOut:
            name, found_page, words, seconds, mib = Reason.TOO_COSTLY.name, None, str(PdfRefused(Reason.TOO_COSTLY)), 0, 0

        assert (name, found_page, words) == (reason.name, page, str(PdfRefused(reason, page)))
        assert seconds <= most_seconds
        assert mib <= most_mib
        assert len(fence.run(inspect, bombs.one_page(), within=INSPECTION).pages) == 1

    @pytest.mark.parametrize(("bomb", "most_seconds", "most_mib"), [row[1:] for row in TAKEN], ids=[row[0] for row in TAKEN])
    def test_that_is_taken_can_also_be_composed_within_limits(
        self, fence: ProcessFence, bomb: Bomb, most_seconds: float, most_mib: int
    ) -> None:
        given = bomb()
        name, _, _, seconds, mib = fence.run(inspected, given, within=replace(INSPECTION, seconds=120))
        _, composing_seconds, composing_mib = fence.run(composed, given, within=COMPOSITION)

        assert name == ""
        assert max(seconds, composing_seconds) <= most_seconds
        assert max(mib, composing_mib) <= most_mib

    def test_that_goes_off_when_its_text_is_read_takes_down_nothing_but_that(self, fence: ProcessFence) -> None:
        with pytest.raises((FencedOut, TextNotExtracted)):
            fence.run(extract_text, bombs.forms_that_double(), within=READING)

        assert fence.run(extract_text, bombs.one_page(), within=READING) == ("",)
