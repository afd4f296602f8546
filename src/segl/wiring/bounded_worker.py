"""
gunicorn's threaded worker, made for strangers: nobody holds a thread by keeping silent, and every error answer is the door's own.

What differs from gthread (gunicorn 27), each because of stack.md "TLS and the server" or reliability.md B-65:
 (1) a connection that has said nothing, or is in the middle of its handshake, waits in the poller and not in a thread;
 (2) reads and writes have patience (patience.py);
 (3) a refused handshake is told to the door; the client gets the TLS alert only;
 (4) errors of the server itself are answered by the door, not with gunicorn's HTML;
 (5) a body that the application left is drained further, so that a client in the middle of sending reads its refusal and keeps its connection;
 (6) TLS ends with close_notify, and a connection that has ended waits in the poller, not in a thread, until the client hangs up: Java lets go of
     dozens at once and hangs up later.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from gunicorn import http, util
from gunicorn.http import errors as refusals
from gunicorn.workers import gthread

from segl.entrypoints.api.door.patience import HANDSHAKE_SECONDS, IDLE_SECONDS
from segl.entrypoints.api.door.sockets import PlainSocket, TlsSocket
from segl.wiring.server_log import place_of

MAX_SILENT_CONNECTIONS = 500
"""Of one worker; beyond it the oldest that has not spoken is closed."""

DRAIN_SECONDS = 10.0
DRAIN_BYTES = 64 * 1024 * 1024
LINGER_SECONDS = 5.0
REFUSED_LINGER_SECONDS = 1.0
LINGER_BYTES = 8 * 1024 * 1024
STOP_SECONDS = 2.0
"""How long a stopping worker waits for a connection that has said nothing."""

_LATER = object()
_ENDED = object()
_READ_AT_ONCE = 64 * 1024
_log = structlog.get_logger("segl.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """An answer of the server itself, apart from its status."""

    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the worker asks of the door it stands behind."""

    error_answer: Callable[[int, str], ErrorAnswer]
    """What to answer for an HTTP status that the server itself gives; the text is the incident number to show with a 5xx."""
    context: Callable[[], ssl.SSLContext] | None
    """The TLS context of now, whose sockets are TlsSocket; None for plain HTTP."""
    handshake_refused: Callable[[OSError, str, bytes | None], None]
    """Called with the error, the client's IP address and the certificate (DER) it presented."""
    begin: Callable[[], None]
    """Called once in each worker process, before it serves: start threads here, they do not live through a fork."""


class Connection(gthread.TConn):  # type: ignore[misc]  # gunicorn has no types
    """One client's connection."""

    door: Door
    sock: socket.socket
    handshake_ends_at: float
    waits_since: float
    bytes_to_drain: int | None = None
    """How much more of what the client still sends is thrown away; None while the connection has not ended."""

    def is_gone(self) -> bool:
        """Return whether the other side closed without a word, as whoever only asks if the port answers does."""
        if isinstance(self.sock, ssl.SSLSocket):
            return False
        self.sock.setblocking(False)
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def advance(self) -> bool:
        """
        Go one step towards the first request without waiting; return whether requests may be read.

        :raises OSError: if the handshake is refused, or took too long.
        """
        if self.door.context is None:
            self.sock = PlainSocket.of(self.sock)
        else:
            connection = self.sock
            if not isinstance(connection, ssl.SSLSocket):
                connection = self.sock = self.door.context().wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=self.cfg.suppress_ragged_eofs
                )
            if time.monotonic() > self.handshake_ends_at:
                raise TimeoutError("The handshake took too long.")
            try:
                connection.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
        self.parser = http.get_parser(self.cfg, self.sock, self.client)
        self.initialized = True
        return True

    def holds_bytes(self) -> bool:
        """Return whether a part of the next request is here already: the poller cannot see what TLS has decrypted."""
        return bool(self.parser.unreader.buf.getvalue()) or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0)

    def end(self) -> None:
        """
        Say that nothing more comes, and leave the client time to read it: closing at once could send a reset that overtakes the answer or alert.

        `drain` is to be called whenever the client sends something, until `close`.
        """
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
        self.bytes_to_drain = LINGER_BYTES

    def drain(self) -> bool:
        """Throw away what came; return whether more may come."""
        if self.bytes_to_drain is None:
            return True
        try:
            count = len(socket.socket.recv(self.sock, _READ_AT_ONCE))
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.bytes_to_drain -= count
        return count > 0 and self.bytes_to_drain > 0

    def close(self, graceful: bool = False) -> None:
        """Close at once. gunicorn's `graceful`, a wait in its main loop, is `end` here."""
        if isinstance(self.sock, TlsSocket) and self.initialized:
            self.sock.say_goodbye()
        util.close(self.sock)


