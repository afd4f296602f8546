"""The fence: what a document may take, what befalls the one that takes more, and that nothing else notices (reliability.md B-37, B-42)."""

from __future__ import annotations

import ctypes
import linecache
import os
import pathlib
import pickle
import pickletools
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pikepdf import Name, String

from pdf.builders import action, pdf
from segl.actions.ports import FencedOut, FenceUnavailable, Limits
from segl.adapters.fence.caller import ProcessFence
from segl.pdf.body import CompositionFailed, compose_body
from segl.pdf.inspection import inspect
from segl.pdf.refusal import PdfRefused, Reason
from segl.pdf.text import TextNotExtracted, extract_text

LIMITS = Limits(memory_bytes=256 * 1024 * 1024, cpu_seconds=20, seconds=60)
OVER_THE_LIMITS: list[tuple[str, Callable[..., object], tuple[object, ...], Limits]] = [
    ("takes more memory", bytes, (300 * 1024 * 1024,), LIMITS),
    ("computes for longer, deep in a library", pow, (7, 10**8), replace(LIMITS, cpu_seconds=1)),
    ("waits for longer", time.sleep, (60,), replace(LIMITS, seconds=0.1)),
    ("crashes its reader", ctypes.string_at, (0,), LIMITS),
    ("ends its reader", os._exit, (0,), LIMITS),
    ("kills its reader", signal.raise_signal, (signal.SIGKILL,), LIMITS),
    ("answers with something of its own", pathlib.PurePosixPath, ("x",), LIMITS),
    ("makes its reader fail in a way that is not foreseen", int, ("x",), LIMITS),
]


@pytest.fixture(scope="module")
def fence() -> Iterator[ProcessFence]:
    made = ProcessFence()
    yield made
    made.close()


