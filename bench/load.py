"""
(e) Held load: ten creates a second, fifty signers in their ceremonies and fifty queues being polled, for five minutes, without one error.

Sender, signers, pollers and the sandbox's neighbours run on the same cores as the service, so what is left for it is less than two. A signer opens
the redirect URL, reads, says yes, logs in, waits for the seal and leaves; a poller comes when it may, and confirms what it got.
"""

from __future__ import annotations

import os
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from lxml import html
from segl_client import SeglClient, StatusRetrieval

from bench.creating import job_of, sender
from bench.measuring import Figure, cpu_seconds_under, document, peak_mebibytes, processes_under, running_segl, tell, variant, write_result
from support.running_segl import RunningSegl

SECONDS = int(os.environ.get("BENCH_SECONDS", "300"))
CREATES_A_SECOND, SIGNERS, POLLERS = 10, 50, 50
READING_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 1.0
SENDER = "https://sender.example/"


@dataclass
class Notes:
    """What happened."""

    taken: dict[str, list[float]] = field(default_factory=lambda: {"create": [], "page": [], "poll": [], "seal": []})
    errors: list[str] = field(default_factory=list)
    signed: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def timed(self, what: str, action: Callable[[], httpx.Response]) -> httpx.Response:
        """Do it, and note how long it took."""
        began = time.monotonic()
        response = action()
        self.taken[what].append(time.monotonic() - began)
        if response.status_code >= 400:
            raise RuntimeError(f"{response.request.method} {response.request.url.path}: {response.status_code}")
        return response

    def guarded(self, action: Callable[[], None]) -> None:
        """Do it, and note what goes wrong."""
        try:
            action()
        except Exception as error:  # whatever it is, it is an error of the run
            self.errors.append(f"{type(error).__name__}: {error}"[:200])

    def percentile(self, what: str, share: float) -> float:
        """Return it in seconds."""
        ordered = sorted(self.taken[what]) or [0.0]
        return ordered[int(share * (len(ordered) - 1))]


