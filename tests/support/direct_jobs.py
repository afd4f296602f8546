"""Direct signature jobs made as a sender makes them, and everything a signer does with one, by calling the actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import shake_256
from io import BytesIO
from xml.sax.saxutils import escape

import pikepdf
from pikepdf import Dictionary, Name

from asice.builders import build_bundle
from segl.actions.begin_signing import begin_signing
from segl.actions.complete_signing import Returned, complete_signing
from segl.actions.create_job import CreatedJob, Creator, create_direct_job
from segl.actions.leave import exit_url
from segl.actions.open_redirect import open_redirect
from segl.actions.sittings import OpenedSitting
from segl.actions.sweep_orphans import sweep_orphans
from segl.adapters.keys.files import KeyPair, read_key_pair
from segl.database.models import (
    AuditEvent,
    BrokerRight,
    Document,
    Job,
    Organization,
    RedirectToken,
    Signer,
    SignerGroup,
    StatusChange,
    WorkItem,
)
from segl.entrypoints.worker import loop
from segl.sandbox.material import Role, SandboxMaterial, authorized_brokers, read_organizations
from segl.values import Language, SignatureType

from .neighbours import NOW, Neighbourhood, as_cookies

NAMESPACE = "http://signering.posten.no/schema/v1"
INGRID, JONAS, AMINA, TORSTEIN, NAMELESS = "14830750003", "22898410068", "02929115077", "30888500029", "18929600017"
PUBLIC, PRIVATE, BROKER = "312845903", "311330470", "314625838"
IP_ADDRESS = "192.0.2.44"
BOUNDARY = "segl-test-boundary"


@cache
def pdf(words: str = "Avtale", *, padding: int = 0) -> bytes:
    """A PDF of one page, the same bytes at each call, with `padding` bytes in it that do not compress."""
    document = pikepdf.new()
    font = document.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding))
    document.add_blank_page(page_size=(595.276, 841.89))
    page = document.pages[-1].obj
    page.Resources = Dictionary(Font=Dictionary(F1=font))
    page.Contents = document.make_stream(f"BT /F1 20 Tf 72 700 Td ({words}) Tj ET".encode("cp1252"))
    document.Root.Padding = document.make_stream(shake_256(b"padding").digest(padding))
    target = BytesIO()
    document.save(target, force_version="1.7", static_id=True, compress_streams=False)
    return target.getvalue()


def pdf_of_size(size: int) -> bytes:
    """A PDF of exactly `size` bytes."""
    smaller = pdf("Stor", padding=size - len(pdf("Stor")) - 20)
    return smaller + b"\n" * (size - len(smaller))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a sender asks for. The defaults are one person, one document and the public sender's own defaults."""

    signers: Sequence[str] = (INGRID,)
    """Eleven digits are a national identity number, anything else a custom identifier."""
    documents: Mapping[str, bytes] = field(default_factory=lambda: {"avtale.pdf": pdf()})
    sender: str = PUBLIC
    signed_by: Role = Role.PUBLIC_SENDER
    caller: str | None = None
    signature_type: SignatureType | None = None
    level: int | None = None
    identifier_format: str | None = None
    reference: str | None = "ref-1"
    is_polled: bool = True
    queue: str = ""
    title: str = "Læreavtale"
    manifest_sender: str | None = None
    manifest_documents: str | None = None
    """Instead of a list made from `documents`."""


@cache
def key_pair(material: SandboxMaterial, role: Role) -> KeyPair:
    """Return certificate and key of `role`, read once: reading checks the key."""
    return read_key_pair(material.folder, role)


def manifest_xml(asked: Asked) -> bytes:
    signers = "".join(_signer(identity, asked) for identity in asked.signers)
    documents = asked.manifest_documents or "".join(
        f'<document href="{escape(name)}" mime="{_mime(name)}"><title>{escape(name)} &amp; mer</title></document>'
        for name in asked.documents
    )
    level = f"<required-authentication>{asked.level}</required-authentication>" if asked.level else ""
    identifier = (
        f"<identifier-in-signed-documents>{asked.identifier_format}</identifier-in-signed-documents>" if asked.identifier_format else ""
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><direct-signature-job-manifest xmlns="{NAMESPACE}">{signers}'
        f"<sender><organization-number>{asked.manifest_sender or asked.sender}</organization-number></sender>"
        f"<title>{escape(asked.title)}</title><description>Les den nøye</description><documents>{documents}</documents>"
        f"{level}{identifier}</direct-signature-job-manifest>"
    ).encode()


def request_xml(asked: Asked) -> bytes:
    reference = "" if asked.reference is None else f"<reference>{escape(asked.reference)}</reference>"
    method = "POLLING" if asked.is_polled else "WAIT_FOR_CALLBACK"
    queue = f"<polling-queue>{escape(asked.queue)}</polling-queue>" if asked.queue else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><direct-signature-job-request xmlns="{NAMESPACE}">{reference}'
        "<exit-urls><completion-url>https://sender.example/done?case=7#top</completion-url>"
        "<rejection-url>https://sender.example/rejected</rejection-url><error-url>https://sender.example/failed</error-url></exit-urls>"
        f"<status-retrieval-method>{method}</status-retrieval-method>{queue}</direct-signature-job-request>"
    ).encode()


