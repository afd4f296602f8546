"""The sender of the stories: jobs through the real API with the Python client, and a site of its own that browsers come back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import typst
from segl_client import (
    CreatedJob,
    DirectJob,
    Document,
    DocumentType,
    ExitUrls,
    SeglClient,
    SenderCertificate,
    Signer,
    SignerStatus,
    StatusChange,
)

from signing.live import serving
from support.running_segl import RunningSegl

INGRID, JONAS, AMINA, TORSTEIN, NAMELESS = "14830750003", "22898410068", "02929115077", "30888500029", "18929600017"
BACK_TITLE = "Tilbake hos avsenderen"

AGREEMENT = """
#set document(title: "Læreavtale i elektrikerfaget", date: none)
#set text(font: "Source Serif 4", fallback: true, size: 12pt, lang: "nb")
= Læreavtale i elektrikerfaget
Avtalen gjelder opplæring i bedrift, mellom lærlingen og Fjordheim Verksted AS.
== 1 Partene
#table(columns: 2, table.header[Rolle][Navn], [Lærling], [Ingrid Solvang], [Foresatt], [Jonas Myhre])
== 2 Læretiden
Læretiden er to år. Fravær ut over ti prosent forlenger den.
#pagebreak()
== 3 Plikter
Bedriften holder verktøy og arbeidstøy. Lærlingen følger planen for opplæringen.
#pagebreak()
== 4 Oppsigelse
Begge parter kan si opp avtalen skriftlig.
"""
TERMS = "Vilkår for læretiden\n\n1. Læretiden er to år.\n2. Lærlingen har fem uker ferie i året.\n3. Bedriften holder verktøy.\n"


@cache
def agreement() -> bytes:
    """A tagged PDF of three pages."""
    made: bytes = typst.compile(AGREEMENT.encode(), format="pdf")
    return made


@cache
def appendix() -> bytes:
    """A tagged PDF of one page."""
    made: bytes = typst.compile(b'#set document(title: "Plan", date: none)\n= Plan for oppl\xc3\xa6ringen\nFire steg.', format="pdf")
    return made


ONE_PDF = (Document(title="Læreavtale i elektrikerfaget", content=agreement(), name="avtale.pdf"),)
THREE = (
    *ONE_PDF,
    Document(title="Plan for opplæringen", content=appendix(), name="plan.pdf"),
    Document(title="Vilkår", content=TERMS.encode(), type=DocumentType.TEXT, name="vilkaar.txt"),
)


@dataclass(kw_only=True)
class Arrival:
    """A browser came to the sender's site."""

    path: str
    query: dict[str, list[str]]
    status: StatusChange | None
    """What the API said with the token of the address, before the browser was answered."""

    @property
    def token(self) -> str:
        return self.query["status_query_token"][0]


@dataclass
class Sender:
    """One organization of the sandbox, its certificate, and its site."""

    client: SeglClient
    site_url: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    jobs: dict[str, CreatedJob] = field(default_factory=dict)

    def sends(
        self,
        *signers: str | Signer,
        documents: Sequence[Document] = ONE_PDF,
        title: str = "Læreavtale",
        exits: Callable[[str, str], str] = lambda site, case: f"{site}/{case}",
        **more: Any,
    ) -> CreatedJob:
        """Create a job; `exits` makes an exit URL from the site's address and signed, rejected or failed."""
        created = self.client.create_direct_job(
            DirectJob(
                title=title,
                description="Les avtalen nøye. Spør oss hvis noe er uklart.",
                documents=tuple(documents),
                signers=tuple(Signer(national_identity_number=each) if isinstance(each, str) else each for each in signers),
                exit_urls=ExitUrls(
                    completion=exits(self.site_url, "signed"),
                    rejection=exits(self.site_url, "rejected"),
                    error=exits(self.site_url, "failed"),
                ),
                **more,
            )
        )
        self.jobs[str(created.job_id)] = created
        self.latest = created
        return created

    def status_on_arrival(self, signer: str = INGRID) -> str:
        """Return what the API told of a signer while the last browser to come back was still waiting for its page."""
        last = self.arrivals[-1]
        assert last.status is not None
        return self.of(last.status, signer).status

    @staticmethod
    def of(change: StatusChange, signer: str) -> SignerStatus:
        return next(each for each in change.signers if each.signer == signer)

    def application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The sender's site: it asks for the status first and answers then, as a careful sender does."""
        if environ["PATH_INFO"] == "/favicon.ico":
            start_response("204 No Content", [])
            return []
        query = parse_qs(environ["QUERY_STRING"])
        status = self.client.status(self.latest, query["status_query_token"][0]) if "status_query_token" in query else None
        self.arrivals.append(Arrival(path=environ["PATH_INFO"], query=query, status=status))
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Referrer-Policy", "no-referrer")])
        return [f"<!doctype html><html lang=nb><title>{BACK_TITLE}</title><link rel=icon href='data:,'><h1>{BACK_TITLE}</h1>".encode()]


def client_of(segl: RunningSegl, role: str) -> SeglClient:
    return SeglClient(
        segl.api_url,
        segl.organization(role),
        certificate=SenderCertificate.from_pkcs12(segl.sandbox / f"{role}.p12", "segl-sandbox"),
        ca=segl.sandbox / "ca",
    )


@contextmanager
def sender_of(segl: RunningSegl, role: str) -> Iterator[Sender]:
    with client_of(segl, role) as client:
        sender = Sender(client=client)
        with serving(sender.application) as port:
            sender.site_url = f"http://127.0.0.1:{port}"
            yield sender


def album(segl: RunningSegl, story: str) -> Path:
    """Where a story's pictures go."""
    return segl.data / "demo" / "journeys" / story
