"""Where fuzzing begins: what honest and hostile senders send, from the builders and tables of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cryptography.hazmat.primitives.serialization import Encoding

from asice.archive_rows import ROWS as ARCHIVES
from asice.builders import Shape, build_bundle, sign, signatures_xml
from asice.enterprise import NOW, enterprise, issuers, issuing, root, sender, unreadable_certificates
from wire.multipart_rows import REFUSED as BODIES
from wire.wire_xml import (
    BUYER,
    EXIT_URLS,
    custom_signer,
    dot_net_form,
    dot_net_multipart,
    java_form,
    java_multipart,
    manifest,
    request,
    signer,
)
from wire.xml_rows import REFUSED as DOCUMENTS

MAX_BYTES = 16_384
"""Of one input: longer ones are mutated slowly and find nothing that short ones do not."""
FILES = {"a.pdf": b"a", "manifest.xml": b"m"}


def _archives() -> Iterable[bytes]:
    for shape in Shape:
        yield build_bundle(
            documents={"a.pdf": b"a" * 200, "søknad nr. 1.txt": b"b"},
            manifest=manifest(),
            certificate=sender().certificate,
            key=sender().key,  # type: ignore[arg-type]  # RSA
            signing_time=NOW,
            shape=shape,
        )
    yield from (row.make() for row in ARCHIVES)


def _documents() -> Iterable[bytes]:
    written = (
        manifest(signers=(signer(BUYER), custom_signer("clerk"))),
        request(),
        request(EXIT_URLS + "<polling-queue>a</polling-queue>"),
    )
    for document in written:
        yield from (document, java_form(document), dot_net_form(document))
    yield request("<redirect-url/>", root="direct-signer-update-request")
    for shape in Shape:
        unsigned = signatures_xml(FILES, certificate=sender().certificate, chain=(), signing_time=NOW, shape=shape)
        yield sign(unsigned, files=FILES, key=sender().key).encode()  # type: ignore[arg-type]  # RSA
    yield from (row.document for row in DOCUMENTS)


def _bodies() -> Iterable[bytes]:
    made = [java_multipart(b"<a/>", b"PK"), dot_net_multipart(b"<a/>", b"PK"), *(row.make(b"<a/>", b"PK") for row in BODIES)]
    return (content_type.encode("latin-1", "replace") + b"\n" + body for content_type, body in made)


def _certificates() -> Iterable[bytes]:
    certificates = [*issuers(), sender().certificate, enterprise(issuer=root()).certificate, issuing().certificate]
    ders = [*(each.public_bytes(Encoding.DER) for each in certificates), *unreadable_certificates().values()]
    yield from ders
    for der in ders:
        listed = len(der).to_bytes(3) + der
        yield b"\x0b" + (len(listed) + 3).to_bytes(3) + len(listed).to_bytes(3) + listed


_MAKE: Mapping[str, Callable[[], Iterable[bytes]]] = {
    "archive": _archives,
    "xml": _documents,
    "multipart": _bodies,
    "certificate": _certificates,
}


def seeds(target: str) -> tuple[bytes, ...]:
    """Return the inputs that `target` begins with, none twice and none longer than MAX_BYTES."""
    return tuple(dict.fromkeys(seed for seed in _MAKE[target]() if len(seed) <= MAX_BYTES))
