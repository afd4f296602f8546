"""
The command `segl-client`: the same calls from a shell.

Where the service is and who one is comes from flags or from the environment (SEGL_CLIENT_*); answers are text, or JSON with `--json`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from .certificate import SERVICE_ORGANIZATION_NUMBER, SenderCertificate
from .client import SeglClient
from .errors import NotSendable, SeglError
from .jobs import DirectJob, Document, DocumentType, ExitUrls, IdentifierFormat, SignatureType, Signer, StatusRetrieval

CONNECTION = (
    ("api-url", "SEGL_CLIENT_API_URL", "the API's address, for example https://localhost:8443"),
    ("organization", "SEGL_CLIENT_ORGANIZATION", "the sender's organization number"),
    ("p12", "SEGL_CLIENT_P12", "the sender's key store (PKCS#12)"),
    ("p12-password", "SEGL_CLIENT_P12_PASSWORD", "its password; better given in the environment"),
    ("certificate", "SEGL_CLIENT_CERTIFICATE", "instead of --p12: certificate and chain (PEM)"),
    ("key", "SEGL_CLIENT_KEY", "with --certificate: the private key (PEM)"),
    ("ca", "SEGL_CLIENT_CA", "the CA file, or folder of CA files, that the service's certificate stands under"),
    (
        "server-organization",
        "SEGL_CLIENT_SERVER_ORGANIZATION",
        "organization number in the service's certificate; 'host' checks the host name",
    ),
)
EXAMPLES = """\
examples:
  segl-client greeting
  segl-client create --title "Leieavtale" --document avtale.pdf --signer 01878612345 \\
      --completion-url https://example.org/done --rejection-url https://example.org/no --error-url https://example.org/error
  segl-client status https://…/status TOKEN
  segl-client poll --queue contracts
  segl-client download https://…/pades signed.pdf
  segl-client confirm https://…/complete/1
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused or no answer, 2 wrongly called."""
    options = _parser().parse_args(arguments)
    try:
        with _client(options) as client:
            run: Callable[[SeglClient, argparse.Namespace], Any] = options.run
            result = run(client, options)
    except (SeglError, OSError) as failed:
        print(f"segl-client: {failed}", file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2, ensure_ascii=False, default=_plain) if options.json else _readable(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    connection = shared.add_argument_group("connection")
    for name, variable, text in CONNECTION:
        connection.add_argument(f"--{name}", default=os.environ.get(variable), metavar="…", help=f"{text} [{variable}]")
    shared.add_argument("--json", action="store_true", help="answer in JSON")

    parser = argparse.ArgumentParser(
        prog="segl-client",
        description="Send documents to be signed, and fetch them back.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Callable[[SeglClient, argparse.Namespace], Any], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=[shared])
        added.set_defaults(run=run)
        return added

    command("greeting", lambda client, _: {"greeting": client.greeting()}, "Ask the service who it thinks this is.")
    _describe_create(command("create", _create, "Create a job and show its redirect URLs."))
    added = command("redirect-url", lambda client, o: client.new_redirect_url(o.href), "Ask for a fresh redirect URL for a signer.")
    added.add_argument("href", help="the signer's href, as create showed it")
    added = command("status", lambda client, o: client.status(o.url, o.token), "Show a job's status by the token of its exit URL.")
    added.add_argument("url", help="the status URL, as create showed it")
    added.add_argument("token", help="status_query_token of the exit URL")
    added = command("poll", _poll, "Fetch the next status change.")
    added.add_argument("--queue", default="", help="name of the queue; the default queue without")
    added = command("confirm", _confirm, "Confirm a status change.")
    added.add_argument("url", help="the confirmation URL")
    added = command("delete", _delete, "Delete a finished job's documents.")
    added.add_argument("url", help="the delete-documents URL")
    added = command("download", lambda client, o: {"saved": str(client.save(o.url, o.file))}, "Save a XAdES or PAdES.")
    added.add_argument("url", help="the xades or pades URL")
    added.add_argument("file", type=Path)
    return parser


def _describe_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--title", required=True)
    parser.add_argument("--description")
    parser.add_argument("--reference")
    parser.add_argument("--document", action="append", type=Path, required=True, help="a .pdf or .txt file; may be repeated")
    parser.add_argument("--signer", action="append", default=[], metavar="NUMBER", help="national identity number; may be repeated")
    parser.add_argument(
        "--signer-identifier", action="append", default=[], metavar="ID", help="an identifier of one's own; may be repeated"
    )
    parser.add_argument("--signature-type", choices=[kind.name.lower() for kind in SignatureType])
    parser.add_argument("--level", type=int, choices=(3, 4))
    parser.add_argument("--identifier-format", type=IdentifierFormat, choices=list(IdentifierFormat))
    parser.add_argument("--completion-url", required=True)
    parser.add_argument("--rejection-url", required=True)
    parser.add_argument("--error-url", required=True)
    parser.add_argument("--polling", action="store_true", help="the status will be polled for")
    parser.add_argument("--queue", help="name of the queue to be polled")


def _client(options: argparse.Namespace) -> SeglClient:
    if not options.api_url or not options.organization or not options.ca:
        raise NotSendable("Say where the service is: --api-url, --organization and --ca (or SEGL_CLIENT_API_URL, …_ORGANIZATION, …_CA).")
    if options.p12:
        certificate = SenderCertificate.from_pkcs12(options.p12, options.p12_password or "")
    elif options.certificate and options.key:
        certificate = SenderCertificate.from_pem(options.certificate, options.key)
    else:
        raise NotSendable("Say who you are: --p12 and its password, or --certificate and --key.")
    server = options.server_organization or SERVICE_ORGANIZATION_NUMBER
    return SeglClient(
        options.api_url,
        options.organization,
        certificate=certificate,
        ca=options.ca,
        server_organization=None if server == "host" else server,
    )


def _create(client: SeglClient, options: argparse.Namespace) -> object:
    kind = SignatureType[options.signature_type.upper()] if options.signature_type else None
    signers = [Signer(national_identity_number=number, signature_type=kind) for number in options.signer]
    signers += [Signer(identifier=identifier, signature_type=kind) for identifier in options.signer_identifier]
    documents = [
        Document(
            title=path.stem,
            content=path.read_bytes(),
            type=DocumentType.TEXT if path.suffix == ".txt" else DocumentType.PDF,
            name=path.name,
        )
        for path in options.document
    ]
    return client.create_direct_job(
        DirectJob(
            title=options.title,
            description=options.description,
            reference=options.reference,
            documents=tuple(documents),
            signers=tuple(signers),
            exit_urls=ExitUrls(completion=options.completion_url, rejection=options.rejection_url, error=options.error_url),
            required_level=options.level,
            identifier_format=options.identifier_format,
            status_retrieval=StatusRetrieval.POLLING if options.polling else None,
            polling_queue=options.queue,
        )
    )


def _poll(client: SeglClient, options: argparse.Namespace) -> object:
    change = client.poll(options.queue)
    return change or {"change": None, "next_permitted_poll_at": client.next_permitted_poll_at(options.queue)}


def _confirm(client: SeglClient, options: argparse.Namespace) -> object:
    client.confirm(options.url)
    return {"confirmed": True}


def _delete(client: SeglClient, options: argparse.Namespace) -> object:
    client.delete_documents(options.url)
    return {"deleted": True}


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _readable(result: object, indent: str = "") -> str:
    fields = dataclasses.asdict(result) if dataclasses.is_dataclass(result) and not isinstance(result, type) else result
    if not isinstance(fields, dict):
        return f"{indent}{fields}"
    lines: list[str] = []
    for name, value in fields.items():
        if isinstance(value, list | tuple):
            for number, item in enumerate(value, start=1):
                lines += [f"{indent}{name} {number}", _readable(item, indent + "  ")]
        else:
            lines.append(f"{indent}{name.replace('_', ' ')}: {'-' if value is None else value}")
    return "\n".join(lines)
