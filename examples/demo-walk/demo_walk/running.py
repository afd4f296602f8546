"""Finds the Segl to walk through: the one that answers at the configured addresses, else one started for the walk and stopped after it."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from segl.settings import Settings, load

from .ports import free_ports

READY_WITHIN_SECONDS = 120.0
PORTS = ("SEGL_WEB_PORT", "SEGL_API_PORT", "SEGL_DEMO_PORT", "SEGL_SANDBOX_PORT")


class NotRunning(Exception):
    """There is no Segl to walk through. The message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The two addresses that a walk begins at."""

    web_url: str
    demo_url: str


@contextmanager
def somewhere_to_walk(environment: Mapping[str, str]) -> Iterator[Place]:
    """
    Give the running Segl, or start one: on SEGL_DATA when its ports are free, else in a temporary folder and on free ports.

    :raises NotRunning: if something else answers there, or the one started does not come up.
    """
    settings = load(environment)
    if not settings.is_sandbox:
        raise NotRunning("The demo is the sandbox's. Unset SEGL_ENVIRONMENT, or set it to sandbox.")
    place = Place(web_url=settings.web_url, demo_url=settings.demo_url)
    if _is_segl(place.web_url):
        if not _is_healthy(place.demo_url):
            raise NotRunning(
                f"Segl runs at {place.web_url}, but no demo sender answers at {place.demo_url}. Start both with script/server."
            )
        print(f"Segl runs already at {place.web_url}.")
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="segl-demo-") as folder:
        environment = _environment_for_own(environment, settings, Path(folder))
        own = load(environment)
        print(
            f"No healthy Segl answers at {settings.web_url}: starting one at {own.web_url} on {own.data}, for this walk only.", flush=True
        )
        with _started(environment, own, log=Path(folder) / "segl.log"):
            yield Place(web_url=own.web_url, demo_url=own.demo_url)


def _environment_for_own(environment: Mapping[str, str], settings: Settings, folder: Path) -> dict[str, str]:
    ports = (settings.web_port, settings.api_port, settings.demo_port, settings.sandbox_port)
    if not any(_answers(port) for port in ports):
        return dict(environment)
    # Another program has one of the ports. The material in SEGL_DATA names them, so another folder is needed as well.
    kept = {name: value for name, value in environment.items() if not name.startswith("SEGL_")}
    free = dict(zip(PORTS, (str(port) for port in free_ports(len(PORTS))), strict=True))
    return {**kept, **free, "SEGL_DATA": str(folder / "data")}


@contextmanager
def _started(environment: Mapping[str, str], settings: Settings, *, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "segl", "serve"], env=dict(environment), stdout=output, stderr=output)
    try:
        ends_at = time.monotonic() + READY_WITHIN_SECONDS
        ports = (settings.web_port, settings.api_port, settings.demo_port, settings.sandbox_port)
        while not (all(_answers(port) for port in ports) and _is_healthy(settings.web_url) and _is_healthy(settings.demo_url)):
            if process.poll() is not None or time.monotonic() > ends_at:
                raise NotRunning(f"Segl did not start. It said last:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _is_segl(web_url: str) -> bool:
    return _is_healthy(web_url) and "Segl" in httpx.get(f"{web_url}/help", trust_env=False, timeout=10).text


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def results_folder(environment: Mapping[str, str]) -> Path:
    """Return where a walk leaves what it made: beside the demo sender's own state, not in it."""
    data: Path = load(environment).data
    return data / "demo" / "walk"
