"""The headers of every address and every status (reliability B-54)."""

from __future__ import annotations

import re

import pytest
from django.test import override_settings
from django.urls import get_resolver
from structlog.testing import capture_logs

from segl.ceremony.sitting import Problem
from segl.entrypoints.signing import assets

from .builders import done, over, read, sealing, sitting, with_problem
from .stage import Browser, StageOfSittings

ROUTES = {pattern.name for pattern in get_resolver("segl.entrypoints.signing.urls").url_patterns}
REQUIRED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def every_address(stage: StageOfSittings, browser: Browser) -> list[tuple[str, str]]:
    """Every route by name, with an address for each status it has."""
    stage.tokens["header-token"] = stage.put(sitting()).sitting_id
    reading, ready = browser.enters(stage.put(sitting())), browser.enters(stage.put(read()))
    wait, gone, ended = (browser.enters(stage.put(view)) for view in (sealing(), done(), over()))
    refused = browser.enters(stage.put(with_problem(Problem.LOGIN_REFUSED)))
    return [
        ("redirect", "/redirect/header-token"),
        ("redirect", "/redirect/unknown"),
        ("sitting", f"{reading}/"),
        ("document", f"{reading}/documents/1"),
        ("document", f"{reading}/documents/99"),
        ("document-text", f"{reading}/documents/1/text"),
        ("document-file", f"{reading}/documents/1/file"),
        ("document-pages", f"{reading}/documents/1/pages.pdf"),
        ("confirm", f"{ready}/confirm"),
        ("confirm", f"{wait}/confirm"),
        ("reject", f"{ready}/reject"),
        ("problem", f"{refused}/problem"),
        ("go-back", f"{refused}/give-up"),
        ("progress", f"{wait}/progress"),
        ("progress", f"{gone}/progress"),
        ("progress-state", f"{wait}/progress.json"),
        ("leave", f"{gone}/leave"),
        ("over", f"{ended}/over"),
        ("eid-callback", "/eid/callback?state=unknown"),
        ("language", "/language"),
        ("help", "/help"),
        ("privacy", "/privacy"),
        ("accessibility", "/accessibility"),
        ("asset", assets.address("segl.css")),
        ("asset", "/static/0/none.css"),
        ("", "/nowhere"),
    ]


class TestEveryAddress:
    def test_is_in_this_sweep(self, stage: StageOfSittings, browser: Browser) -> None:
        assert {name for name, _ in every_address(stage, browser)} - {""} == ROUTES

    @pytest.mark.parametrize("method", ["get", "head", "post", "delete"])
    def test_has_all_headers_whatever_its_status(self, stage: StageOfSittings, browser: Browser, method: str) -> None:
        statuses = set()
        for name, address in every_address(stage, browser):
            answer = getattr(browser, method)(address)
            statuses.add(answer.status_code)
            for header, value in REQUIRED.items():
                assert answer.headers[header] == value, f"{method} {address}: {header}"
            policy = answer.headers["Content-Security-Policy"]
            for directive in ("default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
                assert directive in policy, f"{method} {address}: {directive}"
            assert "unsafe" not in policy
            is_asset = name == "asset" and answer.status_code == 200
            assert ("immutable" if is_asset else "no-store") in answer.headers["Cache-Control"], address
            if answer.content and answer.headers["Content-Type"].startswith("text/html"):
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert {404, 405} <= statuses or method in {"get", "head"}

    def test_has_them_when_the_fault_is_ours(self, stage: StageOfSittings, monkeypatch: pytest.MonkeyPatch) -> None:
        def breaks(*_: object, **__: object) -> None:
            raise RuntimeError("broken")

        browser = Browser(raise_request_exception=False)
        base = browser.enters(stage.put(sitting()))
        monkeypatch.setattr("segl.actions.access.sitting", breaks)
        with capture_logs() as lines:
            answer = browser.get(f"{base}/documents/1")
        assert answer.status_code == 500
        assert lines[0]["reference"] in answer.content.decode()
        assert re.fullmatch(r"RuntimeError at [a-z_.]+:[0-9]+", lines[0]["reason"])
        assert "Noe gikk galt hos oss" in answer.content.decode()
        assert re.search(r"Feilreferanse: [2-9B-Z]{4}-[2-9B-Z]{2}", answer.content.decode())
        assert "broken" not in answer.content.decode()
        for header, value in REQUIRED.items():
            assert answer.headers[header] == value

    def test_has_them_when_even_the_page_of_our_fault_breaks(self, stage: StageOfSittings, monkeypatch: pytest.MonkeyPatch) -> None:
        def breaks(*_: object, **__: object) -> None:
            raise RuntimeError("broken")

        browser = Browser(raise_request_exception=False)
        base = browser.enters(stage.put(sitting()))
        monkeypatch.setattr("segl.actions.access.sitting", breaks)
        monkeypatch.setattr("segl.entrypoints.signing.views.problems.render_page", breaks)
        answer = browser.get(f"{base}/documents/1")
        assert answer.status_code == 500
        assert answer.content.decode().startswith("Noe gikk galt hos oss. Prøv igjen om litt.")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


class TestThePolicyOfForms:
    def test_names_the_eid_only_on_the_page_that_leads_there(self, stage: StageOfSittings, browser: Browser) -> None:
        for name, address in every_address(stage, browser):
            answer = browser.get(address)
            form_action = re.search(r"form-action ([^;]*)", answer.headers["Content-Security-Policy"])
            assert form_action is not None
            if name == "confirm" and answer.status_code == 200:
                assert form_action.group(1) == "'self' http://127.0.0.1:8002"
            elif name in {"document-file", "document-pages"}:
                assert form_action.group(1) == "'none'"
            else:
                assert form_action.group(1) == "'self'", address


class TestADocument:
    def test_runs_nothing_wherever_it_is_opened(self, stage: StageOfSittings, browser: Browser) -> None:
        base = browser.enters(stage.put(sitting()))
        for path in ("file", "pages.pdf"):
            policy = browser.get(f"{base}/documents/1/{path}").headers["Content-Security-Policy"]
            assert policy.endswith("; sandbox")


class TestUnderHttps:
    @override_settings(SEGL_WEB_URL="https://sign.example.no")
    def test_browsers_are_told_to_stay_there(self, browser: Browser) -> None:
        assert browser.get("/help").headers["Strict-Transport-Security"] == "max-age=31536000"

    def test_only(self, browser: Browser) -> None:
        assert "Strict-Transport-Security" not in browser.get("/help").headers
