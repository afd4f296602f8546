"""
Everything the school says to Segl: create the job, ask for a new redirect URL, fetch the status and the signed document, confirm.

Each call is written down with the agreement, cleaned of tokens and identity numbers, for the page that shows them.
"""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lxml import etree
from segl_client import (
    CreatedJob,
    DirectJob,
    Document,
    DocumentType,
    Exchange,
    ExitUrls,
    SeglClient,
    SenderCertificate,
    SignatureType,
    Signer,
)

from .agreements import Agreement, Call, Memory, Party
from .contract import TERMS
from .people import SandboxNotReady, organization_of
from .settings import Settings

KEYSTORE_PASSWORD = "segl-sandbox"  # noqa: S105 — the sandbox's, public by design
SHOWN_CHARACTERS = 1500
MAX_CALLS = 40

ClientMaker = Callable[[str, Callable[[Exchange], None]], SeglClient]
"""From a sender's role and an observer to a client."""


class Desk:
    """The school's desk towards Segl. One client a sender role, made when first needed and shared by threads."""

    def __init__(self, *, settings: Settings, memory: Memory, make_client: ClientMaker | None = None) -> None:
        self._settings = settings
        self._memory = memory
        self._make_client = make_client or self._client_by_files
        self._clients: dict[str, SeglClient] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    def copy_file(self, id: str) -> Path:
        """Return where the signed copy of an agreement is kept."""
        return self._settings.data / "demo" / "copies" / f"{id}.pdf"

    def contract_file(self, id: str) -> Path:
        """Return where the contract is kept as it was sent."""
        return self._settings.data / "demo" / "contracts" / f"{id}.pdf"

    def create(self, agreement: Agreement) -> CreatedJob:
        """
        Send the agreement to Segl as a job, and remember the job.

        :raises SeglError: if Segl refuses it or cannot be reached.
        """
        back = self._settings.own_url + "/back/{}?avtale=" + agreement.id
        documents = [
            Document(
                title=f"Lærekontrakt i {agreement.trade}", content=self.contract_file(agreement.id).read_bytes(), name="laerekontrakt.pdf"
            )
        ]
        if agreement.with_terms:
            documents.append(Document(title="Vilkår for læretiden", content=TERMS.encode(), type=DocumentType.TEXT, name="vilkaar.txt"))
        job = DirectJob(
            title=f"Lærekontrakt i {agreement.trade}",
            description=f"Les kontrakten med {agreement.company} før du signerer. Spør skolen hvis noe er uklart."[:220],
            reference=agreement.id,
            documents=tuple(documents),
            signers=tuple(
                Signer(national_identity_number=party.number, signature_type=SignatureType(agreement.signature_type))
                for party in agreement.parties
            ),
            exit_urls=ExitUrls(completion=back.format("completed"), rejection=back.format("rejected"), error=back.format("error")),
        )
        with self._noted(agreement.id) as client:
            created = client(agreement.sender_role).create_direct_job(job)
        hrefs = {signer.signer: signer.href for signer in created.signers}

        def with_job(known: Agreement) -> Agreement:
            parties = tuple(dataclasses.replace(party, href=hrefs[party.number]) for party in known.parties)
            return dataclasses.replace(
                known, job_id=created.job_id, status_url=created.status_url or "", job_status="IN_PROGRESS", parties=parties
            )

        self._memory.change(agreement.id, with_job)
        return created

    def fresh_redirect_url(self, agreement: Agreement, party: Party) -> str:
        """
        Ask for a new redirect URL: the first one may be used or old.

        :raises SeglError: if Segl refuses or cannot be reached.
        """
        with self._noted(agreement.id) as client:
            return client(agreement.sender_role).new_redirect_url(party.href).redirect_url

    def take_back(self, agreement: Agreement, *, token: str, last_exit: str) -> Agreement:
        """
        Fetch the status with the token of the exit URL; fetch the signed document if there is one; only then confirm.

        Doing it again changes nothing.

        :raises SeglError: if Segl refuses the token or cannot be reached.
        """
        with self._noted(agreement.id) as client:
            segl = client(agreement.sender_role)
            change = segl.status(agreement.status_url, token)
            copy = self.copy_file(agreement.id)
            if change.pades_url:
                copy.parent.mkdir(parents=True, exist_ok=True)
                segl.save(change.pades_url, copy)
            if change.confirmation_url:
                segl.confirm(change)
        statuses = {signer.signer: signer.status for signer in change.signers}

        def with_status(known: Agreement) -> Agreement:
            parties = tuple(dataclasses.replace(p, status=statuses.get(p.number, p.status)) for p in known.parties)
            return dataclasses.replace(
                known,
                token=token,
                last_exit=last_exit,
                job_status=change.status.value,
                parties=parties,
                has_copy=known.has_copy or change.pades_url is not None,
            )

        return self._memory.change(agreement.id, with_status)

    def calls_of_this_thread(self) -> tuple[Call, ...]:
        """Return the calls noted last in this thread, for a page about a job that Segl refused."""
        return tuple(getattr(self._local, "calls", ()))

    @contextmanager
    def _noted(self, id: str) -> Iterator[Callable[[str], SeglClient]]:
        self._local.calls = []
        try:
            yield self._client
        finally:
            calls = tuple(self._local.calls)
            self._memory.change(id, lambda known: dataclasses.replace(known, calls=(*known.calls, *calls)[-MAX_CALLS:]))

    def _client(self, role: str) -> SeglClient:
        with self._lock:
            if role not in self._clients:
                self._clients[role] = self._make_client(role, self._note)
            return self._clients[role]

    def _note(self, exchange: Exchange) -> None:
        self._local.calls.append(shown_call(exchange))

    def _client_by_files(self, role: str, observer: Callable[[Exchange], None]) -> SeglClient:
        sandbox = self._settings.data / "sandbox"
        keystore = sandbox / f"{role}.p12"
        if not keystore.exists():
            raise SandboxNotReady(f"{keystore} is not there. Start Segl first, with the same SEGL_DATA.")
        return SeglClient(
            self._settings.api_url,
            organization_of(sandbox, role),
            certificate=SenderCertificate.from_pkcs12(keystore, KEYSTORE_PASSWORD),
            ca=sandbox / "ca",
            observer=observer,
        )


def shown_call(exchange: Exchange) -> Call:
    """Return a call as it may be shown: without tokens and identity numbers, XML indented, long bodies cut."""
    path = re.sub(r"^https?://[^/]+", "", exchange.url)
    binary = "octet-stream" in exchange.content_type or not exchange.answer
    return Call(
        line=_cleaned(f"{exchange.method} {path}"),
        status=exchange.http_status,
        request=_body(exchange.request_xml),
        answer=exchange.content_type if binary else _body(exchange.answer),
    )


def _body(body: bytes) -> str:
    if not body:
        return ""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True))
        text = etree.tostring(root, pretty_print=True, encoding="unicode")
    except etree.XMLSyntaxError:
        text = body.decode("utf-8", "replace")
    text = _cleaned(text).strip()
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "\n…"


def _cleaned(text: str) -> str:
    text = re.sub(r"(/redirect/)[^\s<\"]+", r"\1•••", text)
    text = re.sub(r"(status_query_token=)[^\s&<\"]+", r"\1•••", text)
    return re.sub(r"(?<![0-9])([0-9]{6})[0-9]{5}(?![0-9])", r"\1•••••", text)
