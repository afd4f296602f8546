"""
The sandbox's neighbours behind one address: identity provider (`/idp`), time-stamp authority (`/tsa`), revocation lists (`/crl`).

In production each is somebody else's; here they run in a process of their own, which the product knows by address only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from segl.sandbox import identity_provider, time_stamp_authority
from segl.sandbox.identity_provider.exchange import Answer, BadRequest, Request, read_request, respond
from segl.sandbox.material import SandboxMaterial, UnknownRevocationList, revocation_list
from segl.sandbox.material.revocation import REAL_TIME_LISTS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ISSUER_PATH = "/idp"
TIME_STAMP_QUERY = "application/timestamp-query"  # RFC 3161, 3.4
TIME_STAMP_REPLY = "application/timestamp-reply"

log = logging.getLogger(__name__)


def create_application(
    *, data: Path, base_url: str, web_url: str, now: Callable[[], datetime], real_now: Callable[[], datetime]
) -> WSGIApplication:
    """
    Put the neighbours together, over the material that `segl.sandbox.material.ensure` has made below `data`.

    `base_url` is the neighbours' own address, `web_url` that of the signer's pages, both without a slash at the end. `now` tells
    Segl's time, which the sandbox may move forward; `real_now` the system's, for the lists of the enterprise CA.
    """
    return Neighbours(
        material=SandboxMaterial(data=data),
        identity_provider=identity_provider.create_application(
            material=SandboxMaterial(data=data), issuer=base_url + ISSUER_PATH, web_url=web_url, now=now
        ),
        now=now,
        real_now=real_now,
    )


class Neighbours:
    """The WSGI application that sends each request to its neighbour."""

    def __init__(
        self,
        *,
        material: SandboxMaterial,
        identity_provider: WSGIApplication,
        now: Callable[[], datetime],
        real_now: Callable[[], datetime],
    ) -> None:
        self._material = material
        self._identity_provider = identity_provider
        self._now = now
        self._real_now = real_now
        self._time_stamp_authority = material.time_stamp_authority  # loaded once: the key is RSA

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        try:
            if path == ISSUER_PATH or path.startswith(f"{ISSUER_PATH}/"):
                return self._identity_provider(environ, start_response)
            answer = self._answer(read_request(environ))
        except BadRequest as error:
            answer = Answer(status=HTTPStatus.BAD_REQUEST, body=f"{error}\n".encode())
        except Exception:
            # The last door: what went wrong is for the log, which carries the place but nothing of the request.
            log.exception("A neighbour failed")
            answer = Answer(status=HTTPStatus.INTERNAL_SERVER_ERROR, body=b"The neighbour failed. Its log says why.\n")
        return respond(answer, start_response)

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path.strip("/").split("/"):
            case (("GET" | "HEAD"), ["health"]):
                return Answer(content_type="application/json", body=json.dumps({"status": "ok", "process": "neighbours"}).encode())
            case "GET", ["crl", file] if file.endswith(".crl"):
                return self._revocation_list(file.removesuffix(".crl"))
            case "POST", ["tsa"]:
                return self._time_stamp(request)
            case _:
                return Answer(status=HTTPStatus.NOT_FOUND, body=b"There is no such neighbour.\n")

    def _revocation_list(self, name: str) -> Answer:
        at = self._real_now() if name in REAL_TIME_LISTS else self._now()
        try:
            content = revocation_list(self._material, name, at=at)
        except UnknownRevocationList:
            return Answer(status=HTTPStatus.NOT_FOUND, body=b"There is no revocation list of that name.\n")
        return Answer(content_type="application/pkix-crl", body=content, headers=(("Cache-Control", "no-store"),))

    def _time_stamp(self, request: Request) -> Answer:
        if request.content_type != TIME_STAMP_QUERY:
            return Answer(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, body=f"Send {TIME_STAMP_QUERY}.\n".encode())
        pair = self._time_stamp_authority
        reply = time_stamp_authority.answer(
            request.body, certificate=pair.certificates[0], chain=pair.certificates[1:], private_key=pair.private_key, now=self._now()
        )
        return Answer(content_type=TIME_STAMP_REPLY, body=reply, headers=(("Cache-Control", "no-store"),))
