"""
Segl's neighbours in one process and without a network: the sandbox's own identity provider, time-stamp authority and revocation lists,
a document store on disk, a clock that tests move, and a switch for each neighbour that can go down.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

from segl.actions.ports import Policy, Ports, TimeStampUnavailable
from segl.adapters.chance import SystemChance
from segl.adapters.document_store import FileDocumentStore
from segl.adapters.eid import EidProviders, read_provider_settings
from segl.adapters.fence.caller import ProcessFence
from segl.adapters.keys.files import FileKeys
from segl.adapters.trust.enterprise import EnterpriseTrust, read_certificates
from segl.adapters.trust.validation_material import FetchedValidationMaterial
from segl.sandbox import time_stamp_authority
from segl.sandbox.identity_provider import provider_configuration
from segl.sandbox.material import SandboxMaterial, revocation_list
from segl.sandbox.neighbours import ISSUER_PATH, create_application
from segl.signatures import time_stamp_tokens

NOW = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
NEIGHBOURS_URL = "http://127.0.0.1:8002"
WEB_URL = "http://localhost:8000"
FENCE = ProcessFence()
"""One for the whole run: its helper takes half a second to load."""
CALLBACK = f"{WEB_URL}/eid/callback"
POLICY = Policy(
    is_sandbox=True,
    redirect_lifetime=timedelta(hours=24),
    new_redirect_lifetime=timedelta(hours=1),
    poll_interval=timedelta(seconds=600),
    poll_lease=timedelta(seconds=600),
    rate_limit=10,
    signing_time_tolerance=timedelta(minutes=5),
)


@dataclass
class TestClock:
    """Segl's time and the real one, both standing still until a test moves them."""

    __test__ = False

    segl: datetime = NOW
    real: datetime = NOW

    def now(self) -> datetime:
        return self.segl

    def real_now(self) -> datetime:
        return self.real

    def move(self, **units: float) -> None:
        """Move Segl's clock alone, as the sandbox does."""
        self.segl += timedelta(**units)

    def pass_time(self, **units: float) -> None:
        """Let time pass for everybody."""
        self.segl += timedelta(**units)
        self.real += timedelta(**units)


@dataclass
class Switches:
    """Which neighbours are down, and what happens while one is asked."""

    time_stamps_down: bool = False
    revocation_lists_down: bool = False
    identity_provider_down: bool = False
    while_time_stamping: Callable[[], None] = lambda: None


class SandboxTimeStamps:
    """The sandbox's authority behind the port, without HTTP between."""

    def __init__(self, material: SandboxMaterial, clock: TestClock, switches: Switches) -> None:
        self._pair = material.time_stamp_authority
        self._roots = read_certificates(material.trust)
        self._clock, self._switches = clock, switches

    def is_down(self) -> bool:
        return self._switches.time_stamps_down

    def time_stamp(self, imprint: bytes) -> bytes:
        self._switches.while_time_stamping()
        if self._switches.time_stamps_down:
            raise TimeStampUnavailable
        response = time_stamp_authority.answer(
            time_stamp_tokens.request(imprint, nonce=1),
            certificate=self._pair.certificates[0],
            chain=self._pair.certificates[1:],
            private_key=self._pair.private_key,
            now=self._clock.now(),
        )
        return time_stamp_tokens.token_in_response(response, imprint=imprint, nonce=1, roots=self._roots)


class SwitchedTransport(httpx.BaseTransport):
    """The way to the identity provider, which can be cut."""

    def __init__(self, inner: httpx.BaseTransport, switches: Switches) -> None:
        self._inner, self._switches = inner, switches

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._switches.identity_provider_down:
            raise httpx.ConnectError("cut by the test", request=request)
        return self._inner.handle_request(request)


