"""
Styles, scripts and fonts, served by the web process itself under an address that names their content.

All files share one digest, so that scripts and styles find each other by relative addresses. An address with another digest (a page
from before an upgrade) still gets the file, but may not keep it.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache, lru_cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import parse_header_parameters
from django.views.decorators.http import require_safe

from segl.entrypoints.signing.headers import page_policy

FOLDER = Path(__file__).parent / "static" / "segl"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".bcmap": "application/octet-stream",
    ".pfb": "application/octet-stream",
}
COMPRESSED = {".css", ".js", ".mjs", ".svg", ".ttf"}


@cache
def names() -> frozenset[str]:
    """Return the names of all files that may be asked for, relative to static/segl."""
    return frozenset(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in TYPES and path.is_file())


@cache
def digest() -> str:
    """Return the common digest of all files."""
    total = hashlib.sha256()
    for name in sorted(names()):
        total.update(name.encode() + b"\x00" + hashlib.sha256((FOLDER / name).read_bytes()).digest())
    return total.hexdigest()[:16]


def address(name: str) -> str:
    """
    Return the address of a file, as pages write it.

    :raises ValueError: if there is no such file.
    """
    if name not in names():
        raise ValueError(f'There is no file "{name}" in static/segl. Correct the template.')
    return f"/static/{digest()}/{name}"


@lru_cache(maxsize=64)
def _content(name: str, *, is_compressed: bool) -> bytes:
    content = (FOLDER / name).read_bytes()
    return gzip.compress(content, mtime=0) if is_compressed else content


@require_safe
def serve(request: HttpRequest, of_digest: str, name: str) -> HttpResponse:
    """
    Return one file.

    :raises Http404: if there is none.
    """
    if name not in names():
        raise Http404
    suffix = Path(name).suffix
    accepted = {parse_header_parameters(part)[0] for part in request.headers.get("Accept-Encoding", "").split(",")}
    is_compressed = suffix in COMPRESSED and "gzip" in accepted
    response = HttpResponse(_content(name, is_compressed=is_compressed), content_type=TYPES[suffix])
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if of_digest == digest() else "no-cache"
    # A worker obeys the policy its script came with: pdf.js fetches character maps and fonts.
    response.headers["Content-Security-Policy"] = page_policy()
    return response
