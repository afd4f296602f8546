"""
The direct flow's XML as Segl writes it: the answer to a new job, a signer's new redirect URL, and the job's status.

Orders and attributes are wire-spec.md 6.4, 9 and 11. The clients find a signer's status by @signer and crash without it, so it is always
written, although the XSD would let it be absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from segl.jobs.job import JobStatus, SignerStatus
from segl.values import NationalIdentityNumber
from segl.wire.addresses import check_handed_out
from segl.wire.direct_job import SignerIdentity
from segl.wire.instants import write_instant
from segl.wire.writing import add, root_element, written


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerLink:
    """One signer's own address at the API, and the redirect URL that opens the ceremony once."""

    href: str
    identity: SignerIdentity
    redirect_url: str

    def __repr__(self) -> str:
        return "SignerLink(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectJobCreated:
    """`direct-signature-job-response`."""

    job_id: int
    reference: str | None
    """As the request gave it; None when it gave none."""
    status_url: str | None
    """None for jobs with POLLING."""
    signers: tuple[SignerLink, ...]
    """In the manifest's order."""

    def __repr__(self) -> str:
        return f"DirectJobCreated(job_id={self.job_id!r}, …)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectSignerState:
    """Where one signer stands, as the sender may know it."""

    identity: SignerIdentity
    status: SignerStatus
    since: datetime
    """When the status last changed; aware."""
    xades_url: str | None
    """None unless the signer has signed and the documents exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectJobState:
    """`direct-signature-job-status-response`: the body both of a status by token and of a polled change."""

    job_id: int
    reference: str | None
    status: JobStatus
    signers: tuple[DirectSignerState, ...]
    """In the manifest's order."""
    confirmation_url: str
    delete_documents_url: str | None
    """None unless all have signed and the documents exist."""
    pades_url: str | None
    """None until somebody has signed, and after the documents are deleted."""

    def __repr__(self) -> str:
        return f"DirectJobState(job_id={self.job_id!r}, status={self.status!r}, …)"


def job_response(created: DirectJobCreated) -> bytes:
    """
    Return the answer to a new job.

    :raises ValueRefused: if an address may not be handed out.
    """
    root = root_element("direct-signature-job-response")
    _add_job(root, created.reference, created.job_id)
    for signer in created.signers:
        # Deprecated, yet the XSD demands it: the same one-time address as the signer's own (wire-spec.md 6.4).
        element = add(root, "redirect-url", check_handed_out(signer.redirect_url))
        if len(created.signers) > 1:
            element.set("signer", str(signer.identity))
    _add_address(root, "status-url", created.status_url)
    for signer in created.signers:
        _fill_signer(add(root, "signer"), signer)
    return written(root)


def signer_response(link: SignerLink) -> bytes:
    """
    Return the answer to a wish for a new redirect URL.

    :raises ValueRefused: if an address may not be handed out.
    """
    root = root_element("direct-signer-response")
    _fill_signer(root, link)
    return written(root)


def status_response(state: DirectJobState) -> bytes:
    """
    Return the job's status.

    :raises ValueRefused: if an address may not be handed out, or a `since` is naive.
    """
    root = root_element("direct-signature-job-status-response")
    _add_job(root, state.reference, state.job_id)
    add(root, "signature-job-status", state.status.value)
    for signer in state.signers:
        element = add(root, "status", signer.status.value)
        element.set("signer", str(signer.identity))
        element.set("since", write_instant(signer.since))
    _add_address(root, "confirmation-url", state.confirmation_url)
    _add_address(root, "delete-documents-url", state.delete_documents_url)
    for signer in state.signers:
        if signer.xades_url is not None:
            add(root, "xades-url", check_handed_out(signer.xades_url)).set("signer", str(signer.identity))
    _add_address(root, "pades-url", state.pades_url)
    return written(root)


def _add_job(root: etree._Element, reference: str | None, job_id: int) -> None:
    if reference is not None:
        add(root, "reference", reference)
    add(root, "signature-job-id", str(job_id))


def _add_address(root: etree._Element, name: str, address: str | None) -> None:
    if address is not None:
        add(root, name, check_handed_out(address))


def _fill_signer(element: etree._Element, link: SignerLink) -> None:
    element.set("href", check_handed_out(link.href))
    is_number = isinstance(link.identity, NationalIdentityNumber)
    add(element, "personal-identification-number" if is_number else "signer-identifier", str(link.identity))
    add(element, "redirect-url", check_handed_out(link.redirect_url))