@dataclass
class Neighbourhood:
    """All neighbours of one test, and what stands at Segl's ports."""

    material: SandboxMaterial
    folder: Path
    keys: FileKeys
    clock: TestClock = field(default_factory=TestClock)
    switches: Switches = field(default_factory=Switches)
    ports: Ports = field(init=False)

    def __post_init__(self) -> None:
        application = create_application(
            data=self.material.data, base_url=NEIGHBOURS_URL, web_url=WEB_URL, now=self.clock.now, real_now=self.clock.real_now
        )
        self._transport = httpx.WSGITransport(app=application)
        self.ports = Ports(
            clock=self.clock,
            chance=SystemChance(),
            documents=FileDocumentStore(self.folder / "documents"),
            fence=FENCE,
            time_stamps=SandboxTimeStamps(self.material, self.clock, self.switches),
            validation=FetchedValidationMaterial(
                certificates=[self.material.trust, self.material.keys / "person-ca.pem", self.material.keys / "seal.pem"],
                crl_urls=[f"{NEIGHBOURS_URL}/crl/{name}.crl" for name in ("person-root", "tsa-root", "seal-root")],
                clock=self.clock,
                fetch=self._fetch,
            ),
            keys=self.keys,
            identity_providers=EidProviders(
                read_provider_settings(
                    provider_configuration(NEIGHBOURS_URL + ISSUER_PATH),
                    keys=self.material.keys,
                    redirect_url=CALLBACK,
                    post_logout_url=f"{WEB_URL}/logged-out",
                ),
                clock=self.clock,
                chance=SystemChance(),
                transport=SwitchedTransport(self._transport, self.switches),
            ),
            enterprise=self._enterprise(),
            roots=read_certificates(self.material.trust),
            policy=POLICY,
        )

    def set_policy(self, **changes: object) -> None:
        self.ports = replace(self.ports, policy=replace(self.ports.policy, **changes))  # type: ignore[arg-type]

    @contextmanager
    def a_person(self) -> Iterator[PersonAtProvider]:
        """A browser at the identity provider, with cookies of its own."""
        with httpx.Client(transport=self._transport, base_url=NEIGHBOURS_URL) as browser:
            yield PersonAtProvider(browser)

    def stored_digests(self) -> set[str]:
        return {path.parent.name + path.name for path in self.stored_files()}

    def stored_files(self) -> list[Path]:
        """Return all files of the document store, unfinished ones too."""
        return sorted((self.folder / "documents").glob("??/*"))

    def grow_old(self, **units: float) -> None:
        """Let time pass, since what is stored was written by the neighbours' clock."""
        for path in self.stored_files():
            os.utime(path, (self.clock.real.timestamp(),) * 2)
        self.clock.pass_time(**units)

    def _enterprise(self) -> EnterpriseTrust:
        trust = EnterpriseTrust(
            ca_folder=self.material.ca,
            crl_urls=[f"{NEIGHBOURS_URL}/crl/{name}.crl" for name in ("enterprise-root", "enterprise-issuing")],
            cache_folder=self.folder / "revocation",
            real_now=self.clock.real_now,
            fetch=self._fetch,
        )
        trust.refresh()
        return trust

    def _fetch(self, url: str) -> bytes:
        if self.switches.revocation_lists_down:
            raise OSError("cut by the test")
        return revocation_list(self.material, Path(url).stem, at=self.clock.now())


@dataclass
class PersonAtProvider:
    """What a person does at the identity provider."""

    browser: httpx.Client

    def log_in(self, url: str, *, person: str, **fields: str) -> dict[str, str]:
        """Follow `url`, choose a person, and return the parameters that the browser brings back to Segl."""
        response = self._open(url)
        if not response.is_redirect:
            response = self._press(response, person=person, **fields)
        return answer_of(response)

    def abort(self, url: str) -> dict[str, str]:
        return answer_of(self._press(self._open(url), abort="1"))

    def _open(self, url: str) -> httpx.Response:
        response = self.browser.get(url)
        while response.is_redirect and not response.headers["Location"].startswith(WEB_URL):
            response = self.browser.get(response.headers["Location"])
        return response

    def _press(self, page: httpx.Response, **fields: str) -> httpx.Response:
        login = re.search(r'name="login" value="([^"]+)"', page.text)
        assert login is not None, page.text
        return self.browser.post("/idp/login", data={"login": login[1], "eid": "", "level": "", **fields})


def answer_of(response: httpx.Response) -> dict[str, str]:
    """Return the parameters of a redirect to Segl's callback."""
    location = response.headers["Location"]
    assert location.startswith(f"{CALLBACK}?"), location
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))


def as_cookies(sitting_id: str, secret: str | None) -> Mapping[str, str]:
    return {} if secret is None else {sitting_id: secret}
