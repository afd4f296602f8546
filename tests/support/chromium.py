"""The one Chromium of a run: Playwright's synchronous driver can be started only once at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_walk.steps import FLAGS
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path(shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium")


def missing(reason: str) -> None:
    """Skip what this machine cannot do, by name; where everything must run, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A running Chromium; each visitor opens a context of their own in it."""
    if not CHROMIUM.exists():
        missing("there is no Chromium: run script/test")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()
