"""
What is fuzzed: each target takes any bytes as a stranger could send them, and raises only what is a defect.

A refusal is what a stranger should get, so the refusals of the room are caught here and nothing else.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from io import BytesIO

from asice.enterprise import NOW, issuers
from segl.asice.bundle import unpack_bundle
from segl.asice.refusal import BundleRefused
from segl.asice.signatures_xml import verify_signatures_xml
from segl.asice.zip_file import read_zip
from segl.certificates import CertificateRefused, Purpose, check_enterprise_certificate, describe, organization_number, read_certificate
from segl.entrypoints.api.door.refusals import first_certificate, refused
from segl.wire.direct_job import parse_manifest, parse_request, parse_signer_update
from segl.wire.errors import RequestRefused, error_xml
from segl.wire.multipart import split
from segl.xml.canonical import Canonicalization, canonicalize
from segl.xml.parsing import XmlRefused, parse


class Defect(AssertionError):
    """Something else than a refusal came out, or something was read in two ways."""


def archive(data: bytes) -> None:
    """Read a bundle's ZIP, and what is accepted a second time with Python's own reader (reliability.md B-35, B-36)."""
    with suppress(BundleRefused):
        unpack_bundle(data)
    try:
        contents = read_zip(data)
    except BundleRefused:
        return
    with zipfile.ZipFile(BytesIO(data)) as other:
        seen = {name: other.read(name) for name in other.namelist() if name != "META-INF/"}
    if seen != contents:
        raise Defect(f"Segl reads {sorted(contents)}, and another reader {sorted(seen)}, or other bytes in them.")


def xml(data: bytes) -> None:
    """Read an XML document at every place where strangers' XML comes in."""
    try:
        root = parse(data, what="document")
    except XmlRefused as error:
        _is_told(str(error))
    else:
        for algorithm in Canonicalization:
            with suppress(XmlRefused):
                parse(canonicalize(root, algorithm), what="canonical document")
    for read in (parse_manifest, lambda body: parse_request(body, is_sandbox=False), parse_signer_update):
        try:
            read(data)
        except RequestRefused as error:
            _is_told(error.message)
            error_xml(error.code, error.message)
    try:
        verify_signatures_xml(
            data, files={"a.pdf": b"a", "manifest.xml": b"m"}, issuers=issuers(), now=NOW, signing_time_tolerance=timedelta(minutes=5)
        )
    except BundleRefused as error:
        _is_told(error.message)


def multipart(data: bytes) -> None:
    """Split a create request; the first line is its Content-Type."""
    content_type, _, body = data.partition(b"\n")
    try:
        parts = split(content_type.decode("latin-1"), body)
    except RequestRefused as error:
        _is_told(error.message)
        return
    if parts.metadata not in body or parts.bundle not in body:
        raise Defect("A part is not as it stands in the body.")


def certificate(data: bytes) -> None:
    """Read what a client shows in the handshake: the TLS message, and the certificate in it. There is no header for it (reliability.md B-26)."""
    for is_tls13 in (False, True):
        found = first_certificate(data, is_tls13=is_tls13)
        if found is not None and found not in data:
            raise Defect("The certificate is not as it stands in the message.")
    der = first_certificate(data, is_tls13=False) or data
    refused(TimeoutError(), address="192.0.2.1", presented=der)
    try:
        read = read_certificate(der)
        describe(read)
        for purpose in Purpose:
            with suppress(CertificateRefused):
                check_enterprise_certificate(read, issuers=issuers(), now=NOW, purpose=purpose)
        organization_number(read)
    except CertificateRefused as error:
        _is_told(error.message)


def _is_told(message: str) -> None:
    if "\n" in message or not message.endswith("."):
        raise Defect(f"A refusal is not one sentence on one line: {message!r}")


TARGETS: Mapping[str, Callable[[bytes], None]] = {"archive": archive, "xml": xml, "multipart": multipart, "certificate": certificate}
