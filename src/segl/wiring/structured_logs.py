"""Logs: one JSON line each, on standard output. Nothing personal goes in, and nothing that goes in can break the line."""

from __future__ import annotations

import logging
import sys

import structlog

from segl.wiring.server_log import place_of


def _tell_place(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    # An error's own words may quote what people sent or what is stored: its kind and place are enough to find it (reliability.md B-58).
    told = event.pop("exc_info", None)
    error = told[1] if isinstance(told, tuple) else sys.exc_info()[1] if told is True else told
    return event if not isinstance(error, BaseException) else {**event, **place_of(error)}


def configure_logs(process: str) -> None:
    """Send structlog and the standard library's loggers through the same JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell_place,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )

    def name_process(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                name_process,
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # These name addresses with tokens in them at INFO.
    for name in ("httpx", "httpcore", "pyhanko", "fontTools", "pikepdf", "gunicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # This one writes the path, which on a redirect URL is the token; what it tells is logged by Segl's own middleware.
    logging.getLogger("django.request").disabled = True
