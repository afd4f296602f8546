"""A Segl of the test's own behind the demo sender: it takes jobs, and lets the test say what the signer did."""

from __future__ import annotations

import email
import email.policy
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from lxml import etree
from segl_client import Exchange, SeglClient, SenderCertificate

NS = "{http://signering.posten.no/schema/v1}"
XMLNS = 'xmlns="http://signering.posten.no/schema/v1"'
PUPIL, MOTHER, STRANGER = "14830750003", "22898410068", "57887940020"
PEOPLE = ((PUPIL, "Ingrid Solvang"), (MOTHER, "Jonas <Myhre>"), (STRANGER, "Mikkel Dahl"), ("18929600017", None))
API = "https://localhost:8443"
WEB = "http://localhost:8000"


def write_sandbox(data: Path) -> None:
    """Write the two JSON files that the demo reads."""
    sandbox = data / "sandbox"
    sandbox.mkdir(parents=True)
    people = [{"nationalIdentityNumber": number, "name": name, "levels": [4], "eids": ["BankID"]} for number, name in PEOPLE]
    (sandbox / "persons.json").write_text(json.dumps(people))
    organizations = [
        {"organizationNumber": "123456785", "role": "public-sender"},
        {"organizationNumber": "987654325", "role": "private-sender"},
    ]
    (sandbox / "organizations.json").write_text(json.dumps(organizations))


@dataclass
class FakeSegl:
    """One job at a time; `statuses` is what its signers have done, `refuse` an error code to answer everything with."""

    statuses: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    request_xml: bytes = b""
    redirects: int = 0
    refuse: str = ""
    is_unreachable: bool = False

    def client(self, certificate: SenderCertificate) -> Callable[[str, Callable[[Exchange], None]], SeglClient]:
        """Return what the demo's desk makes its clients with."""
        numbers = {"public-sender": "123456785", "private-sender": "987654325"}
        return lambda role, observer: SeglClient(
            API, numbers[role], certificate=certificate, transport=httpx.MockTransport(self.answer), observer=observer
        )

    @property
    def pades(self) -> bytes:
        """Return the sealed PDF as it now stands: it changes with each signature."""
        return b"%PDF-1.7 sealed " + " ".join(f"{n}={s}" for n, s in self.statuses.items()).encode()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Play the API."""
        self.requests.append(f"{request.method} {request.url.path}")
        if self.is_unreachable:
            raise httpx.ConnectError("nobody there", request=request)
        if self.refuse:
            code = f"<error-code>{self.refuse}</error-code><error-message>Do otherwise</error-message><error-type>CLIENT</error-type>"
            return _xml(f"<error {XMLNS}>{code}</error>", 400)
        path = request.url.path
        if path.endswith("/pades"):
            return httpx.Response(200, content=self.pades, headers={"Content-Type": "application/octet-stream"})
        if path.endswith("/status"):
            if request.url.params["status_query_token"] != "right-token":
                self.refuse = "INVALID_STATUS_QUERY_TOKEN"
                return self.answer(request)
            return _xml(self._status(path.removesuffix("/status")))
        if path.endswith("/complete/1"):
            return httpx.Response(200)
        if match := re.search(r"/signers/([0-9]+)$", path):
            return _xml(self._signer(path, list(self.statuses)[int(match[1]) - 1], "direct-signer-response"))
        return self._create(request)

    def _create(self, request: httpx.Request) -> httpx.Response:
        whole = b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n" + request.content
        xml, bundle = (part.get_payload(decode=True) for part in email.message_from_bytes(whole, policy=email.policy.HTTP).iter_parts())
        self.request_xml = xml
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        manifest = etree.fromstring(self.files["manifest.xml"])
        self.statuses = {element.text or "": "WAITING" for element in manifest.iter(f"{NS}personal-identification-number")}
        job = f"{request.url.path}/77"
        signers = [self._signer(f"{job}/signers/{n}", number, "signer") for n, number in enumerate(self.statuses, start=1)]
        inside = f"<signature-job-id>77</signature-job-id><status-url>{API}{job}/status</status-url>{''.join(signers)}"
        return _xml(f"<direct-signature-job-response {XMLNS}>{inside}</direct-signature-job-response>")

    def _signer(self, path: str, number: str, name: str) -> str:
        self.redirects += 1
        inside = f"<personal-identification-number>{number}</personal-identification-number>"
        inside += f"<redirect-url>{WEB}/redirect/secret-{self.redirects}</redirect-url>"
        return f'<{name} {XMLNS} href="{API}{path}">{inside}</{name}>'

    def _status(self, job: str) -> str:
        done = set(self.statuses.values())
        status = "COMPLETED_SUCCESSFULLY" if done == {"SIGNED"} else "FAILED" if done & {"REJECTED", "FAILED"} else "IN_PROGRESS"
        rows = "".join(f'<status signer="{n}" since="2026-05-04T12:00:00Z">{s}</status>' for n, s in self.statuses.items())
        pades = f"<pades-url>{API}{job}/pades</pades-url>" if "SIGNED" in done else ""
        inside = f"<signature-job-id>77</signature-job-id><signature-job-status>{status}</signature-job-status>{rows}"
        inside += f"<confirmation-url>{API}{job}/complete/1</confirmation-url>{pades}"
        return f"<direct-signature-job-status-response {XMLNS}>{inside}</direct-signature-job-status-response>"


def _xml(body: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=body.encode(), headers={"Content-Type": "application/xml"})