def bundle_of(near: Neighbourhood, asked: Asked, **more: object) -> bytes:
    pair = key_pair(near.material, asked.signed_by)
    return build_bundle(
        documents=dict(asked.documents),
        manifest=manifest_xml(asked),
        certificate=pair.certificates[0],
        key=pair.private_key,
        signing_time=near.clock.real_now(),
        chain=pair.certificates[1:],
        **more,  # type: ignore[arg-type]
    )


def multipart_of(metadata: bytes, bundle: bytes) -> tuple[str, bytes]:
    dashes = f"--{BOUNDARY}".encode()
    body = (
        dashes + b"\r\nContent-Type: application/xml\r\n\r\n" + metadata + b"\r\n"
        + dashes + b"\r\nContent-Type: application/octet-stream\r\n\r\n" + bundle + b"\r\n"
        + dashes + b"--\r\n"
    )  # fmt: skip
    return f"multipart/mixed; boundary={BOUNDARY}", body


def create(
    near: Neighbourhood,
    asked: Asked | None = None,
    *,
    bundle: bytes | None = None,
    body: bytes | None = None,
    content_type: str | None = None,
) -> CreatedJob:
    """Create a job through the action, from the bytes a client would send."""
    asked = asked or Asked()
    usual_type, whole = multipart_of(request_xml(asked), bundle if bundle is not None else bundle_of(near, asked))
    return create_direct_job(
        near.ports,
        sender=Organization.objects.get(pk=asked.sender),
        creator=Creator(organization=asked.caller or asked.sender, certificate_sha256="c0ffee" + "0" * 58),
        content_type=usual_type if content_type is None else content_type,
        body=whole if body is None else body,
    )


def left_behind(near: Neighbourhood) -> dict[str, int]:
    """Return how much of everything that creating a job stores is there."""
    rows = (Job, Signer, SignerGroup, Document, RedirectToken, StatusChange, WorkItem, AuditEvent)
    return {model.__name__: model.objects.count() for model in rows} | {"bytes": len(near.stored_digests())}


def seed_organizations(material: SandboxMaterial) -> None:
    for organization in read_organizations(material.organizations):
        if organization.role is not Role.STRANGER:
            Organization.objects.create(
                pk=organization.organization_number.value, name=organization.name, sector=organization.sector, created_at=NOW
            )
    for broker, sender in authorized_brokers():
        BrokerRight.objects.create(broker_id=broker.value, sender_id=sender.value, created_at=NOW)


@dataclass
class Visitor:
    """One signer with one browser."""

    near: Neighbourhood
    person: str
    sitting_id: str
    secret: str

    def begins(self) -> str:
        """Say yes, and return where the browser goes to log in."""
        return begin_signing(self.near.ports, sitting_id=self.sitting_id, secret=self.secret, provider="sandbox", language=Language.BOKMAL)

    def logs_in(self, url: str, *, person: str | None = None, **fields: str) -> dict[str, str]:
        with self.near.a_person() as browser:
            return browser.log_in(url, person=person or self.person, **fields)

    def comes_back(self, parameters: Mapping[str, str]) -> Returned:
        """Bring the provider's answer to Segl; the browser takes the new cookie."""
        returned = complete_signing(
            self.near.ports, parameters=parameters, cookie_secrets=as_cookies(self.sitting_id, self.secret), ip_address=IP_ADDRESS
        )
        self.secret = returned.secret
        return returned

    def signs(self, *, person: str | None = None, **fields: str) -> Returned:
        """The whole way: yes, log in, back."""
        return self.comes_back(self.logs_in(self.begins(), person=person, **fields))

    def leaves(self) -> str:
        return exit_url(self.near.ports, sitting_id=self.sitting_id, secret=self.secret)


def visit(near: Neighbourhood, job: CreatedJob, *, position: int = 1, person: str | None = None) -> Visitor:
    """Open the redirect URL of the signer at `position`."""
    redirect = job.redirects[position - 1]
    opened: OpenedSitting = open_redirect(near.ports, token=redirect.token, cookie=None)
    who = person or redirect.signer.national_identity_number or INGRID
    return Visitor(near=near, person=who, sitting_id=opened.sitting_id, secret=opened.secret)


def work(near: Neighbourhood) -> int:
    """Let a worker do all that is due; return how many items that were."""
    done = 0
    while (count := loop.work_once(near.ports)) > 0:
        done += count
        assert done < 50, "the worker finds the same work over and over"
    return done


def sweep_all(near: Neighbourhood) -> int:
    """Let the worker sweep all parts of the stored bytes that there are; return how many files it removed."""
    return sum(sweep_orphans(near.ports, part=part) for part in sorted({path.parent.name for path in near.stored_files()}))


def _signer(identity: str, asked: Asked) -> str:
    element = "personal-identification-number" if identity.isdigit() and len(identity) == 11 else "signer-identifier"
    kind = f"<signature-type>{asked.signature_type}</signature-type>" if asked.signature_type else ""
    return f"<signer><{element}>{escape(identity)}</{element}>{kind}</signer>"


def _mime(name: str) -> str:
    return "text/plain" if name.endswith(".txt") else "application/pdf"
