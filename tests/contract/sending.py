"""Jobs as the official clients send them: their XML, their bundles, their multipart bodies and their header lines (wire-spec.md 3, 6.1, 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from urllib.parse import parse_qsl, quote, urlsplit

from asice.builders import NO_CHANGES, Changes, Shape, build_bundle
from pdf.builders import pdf
from wire.wire_xml import dot_net_form, dot_net_multipart, java_form, java_multipart, manifest, request, signer

from .speaking import NS, XML, Answer, Api, Headers, Party, chunked
from .speaking import request as http

CONTRACT = pdf(words="Avtale")
"""One page; the tests that are not about documents all send it."""
ONE = '<documents><document href="{name}" mime="{mime}"><title>Avtale</title></document></documents>'
DONE, REJECTED, ERROR = "https://sender.example/done", "https://sender.example/rejected", "https://sender.example/failed"
JAVA_AGENT = ("User-Agent", "posten-signature-api-client-java/7.0.4 (Debian, 17.0.16)")
DOT_NET_AGENT = ("User-Agent", "posten-signature-api-client-dotnet/10.0.2 (netcore/AssemblyVersionNotFound)")
JAVA_HEADERS: Headers = [("Accept-Encoding", "gzip, x-gzip, deflate"), ("Connection", "keep-alive"), JAVA_AGENT]

_numbers = count()


def exit_urls(done: str = DONE, rejected: str = REJECTED, error: str = ERROR) -> str:
    return (
        f"<exit-urls><completion-url>{done}</completion-url><rejection-url>{rejected}</rejection-url>"
        f"<error-url>{error}</error-url></exit-urls>"
    )


def polling(queue: str | None = None) -> str:
    """Return what follows the exit URLs in a job that is polled for."""
    named = "" if queue is None else f"<polling-queue>{queue}</polling-queue>"
    return f"<status-retrieval-method>POLLING</status-retrieval-method>{named}"


def new_queue(what: str = "queue") -> str:
    """Return a queue name that no other test uses: the server is shared."""
    return f"{what}-{datetime.now(UTC):%H%M%S%f}-{next(_numbers)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job before it is sent; every part may be odd."""

    signers: Sequence[str]
    before: str = ""
    """In the request, before the exit URLs: the reference."""
    exits: str = field(default_factory=exit_urls)
    after: str = ""
    """In the request, after the exit URLs."""
    organization: str | None = None
    """The manifest's sender; None: the one in the address."""
    texts: str = "<title>Oppdrag</title>"
    listed: str | None = None
    """The manifest's documents; None: all files, as PDF."""
    terms: str = ""
    """In the manifest, after the documents."""
    files: Mapping[str, bytes] = field(default_factory=lambda: {"0000_avtale.pdf": CONTRACT})
    changes: Changes = NO_CHANGES
    mimetype: bytes | None = None

    def request_xml(self) -> bytes:
        return request(self.before + self.exits + self.after)

    def manifest_xml(self, sender: str) -> bytes:
        documents = self.listed or "".join(ONE.format(name=name, mime=mime_of(name)) for name in self.files).replace(
            "</documents><documents>", ""
        )
        return manifest(
            signers=self.signers, organization=self.organization or sender, texts=self.texts, documents=documents, after=self.terms
        )


def mime_of(name: str) -> str:
    return "text/plain" if name.endswith(".txt") else "application/pdf"


def bundle(
    draft: Draft, *, sender: str, signed_by: Party, shape: Shape = Shape.JAVA, manifest_xml: bytes | None = None, drift: float = 0
) -> bytes:
    """Return the draft's bundle in the shape that `shape` writes; `drift` seconds is how far the sender's clock is off."""
    first, *chain = signed_by.certificates
    return build_bundle(
        documents=draft.files,
        manifest=manifest_xml or draft.manifest_xml(sender),
        certificate=first,
        key=signed_by.key,
        signing_time=datetime.fromtimestamp(datetime.now(UTC).timestamp() + drift, UTC),
        chain=chain if shape is Shape.JAVA else (),
        shape=shape,
        mimetype=draft.mimetype,
        changes=draft.changes,
    )


