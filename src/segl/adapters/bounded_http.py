"""
Asking a neighbour over HTTP within bounds: one deadline for all of it, a limited answer, no redirects, and no queue behind one that hangs.

Source: reliability.md B-56 and 2.13.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

NO_KEPT_CONNECTIONS = httpx.Limits(max_keepalive_connections=0)


class NotAnswered(Exception):
    """The neighbour gave no whole answer within the bounds. The message says why, and nothing of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer."""

    status: int
    media_type: str
    """In small letters, without parameters; empty when the answer does not say."""
    content: bytes = field(repr=False)


class BoundedHttp:
    """One for each neighbour; may be shared between threads. Makes its client at the first use, so it may be made before a fork."""

    def __init__(self, *, max_bytes: int, transport: httpx.BaseTransport | None = None, trust_env: bool = False) -> None:
        """`trust_env`: whether a proxy that the environment names is used."""
        self._max_bytes = max_bytes
        self._transport = transport
        self._trust_env = trust_env
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def ask(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        headers: Mapping[str, str],
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """
        Return the answer of any status, a redirect too.

        :raises NotAnswered: if it is not there, whole, after so many seconds, or is larger than the most.
        """
        deadline = _Deadline(seconds)
        try:
            request = httpx.Request(
                method, url, headers={"Accept-Encoding": "identity", **headers}, content=content, data=None if form is None else dict(form)
            )
            request.extensions = {"timeout": httpx.Timeout(seconds).as_dict(), "trace": deadline.watch}
            with deadline, contextlib.closing(self._client().send(request, stream=True, follow_redirects=False)) as response:
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise NotAnswered("The answer is compressed, which was not asked for.")
                received = bytearray()
                for part in response.iter_bytes():
                    received += part
                    if len(received) > self._max_bytes:
                        raise NotAnswered(f"The answer is larger than {self._max_bytes} bytes.")
                    deadline.check()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            deadline.check()
            raise NotAnswered(f"There was no answer ({type(error).__name__}).") from error
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Answer(status=response.status_code, media_type=media_type, content=bytes(received))

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._made is None:
                # One client, since reading the system's roots for TLS costs more than an answer. No connection is kept: a neighbour that
                # closes idle ones would look broken at the next signature.
                self._made = httpx.Client(transport=self._transport, trust_env=self._trust_env, limits=NO_KEPT_CONNECTIONS)
            return self._made


class _Deadline:
    """Shuts the connection of one request when its time is up."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at = time.monotonic() + seconds
        self._connection: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._connection is not None:
            self._connection.close()

    def check(self) -> None:
        """:raises NotAnswered: if the time is up."""
        if time.monotonic() >= self._ends_at:
            raise NotAnswered(f"The answer took more than {self._seconds:g} seconds.")

    def watch(self, event: str, info: Mapping[str, object]) -> None:
        """Take hold of the connection as soon as there is one (httpx's extension `trace`)."""
        # httpx's own time-outs count from one piece to the next: a neighbour that drips its TLS handshake or its headers byte by byte
        # would hold a thread for hours. A copy is held, because TLS takes the socket itself over.
        if event == "connection.connect_tcp.complete":
            self._connection = info["return_value"].get_extra_info("socket").dup()  # type: ignore[attr-defined]  # httpcore's stream
            self.check()

    def _shut(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):  # closed at the other end meanwhile
                self._connection.shutdown(socket.SHUT_RDWR)


class Turns:
    """
    Lets one thread ask at a time, and those that wait find what it brought.

    They take its failure as theirs: if each asked in its turn, the last of many would wait through as many deadlines.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed_at = 0.0
        self._failure = Exception()

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        """Wait for the turn; raises what ended another's turn meanwhile."""
        came_at = time.monotonic()
        with self._lock:
            if self._failed_at > came_at:
                raise type(self._failure)(*self._failure.args)
            try:
                yield
            except Exception as failure:
                self._failed_at, self._failure = time.monotonic(), failure
                raise
