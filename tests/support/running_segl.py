"""Segl as a user starts it: real processes under its supervisor, on free ports of this machine and with a data folder of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from demo_walk.ports import free_ports

from support.nginx import SECRET, Nginx
from support.postgresql import PostgresServer

READY_WITHIN_SECONDS = 90.0
BEHIND_NGINX = os.environ.get("SEGL_TEST_FRONT") == "nginx"
"""Whether every Segl here stands behind nginx, as docs/operating/nginx.conf has it."""


@dataclass
class RunningSegl:
    """One running Segl."""

    data: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    nginx: Nginx | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.data / "segl.log"

    @property
    def web_url(self) -> str:
        """The public address of the signers' pages."""
        return self.environment.get("SEGL_WEB_URL", self.inner_web_url)

    @property
    def inner_web_url(self) -> str:
        """The web process itself, past any proxy."""
        return f"http://localhost:{self.environment['SEGL_WEB_PORT']}"

    def browser(self, **options: Any) -> httpx.Client:
        """Return a browser that trusts this Segl, and has no cookies yet."""
        trusted = ssl.create_default_context(cafile=self.sandbox / "ca/root.pem")
        return httpx.Client(trust_env=False, verify=trusted, **options)

    @property
    def api_url(self) -> str:
        return f"https://localhost:{self.environment['SEGL_API_PORT']}"

    @property
    def demo_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['SEGL_DEMO_PORT']}"

    @property
    def sandbox(self) -> Path:
        return self.data / "sandbox"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "segl", "serve"], env=self.environment, stdout=log, stderr=log, cwd=self.data
            )
        self.wait_until_ready()
        if self.socket is not None and self.nginx is None:
            self.nginx = Nginx.start(
                self.data / "nginx",
                web=(urlsplit(self.web_url).port or 443, int(self.environment["SEGL_WEB_PORT"])),
                api_port=int(self.environment["SEGL_API_PORT"]),
                api_socket=self.socket,
                certificate=self.sandbox / "server.pem",
                key=self.sandbox / "server.key",
                enterprise_ca=self.sandbox / "ca",
            )
            self.wait_until_ready()

    @property
    def socket(self) -> Path | None:
        """Where the API process listens when nginx stands in front."""
        return Path(self.environment["SEGL_API_SOCKET"]) if "SEGL_API_SOCKET" in self.environment else None

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        addresses: list[int | Path] = [int(self.environment[f"SEGL_{name}_PORT"]) for name in ("WEB", "SANDBOX", "DEMO")]
        if self.socket is not None:
            addresses.append(self.socket)
        if self.socket is None or self.nginx is not None:
            addresses += [urlsplit(url).port or 443 for url in (self.api_url, self.web_url)]
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"Segl stopped while starting:\n{self.log.read_text()[-4000:]}")
            if all(_accepts(address) for address in addresses) and self._is_healthy():
                return
            time.sleep(0.1)
        raise AssertionError(f"Segl was not ready in {READY_WITHIN_SECONDS} s:\n{self.log.read_text()[-4000:]}")

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.inner_web_url}/health", trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def pid(self, process: str) -> int:
        return int((self.data / "run" / f"{process}.pid").read_text())

    def stop(self) -> None:
        if self.nginx is not None:
            self.nginx.stop()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `segl …` beside the running processes."""
        return subprocess.run(
            [sys.executable, "-m", "segl", *arguments], env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def persons(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = json.loads((self.sandbox / "persons.json").read_text())
        return rows

    def organization(self, role: str) -> str:
        rows = json.loads((self.sandbox / "organizations.json").read_text())
        return next(row["organizationNumber"] for row in rows if row["role"] == role)

    def move_clock(self, seconds: int) -> None:
        httpx.post(f"{self.inner_web_url}/sandbox/clock", data={"seconds": seconds}, trust_env=False).raise_for_status()


def make(data: Path, postgres: PostgresServer | None, *, behind_nginx: bool = BEHIND_NGINX, **settings: str) -> RunningSegl:
    """Prepare a Segl with free ports; `settings` are further SEGL_ settings. It is not started."""
    free = free_ports(5)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SEGL_", "DJANGO_"))}
    environment |= {
        "SEGL_DATA": str(data),
        "SEGL_WEB_PORT": str(free[0]),
        "SEGL_API_PORT": str(free[1]),
        "SEGL_DEMO_PORT": str(free[2]),
        "SEGL_SANDBOX_PORT": str(free[3]),
        "SEGL_WORKERS": "1",
        **settings,
    }
    if behind_nginx:
        environment |= {
            "SEGL_WEB_URL": f"https://localhost:{free[4]}",
            "SEGL_TRUSTED_PROXIES": "127.0.0.1",
            "SEGL_API_SOCKET": str(data / "api.sock"),
            "SEGL_API_PROXY_SECRET": SECRET,
        }
    if postgres is not None:
        environment["SEGL_DATABASE_URL"] = postgres.create(f"running_{uuid.uuid4().hex}")
    data.mkdir(parents=True, exist_ok=True)
    return RunningSegl(data=data, environment=environment)


@pytest.fixture(scope="session")
def running_segl(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer | None) -> Iterator[RunningSegl]:
    """One Segl for all tests of the run that only use it; the rate limit is off, so that they do not hinder each other."""
    segl = make(tmp_path_factory.mktemp("running"), postgres, SEGL_RATE_LIMIT="0", SEGL_POLL_INTERVAL="1")
    segl.start()
    yield segl
    segl.stop()


def _accepts(address: int | Path) -> bool:
    with socket.socket(socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(str(address) if isinstance(address, Path) else ("127.0.0.1", address)) == 0
