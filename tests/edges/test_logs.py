"""What stands in a log line: one line of JSON whatever was sent, and of an error its kind and place (reliability.md B-58, B-60, B-62)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from segl.actions import access
from segl.wiring.structured_logs import configure_logs
from support.direct_jobs import PUBLIC, Asked, create, visit
from support.neighbours import Neighbourhood

from .calling import API, WEB, address, call, routes
from .test_separation import API_ROWS, BY_COOKIE, JOB, Owned, ask, names_by_cookie

SENTINEL = "sentinel-14830750003"
HOSTILE = [
    'a\r\n{"event":"forged"}',
    "a\n\nb",
    "a\x1b[2J\x1b[31mred",
    "a\x00b",
    "a\u2028b\u2029c\x85d",
    "a\u202egnp.exe",
    'a","level":"critical","x":"',
    "a\\",
    "a\ud800b",
    "%(message)s {0} {event} ${env}",
    "\U0001f9ed" * 50,
]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """The log as the product writes it, on standard output."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    written = Lines()
    monkeypatch.setattr("sys.stdout", written)
    configure_logs("api")
    structlog.configure(**before)  # the same but for its list of processors, which loggers keep: capture_logs must find the old one there
    product = root.handlers[:]
    root.handlers[:] = [*handlers, *product]
    yield written
    for handler in product:
        root.removeHandler(handler)
    root.setLevel(level)


class Lines(io.StringIO):
    text = ""

    def look(self) -> list[dict[str, object]]:
        """Return what was written since the last look."""
        self.text = self.getvalue()
        self.seek(0)
        self.truncate()
        return [json.loads(line) for line in self.text.splitlines()]


class TestALine:
    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_is_one_line_of_ascii_whatever_stands_in_any_field(self, lines: Lines, hostile: str) -> None:
        structlog.get_logger("a").warning("told", path=hostile, **{f"field{hostile}": [hostile, {hostile: hostile}]})
        logging.getLogger("b").warning("told %s", hostile, extra={"more": hostile})

        (ours, foreign) = lines.look()

        assert (ours["event"], ours["path"], ours["process"]) == ("told", hostile, "api")
        assert foreign["event"] == f"told {hostile}"
        assert lines.text.isascii()
        assert lines.text.replace("\n", "").isprintable()

    @pytest.mark.parametrize("way", ["structlog", "logging"])
    def test_of_an_error_tells_its_kind_and_place_and_not_its_words(self, lines: Lines, way: str) -> None:
        try:
            try:
                raise ValueError(SENTINEL)
            except ValueError as error:
                raise RuntimeError(SENTINEL) from error
        except RuntimeError as error:
            if way == "structlog":
                structlog.get_logger("a").error("failed", exc_info=error)
            else:
                logging.getLogger("b").exception("failed")

        (line,) = lines.look()

        assert (line["event"], line["error"], line["causes"]) == ("failed", "RuntimeError", ["ValueError"])
        assert "test_logs.py" in str(line["frames"])
        assert SENTINEL not in lines.text


class TestAFaultOfOurs:
    def test_shows_the_api_an_incident_and_nothing_else_on_every_route(
        self, near: Neighbourhood, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def breaks(*_: object, **__: object) -> None:
            raise RuntimeError(SENTINEL)

        for name in ("segl.entrypoints.api.views.admit_caller", "segl.sandbox.devmode_urls.admit_caller"):
            monkeypatch.setattr(name, breaks)
        owned = Owned(job=create(near, Asked()).job, token="t")
        with address(near, API):
            for route in routes(API) - {"health"}:
                for method, query, _, _ in API_ROWS[route] or [("GET", "", JOB, 0)]:
                    answer = call(near, "public-sender", method, owned.path(route, query, organization=PUBLIC))
                    assert answer.status_code == 500
                    message = answer.content.decode().partition("<error-message>")[2].partition("</error-message>")[0]
                    incident = message.removeprefix("Segl failed; incident ")[:8]
                    assert message == f"Segl failed; incident {incident}. Try again later, or tell the operator the incident id."
                    assert [line["error"] for line in lines.look() if line.get("incident") == incident] == ["RuntimeError"]
                    assert SENTINEL not in lines.text

    def test_shows_signers_a_reference_and_nothing_else_on_every_route(
        self, near: Neighbourhood, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def breaks(*_: object, **__: object) -> None:
            raise RuntimeError(SENTINEL)

        visitor = visit(near, create(near, Asked()))
        for name in ("sitting", "sitting_row"):
            monkeypatch.setattr(access, name, breaks)
        monkeypatch.setattr("segl.actions.read_document.sitting_row", breaks, raising=False)
        with address(near, WEB):
            for name in names_by_cookie():
                status, page, headers = ask("POST" if name == "go-back" else "GET", name, visitor.sitting_id, {"*": visitor.secret})
                assert status == 500, name
                assert "Feilreferanse: …" in page
                assert "default-src 'none'" in headers["Content-Security-Policy"]
                assert headers["Cache-Control"] == "no-store"
                told = lines.look()
                assert [line["reason"].partition(" at ")[0] for line in told if line["event"] == "page-refused"] == ["RuntimeError"]  # type: ignore[attr-defined]
                assert SENTINEL not in page + lines.text + visitor.secret
        assert len(names_by_cookie()) == len(BY_COOKIE)