class BoundedWorker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """See the module. The door is the `door` of the gunicorn application."""

    @property
    def door(self) -> Door:
        """Return the door of the application that this worker serves."""
        door: Door = self.app.door
        return door

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.door.begin()

    def accept(self, listener: Any) -> None:  # Any: gunicorn's wrapped socket
        try:
            client_socket, client_address = listener.accept()
        except OSError as error:
            # EMFILE too: a worker out of descriptors must go on serving those it has.
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._close_oldest_silent()
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK, errno.EMFILE, errno.ENFILE):
                raise
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, client_socket, client_address, listener.getsockname())
        connection.door = self.door
        connection.handshake_ends_at = time.monotonic() + HANDSHAKE_SECONDS
        self._wait(connection)
        while len(self.pending_conns) > MAX_SILENT_CONNECTIONS:
            self._close_oldest_silent()

    def handle(self, conn: Connection) -> object:
        if not conn.initialized:
            try:
                if conn.is_gone():
                    conn.close()
                    return False
                is_ready = conn.advance()
            except OSError as error:
                self._tell_refused(conn, error)
                conn.end()
                return _ENDED
            if not is_ready or (conn.door.context is not None and not conn.holds_bytes()):
                return _LATER
        kept = super().handle(conn)
        while kept and conn.holds_bytes():
            kept = super().handle(conn)
        if kept:
            return kept
        conn.end()
        # gunicorn itself closes some; the poller takes none of those.
        return _ENDED if conn.sock.fileno() >= 0 else False

    def finish_request(self, conn: Connection, fs: Any) -> None:  # Any: a future of gunicorn's pool
        result = None if fs.cancelled() or fs.exception() is not None else fs.result()
        if result is _ENDED or (result is _LATER and self.alive):
            self._wait(conn)
        elif result is _LATER:
            self.nr_conns -= 1
            conn.close()
        else:
            super().finish_request(conn, fs)

    def on_pending_socket_readable(self, conn: Connection, client: Any) -> None:  # Any: gunicorn has no types
        if conn.bytes_to_drain is None:
            super().on_pending_socket_readable(conn, client)
        elif not conn.drain():
            self._drop(conn)

    def murder_pending(self) -> None:
        now = time.monotonic()
        for connection in list(self.pending_conns):
            if now >= connection.timeout or (not self.alive and now >= connection.waits_since + STOP_SECONDS):
                self._drop(connection)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # Any: gunicorn has no types
        address = str(addr[0]) if addr else ""
        if isinstance(exc, ssl.SSLError):
            self._tell(exc, address, getattr(client, "presented", None))
            return
        status = status_of(exc)
        incident = uuid.uuid4().hex[:12] if status >= 500 else ""
        if incident:
            _log.error("request-failed", status=status, incident=incident, address=address, **place_of(exc))
        else:
            _log.warning("request-refused", status=status, address=address, error=type(exc).__name__)
        answer = self.door.error_answer(status, incident)
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "Connection: close",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            *(f"{name}: {value}" for name, value in answer.headers),
        ]
        body = b"" if getattr(req, "method", None) == "HEAD" else answer.body
        with contextlib.suppress(OSError):
            client.setblocking(True)
            client.sendall("\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body)

    def _keepalive_after(self, conn: Connection, keepalive: object) -> bool:
        if not keepalive:
            return False
        try:
            return bool(conn.parser.finish_body(deadline=time.monotonic() + DRAIN_SECONDS, max_bytes=DRAIN_BYTES))
        except Exception:
            # The answer has been sent: a rest that is framed wrongly must not bring a second one.
            return False

    def _wait(self, connection: Connection) -> None:
        connection.sock.setblocking(False)
        connection.waits_since = time.monotonic()
        if connection.bytes_to_drain is not None:
            connection.timeout = connection.waits_since + (LINGER_SECONDS if connection.initialized else REFUSED_LINGER_SECONDS)
        elif connection.initialized:
            connection.timeout = connection.waits_since + IDLE_SECONDS
        else:
            connection.timeout = min(connection.waits_since + IDLE_SECONDS, connection.handshake_ends_at)
        self.pending_conns.append(connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def _close_oldest_silent(self) -> None:
        if self.pending_conns:
            self._drop(self.pending_conns[0])

    def _drop(self, connection: Connection) -> None:
        self.pending_conns.remove(connection)
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        if isinstance(connection.sock, TlsSocket) and not connection.initialized and connection.bytes_to_drain is None:
            self.tpool.submit(self._tell_refused, connection, TimeoutError("The handshake took too long."))
        connection.close()

    def _tell_refused(self, connection: Connection, error: OSError) -> None:
        self._tell(error, str(connection.client[0]) if connection.client else "", getattr(connection.sock, "presented", None))

    def _tell(self, error: OSError, address: str, presented: bytes | None) -> None:
        try:
            self.door.handshake_refused(error, address, presented)
        except Exception as failure:  # what is told must not end what serves
            _log.error("refusal-not-told", **place_of(failure))


def status_of(error: BaseException) -> int:
    """Return the HTTP status for an error that the server met outside the application."""
    match error:
        case refusals.LimitRequestLine():
            return 414
        case refusals.LimitRequestHeaders():
            return 431
        case refusals.InvalidResponseHeader() | refusals.InvalidResponseHeaderName() | refusals.ConfigurationProblem():
            return 500
        case refusals.ParseException():
            return 400
        case _:
            return 500
