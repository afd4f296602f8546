"""A running door for the tests: a process of its own, real TLS on localhost, revocation lists served here."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from demo_walk.ports import free_ports

from door.door_pki import Ca

PROGRAM = Path(__file__).with_name("door_program.py")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Any, *, seconds: float = 15.0, what: str) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"{what} did not come within {seconds} seconds"
        threading.Event().wait(0.02)


@dataclass
class Lists:
    """A server of revocation lists whose answers the test chooses."""

    answers: dict[str, bytes] = field(default_factory=dict)
    port: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


@contextlib.contextmanager
def serving_lists() -> Iterator[Lists]:
    lists = Lists()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = lists.answers.get(self.path[1:])
            self.send_response(404 if content is None else 302 if content == b"elsewhere" else 200)
            if content == b"elsewhere":
                self.send_header("Location", lists.url("issuing.crl"))
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        lists.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield lists
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Pki:
    """Everybody who comes to the door, as files."""

    folder: Path
    root: Ca
    issuing: Ca
    revoked: x509.Certificate
    people: dict[str, tuple[Path, Path]]
    server: tuple[Path, Path]

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca/root.pem"


@dataclass
class RunningDoor:
    """A door in a process of its own."""

    port: int
    data: Path
    pki: Pki | None
    process: subprocess.Popen[bytes]
    log: Path

    def context(self, who: str | None) -> ssl.SSLContext:
        assert self.pki is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.pki.ca_file)
        if who is not None:
            context.load_cert_chain(*self.pki.people[who])
        return context

    def connect(self, who: str | None = "seid1", context: ssl.SSLContext | None = None) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        if self.pki is None:
            return plain
        try:
            return (context or self.context(who)).wrap_socket(plain, suppress_ragged_eofs=False)
        except BaseException:
            plain.close()
            raise

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def refusals(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line.get("event") == "handshake-refused"]

    def recorded(self) -> list[dict[str, Any]]:
        path = self.data / "refused.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextlib.contextmanager
def running_door(folder: Path, *, kind: str, pki: Pki | None, **settings: str) -> Iterator[RunningDoor]:
    [port] = free_ports(1)
    environment = {
        **os.environ,
        "SEGL_DATA": str(folder),
        "SEGL_API_PORT": str(port),
        "SEGL_WEB_PORT": str(port),
        "SEGL_WORKERS": "1",
        "SEGL_THREADS": "8",
        **settings,
    }
    if pki is not None:
        environment |= {
            "SEGL_ENTERPRISE_CA": str(pki.folder / "ca"),
            "SEGL_API_CERTIFICATE": str(pki.server[0]),
            "SEGL_API_KEY": str(pki.server[1]),
        }
    log = folder / "door.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, str(PROGRAM), kind], env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
    door = RunningDoor(port=port, data=folder, pki=pki, process=process, log=log)
    try:
        wait_until(lambda: "Booting worker" in log.read_text() or process.poll() is not None, what="the door")
        assert process.poll() is None, log.read_text()
        yield door
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Answer:
    """An HTTP answer as it stood on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


def read_answer(connection: socket.socket) -> Answer:
    """Read one answer with Content-Length from `connection`, past any 100 Continue."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, f"the connection ended in the head: {data!r}"
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    status = int(first.split()[1])
    headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in rest}
    if status == 100:
        raise AssertionError("100 Continue has to be read by itself")
    while len(body) < int(headers["content-length"]):
        part = connection.recv(65536)
        assert part, "the connection ended in the body"
        body += part
    return Answer(status, headers, body)


def ask(connection: socket.socket, request: bytes) -> Answer:
    connection.sendall(request)
    return read_answer(connection)


GET = b"GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n"
