"""
The calls a sender makes: one method an endpoint of the direct flow, over mutual TLS.

Paths, headers and answers are those of wire-spec.md 2, 5, 6, 9, 11, 12, 13 and 17.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from .bundle import bundle_of
from .certificate import SERVICE_ORGANIZATION_NUMBER, SenderCertificate, tls_context
from .errors import NoAnswer, NotSendable, RateLimited, TooEagerPolling, UnexpectedAnswer
from .jobs import CreatedJob, CreatedSigner, DirectJob, StatusChange
from .xml_messages import build_request, build_signer_update, read_created_job, read_error, read_signer, read_status

USER_AGENT = "segl-client/0.1.0"
PERMITTED_POLL_HEADER = "X-Next-permitted-poll-time"
DEFAULT_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
"""Seconds. A create of 10 MB may take ten of them (wire-spec.md 3)."""
# Idle connections are given up before a server gives them up (5 s): a create that met a closing one could not be told from a lost answer.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call as it went over the wire, for logs. Bodies hold personal data and tokens: redact before showing. Downloads have no body here."""

    method: str
    url: str = field(repr=False)
    request_xml: bytes = field(repr=False)
    http_status: int
    content_type: str
    answer: bytes = field(repr=False)


class SeglClient:
    """
    A sender's connection to the service. May be shared by threads; close it, or use it in a `with`.

    | Wish | How |
    |---|---|
    | one's own jobs | `SeglClient(url, "123456789", certificate=SenderCertificate.from_pkcs12("sender.p12", "…"), ca="ca/")` |
    | a broker's: another sender's jobs, own certificate | the sender's number as `organization_number`, or `client.for_sender("987654321")` |
    | host name checked in place of the organization | `server_organization=None` |

    No call is ever repeated by the client: what to do after NoAnswer is the caller's to judge.
    """

    def __init__(
        self,
        api_url: str,
        organization_number: str,
        *,
        certificate: SenderCertificate,
        ca: Path | str | Sequence[Path | str] = (),
        server_organization: str | None = SERVICE_ORGANIZATION_NUMBER,
        timeout: httpx.Timeout | float = DEFAULT_TIMEOUT,
        proxy: str | None = None,
        transport: httpx.BaseTransport | None = None,
        observer: Callable[[Exchange], None] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """
        Make ready; nothing is sent yet.

        `api_url` is the API's address with or without `/api`; `organization_number` the sender's nine digits. `ca` names CA files or folders of
        them. `transport` stands in for the network in tests. `observer` is told of every call that was answered.

        :raises NotSendable: if a certificate file cannot be used.
        """
        self._root = api_url.rstrip("/").removesuffix("/api")
        self.organization_number = organization_number
        self._certificate = certificate
        self._observer = observer
        self._clock = clock
        self._permitted: dict[str, datetime] = {}
        if transport is None:
            places = [ca] if isinstance(ca, Path | str) else list(ca)
            context = tls_context(
                sender=certificate, authorities=[Path(place) for place in places], server_organization=server_organization
            )
            transport = httpx.HTTPTransport(verify=context, proxy=proxy, trust_env=False, limits=LIMITS)
        self._http = httpx.Client(transport=transport, timeout=timeout, headers={"User-Agent": USER_AGENT}, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def for_sender(self, organization_number: str) -> SeglClient:
        """Return a client that acts for another sender with the same certificate and the same connections (a broker)."""
        other = copy(self)
        other.organization_number = organization_number
        other._permitted = {}
        return other

    def greeting(self) -> str:
        """
        Ask the service who it thinks this is.

        :raises NotAuthorized, BrokerNotAuthorized: if it lets this certificate, or this pair, in no further.
        """
        return self._call("GET", self._url(""), accept="*/*").text

    def create_direct_job(self, job: DirectJob) -> CreatedJob:
        """
        Send a job; when this returns the job exists and its documents have been accepted.

        Never repeated: after NoAnswer the job may exist.

        :raises NotSendable: before anything is sent, if a text cannot stand in XML.
        :raises ApiError: if the service refuses it; the message says what to change.
        """
        bundle = bundle_of(job, sender=self.organization_number, certificate=self._certificate, signed_at=self._clock())
        return self.create_direct_job_from(request=build_request(job), bundle=bundle)

    def create_direct_job_from(self, *, request: bytes, bundle: bytes) -> CreatedJob:
        """Send a request XML and a bundle made elsewhere, as they are."""
        boundary = f"segl-{secrets.token_hex(16)}"
        body = b"\r\n".join(
            (
                f"--{boundary}\r\nContent-Type: application/xml\r\n".encode(),
                request,
                f"--{boundary}\r\nContent-Type: application/octet-stream\r\n".encode(),
                bundle,
                f"--{boundary}--\r\n".encode(),
            )
        )
        answer = self._call(
            "POST",
            self._url("/direct/signature-jobs"),
            content=body,
            headers={"Content-Type": f"multipart/mixed; boundary={boundary}"},
            shown=request,
        )
        return read_created_job(answer.content, http_status=answer.status_code)

    def new_redirect_url(self, signer: CreatedSigner | str) -> CreatedSigner:
        """
        Ask for a fresh redirect URL for a signer (or the signer's href); earlier unused ones stop working.

        :raises ApiError: SIGNER_NOT_WAITING if this signer has nothing more to do.
        """
        href = signer if isinstance(signer, str) else signer.href
        request = build_signer_update()
        answer = self._call("POST", href, content=request, headers={"Content-Type": "application/xml"}, shown=request)
        return read_signer(answer.content, http_status=answer.status_code)

    def status(self, job: CreatedJob | str, token: str) -> StatusChange:
        """
        Ask for a job's status with the token that its exit URL was given. `job` may be the status URL itself.

        :raises InvalidStatusQueryToken, CeremonyNotCompleted: by what the service thinks of the token.
        :raises NotSendable: if the job is one to be polled for, and so has no status URL.
        """
        url = job if isinstance(job, str) else job.status_url
        if url is None:
            raise NotSendable("The job has no status URL: it is to be polled for.")
        answer = self._call("GET", f"{url}?status_query_token={quote(token, safe='')}")
        return read_status(answer.content, http_status=answer.status_code)

    def poll(self, queue: str = "") -> StatusChange | None:
        """
        Fetch the next change of the queue ("" is the default one), or None when there is none now.

        When to poll again stands in `next_permitted_poll_at(queue)`, and on the change. An unconfirmed change comes again after ten minutes.

        :raises TooEagerPolling: if polled before the permitted time.
        """
        url = self._url("/direct/signature-jobs") + (f"?polling_queue={quote(queue, safe='')}" if queue else "")
        try:
            answer = self._call("GET", url, accepted=(200, 204))
        except TooEagerPolling as early:
            self._remember(queue, early.next_permitted_poll_at)
            raise
        permitted = _permitted_time(answer.headers)
        self._remember(queue, permitted)
        if answer.status_code == 204:
            return None
        return read_status(answer.content, http_status=200, next_permitted_poll_at=permitted)

    def next_permitted_poll_at(self, queue: str = "") -> datetime | None:
        """Return when the service last said that this queue may be polled again; None before the first poll."""
        return self._permitted.get(queue)

    def confirm(self, change: StatusChange | str) -> None:
        """
        Tell the service that a change (or its confirmation URL) has been dealt with. May be repeated.

        :raises NotSendable: if the change has no confirmation URL.
        """
        url = change if isinstance(change, str) else change.confirmation_url
        if url is None:
            raise NotSendable("The status has no confirmation URL.")
        self._call("POST", url, accepted=(200, 204))

    def delete_documents(self, change: StatusChange | str) -> None:
        """
        Delete a finished job's documents (by the change, or its delete-documents URL). May be repeated.

        :raises ApiError: DOCUMENTS_NOT_DELETABLE if it is too early; the message says when.
        :raises NotSendable: if the change has no such URL.
        """
        url = change if isinstance(change, str) else change.delete_documents_url
        if url is None:
            raise NotSendable("The documents cannot be deleted now: the status has no delete-documents URL.")
        self._call("DELETE", url, accepted=(200, 204))

    def xades(self, url: str) -> bytes:
        """Fetch one signer's signature (XML)."""
        with self._opened(url, accept="application/xml") as answer:
            return answer.read()

    def pades(self, url: str) -> bytes:
        """Fetch the sealed PDF with the signatures there are so far."""
        with self._opened(url, accept="application/octet-stream, application/xml") as answer:
            return answer.read()

    def save(self, url: str, path: Path | str) -> Path:
        """
        Fetch a XAdES or PAdES into a file without holding it in memory; the file is there whole or not at all.

        :raises OSError: if the file cannot be written.
        """
        target = Path(path)
        with self._opened(url, accept="application/octet-stream, application/xml") as answer:
            handle, unfinished = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
                Path(unfinished).replace(target)
            except BaseException:
                Path(unfinished).unlink(missing_ok=True)
                raise
        return target

    def _url(self, path: str) -> str:
        return f"{self._root}/api/{self.organization_number}{path}"

    def _remember(self, queue: str, permitted: datetime | None) -> None:
        if permitted is not None:
            self._permitted[queue] = permitted

    def _call(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/xml",
        accepted: Sequence[int] = (200,),
        shown: bytes = b"",
    ) -> httpx.Response:
        with _network_fenced():
            answer = self._http.request(method, url, content=content, headers={"Accept": accept, **(headers or {})})
        self._observe(method, url, shown, answer, answer.content)
        _raise_unless(accepted, answer)
        return answer

    @contextmanager
    def _opened(self, url: str, *, accept: str) -> Iterator[httpx.Response]:
        with _network_fenced(), self._http.stream("GET", url, headers={"Accept": accept}) as answer:
            refused = answer.status_code != 200
            self._observe("GET", url, b"", answer, answer.read() if refused else b"")
            _raise_unless((200,), answer)
            yield answer

    def _observe(self, method: str, url: str, request: bytes, answer: httpx.Response, body: bytes) -> None:
        if self._observer is not None:
            kind = answer.headers.get("Content-Type", "")
            self._observer(
                Exchange(method=method, url=url, request_xml=request, http_status=answer.status_code, content_type=kind, answer=body)
            )


@contextmanager
def _network_fenced() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as failed:
        raise NoAnswer(
            f"The service gave no answer ({type(failed).__name__}: {failed}). Check address, CA files and certificate."
        ) from failed


def _raise_unless(accepted: Sequence[int], answer: httpx.Response) -> None:
    status = answer.status_code
    if status in accepted:
        return
    if status < 400:
        raise UnexpectedAnswer(f"HTTP {status} is no answer of this API. Check the address.", http_status=status)
    error = read_error(answer.content, http_status=status)
    if isinstance(error, TooEagerPolling):
        error.next_permitted_poll_at = _permitted_time(answer.headers)
    elif isinstance(error, RateLimited):
        error.next_permitted_call_at = _permitted_time(answer.headers)
    raise error


def _permitted_time(headers: httpx.Headers) -> datetime | None:
    try:
        instant = datetime.fromisoformat(headers.get(PERMITTED_POLL_HEADER, ""))
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None
