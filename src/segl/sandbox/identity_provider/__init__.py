"""
The sandbox's eID provider: a real OpenID Connect server where one picks a test person, an eID and a level.

`create_application` puts it together; `provider_configuration` is what Segl's relying party must be told of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.jwk import RSAKey

from segl.adapters.keys.files import read_private_key
from segl.sandbox.identity_provider.application import IdentityProvider
from segl.sandbox.identity_provider.authorization import ACR
from segl.sandbox.identity_provider.client import Registration
from segl.sandbox.identity_provider.state import State
from segl.sandbox.identity_provider.tokens import AMR
from segl.sandbox.material import MaterialDamaged, SandboxMaterial, read_persons

CLIENT_ID = "segl"
PROVIDER_ID = "sandbox"


def create_application(*, material: SandboxMaterial, issuer: str, web_url: str, now: Callable[[], datetime]) -> IdentityProvider:
    """Put the provider together: Segl at `web_url` is its only client, `now` tells Segl's time."""
    registration = Registration(
        client_id=CLIENT_ID,
        public_key=RSAKey.import_key(_rsa_key(material.eid_client_key).as_dict(private=False)),
        redirect_urls=frozenset({f"{web_url}/eid/callback"}),
        post_logout_urls=frozenset({f"{web_url}/logged-out"}),
    )
    return IdentityProvider(
        issuer=issuer,
        registration=registration,
        signing_key=_rsa_key(material.identity_provider_key),
        state=State(material.identity_provider_state),
        persons=read_persons(material.persons),
        now=now,
    )


def provider_configuration(issuer: str) -> str:
    """Return the JSON (SEGL_IDENTITY_PROVIDERS) that makes Segl's relying party use this provider."""
    provider = {
        "id": PROVIDER_ID,
        "name": "Test-eID",
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_key": "eid-client.key",
        "scopes": ["openid", "profile"],
        "par": True,
        "levels": {acr: int(level) for level, acr in ACR.items()},
        "ask": {str(int(level)): acr for level, acr in ACR.items()},
        "pid_claim": "pid",
        "name_claims": ["name"],
        "eids": {amr: eid for eid, amr in AMR.items()},
    }
    return json.dumps({"providers": [provider]})


def _rsa_key(path: Path) -> RSAKey:
    private_key = read_private_key(path)
    if not isinstance(private_key, RSAPrivateKey):
        raise MaterialDamaged(f"{path} holds no RSA key. Put it back from a backup.")
    return RSAKey.import_key(private_key)
