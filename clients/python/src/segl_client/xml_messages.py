"""
The API's XML: writes the requests and the manifest of a direct job, reads the answers.

Namespace and element order are those of the public schema (wire-spec.md 6.2, 6.4, 7.1, 11, 15). Answers with a DOCTYPE are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lxml import etree

from .errors import BY_CODE, ApiError, NotSendable, UnexpectedAnswer
from .jobs import CreatedJob, CreatedSigner, DirectJob, JobStatus, SignerStatus, StatusChange

NAMESPACE = "http://signering.posten.no/schema/v1"


def build_request(job: DirectJob) -> bytes:
    """
    Write the `direct-signature-job-request` of `job`, UTF-8 with declaration.

    :raises NotSendable: if a text holds a character that XML cannot carry.
    """
    root = _root("direct-signature-job-request")
    _optional(root, "reference", job.reference)
    exits = _child(root, "exit-urls")
    _text(exits, "completion-url", job.exit_urls.completion)
    _text(exits, "rejection-url", job.exit_urls.rejection)
    _text(exits, "error-url", job.exit_urls.error)
    _optional(root, "status-retrieval-method", job.status_retrieval)
    _optional(root, "polling-queue", job.polling_queue)
    return _written(root)


def build_manifest(job: DirectJob, *, sender: str) -> bytes:
    """
    Write the `direct-signature-job-manifest` of `job` for the organization number `sender`, UTF-8 with declaration.

    :raises NotSendable: if a text holds a character that XML cannot carry.
    """
    root = _root("direct-signature-job-manifest")
    for signer in job.signers:
        element = _child(root, "signer")
        _optional(element, "personal-identification-number", signer.national_identity_number)
        _optional(element, "signer-identifier", signer.identifier)
        _optional(element, "signature-type", signer.signature_type)
        _optional(element, "on-behalf-of", signer.on_behalf_of)
    _text(_child(root, "sender"), "organization-number", sender)
    _text(root, "title", job.title)
    _optional(root, "description", job.description)
    documents = _child(root, "documents")
    for name, document in job.named_documents():
        element = _child(documents, "document")
        element.set("href", name)
        element.set("mime", document.type)
        _text(element, "title", document.title)
    _optional(root, "required-authentication", None if job.required_level is None else str(job.required_level))
    _optional(root, "identifier-in-signed-documents", job.identifier_format)
    return _written(root)


def build_signer_update() -> bytes:
    """Write the request for a new redirect URL."""
    root = _root("direct-signer-update-request")
    _child(root, "redirect-url")
    return _written(root)


def read_created_job(body: bytes, *, http_status: int) -> CreatedJob:
    """
    Read a `direct-signature-job-response`.

    :raises UnexpectedAnswer: if it is something else.
    """
    root = _parsed(body, "direct-signature-job-response", http_status)
    return CreatedJob(
        job_id=_job_id(root, http_status),
        reference=_found(root, "reference"),
        status_url=_found(root, "status-url"),
        signers=tuple(_signer(element, http_status) for element in _all(root, "signer")),
    )


def read_signer(body: bytes, *, http_status: int) -> CreatedSigner:
    """
    Read a `direct-signer-response`.

    :raises UnexpectedAnswer: if it is something else.
    """
    return _signer(_parsed(body, "direct-signer-response", http_status), http_status)


def read_status(body: bytes, *, http_status: int, next_permitted_poll_at: datetime | None = None) -> StatusChange:
    """
    Read a `direct-signature-job-status-response`.

    :raises UnexpectedAnswer: if it is something else.
    """
    root = _parsed(body, "direct-signature-job-status-response", http_status)
    xades = {element.get("signer") or "": (element.text or "").strip() for element in _all(root, "xades-url")}
    signers = tuple(
        SignerStatus(
            signer=element.get("signer") or "",
            status=(element.text or "").strip(),
            since=_instant(element.get("since"), http_status),
            xades_url=xades.get(element.get("signer") or ""),
        )
        for element in _all(root, "status")
    )
    try:
        status = JobStatus(_required(root, "signature-job-status", http_status))
    except ValueError as unknown:
        raise UnexpectedAnswer("The job status is none that this client knows. Update the client.", http_status=http_status) from unknown
    return StatusChange(
        job_id=_job_id(root, http_status),
        reference=_found(root, "reference"),
        status=status,
        signers=signers,
        confirmation_url=_found(root, "confirmation-url"),
        delete_documents_url=_found(root, "delete-documents-url"),
        pades_url=_found(root, "pades-url"),
        next_permitted_poll_at=next_permitted_poll_at,
    )


def read_error(body: bytes, *, http_status: int) -> ApiError:
    """
    Read an `<error>` into the type that its code has.

    :raises UnexpectedAnswer: if the body is no such element, as when a proxy in between answered.
    """
    root = _parsed(body, "error", http_status)
    code = _required(root, "error-code", http_status)
    return BY_CODE.get(code, ApiError)(
        code=code, message=_found(root, "error-message") or "", type=_found(root, "error-type") or "", http_status=http_status
    )


def _root(name: str) -> etree._Element:
    return etree.fromstring(f'<{name} xmlns="{NAMESPACE}"/>')


def _child(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")


def _text(parent: etree._Element, name: str, text: str) -> None:
    try:
        _child(parent, name).text = text
    except ValueError as refused:
        raise NotSendable(f"The text of <{name}> holds a character that XML cannot carry. Remove control characters.") from refused


def _optional(parent: etree._Element, name: str, text: str | None) -> None:
    if text is not None:
        _text(parent, name, text)


def _written(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _parsed(body: bytes, name: str, http_status: int) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as broken:
        raise UnexpectedAnswer(f"HTTP {http_status} came without readable XML where <{name}> was due.", http_status=http_status) from broken
    # lxml reads a document with a DOCTYPE even with entities off; the API never sends one.
    if root.getroottree().docinfo.internalDTD is not None or root.tag != f"{{{NAMESPACE}}}{name}":
        raise UnexpectedAnswer(f"HTTP {http_status} came with other XML where <{name}> was due.", http_status=http_status)
    return root


def _all(root: etree._Element, name: str) -> Iterable[etree._Element]:
    return root.iterchildren(f"{{{NAMESPACE}}}{name}")


def _found(root: etree._Element, name: str) -> str | None:
    element = root.find(f"{{{NAMESPACE}}}{name}")
    return None if element is None else (element.text or "").strip()


def _required(root: etree._Element, name: str, http_status: int) -> str:
    text = _found(root, name)
    if not text:
        raise UnexpectedAnswer(f"The answer lacks <{name}>.", http_status=http_status)
    return text


def _job_id(root: etree._Element, http_status: int) -> int:
    text = _required(root, "signature-job-id", http_status)
    try:
        return int(text)
    except ValueError as odd:
        raise UnexpectedAnswer("The answer's <signature-job-id> is no number.", http_status=http_status) from odd


def _signer(element: etree._Element, http_status: int) -> CreatedSigner:
    key = _found(element, "personal-identification-number") or _required(element, "signer-identifier", http_status)
    href = element.get("href")
    if not href:
        raise UnexpectedAnswer("The answer's signer lacks @href.", http_status=http_status)
    return CreatedSigner(href=href, signer=key, redirect_url=_required(element, "redirect-url", http_status))


def _instant(text: str | None, http_status: int) -> datetime:
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError as odd:
        raise UnexpectedAnswer("The answer's @since is no xs:dateTime.", http_status=http_status) from odd
    if instant.tzinfo is None:
        raise UnexpectedAnswer("The answer's @since has no offset.", http_status=http_status)
    return instant
