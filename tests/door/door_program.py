"""The API's door with a small application behind it, as a program of its own: `door_program.py api|web`, settings in the environment."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from segl.adapters.trust.enterprise import EnterpriseTrust
from segl.certificates import CertificateRevoked, RevocationUnknown
from segl.entrypoints.api.door.body import BodyTooLarge, BodyUnreadable, read_body
from segl.entrypoints.api.door.peer import peer_certificate
from segl.entrypoints.api.door.refusals import RefusedHandshake
from segl.settings import load
from segl.wiring.servers import serve_api, serve_web

SETTINGS = load(os.environ)
SEEN = SETTINGS.data / "refused.jsonl"


def record(refusal: RefusedHandshake) -> None:
    with SEEN.open("a") as file:
        file.write(json.dumps({"refusal": refusal.refusal, "organization": refusal.organization, "subject": refusal.subject}) + "\n")


def make(trust: EnterpriseTrust | None) -> Any:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        if path == "/boom":
            raise RuntimeError("secret-of-the-application")
        if path == "/slow":
            time.sleep(1.5)
        if path == "/large":
            start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(4 << 20))])
            return [b"x" * (1 << 20)] * 4
        status, told = "200 OK", "good"
        peer = peer_certificate(environ)
        if trust is not None and peer is not None:
            try:
                trust.check(peer)
            except (CertificateRevoked, RevocationUnknown) as error:
                status, told = "503 Service Unavailable", type(error).__name__
        body = b""
        if path != "/unread":
            try:
                body = read_body(environ)
            except BodyTooLarge:
                status, told = "413 Content Too Large", "BodyTooLarge"
            except BodyUnreadable:
                status, told = "400 Bad Request", "BodyUnreadable"
        answer = json.dumps(
            {
                "peer": peer.subject.rfc4514_string() if peer else None,
                "trust": told,
                "length": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "scheme": environ["wsgi.url_scheme"],
                "address": environ["REMOTE_ADDR"],
                "pid": os.getpid(),
                "headers": sorted(key for key in environ if key.startswith("HTTP_")),
            }
        ).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]

    return application


def main() -> None:
    if sys.argv[1] == "web":
        serve_web(settings=SETTINGS, load=lambda: make(None))
        return
    trust = EnterpriseTrust(
        ca_folder=SETTINGS.enterprise_ca,
        crl_urls=SETTINGS.enterprise_crl_urls,
        cache_folder=Path(SETTINGS.data) / "crl",
        real_now=lambda: datetime.datetime.now(datetime.UTC),
        refresh_seconds=0.5,
    )
    serve_api(settings=SETTINGS, load=lambda: make(trust), trust=trust, record=record)


main()
