"""
HTTP over mutual TLS, byte by byte, and what holds for every single answer of the API.

No HTTP library stands between a test and the wire: a request is the bytes a client really sends, an answer is the bytes that came back.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from socket import create_connection
from types import TracebackType
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from segl.wire.reading import schema
from segl.xml.parsing import parse
from support.running_segl import RunningSegl
from wire.wire_xml import reference_folder

NS = "{http://signering.posten.no/schema/v1}"
XML, BYTES, TEXT = "application/xml", "application/octet-stream", "text/plain"
POLL_TIME = "x-next-permitted-poll-time"
POLL_TIME_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
"""What both Java's ISO_DATE_TIME and .NET's DateTime.Parse read, in any culture (wire-spec.md 12.2)."""
JOB_STATUSES = {"IN_PROGRESS", "COMPLETED_SUCCESSFULLY", "FAILED"}
SECONDS = 30.0

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it stood on the wire."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str | None:
        found = self.all(name)
        assert len(found) <= 1, f"{name} stands {len(found)} times"
        return found[0] if found else None

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    def texts(self, name: str) -> list[str]:
        return [element.text or "" for element in self.xml.iter(f"{NS}{name}")]

    def text(self, name: str) -> str:
        (only,) = self.texts(name)
        return only

    @property
    def error_code(self) -> str:
        return self.text("error-code") if self.status >= 400 else ""

    @property
    def message(self) -> str:
        return self.text("error-message")

    @property
    def permitted_at(self) -> datetime:
        value = self.header(POLL_TIME)
        assert value is not None
        return datetime.fromisoformat(value)

    def refuses(self, status: int, code: str, words: str = "") -> None:
        """Assert that this is that refusal."""
        assert (self.status, self.error_code) == (status, code), self.body.decode()
        assert words in self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An organization with its certificate: it opens connections and signs bundles."""

    number: str
    pem: Path
    key_file: Path

    @property
    def certificates(self) -> list[x509.Certificate]:
        """Return the certificate, then its chain."""
        return x509.load_pem_x509_certificates(self.pem.read_bytes())

    @property
    def key(self) -> RSAPrivateKey:
        key = load_pem_private_key(self.key_file.read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        return key


def tls(party: Party | None, roots: Iterable[Path]) -> ssl.SSLContext:
    """Return a client's settings: these roots alone are trusted, host names are not looked at (wire-spec.md 4.2)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    for root in roots:
        context.load_verify_locations(root)
    if party is not None:
        context.load_cert_chain(party.pem, party.key_file)
    return context


class Connection:
    """One TLS connection to the API, used for as many calls as one likes."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        plain = create_connection(("127.0.0.1", port), timeout=SECONDS)
        try:
            self.socket = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        except BaseException:
            plain.close()
            raise
        self._rest = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.socket.close()

    def say(self, request: bytes) -> None:
        self.socket.sendall(request)

    def hear(self, *, has_body: bool = True) -> Answer:
        """Read one answer to its last byte, and hold it against everything that every answer must be."""
        answer = self.hear_head()
        length = int(answer.header("content-length") or "0")
        while has_body and len(self._rest) < length:
            self._receive()
        body, self._rest = (self._rest[:length], self._rest[length:]) if has_body else (b"", self._rest)
        whole = Answer(status=answer.status, headers=answer.headers, body=body)
        check(whole, has_body=has_body)
        return whole

    def hear_head(self) -> Answer:
        while b"\r\n\r\n" not in self._rest:
            self._receive()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        version, status, *_ = first.split(" ")
        assert version == "HTTP/1.1"
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return Answer(status=int(status), headers=headers, body=b"")

    def ask(self, request: bytes) -> Answer:
        self.say(request)
        return self.hear(has_body=not request.startswith(b"HEAD "))

    def _receive(self) -> None:
        part = self.socket.recv(1 << 16)
        assert part, f"the connection ended in the middle of an answer: {self._rest[:200]!r}"
        self._rest += part


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The API of one running Segl, as one party calls it; each call has a connection of its own."""

    segl: RunningSegl
    party: Party
    sender: str
    """The organization number in the addresses."""

    @property
    def context(self) -> ssl.SSLContext:
        return _context(self.party, self.segl.sandbox / "ca")

    def for_sender(self, number: str) -> Api:
        return Api(segl=self.segl, party=self.party, sender=number)

    @property
    def jobs(self) -> str:
        return f"/api/{self.sender}/direct/signature-jobs"

    def connect(self) -> Connection:
        return self.connect_with(self.context)

    def connect_with(self, context: ssl.SSLContext) -> Connection:
        return Connection(int(self.segl.environment["SEGL_API_PORT"]), context)

    def ask(self, request: bytes) -> Answer:
        with self.connect() as connection:
            return connection.ask(request)

    def get(self, url: str, *headers: tuple[str, str]) -> Answer:
        return self.ask(request("GET", url, *(headers or (("Accept", XML),))))

    def post(self, url: str, *headers: tuple[str, str], body: bytes = b"") -> Answer:
        return self.ask(request("POST", url, *headers, ("Content-Length", str(len(body))), body=body))

    def delete(self, url: str) -> Answer:
        return self.ask(request("DELETE", url, ("Accept", XML)))

    def poll(self, queue: str) -> Answer:
        """Poll with what follows the address, `?polling_queue=…` or nothing."""
        return self.get(f"{self.jobs}{queue}")


@cache
def _context(party: Party, folder: Path) -> ssl.SSLContext:
    return tls(party, sorted(folder.iterdir()))


def request(method: str, url: str, *headers: tuple[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of a request to an absolute or host-absolute address."""
    parts = urlsplit(url)
    target = parts.path + ("?" + parts.query if "?" in url else "")
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost:8443", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(body: bytes, size: int = 2048) -> bytes:
    """Return a body as Java's client frames it."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def check(answer: Answer, *, has_body: bool = True) -> None:
    """
    Hold an answer against the rules that know no exception (wire-spec.md 2, 3, 12.2, 14, 15).

    :raises AssertionError: telling which rule is broken.
    """
    for absent in ("content-encoding", "transfer-encoding", "set-cookie", "location"):
        assert answer.header(absent) is None, absent
    assert int(answer.header("retry-after") or "0") <= 2
    if answer.header(POLL_TIME) is not None:
        assert POLL_TIME_FORM.fullmatch(answer.header(POLL_TIME) or "")
    if answer.status == 204:
        assert answer.header("content-length") in {None, "0"}
        assert answer.header("content-type") is None
        return
    length = answer.header("content-length")
    assert length is not None
    if not has_body:
        return
    assert len(answer.body) == int(length)
    kind = answer.header("content-type")
    if answer.status >= 400:
        assert kind == XML
        assert answer.xml.tag == f"{NS}error"
        assert answer.text("error-type") == ("CLIENT" if answer.status < 500 else "SERVER")
        assert "\n" not in answer.message
    if kind == XML:
        _check_xml(answer)
    elif answer.body:
        assert kind in {BYTES, TEXT}
    else:
        assert kind is None
    if answer.status == 429:
        assert answer.header(POLL_TIME) is not None


def _check_xml(answer: Answer) -> None:
    assert b"<!DOCTYPE" not in answer.body
    root = answer.xml
    if not str(root.tag).startswith(NS):
        return  # a XAdES, which is not the API's own language
    schema().validate(parse(answer.body, what="answer"), what="answer")
    public = public_schema()
    if public is not None:
        public.assertValid(etree.ElementTree(root))
    for url in _urls(root):
        assert len(url) <= 500
        assert re.fullmatch(r"https?://\S+", url)
        assert "?" not in url
    for status in (element.text for element in root.iter(f"{NS}signature-job-status")):
        assert status in JOB_STATUSES


def _urls(root: etree._Element) -> Iterator[str]:
    for element in root.iter():
        if str(element.tag).endswith("-url"):
            yield element.text or ""
        if "href" in element.attrib:
            yield str(element.attrib["href"])


@cache
def public_schema() -> etree.XMLSchema | None:
    """Return the public schema of both flows, or None where the reference texts are not."""
    path = reference_folder() / "xsd" / "direct-and-portal.xsd"
    return etree.XMLSchema(etree.parse(path)) if path.is_file() else None