@dataclass
class Signer:
    """One person with a browser of their own."""

    notes: Notes
    person: str

    def sign(self, redirect_url: str) -> None:
        """Go the whole way from the redirect URL back to the sender."""
        with httpx.Client(verify=False, trust_env=False, timeout=30) as self.browser:  # noqa: S501 — plain HTTP on this machine
            page = self.open("GET", redirect_url)  # a job of one document opens with it
            sitting = urljoin(str(page.url), "..")
            self.open("GET", f"{sitting}documents/1/pages.pdf")
            self.notes.over.wait(READING_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
            confirm = self.open("GET", f"{sitting}confirm")
            login = self.open("POST", str(confirm.url), fields_of(confirm))
            form = forms_of(login)[0]
            fields = {"login": form.fields["login"], "person": self.person, "eid": "", "level": ""}
            self.open("POST", urljoin(str(login.url), form.action), fields)
            began = time.monotonic()
            while (following := self.open("GET", f"{sitting}progress.json").json()["next"]) is None:
                time.sleep(LOOK_AGAIN_SECONDS)
            self.notes.taken["seal"].append(time.monotonic() - began)
            self.open("GET", urljoin(str(page.url), following))
            self.notes.signed += 1

    def open(self, method: str, url: str, fields: dict[str, str] | None = None) -> httpx.Response:
        """Return the page behind `url`, or the last one before the sender's own site."""
        response = self.notes.timed("page", lambda: self.browser.request(method, url, data=fields))
        while response.is_redirect and not response.headers["Location"].startswith(SENDER):
            url = urljoin(str(response.url), response.headers["Location"])
            response = self.notes.timed("page", partial(self.browser.get, url))
        return response


def forms_of(page: httpx.Response) -> list[html.FormElement]:
    """Return the page's forms."""
    root: Any = html.fromstring(page.text)  # the stubs know nothing of a page's forms
    return list(root.forms)


def fields_of(page: httpx.Response) -> dict[str, str]:
    """Return what the browser sends with the page's form that says yes: the one with a provider to log in at."""
    form = next(form for form in forms_of(page) if "provider" in form.fields)
    return {str(name): str(value) for name, value in form.form_values()}


def create_steadily(notes: Notes, client: SeglClient, people: list[str], redirects: queue.LifoQueue[tuple[str, str]]) -> None:
    """Create jobs at the pace, and hand their redirect URLs on."""
    pdf = document(size=100_000, pages=3)

    def one(number: int) -> None:
        person = people[number % len(people)]
        job = changed(
            job_of(person, variant(pdf, number)), status_retrieval=StatusRetrieval.POLLING, polling_queue=f"queue-{number % POLLERS}"
        )
        began = time.monotonic()
        created = client.create_direct_job(job)
        notes.taken["create"].append(time.monotonic() - began)
        redirects.put((created.signers[0].redirect_url or "", person))

    with ThreadPoolExecutor(20) as pool:
        began = time.monotonic()
        for number in range(SECONDS * CREATES_A_SECOND):
            time.sleep(max(0.0, began + number / CREATES_A_SECOND - time.monotonic()))
            pool.submit(notes.guarded, partial(one, number))
    notes.over.set()


def sign_all_the_time(notes: Notes, redirects: queue.LifoQueue[tuple[str, str]]) -> None:
    """Be one signer after the other; the newest job first, since the older ones are more than these fifty can sign."""
    while not notes.over.is_set():
        try:
            url, person = redirects.get(timeout=1)
        except queue.Empty:
            continue
        notes.guarded(partial(Signer(notes, person).sign, url))


def poll_all_the_time(notes: Notes, client: SeglClient, name: str) -> None:
    """Poll one queue when it may be polled."""

    def once() -> None:
        began = time.monotonic()
        change = client.poll(name)
        notes.taken["poll"].append(time.monotonic() - began)
        if change is not None:
            client.confirm(change)
            return
        permitted = client.next_permitted_poll_at(name)
        assert permitted is not None
        notes.over.wait(max(0.0, (permitted - datetime.now(UTC)).total_seconds()) + 0.01)

    while not notes.over.is_set():
        notes.guarded(once)


def cpu_by_process(segl: RunningSegl) -> dict[str, float]:
    """Return the CPU seconds of each of Segl's processes, of the database and of this one."""
    database = int(Path(os.environ["BENCH_POSTGRES"]).read_text().split()[0]) if "BENCH_POSTGRES" in os.environ else 0
    names = {name: segl.pid(name) for name in ("api", "web", "worker", "neighbours")} | {"clients": os.getpid()}
    under = {name: cpu_seconds_under(pid) for name, pid in (names | ({"database": database} if database else {})).items()}
    return under | {"clients": sum(os.times()[:2])}


def measure() -> Iterator[Figure]:
    """Hold the load, then tell."""
    notes, redirects = Notes(), queue.LifoQueue[tuple[str, str]]()
    with running_segl(SEGL_WORKERS="2", SEGL_POLL_INTERVAL="5") as segl:
        client, _, people = sender(segl)
        before = cpu_by_process(segl)
        threads = [threading.Thread(target=sign_all_the_time, args=(notes, redirects)) for _ in range(SIGNERS)]
        threads += [threading.Thread(target=poll_all_the_time, args=(notes, client, f"queue-{number}")) for number in range(POLLERS)]
        for thread in threads:
            thread.start()
        create_steadily(notes, client, people, redirects)
        for thread in threads:
            thread.join()
        after = cpu_by_process(segl)
        peak = max(peak_mebibytes(pid) for pid in processes_under(segl.pid("api"))[:1] + [segl.pid(n) for n in ("web", "worker")])
        client.close()
    lines = [f"{name:<12} {after[name] - before[name]:8.1f} s CPU" for name in after]
    lines += [f"{what:<12} {len(notes.taken[what]):6} × p95 {notes.percentile(what, 0.95) * 1000:7.0f} ms" for what in notes.taken]
    lines += [f"{notes.signed} signed in {SECONDS} s", *notes.errors]
    write_result("load", "\n".join(lines) + "\n")
    calls = sum(len(taken) for taken in notes.taken.values())
    yield Figure(what=f"errors in {calls} calls", measured=len(notes.errors), unit="errors", bar=0)
    created = len(notes.taken["create"]) / SECONDS
    yield Figure(what="creates a second", measured=created, unit="/s", bar=0.99 * CREATES_A_SECOND, is_least=True)
    for what, share, bar in (("create", 0.95, 0.3), ("create", 0.99, 1.0), ("page", 0.95, 0.2), ("seal", 0.95, 5.0)):
        yield Figure(what=f"{what}, p{share * 100:.0f} (B-70)", measured=notes.percentile(what, share), unit="s", bar=bar)
    yield Figure(what="largest process", measured=peak, unit="MiB", bar=400)


if __name__ == "__main__":
    tell(measure())
