"""Where the demo sender runs and where it finds Segl: the same environment variables as Segl's own, all with defaults for one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the demo needs to know."""

    port: int
    api_url: str
    web_url: str
    data: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read SEGL_DEMO_PORT, SEGL_API_URL (or SEGL_API_PORT), SEGL_WEB_URL (or SEGL_WEB_PORT) and SEGL_DATA."""
        return cls(
            port=int(environment.get("SEGL_DEMO_PORT") or 8001),
            api_url=environment.get("SEGL_API_URL") or f"https://localhost:{environment.get('SEGL_API_PORT') or 8443}",
            web_url=environment.get("SEGL_WEB_URL") or f"http://localhost:{environment.get('SEGL_WEB_PORT') or 8000}",
            data=Path(environment.get("SEGL_DATA") or "var").resolve(),
        )

    @property
    def own_url(self) -> str:
        """Return the demo's address: 127.0.0.1, so that Segl on localhost is another site, as it is in real life."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def web_origin(self) -> str:
        """Return the origin of Segl's pages, the only one that a form here may lead on to."""
        parts = urlsplit(self.web_url)
        return f"{parts.scheme}://{parts.netloc}"
