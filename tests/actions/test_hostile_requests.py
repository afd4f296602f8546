"""
Every row of the tables of hostile requests, as a sender would post it: the sender is told exactly what is wrong, nothing is created, and it
costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest
from cryptography import x509
from lxml import etree

from asice.archive_rows import ROWS as ZIP_ROWS
from asice.builders import MANIFEST, SIGNATURES, Changes
from asice.bundle_rows import ROWS as BUNDLE_ROWS
from asice.enterprise import NOW as SIGNED_AT
from asice.enterprise import issuers
from asice.zip_builder import STORED
from segl.entrypoints.api.errors import answer_to
from support.cost import Cost, over
from support.direct_jobs import NAMESPACE, Asked, bundle_of, create, left_behind, manifest_xml, multipart_of, request_xml
from support.neighbours import Neighbourhood
from wire.multipart_rows import REFUSED as MULTIPART_ROWS
from wire.xml_rows import REFUSED as XML_ROWS

NOT_PLAIN = "META-INF/signatures.xml is not UTF-8 without comments. Write it so."


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One hostile request and what is told."""

    what: str
    code: str
    message: str
    post: Callable[[], object]
    at_most: Cost


class TrustInTests:
    """The enterprise CA of `asice.enterprise`, without revocation lists."""

    def issuers(self) -> tuple[x509.Certificate, ...]:
        return issuers()

    def check(self, leaf: x509.Certificate) -> None:
        raise AssertionError("a bundle that should have been refused was verified")


def stored(near: Neighbourhood, name: str, content: bytes) -> bytes:
    """Return a bundle that holds `content` uncompressed under `name`: some of it would be refused as a bomb."""
    return bundle_of(
        near,
        Asked(),
        changes=Changes(
            entries=lambda entries: entries | {name: content},
            archive=lambda entries: [replace(entry, method=STORED, flags=0) for entry in entries],
        ),
    )


def requests(near: Neighbourhood) -> Iterable[Posted]:
    bundle = bundle_of(near, Asked())
    for row in XML_ROWS:
        body = multipart_of(row.document, bundle)[1]
        yield Posted(
            what=row.what,
            code="SCHEMA_VALIDATION_ERROR",
            message=row.message.replace("manifest", "request"),
            post=lambda body=body: create(near, body=body),
            at_most=row.at_most,
        )


def manifests(near: Neighbourhood) -> Iterable[Posted]:
    for row in XML_ROWS:
        bundle = stored(near, MANIFEST, row.document)
        yield Posted(
            what=row.what,
            code="SCHEMA_VALIDATION_ERROR",
            message=row.message,
            post=lambda bundle=bundle: create(near, bundle=bundle),
            at_most=row.at_most,
        )


def signature_files(near: Neighbourhood) -> Iterable[Posted]:
    for row in XML_ROWS:
        bundle = stored(near, SIGNATURES, row.document)
        is_plain = b"\0" not in row.document and b"<!--" not in row.document
        yield Posted(
            what=row.what,
            code="ASICE_VALIDATION_FAILED",
            message=row.message.replace("manifest", SIGNATURES) if is_plain else NOT_PLAIN,
            post=lambda bundle=bundle: create(near, bundle=bundle),
            at_most=row.at_most,
        )


def archives(near: Neighbourhood) -> Iterable[Posted]:
    for row in ZIP_ROWS:
        body = multipart_of(request_xml(Asked()), row.make())[1]
        yield Posted(
            what=row.what,
            code="ASICE_VALIDATION_FAILED",
            message=row.message,
            post=lambda body=body: create(near, body=body),
            at_most=row.at_most,
        )


def signatures(near: Neighbourhood) -> Iterable[Posted]:
    near.clock.real = SIGNED_AT
    near.ports = replace(near.ports, enterprise=TrustInTests())
    for row in BUNDLE_ROWS:
        bundle = row.bundle(manifest_xml(Asked(documents=row.documents)))
        yield Posted(
            what=row.what,
            code="ASICE_VALIDATION_FAILED",
            message=row.message,
            post=lambda bundle=bundle: create(near, bundle=bundle),
            at_most=row.at_most,
        )


def bodies(near: Neighbourhood) -> Iterable[Posted]:
    bundle = bundle_of(near, Asked())
    for row in MULTIPART_ROWS:
        content_type, body = row.make(request_xml(Asked()), bundle)
        yield Posted(
            what=row.what,
            code="MALFORMED_REQUEST",
            message=row.message,
            post=lambda content_type=content_type, body=body: create(near, content_type=content_type, body=body),
            at_most=row.at_most,
        )


def told(near: Neighbourhood, post: Callable[[], object]) -> tuple[int, str, str]:
    """Return the HTTP status, the code and the message that the API answers with."""
    try:
        post()
    except Exception as error:
        answer = answer_to(error)
        xml = etree.fromstring(answer.content)
        return (answer.status_code, *(xml.findtext(f"{{{NAMESPACE}}}{part}") or "" for part in ("error-code", "error-message")))
    return (200, "", "")


FAMILIES = {
    "request XML": (requests, 100),
    "manifest XML": (manifests, 100),
    "signature XML": (signature_files, 100),
    "archive": (archives, 150),
    "signature": (signatures, 260),
    "multipart body": (bodies, 50),
}
"""Each with how many rows it has at least, so that none is lost unseen."""


@pytest.mark.requirement("R16", "R43", "R45")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_hostile(family: str, near: Neighbourhood) -> None:
    rows, count = FAMILIES[family]
    before = left_behind(near)
    posted = list(rows(near))
    answers: dict[str, tuple[int, str, str]] = {}
    dear: dict[str, str] = {}
    for row in posted:

        def post(row: Posted = row) -> None:
            answers[row.what] = told(near, row.post)

        if cost := over(row.at_most, post):
            dear[row.what] = cost
    assert answers == {row.what: (400, row.code, row.message) for row in posted}
    assert dear == {}
    assert len(answers) >= count
    assert left_behind(near) == before