def java_create(api: Api, draft: Draft) -> bytes:
    """Return the whole request of the Java client: its namespaces, chunked, charset before the boundary."""
    wrapped = bundle(draft, sender=api.sender, signed_by=api.party, manifest_xml=java_form(draft.manifest_xml(api.sender)))
    content_type, body = java_multipart(java_form(draft.request_xml()), wrapped)
    framing = ("Transfer-Encoding", "chunked")
    return http("POST", api.jobs, ("Accept", XML), framing, ("Content-Type", content_type), *JAVA_HEADERS, body=chunked(body))


def dot_net_create(api: Api, draft: Draft) -> bytes:
    """Return the whole request of the .NET client: attachments without name, an unquoted GUID, Content-Length."""
    xml = dot_net_form(draft.manifest_xml(api.sender))
    wrapped = bundle(draft, sender=api.sender, signed_by=api.party, shape=Shape.DOTNET_DIRECT, manifest_xml=xml)
    content_type, body = dot_net_multipart(dot_net_form(draft.request_xml()), wrapped)
    length = ("Content-Length", str(len(body)))
    return http("POST", api.jobs, ("Accept", XML), DOT_NET_AGENT, ("Content-Type", content_type), length, body=body)


def create(api: Api, draft: Draft) -> Answer:
    return api.ask(java_create(api, draft))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A job that exists."""

    api: Api
    answer: Answer

    @property
    def id(self) -> int:
        return int(self.answer.text("signature-job-id"))

    @property
    def address(self) -> str:
        return f"{self.api.segl.api_url}{self.api.jobs}/{self.id}"

    @property
    def hrefs(self) -> list[str]:
        return [str(element.attrib["href"]) for element in self.answer.xml.iter(f"{NS}signer")]

    @property
    def redirects(self) -> list[str]:
        """Return each signer's own redirect URL, in the manifest's order."""
        return [element.findtext(f"{NS}redirect-url") or "" for element in self.answer.xml.iter(f"{NS}signer")]

    def act(self, who: str, outcome: str = "sign") -> Answer:
        """Let a signer act without a browser."""
        return self.api.post(f"/web/signature-jobs/{self.id}/devmodesign?signer={quote(who)}&outcome={outcome}")

    def token(self, who: str, outcome: str = "sign") -> str:
        """Let a signer act and return the status query token of the exit URL."""
        answer = self.act(who, outcome)
        assert answer.status == 200, answer.body.decode()
        return token_of(answer.body.decode())

    def status(self, token: str) -> Answer:
        return self.api.get(f"{self.address}/status?status_query_token={token}")


def send(api: Api, draft: Draft) -> Sent:
    answer = create(api, draft)
    assert answer.status == 200, answer.body.decode()
    return Sent(api=api, answer=answer)


def token_of(exit_url: str) -> str:
    """Return the token as the .NET helper takes it: the value of the query's first parameter."""
    return parse_qsl(urlsplit(exit_url).query)[0][1]


def for_one(number: str, **more: object) -> Draft:
    return replace(Draft(signers=[signer(number)]), **more)  # type: ignore[arg-type]


def padded_pdf(size: int) -> bytes:
    """Return a PDF of exactly `size` bytes: an unused stream of what does not compress well."""
    import hashlib

    import pikepdf

    filling = b"".join(hashlib.sha256(number.to_bytes(8)).digest() for number in range(size // 32 + 1))

    def made(length: int) -> bytes:
        def change(document: pikepdf.Pdf) -> None:
            document.pages[0].obj.Resources.XObject = pikepdf.Dictionary(
                Im=document.make_stream(
                    filling[:length], Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=pikepdf.Array([0, 0, 1, 1])
                )
            )

        return pdf(change=change)

    overhead = len(made(size)) - size
    content = made(size - overhead)
    assert len(content) == size
    return content
