"""Each neighbour behind a proxy of its own that can be told to fail, and Segl's own adapters towards them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import certifi
import httpx
import pytest

from segl.actions.ports import Ports
from segl.adapters import time_stamps
from segl.adapters.chance import SystemChance
from segl.adapters.eid import EidProviders, fetching, read_provider_settings
from segl.adapters.keys.files import FileKeys
from segl.adapters.time_stamps import HttpTimeStamps
from segl.adapters.trust import enterprise
from segl.adapters.trust.enterprise import EnterpriseTrust, fetch_list
from segl.adapters.trust.validation_material import FetchedValidationMaterial
from segl.sandbox.identity_provider import provider_configuration
from segl.sandbox.material import SandboxMaterial
from segl.sandbox.neighbours import ISSUER_PATH, create_application
from support.direct_jobs import seed_organizations
from support.fault_proxy import Fault, FaultProxy, serving, tls_contexts
from support.neighbours import CALLBACK, WEB_URL, Neighbourhood, PersonAtProvider

DEADLINE_SECONDS = 0.3
"""Instead of five and ten seconds, while something is broken."""


DEADLINES = [
    (time_stamps, "ANSWER_SECONDS", time_stamps.ANSWER_SECONDS),
    (enterprise, "FETCH_SECONDS", enterprise.FETCH_SECONDS),
    (fetching, "TIMEOUT_SECONDS", fetching.TIMEOUT_SECONDS),
]


@dataclass
class Street:
    """The neighbours of one test, over TCP and TLS."""

    near: Neighbourhood
    tsa: FaultProxy
    crl: FaultProxy
    eid: FaultProxy
    application: object
    set_deadlines: Callable[[float | None], None]

    def breaks(self, name: str, fault: Fault) -> None:
        if fault is Fault.ANOTHERS_ANSWER:
            # Something whole and rightly signed to be answered with: a time-stamp over another imprint, the list of another CA.
            self.ports().time_stamps.time_stamp(sha256(b"another").digest())
            self.crl.forget()
            fetch_list(f"{self.crl.url}/crl/enterprise-root.crl")
        self.set_deadlines(DEADLINE_SECONDS)
        getattr(self, name).set(fault)

    def mends(self) -> None:
        self.set_deadlines(None)
        for proxy in (self.tsa, self.crl, self.eid):
            proxy.set(Fault.NONE)

    def ports(self) -> Ports:
        """What a process that has just started has at its ports."""
        near = self.near
        return replace(
            near.ports,
            time_stamps=HttpTimeStamps(urls=[f"{self.tsa.url}/tsa"], roots=near.ports.roots, clock=near.clock, chance=SystemChance()),
            validation=FetchedValidationMaterial(
                certificates=[near.material.trust, near.material.keys / "person-ca.pem", near.material.keys / "seal.pem"],
                crl_urls=[f"{self.crl.url}/crl/{name}.crl" for name in ("person-root", "tsa-root", "seal-root")],
                clock=near.clock,
            ),
            identity_providers=EidProviders(
                read_provider_settings(
                    provider_configuration(self.eid.url + ISSUER_PATH), keys=near.material.keys, redirect_url=CALLBACK, post_logout_url=None
                ),
                clock=near.clock,
                chance=SystemChance(),
            ),
        )

    def senders_trust(self, cache: Path) -> EnterpriseTrust:
        return EnterpriseTrust(
            ca_folder=self.near.material.ca,
            crl_urls=[f"{self.crl.url}/crl/{name}.crl" for name in ("enterprise-root", "enterprise-issuing")],
            cache_folder=cache,
            real_now=self.near.clock.real_now,
        )

    def logs_in(self, url: str, person: str) -> dict[str, str]:
        """Log a person in, by a browser that reaches the provider whatever is broken for Segl."""
        transport = httpx.WSGITransport(app=self.application)  # type: ignore[arg-type]
        with httpx.Client(transport=transport, base_url=self.eid.url) as browser:
            return PersonAtProvider(browser).log_in(url, person=person)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("neighbours-tls")


@pytest.fixture
def street(
    sandbox_material: SandboxMaterial,
    sandbox_keys: FileKeys,
    tmp_path: Path,
    transactional_db: None,
    certificates: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Street]:
    contexts = tls_contexts(certificates)
    monkeypatch.setattr(certifi, "where", lambda: str(certificates / "neighbours.pem"))
    seed_organizations(sandbox_material)
    near = Neighbourhood(material=sandbox_material, folder=tmp_path, keys=sandbox_keys)
    eid = FaultProxy(upstream=0, contexts=contexts)
    eid.set(Fault.NONE)
    application = create_application(
        data=sandbox_material.data, base_url=eid.url, web_url=WEB_URL, now=near.clock.now, real_now=near.clock.real_now
    )

    def set_deadlines(seconds: float | None) -> None:
        for module, name, usual in DEADLINES:
            setattr(module, name, usual if seconds is None else seconds)

    with serving(application) as port, ExitStack() as proxies:
        eid.upstream = port
        tsa, crl = (FaultProxy(upstream=port, contexts=contexts) for _ in range(2))
        for proxy in (tsa, crl, eid):
            proxy.set(Fault.NONE)
            proxies.callback(proxy.close)
        proxies.callback(set_deadlines, None)
        yield Street(near=near, tsa=tsa, crl=crl, eid=eid, application=application, set_deadlines=set_deadlines)
