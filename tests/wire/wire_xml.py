"""XML and multipart bodies of senders, made in code in the shapes the official clients give them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

NAMESPACE = "http://signering.posten.no/schema/v1"
BUYER = "01013300001"
AGENT = "10987654321"
EXIT_URLS = (
    "<exit-urls><completion-url>https://sender.example/done</completion-url>"
    "<rejection-url>https://sender.example/rejected</rejection-url><error-url>https://sender.example/failed</error-url></exit-urls>"
)
ONE_DOCUMENT = '<documents><document href="contract.pdf" mime="application/pdf"><title>The contract</title></document></documents>'

JAVA_NAMESPACES = (
    'xmlns="http://uri.etsi.org/01903/v1.3.2#" xmlns:ns2="http://www.w3.org/2000/09/xmldsig#" '
    'xmlns:ns3="http://uri.etsi.org/2918/v1.2.1#" xmlns:ns4="http://signering.posten.no/schema/v1"'
)
JAVA_PROLOG = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
DOT_NET_PROLOG = '<?xml version="1.0" encoding="utf-8"?>'
DOT_NET_NAMESPACES = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
    'xmlns="http://signering.posten.no/schema/v1"'
)


def reference_folder() -> Path:
    """Return the folder of public XSDs and examples, which may be absent."""
    given = os.environ.get("SEGL_REFERENCE")
    return Path(given) if given else Path(__file__).resolve().parents[3] / "shared" / "reference"


def request(content: str = EXIT_URLS, *, root: str = "direct-signature-job-request") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{NAMESPACE}">{content}</{root}>'.encode()


def signer(identity: str, *, more: str = "") -> str:
    return f"<signer><personal-identification-number>{identity}</personal-identification-number>{more}</signer>"


def custom_signer(identity: str) -> str:
    return f"<signer><signer-identifier>{identity}</signer-identifier></signer>"


def manifest(
    *,
    signers: Sequence[str] = (signer(BUYER),),
    organization: str = "123456789",
    texts: str = "<title>The job</title>",
    documents: str = ONE_DOCUMENT,
    after: str = "",
) -> bytes:
    sender = f"<sender><organization-number>{organization}</organization-number></sender>"
    return request("".join(signers) + sender + texts + documents + after, root="direct-signature-job-manifest")


def java_form(xml: bytes) -> bytes:
    """Return `xml` as the Java client 7.0.4 writes it: another default namespace, the wire's as ns4, three unused ones, standalone."""
    text = xml.decode().partition("?>")[2].replace(f' xmlns="{NAMESPACE}"', f" {JAVA_NAMESPACES}")
    text = re.sub(r"<(/?)", r"<\1ns4:", text)
    return (JAVA_PROLOG + text).encode()


def dot_net_form(xml: bytes) -> bytes:
    """Return `xml` as the .NET client writes it: unused xsi and xsd prefixes, lower-case utf-8."""
    text = xml.decode().partition("?>")[2].replace(f' xmlns="{NAMESPACE}"', f" {DOT_NET_NAMESPACES}", 1)
    return (DOT_NET_PROLOG + text).encode()


def java_multipart(metadata: bytes, bundle: bytes, *, boundary: str = "-tG8aBc_dEf0123456789ABCDEFGHIJklmno_p-") -> tuple[str, bytes]:
    """Return Content-Type and body as httpclient5 writes them: charset before the boundary, parts with one header."""
    dashes = f"--{boundary}".encode()
    body = (
        dashes + b"\r\nContent-Type: application/xml\r\n\r\n" + metadata + b"\r\n"
        + dashes + b"\r\nContent-Type: application/octet-stream\r\n\r\n" + bundle + b"\r\n"
        + dashes + b"--\r\n"
    )  # fmt: skip
    return f"multipart/mixed; charset=ISO-8859-1; boundary={boundary}", body


def dot_net_multipart(metadata: bytes, bundle: bytes, *, boundary: str = "6b9d3a52-7c1e-4f0a-9d8b-2e4c6a8b0d1f") -> tuple[str, bytes]:
    """Return Content-Type and body as HttpClient writes them: unquoted GUID, each part an attachment without name."""
    dashes = f"--{boundary}".encode()
    attachment = b"\r\nContent-Disposition: attachment\r\n\r\n"
    body = (
        dashes + b"\r\nContent-Type: application/xml" + attachment + metadata + b"\r\n"
        + dashes + b"\r\nContent-Type: application/octet-stream" + attachment + bundle + b"\r\n"
        + dashes + b"--\r\n"
    )  # fmt: skip
    return f"multipart/mixed; boundary={boundary}", body
