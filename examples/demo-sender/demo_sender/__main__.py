"""`python -m demo_sender` starts the school on 127.0.0.1, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from .agreements import Memory
from .application import Application
from .settings import Settings
from .signing import Desk


class _Server(ThreadingMixIn, WSGIServer):
    """A server with a thread a request; requests under way are finished when it stops."""

    daemon_threads = False
    request_queue_size = 64


class _Handler(WSGIRequestHandler):
    """No lines on the terminal: addresses hold tokens. A silent browser is let go after ten seconds."""

    timeout = 10

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


def main() -> int:
    """Serve until told to stop."""
    settings = Settings.from_environment(os.environ)
    memory = Memory(settings.data / "demo" / "state" / "school.sqlite3")
    application = Application(settings=settings, memory=memory, desk=Desk(settings=settings, memory=memory))
    with make_server("127.0.0.1", settings.port, application, server_class=_Server, handler_class=_Handler) as server:

        def stop(*_: object) -> None:
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        print(f"Eksempelskolen: {settings.own_url}", flush=True)
        server.serve_forever(poll_interval=0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
