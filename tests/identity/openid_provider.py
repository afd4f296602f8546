"""The npm package `oidc-provider` running beside the tests, and a person's browser at it."""

from __future__ import annotations

import json
import select
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, RSAKey

from adapters.eid_provider import SETTINGS
from segl.adapters.eid import ClientKey, ClientSecret, ProviderSettings
from support.neighbours import CALLBACK

FOLDER = Path(__file__).parents[2] / "interop/oidc-provider"
READY_WITHIN_SECONDS = 60
SECRET = "a secret of the client's that is long enough for HS256: 0123456789"
CLIENT_KEY = ec.generate_private_key(ec.SECP256R1())
ENCRYPTION_KEY = RSAKey.generate_key(2048)

CLIENTS: dict[str, dict[str, Any]] = {
    "segl": {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [{**ECKey.import_key(CLIENT_KEY.public_key()).as_dict(private=False), "kid": "client-key-1"}]},
    },
    "segl-by-secret": {"client_secret": SECRET, "id_token_signed_response_alg": "PS256"},
    "segl-es256": {"client_secret": SECRET, "id_token_signed_response_alg": "ES256"},
    "signed-with-the-secret": {"client_secret": SECRET, "id_token_signed_response_alg": "HS256"},
    "signed-with-ed25519": {"client_secret": SECRET, "id_token_signed_response_alg": "EdDSA"},
    "encrypted": {
        "client_secret": SECRET,
        "id_token_encrypted_response_alg": "RSA-OAEP",
        "id_token_encrypted_response_enc": "A256GCM",
        "jwks": {"keys": [{**ENCRYPTION_KEY.as_dict(private=False), "use": "enc", "kid": "enc-1"}]},
    },
}
"""How each client is registered; what all have in common is added in `running`."""


def settings(issuer: str, client_id: str = "segl", **changes: Any) -> ProviderSettings:
    key = ClientKey(private_key=CLIENT_KEY, key_id="client-key-1")
    return replace(
        SETTINGS,
        issuer=issuer,
        client_id=client_id,
        client_authentication=key if client_id == "segl" else ClientSecret(secret=SECRET),
        redirect_url=CALLBACK,
        post_logout_url=None,
        acr_map=SETTINGS.acr_map,
        extra_parameters=MappingProxyType({}),
        **changes,
    )


@contextmanager
def running() -> Iterator[str]:
    """Start the provider, and give its issuer."""
    node = shutil.which("node")
    assert node is not None, "There is no node. Run script/install test, or install Debian's packages nodejs and npm."
    assert (FOLDER / "node_modules").is_dir(), "oidc-provider is not installed. Run script/install test."
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    common = {"redirect_uris": [CALLBACK], "response_types": ["code"], "grant_types": ["authorization_code"]}
    clients = [{"client_id": name, **common, **client} for name, client in CLIENTS.items()]
    command = [node, "provider.mjs", json.dumps({"port": port, "clients": clients})]
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            while "ready" not in said:
                assert select.select([process.stdout], [], [], READY_WITHIN_SECONDS)[0], f"It does not start:\n{said}"
                line = process.stdout.readline()
                assert line, f"It ended:\n{said}"
                said += line
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@dataclass
class Person:
    """Somebody with a browser at the provider: its session is kept from one log-in to the next."""

    browser: httpx.Client
    asked: list[dict[str, Any]] = field(default_factory=list)
    """What the provider was asked for, at each log-in that it showed."""

    def goes(self, url: str, **answer: str) -> dict[str, str]:
        """Go where Segl sends, answer whatever is asked with `answer`, and return what comes back to Segl's callback."""
        response = self.browser.get(url)
        while True:
            assert response.is_redirect, response.text
            location = str(httpx.URL(str(response.url)).join(response.headers["Location"]))
            if location.startswith(CALLBACK):
                return dict(parse_qsl(urlsplit(location).query))
            response = self.browser.get(location)
            if "/interaction/" in location:
                self.asked.append(response.json())
                response = self.browser.post(location, data=answer)
