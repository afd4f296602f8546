"""The demo sender in a real browser: by keyboard alone, on a narrow phone, without JavaScript, and over to Segl's address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import make_server

import pytest
from demo_sender.__main__ import _Handler, _Server
from demo_sender.agreements import Memory
from demo_sender.application import Application
from demo_sender.settings import Settings
from demo_sender.signing import Desk
from playwright.sync_api import Browser, Page
from segl_client import SenderCertificate

from . import school
from .school import FakeSegl, write_sandbox


@contextmanager
def served(application: object) -> Iterator[int]:
    """Serve a WSGI application on a free port."""
    with make_server("127.0.0.1", 0, application, server_class=_Server, handler_class=_Handler) as server:  # type: ignore[arg-type]  # any WSGI callable
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def page(tmp_path: Path, sender_certificate: SenderCertificate, monkeypatch: pytest.MonkeyPatch, chromium: Browser) -> Iterator[Page]:
    """Open the demo's first page on a phone 320 px wide without JavaScript; Segl's web address is another origin, answered by a line of text."""

    def segl_web(environ: dict[str, str], start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])  # type: ignore[operator]  # WSGI's own
        return [f"<h1>Segl {environ['PATH_INFO']}</h1>".encode()]

    write_sandbox(tmp_path)
    memory = Memory(tmp_path / "demo" / "state" / "school.sqlite3")
    with served(segl_web) as web_port, served(lambda environ, start: applications[0](environ, start)) as port:
        monkeypatch.setattr(school, "WEB", f"http://localhost:{web_port}")
        environment = {"SEGL_DATA": str(tmp_path), "SEGL_DEMO_PORT": str(port), "SEGL_WEB_URL": school.WEB}
        settings = Settings.from_environment(environment)
        desk = Desk(settings=settings, memory=memory, make_client=FakeSegl().client(sender_certificate))
        applications = [Application(settings=settings, memory=memory, desk=desk)]
        with chromium.new_context(viewport={"width": 320, "height": 700}, java_script_enabled=False) as context:
            opened = context.new_page()
            opened.goto(settings.own_url)
            yield opened


def press_until(page: Page, name: str) -> None:
    """Press Tab until the control called `name` has the focus."""
    wanted = page.get_by_role("button", name=name)
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.and_(page.locator(":focus")).count():
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


class TestThePupil:
    def test_gets_from_log_in_to_segl_by_keyboard_alone(self, page: Page) -> None:
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))

        press_until(page, "Ingrid Solvang")
        page.keyboard.press("Enter")
        page.wait_for_url("**/")
        press_until(page, "Signer avtalen")
        page.keyboard.press("Enter")
        page.wait_for_url("**/redirect/secret-1")

        assert page.locator("h1").inner_text() == "Segl /redirect/secret-1"
        assert refused == []

    def test_never_has_to_scroll_sideways(self, page: Page) -> None:
        # Without script in the page the width is read off the body's box.
        for action in ("Ingrid Solvang", "Signer avtalen"):
            box = page.locator("main").bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 320
            assert all((b := element.bounding_box()) is None or b["x"] + b["width"] <= 320 for element in page.locator("button, a").all())
            page.get_by_role("button", name=action).click()
