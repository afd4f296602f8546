"""A signer's browser at the real addresses, with every action and the database behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.test import Client

from segl.actions.create_job import CreatedJob

NOTHING_SIGNED = "Ingenting er signert"


@dataclass
class Tab:
    """One sitting in one browser; several tabs may share a browser."""

    sitting_id: str
    browser: Client = field(repr=False)

    def get(self, page: str) -> HttpResponse:
        return self.browser.get(f"/sign/{self.sitting_id}/{page}")

    def says_yes(self, provider: str) -> HttpResponse:
        """Read every document, and press the button that leads to the eID."""
        self.get("documents/1")
        return self.browser.post(f"/sign/{self.sitting_id}/confirm", {"provider": provider})

    def cookie(self) -> str:
        return self.browser.cookies[f"segl-sitting-{self.sitting_id}"].value


def open_link(job: CreatedJob, *, position: int = 1, browser: Client | None = None) -> Tab:
    """Open the redirect URL of the signer at `position`."""
    browser = browser or Client(SERVER_NAME="localhost")
    answer = browser.get(f"/redirect/{job.redirects[position - 1].token}")
    assert answer.status_code == 303, answer.content
    return Tab(sitting_id=answer.headers["Location"].split("/")[2], browser=browser)


def words_of(answer: HttpResponse) -> str:
    """What a page says, without what is drawn anew each time."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|/sign/[\w-]+/|\b[2-9A-Z]{4}-[2-9A-Z]{2}\b', "", answer.content.decode())
    return " ".join(page.split())
