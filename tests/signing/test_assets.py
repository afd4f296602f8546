"""Styles, scripts and fonts."""

from __future__ import annotations

import gzip
import hashlib
import re

import pytest

from segl.entrypoints.signing import assets

from .stage import Browser


class TestTheVendoredFiles:
    def test_are_the_ones_that_were_fetched(self) -> None:
        vendor = assets.FOLDER / "vendor"
        listed = dict(reversed(line.split("  ", 1)) for line in (vendor / "SHA256SUMS.txt").read_text().splitlines())
        there = {path.relative_to(vendor).as_posix() for path in vendor.rglob("*") if path.is_file()} - {"SHA256SUMS.txt"}
        assert set(listed) == there
        for name, digest in listed.items():
            assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name


class TestAFile:
    def test_may_be_kept_for_ever_under_its_digest(self, browser: Browser) -> None:
        answer = browser.get(assets.address("segl.css"))
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
        assert answer.content == (assets.FOLDER / "segl.css").read_bytes()

    def test_is_given_but_not_kept_under_an_old_digest(self, browser: Browser) -> None:
        answer = browser.get("/static/0123456789abcdef/segl.css")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"

    def test_is_compressed_for_who_can_read_it(self, browser: Browser) -> None:
        address = assets.address("vendor/pdfjs/pdf.worker.min.mjs")
        answer = browser.get(address, headers={"Accept-Encoding": "br, gzip;q=0.8"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.content) == browser.get(address).content

    @pytest.mark.parametrize("name", ["nothing.css", "../__init__.py", "..%2f..%2fapps.py", "vendor", "vendor/"])
    def test_is_one_of_the_package_or_none(self, browser: Browser, name: str) -> None:
        assert browser.get(f"/static/{assets.digest()}/{name}").status_code == 404

    def test_of_every_kind_that_a_style_or_script_names_is_there(self) -> None:
        for name in re.findall(r'url\("([^"]+)"\)', (assets.FOLDER / "segl.css").read_text()):
            assert name in assets.names()

    def test_that_is_missing_is_told_to_the_template_writer(self) -> None:
        with pytest.raises(ValueError, match=r'There is no file "x\.css" in static/segl'):
            assets.address("x.css")
