"""One Chromium for all stories, the Segl of the run, and one of their own for the stories that stop processes and move the clock."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from signing.live import axe_script, serving
from support.postgresql import PostgresServer
from support.running_segl import RunningSegl, make

from .browser import PHONE, Visitor
from .sending import Sender, album, sender_of

Someone = Callable[..., Visitor]


@pytest.fixture(scope="session")
def axe() -> str:
    return axe_script().read_text()


@pytest.fixture(scope="session")
def segl(running_segl: RunningSegl) -> RunningSegl:
    return running_segl


@pytest.fixture(scope="session")
def public_sender(segl: RunningSegl) -> Iterator[Sender]:
    with sender_of(segl, "public-sender") as sender:
        yield sender


@pytest.fixture(scope="session")
def private_sender(segl: RunningSegl) -> Iterator[Sender]:
    with sender_of(segl, "private-sender") as sender:
        yield sender


@dataclass
class RoughSegl:
    """A Segl that is treated badly: its time-stamps go through the test, its processes are stopped, its clock is moved."""

    segl: RunningSegl
    is_time_stamping: bool = True

    def time_stamps(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Hand a time-stamp request on to the sandbox's authority, or say that it cannot be served."""
        if not self.is_time_stamping:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"away\n"]
        answer = httpx.post(
            f"http://127.0.0.1:{self.segl.environment['SEGL_SANDBOX_PORT']}/tsa",
            content=environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])),
            headers={"Content-Type": environ["CONTENT_TYPE"]},
            trust_env=False,
        )
        reason = HTTPStatus(answer.status_code).phrase
        start_response(f"{answer.status_code} {reason}", [("Content-Type", answer.headers["Content-Type"])])
        return [answer.content]

    @contextmanager
    def without_time_stamps(self) -> Iterator[None]:
        self.is_time_stamping = False
        yield
        self.is_time_stamping = True

    @contextmanager
    def frozen(self, process: str) -> Iterator[None]:
        """Stop a process and its children where they stand; they answer nothing and are not dead."""
        group = self.segl.pid(process)
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def move_clock(self, **units: int) -> None:
        seconds = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
        self.segl.move_clock(sum(seconds[unit] * count for unit, count in units.items()))


@pytest.fixture(scope="session")
def rough(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer | None) -> Iterator[RoughSegl]:
    treated: list[RoughSegl] = []
    with serving(lambda environ, start: treated[0].time_stamps(environ, start)) as port:
        segl = make(
            tmp_path_factory.mktemp("rough"),
            postgres,
            SEGL_RATE_LIMIT="0",
            SEGL_TSA_URLS=f"http://127.0.0.1:{port}/tsa",
            SEGL_POLL_INTERVAL="1",
        )
        treated.append(RoughSegl(segl))
        try:
            segl.start()
            yield treated[0]
        finally:
            segl.stop()


@pytest.fixture(scope="session")
def rough_sender(rough: RoughSegl) -> Iterator[Sender]:
    with sender_of(rough.segl, "public-sender") as sender:
        yield sender


@pytest.fixture
def someone(chromium: Browser, segl: RunningSegl, request: pytest.FixtureRequest) -> Iterator[Someone]:
    """Make visitors; when the story has ended, nobody's browser may have complained of anything."""
    visitors: list[Visitor] = []

    def make_visitor(*, at: RunningSegl = segl, size: dict[str, int] = PHONE, **options: Any) -> Visitor:
        options = {"locale": "nb-NO", "accept_downloads": True, **options}
        context = chromium.new_context(viewport=size, **options)  # type: ignore[arg-type]  # a TypedDict of the same keys
        story = request.node.name.removeprefix("test_").replace("[", "-").replace("]", "")
        folder = album(at, f"{request.cls.__name__.removeprefix('Test')}-{story}" if request.cls else story)
        visitor = Visitor(
            context=context,
            album=folder / f"{len(visitors) + 1}" if visitors else folder,
            web=at.web_url,
            provider=f"http://127.0.0.1:{at.environment['SEGL_SANDBOX_PORT']}/idp",
            own_sites=own_sites(at),
        )
        visitors.append(visitor)
        return visitor

    yield make_visitor
    for visitor in visitors:
        visitor.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


def own_sites(segl: RunningSegl) -> set[str]:
    ports = segl.environment
    return {f"localhost:{ports['SEGL_WEB_PORT']}", f"127.0.0.1:{ports['SEGL_SANDBOX_PORT']}", f"127.0.0.1:{ports['SEGL_DEMO_PORT']}"}


def until(is_so: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Look again and again until something that happens by itself has happened."""
    ends_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends_at, "It did not happen."
        time.sleep(0.05)
