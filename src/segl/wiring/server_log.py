"""
What the servers themselves log: JSON lines, and of an error its type and place, never a request's line, address or text.

gunicorn's own messages quote request lines, and those carry one-time tokens (reliability.md B-58).
"""

from __future__ import annotations

import traceback
from typing import Any

import structlog
from gunicorn import glogging


def configure_if_unset() -> None:
    """Make structlog write JSON lines, unless the program has chosen already."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ]
        )


def place_of(error: BaseException) -> dict[str, Any]:
    """Return the type of `error`, the types of its causes, and its frames (innermost last), without any message: those may quote what people sent."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-12:]]
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 5:
        causes.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return {"error": type(error).__name__, "causes": causes, "frames": frames}


class JsonLogger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger, writing through structlog. There is no access log: the doors write their own."""

    def setup(self, cfg: Any) -> None:  # Any: gunicorn has no types
        super().setup(cfg)
        configure_if_unset()
        for handler in list(self.error_log.handlers):
            self.error_log.removeHandler(handler)
        self._lines = structlog.get_logger("segl.server")

    def critical(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        self._line("critical", msg, args, kwargs)

    def error(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        self._line("error", msg, args, kwargs)

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        self._line("warning", msg, args, kwargs)

    def info(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        self._line("info", msg, args, kwargs)

    def debug(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Drop it: debug lines of the server quote what clients sent."""

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        kwargs["exc_info"] = True
        self._line("error", msg, (), kwargs)

    def log(self, lvl: Any, msg: Any, *args: Any, **kwargs: Any) -> None:
        self._line("info", msg, args, kwargs)

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Write nothing: request lines carry tokens."""

    def _line(self, level: str, message: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        import sys

        fields: dict[str, Any] = {}
        error = sys.exc_info()[1]
        if kwargs.get("exc_info") and error is not None:
            # The message's own arguments are left out with it: gunicorn puts the request's line there.
            fields = place_of(error)
        else:
            message = str(message) % args if args else str(message)
        getattr(self._lines, level)("server", message=message, **fields)
