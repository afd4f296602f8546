"""
Sockets that do not wait for ever: the same limits on a plain connection and on a TLS one, whatever the server asks of them.

gunicorn sets its sockets to block without a limit; these give each request a patience instead (patience.py). Too slow a client looks like one that
went away, which gunicorn ends without noise.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from typing import Any

from segl.entrypoints.api.door import patience

_TOO_SLOW = "The client was too slow."


class PlainSocket(socket.socket):
    """A TCP connection with patience. Build it from an accepted one with `of`."""

    @classmethod
    def of(cls, accepted: socket.socket) -> PlainSocket:
        """Return `accepted` as a socket with patience; `accepted` itself is of no use afterwards."""
        wrapped = cls(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        wrapped.reading, wrapped.writing = patience.reading(), patience.writing()
        return wrapped

    reading: patience.Patience
    writing: patience.Patience

    def setblocking(self, flag: bool) -> None:
        if flag:
            self.reading.start()
            self.writing.start()
        super().setblocking(flag)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        with _limited(self, self.reading):
            data = super().recv(bufsize, flags)
        self.reading.earn(len(data))
        return data

    def send(self, data: Any, flags: int = 0, /) -> int:  # Any: the buffer protocol has no type before Python 3.12
        with _limited(self, self.writing):
            count = super().send(data, flags)
        self.writing.earn(count)
        return count

    def sendall(self, data: Any, flags: int = 0, /) -> None:  # Any: as above
        view = memoryview(data).cast("B")
        while view:
            view = view[self.send(view, flags) :]


class TlsSocket(ssl.SSLSocket):
    """A TLS connection with patience, which remembers the certificate that the client presented even when it was refused."""

    reading: patience.Patience | None = None
    writing: patience.Patience | None = None
    presented: bytes | None = None
    """DER of the first certificate that the client sent, before any check of it."""

    def setblocking(self, flag: bool) -> None:
        if flag:
            self.reading, self.writing = patience.reading(), patience.writing()
        super().setblocking(flag)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        with _limited(self, self.reading):
            data = super().recv(buflen, flags)
        if self.reading is not None:
            self.reading.earn(len(data))
        return data

    def send(self, data: Any, flags: int = 0) -> int:  # Any: as above
        with _limited(self, self.writing):
            count = super().send(data, flags)
        if self.writing is not None:
            self.writing.earn(count)
        return count

    def say_goodbye(self) -> None:
        """Send close_notify without waiting for the other's: without it OpenSSL 3 clients report a truncated answer."""
        with contextlib.suppress(OSError, ValueError):
            self.settimeout(0)
            # Sent at the first call; what it then waits for is the client's own, and the raw socket is drained instead.
            self.unwrap()

    def shutdown(self, how: int) -> None:
        self.say_goodbye()
        super().shutdown(how)


@contextlib.contextmanager
def _limited(connection: socket.socket, limit: patience.Patience | None) -> Any:  # Any: contextmanager's own generator type
    asked = connection.gettimeout()
    if limit is None or asked == 0:
        yield
        return
    left = limit.left()
    if left <= 0:
        raise ConnectionResetError(errno.ECONNRESET, _TOO_SLOW)
    connection.settimeout(left if asked is None else min(left, asked))
    try:
        yield
    except TimeoutError as error:
        if asked is not None and asked <= left:
            raise
        raise ConnectionResetError(errno.ECONNRESET, _TOO_SLOW) from error
    finally:
        with contextlib.suppress(OSError):
            connection.settimeout(asked)