def helper_of(fence: ProcessFence) -> int:
    fence.start()
    assert fence._helper is not None
    return fence._helper.process.pid


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def descriptors_of(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends_at, "It did not come to hold within 30 seconds."
        time.sleep(0.01)


class TestADocumentThat:
    @pytest.mark.parametrize(("work", "given", "limits"), [row[1:] for row in OVER_THE_LIMITS], ids=[row[0] for row in OVER_THE_LIMITS])
    def test_goes_too_far_takes_down_nothing_but_its_own_reading(
        self, fence: ProcessFence, work: Callable[..., object], given: tuple[object, ...], limits: Limits
    ) -> None:
        fence.run(inspect, pdf(), within=LIMITS)  # while the helper still loads, short limits say nothing of the document
        helper = helper_of(fence)

        with pytest.raises(FencedOut):
            fence.run(work, *given, within=limits)

        assert fence.run(inspect, pdf(), within=LIMITS) == inspect(pdf())
        assert helper_of(fence) == helper
        until(lambda: children_of(helper) == [])

    def test_is_refused_is_refused_in_the_same_words_as_without_the_fence(self, fence: ProcessFence) -> None:
        given = pdf(change=action(S=Name.JavaScript, JS=String("x")))
        with pytest.raises(PdfRefused) as outside:
            inspect(given)
        with pytest.raises(PdfRefused) as inside:
            fence.run(inspect, given, within=LIMITS)

        assert (inside.value.reason, inside.value.page, str(inside.value)) == (outside.value.reason, outside.value.page, str(outside.value))

    def test_is_refused_names_nothing_but_the_refusal_to_who_reads_the_answer(self) -> None:
        for reason in Reason:
            named = {value for code, value, _ in pickletools.genops(pickle.dumps(PdfRefused(reason), protocol=0)) if code.name == "GLOBAL"}
            assert named == {"segl.pdf.refusal PdfRefused", "segl.pdf.refusal Reason"}

    def test_cannot_be_composed_or_read_as_text_says_so(self, fence: ProcessFence) -> None:
        with pytest.raises(CompositionFailed, match="Inspect it again"):
            fence.run(compose_body, [b"no PDF"], within=LIMITS)
        with pytest.raises(TextNotExtracted, match="Show the pages instead"):
            fence.run(extract_text, b"no PDF", within=LIMITS)

    def test_is_composed_or_read_as_text_gives_what_it_gives_without_the_fence(self, fence: ProcessFence) -> None:
        given = pdf(pages=3, words="Blåbærsyltetøy")
        assert fence.run(compose_body, [given], within=LIMITS) == compose_body([given])
        assert fence.run(extract_text, given, within=LIMITS) == extract_text(given)


class TestBehindTheFence:
    def test_no_file_can_be_opened(self, fence: ProcessFence) -> None:
        assert linecache.getlines(__file__)
        assert fence.run(linecache.getlines, __file__, within=LIMITS) == []

    def test_no_network_can_be_reached(self, fence: ProcessFence) -> None:
        assert socket.has_dualstack_ipv6() in (True, False)
        with pytest.raises(FencedOut):
            fence.run(socket.getaddrinfo, "localhost", 80, within=LIMITS)

    def test_no_setting_is_known(self, fence: ProcessFence) -> None:
        assert "SEGL_DATA" in os.environ
        assert b"SEGL" not in Path(f"/proc/{helper_of(fence)}/environ").read_bytes()

    def test_nothing_is_left_of_what_was_done(self, fence: ProcessFence) -> None:
        helper = helper_of(fence)
        fence.run(inspect, pdf(), within=LIMITS)
        until(lambda: children_of(helper) == [])
        before = descriptors_of(os.getpid()), descriptors_of(helper)

        for _ in range(20):
            fence.run(inspect, pdf(), within=LIMITS)

        until(lambda: children_of(helper) == [])
        assert (descriptors_of(os.getpid()), descriptors_of(helper)) == before

    def test_many_threads_are_served(self, fence: ProcessFence) -> None:
        with ThreadPoolExecutor(12) as threads:
            asked = [threads.submit(fence.run, inspect, pdf(pages=number), within=LIMITS) for number in range(1, 25)]
        assert [len(one.result().pages) for one in asked] == list(range(1, 25))


class TestTheHelper:
    def test_that_is_killed_is_started_again_and_the_document_read_again(self, fence: ProcessFence) -> None:
        helper = helper_of(fence)
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(fence.run, time.sleep, 0.3, within=LIMITS)
            until(lambda: children_of(helper) != [])
            children = children_of(helper)
            os.kill(helper, signal.SIGKILL)
            assert asked.result() is None
        assert helper_of(fence) != helper
        until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))

    def test_outlives_the_signals_by_which_its_caller_is_drained(self, fence: ProcessFence) -> None:
        helper = helper_of(fence)
        fence.run(len, b"", within=LIMITS)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(helper, number)
        assert fence.run(len, b"abc", within=LIMITS) == 3
        assert helper_of(fence) == helper

    @pytest.mark.parametrize("program", ["/bin/false", "/nowhere"])
    def test_that_cannot_be_had_is_told_as_such(self, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", program)
        broken = ProcessFence()
        with pytest.raises(FenceUnavailable):
            broken.run(len, b"", within=LIMITS)
        broken.close()

    def test_ends_with_its_caller_and_what_it_was_doing_ends_too(self) -> None:
        program = (
            "import threading, time\n"
            "from segl.actions.ports import Limits\n"
            "from segl.adapters.fence.caller import ProcessFence\n"
            "fence = ProcessFence()\n"
            "fence.start()\n"
            "print(fence._helper.process.pid, flush=True)\n"
            "fence.run(time.sleep, 600, within=Limits(memory_bytes=10**8, cpu_seconds=9, seconds=600))\n"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as caller:
            assert caller.stdout is not None
            helper = int(caller.stdout.readline())
            until(lambda: children_of(helper) != [])
            family = [helper, *children_of(helper)]
            caller.kill()
        until(lambda: not any(Path(f"/proc/{one}").exists() for one in family))

    def test_is_another_one_after_a_fork(self) -> None:
        program = (
            "import os\n"
            "from segl.actions.ports import Limits\n"
            "from segl.adapters.fence.caller import ProcessFence\n"
            "fence = ProcessFence()\n"
            "fence.start()\n"
            "first = fence._helper.process.pid\n"
            "if child := os.fork():\n"
            "    assert os.waitpid(child, 0)[1] == 0\n"
            "assert fence.run(len, b'abc', within=Limits(memory_bytes=10**8, cpu_seconds=9, seconds=60)) == 3\n"
            "assert (fence._helper.process.pid == first) is bool(child)\n"
            "fence.close()\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
