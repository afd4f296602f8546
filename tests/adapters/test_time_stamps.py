"""Time-stamps over HTTP: the first authority that answers rightly is believed, and none that does not."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # the PKI is made beside the tests of the room below

from segl.actions.ports import TimeStampUnavailable
from segl.adapters.chance import SystemChance
from segl.adapters.time_stamps import MAX_ANSWER_BYTES, HttpTimeStamps
from segl.sandbox import time_stamp_authority
from segl.signatures import time_stamp_tokens
from signatures.pki import NOW, pki

IMPRINT = sha256(b"content").digest()
Answer = tuple[int, bytes]


class StandingClock:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def real_now(self) -> datetime:
        return self._now


@contextmanager
def authority(answering: Callable[[bytes], Answer]) -> Iterator[tuple[str, list[str]]]:
    """Serve at a free port; yield the address and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            status, body = answering(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsa", asked
        finally:
            server.shutdown()
            thread.join()


def right(request: bytes) -> Answer:
    tsa = pki().tsa
    body = time_stamp_authority.answer(
        request, certificate=tsa.certificate, chain=(pki().tsa_root.certificate,), private_key=tsa.private_key, now=NOW
    )
    return 200, body


def ask(*urls: str, now: datetime = NOW) -> bytes:
    time_stamps = HttpTimeStamps(urls=urls, roots=[pki().tsa_root.certificate], clock=StandingClock(now), chance=SystemChance())
    return time_stamps.time_stamp(IMPRINT)


class TestATimeStamp:
    def test_comes_from_the_first_authority_that_answers(self) -> None:
        with authority(right) as (first, asked_first), authority(right) as (second, asked_second):
            token = ask(first, second)

        assert time_stamp_tokens.verify(token, imprint=IMPRINT, roots=[pki().tsa_root.certificate]).generated_at == NOW
        assert (asked_first, asked_second) == (["/tsa"], [])

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda _: (500, b""),
            lambda _: (302, b""),
            lambda _: (200, b"<html>"),
            lambda _: (200, b"\0" * (MAX_ANSWER_BYTES + 1)),
            lambda _: right(time_stamp_tokens.request(IMPRINT, nonce=1)),
            lambda _: right(b"nonsense"),
        ],
        ids=["server error", "redirect", "a page", "too large", "another nonce", "refusal"],
    )
    def test_comes_from_the_next_when_one_answers_wrongly(self, wrong: Callable[[bytes], Answer]) -> None:
        with authority(wrong) as (first, asked_first), authority(right) as (second, asked_second):
            ask(first, second)

        assert (asked_first, asked_second) == (["/tsa"], ["/tsa"])

    def test_comes_from_the_next_when_one_is_down(self) -> None:
        with authority(right) as (down, _):
            pass
        with authority(right) as (up, asked):
            ask(down, up)

        assert asked == ["/tsa"]


class TestNoTimeStamp:
    def test_is_had_when_every_authority_fails(self) -> None:
        with authority(lambda _: (503, b"")) as (url, _), pytest.raises(TimeStampUnavailable, match="check the addresses in SEGL_TSA_URLS"):
            ask(url, url)

    def test_is_had_without_an_address(self) -> None:
        with pytest.raises(TimeStampUnavailable, match="No time-stamp authority answered rightly"):
            ask()

    @pytest.mark.parametrize("ahead", [timedelta(seconds=61), timedelta(seconds=-61)])
    def test_is_believed_from_an_authority_with_another_clock(self, ahead: timedelta) -> None:
        with authority(right) as (url, _), pytest.raises(TimeStampUnavailable):
            ask(url, now=NOW + ahead)
