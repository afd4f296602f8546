"""A live server for the pages, the world outside it (an eID that knows you already, and the sender's site)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.handlers.wsgi import WSGIHandler

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def axe_script() -> Path:
    """Where axe-core stands: the package axe-playwright-python brings it."""
    return Path(str(files("axe_playwright_python") / "axe.min.js"))


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a browser that leaves early is not an error of these tests."""


@contextmanager
def serving(application: Application) -> Iterator[int]:
    """Serve on a free port of this machine."""
    server = make_server("127.0.0.1", 0, application, server_class=_Server, handler_class=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pages() -> Application:
    application: Application = WSGIHandler()
    return application


def outside(web: str) -> Application:
    """An eID that answers at once, as one with a running session does, and a sender's site with a page to come back to."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/authorize":
            state = parse_qs(environ["QUERY_STRING"])["state"][0]
            start_response("302 Found", [("Location", f"{web}/eid/callback?state={state}&code=c")])
            return []
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [b"<!doctype html><html lang=en><title>Back</title><h1>Back at the sender</h1>"]

    return answer
