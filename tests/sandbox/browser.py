"""A browser without a screen for the sandbox's neighbours, and Segl's relying party beside it, over WSGI without a network."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from segl.actions.ports import LoginRequest
from segl.adapters.eid import EidProviders, read_provider_settings
from segl.ceremony.identification import Identification
from segl.sandbox.identity_provider import provider_configuration
from segl.sandbox.material import SandboxMaterial
from segl.sandbox.neighbours import create_application
from segl.values import Language, Level

BASE_URL = "http://127.0.0.1:8002"
WEB_URL = "http://localhost:8000"
CALLBACK = f"{WEB_URL}/eid/callback"
STATE, NONCE = "the-state", "the-nonce"
INGRID, JONAS, TORSTEIN, NAMELESS = "14830750003", "22898410068", "30888500029", "18929600017"


@dataclass
class MovableClock:
    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def real_now(self) -> datetime:
        return self.moment - timedelta(days=365)

    def move(self, **units: float) -> None:
        self.moment += timedelta(**units)


@dataclass
class CountingChance:
    drawn: int = 0

    def token(self) -> str:
        self.drawn += 1
        return f"{id(self)}-{self.drawn}".ljust(43, "x")

    def bits(self, count: int) -> int:
        raise AssertionError("not needed")

    def signing_key(self) -> ec.EllipticCurvePrivateKey:
        raise AssertionError("not needed")


@dataclass
class Scene:
    """The neighbours, a browser and Segl."""

    material: SandboxMaterial
    clock: MovableClock
    browser: httpx.Client = field(init=False)
    segl: EidProviders = field(init=False)

    def __post_init__(self) -> None:
        application = create_application(
            data=self.material.data, base_url=BASE_URL, web_url=WEB_URL, now=self.clock.now, real_now=self.clock.real_now
        )
        transport = httpx.WSGITransport(app=application)
        self.browser = httpx.Client(transport=transport, base_url=BASE_URL)
        settings = read_provider_settings(
            provider_configuration(f"{BASE_URL}/idp"),
            keys=self.material.keys,
            redirect_url=CALLBACK,
            post_logout_url=f"{WEB_URL}/logged-out",
        )
        self.segl = EidProviders(settings, clock=self.clock, chance=CountingChance(), transport=transport)

    def begin(self, *, level: Level = Level.HIGH, is_fresh_required: bool = False, language: Language = Language.BOKMAL) -> LoginRequest:
        return self.segl.begin(
            provider="sandbox", state=STATE, nonce=NONCE, level=level, is_fresh_required=is_fresh_required, language=language
        )

    def open(self, url: str) -> httpx.Response:
        """Open an address and follow redirects, but not out to Segl."""
        response = self.browser.get(url)
        while response.is_redirect and not response.headers["Location"].startswith(WEB_URL):
            response = self.browser.get(response.headers["Location"])
        return response

    def choose(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Press a button of the page where one chooses."""
        login = re.search(r'name="login" value="([^"]+)"', page.text)
        assert login is not None, page.text
        return self.browser.post("/idp/login", data={"login": login[1], "eid": "", "level": "", **fields})

    def finish(
        self, response: httpx.Response, begun: LoginRequest, *, level: Level = Level.HIGH, fresh_since: datetime | None = None
    ) -> Identification:
        """Take what the browser brings back to Segl."""
        return self.segl.finish(
            provider="sandbox",
            parameters=answer_of(response),
            state=STATE,
            nonce=NONCE,
            code_verifier=begun.code_verifier,
            level=level,
            fresh_since=fresh_since,
        )

    def log_in(self, person: str = INGRID, **fields: str) -> Identification:
        begun = self.begin()
        return self.finish(self.choose(self.open(begun.url), person=person, **fields), begun)


def answer_of(response: httpx.Response) -> dict[str, str]:
    """Return the parameters of a redirect to Segl's callback."""
    location = response.headers["Location"]
    assert location.startswith(f"{CALLBACK}?"), location
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))
