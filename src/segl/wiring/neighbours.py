"""The one place that chooses what stands at each port (actions/ports.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from segl.actions.ports import Policy, Ports
from segl.adapters.chance import SystemChance
from segl.adapters.clock import clock_of
from segl.adapters.document_store import open_store
from segl.adapters.eid import EidProviders, ProviderSettings, read_provider_settings
from segl.adapters.fence.caller import ProcessFence
from segl.adapters.keys.files import FileKeys
from segl.adapters.time_stamps import HttpTimeStamps
from segl.adapters.trust.enterprise import EnterpriseTrust, read_certificates
from segl.adapters.trust.validation_material import FetchedValidationMaterial
from segl.settings import Settings

SANDBOX_REFRESH_SECONDS = 60.0
PRODUCTION_REFRESH_SECONDS = 300.0


def build_ports(settings: Settings) -> Ports:
    """Return all neighbours; nothing is fetched yet."""
    clock = clock_of(is_sandbox=settings.is_sandbox)
    chance = SystemChance()
    roots = read_certificates(settings.trust)
    return Ports(
        clock=clock,
        chance=chance,
        documents=open_store(settings.storage_url),
        fence=ProcessFence(),
        time_stamps=HttpTimeStamps(urls=settings.tsa_urls, roots=roots, clock=clock, chance=chance),
        validation=FetchedValidationMaterial(
            certificates=[settings.trust, settings.keys / "person-ca.pem", settings.keys / "seal.pem"],
            crl_urls=settings.crl_urls,
            clock=clock,
        ),
        keys=FileKeys(settings.keys),
        identity_providers=EidProviders(_providers(settings), clock=clock, chance=chance),
        enterprise=EnterpriseTrust(
            ca_folder=settings.enterprise_ca,
            crl_urls=settings.enterprise_crl_urls,
            cache_folder=settings.data / "revocation",
            real_now=clock.real_now,
            refresh_seconds=SANDBOX_REFRESH_SECONDS if settings.is_sandbox else PRODUCTION_REFRESH_SECONDS,
        ),
        roots=roots,
        policy=Policy(
            is_sandbox=settings.is_sandbox,
            redirect_lifetime=timedelta(seconds=settings.redirect_lifetime),
            new_redirect_lifetime=timedelta(seconds=settings.new_redirect_lifetime),
            poll_interval=timedelta(seconds=settings.poll_interval),
            poll_lease=timedelta(seconds=settings.poll_lease),
            rate_limit=settings.rate_limit,
            signing_time_tolerance=timedelta(seconds=settings.signing_time_tolerance),
        ),
    )


def _providers(settings: Settings) -> Sequence[ProviderSettings]:
    if settings.identity_providers is not None:
        text = settings.identity_providers.read_text()
    else:
        text = (settings.sandbox_folder / "identity-providers.json").read_text()
    return read_provider_settings(
        text, keys=settings.keys, redirect_url=f"{settings.web_url}/eid/callback", post_logout_url=f"{settings.web_url}/logged-out"
    )
