"""
The operator's commands: who may call, Segl's own keys, what a job waits for, and whether everything holds.

Each prints a readable table, or JSON with `--json`. None shows anything personal; `job evidence` writes it to files that only its user can read.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction

from segl.actions.check_invariants import check_invariants, young_orphans
from segl.actions.export_evidence import export_evidence
from segl.actions.ports import DocumentDamaged, DocumentMissing
from segl.adapters.clock import clock_of
from segl.adapters.keys import KeyFileUnusable, creation
from segl.database import audit, work
from segl.database.models import BrokerRight, Job, Organization, WorkItem
from segl.values import OrganizationNumber, Sector, ValueRefused

Row = dict[str, Any]  # Any: JSON values


class CommandRefused(Exception):
    """The command cannot be carried out; the message says why and what to do."""


def add_commands(commands: Any) -> None:  # Any: argparse's subparsers have no public type
    """Add the operator's commands to the parser."""
    _add(commands, "organization add", organization_add, "Give an organization API access.", _organization_arguments)
    _add(commands, "organization deactivate", organization_deactivate, "Take an organization's API access away.", _number_argument)
    _add(commands, "organization list", organization_list, "Who has API access.")
    _add(commands, "broker add", broker_add, "Let one organization act for another.", _broker_arguments)
    _add(commands, "broker remove", broker_remove, "Take a broker's right away, from the next request on.", _broker_arguments)
    _add(commands, "keys create", keys_create, "Make person CA and seal; refuses to overwrite.", _keys_arguments)
    _add(commands, "keys status", keys_status, "Segl's keys and how long they are valid.")
    _add(commands, "keys lists", keys_lists, "Write the revocation lists of Segl's own roots.", _lists_arguments)
    _add(commands, "job show", job_show, "What a job waits for.", lambda p: p.add_argument("id", type=int))
    _add(commands, "job evidence", job_evidence, "Write what proves a job's signatures to files (personal).", _evidence_arguments)
    _add(commands, "work list", work_list, "Background work that waits or is dead.")
    _add(commands, "work retry", work_retry, "Start dead work again.")
    _add(commands, "check", check, "Check the invariants; exit 1 when one does not hold.")


def run(command: Callable[[argparse.Namespace], Sequence[Row]], arguments: argparse.Namespace) -> int:
    """Carry the command out and print its rows."""
    try:
        rows = list(command(arguments))
    except (CommandRefused, ValueRefused, creation.KeysExistAlready, KeyFileUnusable) as refused:
        print(f"segl: {refused}", file=sys.stderr)
        return 2
    except DatabaseError:
        print("segl: The database does not answer, or has no tables yet. Run `segl prepare`, and check SEGL_DATABASE_URL.", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(rows, indent=2, default=str))
    else:
        _print_table(rows)
    return 1 if command is check and rows else 0


def organization_add(arguments: argparse.Namespace) -> Sequence[Row]:
    """Add an organization, or change its name and sector."""
    number = OrganizationNumber(arguments.number)
    given = {
        "name": arguments.name,
        "sector": Sector(arguments.sector.upper()),
        "may_use_name_only": arguments.allow_name_only,
        "is_active": True,
    }
    now = _now()
    with transaction.atomic():
        row, is_new = Organization.objects.update_or_create(
            pk=number.value,
            defaults=given,
            create_defaults={**given, "created_at": now},
        )
        audit.record("organization-added" if is_new else "organization-changed", at=now, organization=number.value)
    return [_organization_row(row)]


def organization_deactivate(arguments: argparse.Namespace) -> Sequence[Row]:
    """Take an organization's access away; adding it again gives it back."""
    with transaction.atomic():
        row = Organization.objects.select_for_update().filter(pk=arguments.number).first()
        if row is None:
            raise CommandRefused(f"Organization {arguments.number} is unknown. Check the number with `segl organization list`.")
        row.is_active = False
        row.save(update_fields=["is_active"])
        audit.record("organization-deactivated", at=_now(), organization=row.number)
    return [_organization_row(row)]


def organization_list(arguments: argparse.Namespace) -> Sequence[Row]:
    """List the organizations."""
    return [_organization_row(row) for row in Organization.objects.order_by("number")]


def broker_add(arguments: argparse.Namespace) -> Sequence[Row]:
    """Let the first organization act for the second."""
    if arguments.broker == arguments.sender:
        raise CommandRefused("An organization always acts for itself. Name two organizations.")
    for number in (arguments.broker, arguments.sender):
        if not Organization.objects.filter(pk=number).exists():
            raise CommandRefused(f"Organization {number} is unknown. Add it first with `segl organization add`.")
    now = _now()
    with transaction.atomic():
        _, is_new = BrokerRight.objects.get_or_create(broker_id=arguments.broker, sender_id=arguments.sender, defaults={"created_at": now})
        if is_new:
            audit.record("broker-added", at=now, broker=arguments.broker, sender=arguments.sender)
    return [{"broker": arguments.broker, "sender": arguments.sender}]


def broker_remove(arguments: argparse.Namespace) -> Sequence[Row]:
    """Take the right away."""
    with transaction.atomic():
        removed, _ = BrokerRight.objects.filter(broker_id=arguments.broker, sender_id=arguments.sender).delete()
        if not removed:
            raise CommandRefused(f"Organization {arguments.broker} has no right to act for {arguments.sender}. Nothing was changed.")
        audit.record("broker-removed", at=_now(), broker=arguments.broker, sender=arguments.sender)
    return [{"broker": arguments.broker, "sender": arguments.sender}]


def keys_create(arguments: argparse.Namespace) -> Sequence[Row]:
    """Make Segl's own keys."""
    creation.create(
        settings.SEGL.keys,
        organization=arguments.organization,
        organization_number=settings.SEGL.server_organization_number,
        now=_now(),
    )
    return keys_status(arguments)


def keys_status(arguments: argparse.Namespace) -> Sequence[Row]:
    """Tell which keys there are."""
    return [{name: getattr(state, name) for name in state.__slots__} for state in creation.status(settings.SEGL.keys, now=_now())]


def keys_lists(arguments: argparse.Namespace) -> Sequence[Row]:
    """Write the revocation lists of Segl's own roots, to be published at SEGL_CRL_URLS."""
    paths = creation.write_revocation_lists(settings.SEGL.keys, into=arguments.into, at=_now(), fresh_for=timedelta(days=arguments.days))
    return [{"list": str(path), "fresh for days": arguments.days} for path in paths]


def job_show(arguments: argparse.Namespace) -> Sequence[Row]:
    """Tell what a job waits for."""
    job = Job.objects.filter(pk=arguments.id).first()
    if job is None:
        raise CommandRefused(f"There is no signature job {arguments.id}. Check the number.")
    rows: list[Row] = [{"what": "job", "status": job.status, "readable": job.visible_status, "since": job.created_at, "waits for": ""}]
    for signer in job.signers.select_related("group"):
        waits = f"the person, until {signer.group.deadline_at:%Y-%m-%d %H:%M} UTC" if signer.status == "WAITING" else ""
        if signer.status != signer.visible_status:
            waits = "the sealed PDF"
        rows.append(
            {
                "what": f"signer {signer.position}",
                "status": signer.status,
                "readable": signer.visible_status,
                "since": signer.since,
                "waits for": waits,
            }
        )
    for item in WorkItem.objects.filter(key__startswith=f"{job.pk}:") | WorkItem.objects.filter(key=str(job.pk)):
        rows.append(_work_row(item))
    return rows


def job_evidence(arguments: argparse.Namespace) -> Sequence[Row]:
    """Write evidence, intent, id_token, the provider's key and XAdES of each signature to a new folder; print what agrees with what."""
    if not Job.objects.filter(pk=arguments.id).exists():
        raise CommandRefused(f"There is no signature job {arguments.id}. Check the number.")
    try:
        arguments.into.mkdir(mode=0o700)
    except OSError as error:
        raise CommandRefused(f"{arguments.into} cannot be made, or is there already. Name a new folder inside one that exists.") from error
    try:
        proofs = export_evidence(settings.SEGL_PORTS, job_id=arguments.id)
    except (DocumentMissing, DocumentDamaged) as error:
        raise CommandRefused("A stored XAdES is missing or damaged. Run `segl check`, and restore the file from the backup.") from error
    for proof in proofs:
        for name, content in proof.files.items():
            with os.fdopen(os.open(arguments.into / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
    return [
        {
            "signer": proof.position,
            "files": len(proof.files),
            "token in evidence": proof.is_token_in_evidence,
            "intent in token": proof.is_intent_in_token,
        }
        for proof in proofs
    ]


def work_list(arguments: argparse.Namespace) -> Sequence[Row]:
    """List background work that is dead or waits for something."""
    return [_work_row(item) for item in WorkItem.objects.order_by("due_at") if item.is_dead or item.waits_for]


def work_retry(arguments: argparse.Namespace) -> Sequence[Row]:
    """Start dead work again."""
    return [{"retried": work.retry_dead(now=_now())}]


def check(arguments: argparse.Namespace) -> Sequence[Row]:
    """List what does not hold."""
    violations = check_invariants(settings.SEGL_PORTS)
    if not violations and not arguments.json:
        print("All invariants hold.")
    if orphans := young_orphans(settings.SEGL_PORTS):
        print(
            f"segl: {len(orphans)} stored files belong to no job. They are less than two hours old: jobs are being created, or a process died.",
            file=sys.stderr,
        )
    return [{"invariant": v.invariant, "job": v.job_id, "what": v.what} for v in violations]


def _now() -> datetime:
    # Not from SEGL_PORTS: those want keys and trusted roots, which the first commands on a new machine only make.
    return clock_of(is_sandbox=settings.SEGL_IS_SANDBOX).now()


def _work_row(item: WorkItem) -> Row:
    return {
        "what": f"work {item.kind}",
        "status": "DEAD" if item.is_dead else "WAITING",
        "readable": "",
        "since": item.due_at,
        "waits for": item.waits_for or "its time",
    }


def _organization_row(row: Organization) -> Row:
    return {
        "number": row.number,
        "name": row.name,
        "sector": row.sector,
        "active": row.is_active,
        "acts for": " ".join(row.rights_as_broker.order_by("sender_id").values_list("sender_id", flat=True)),
    }


def _organization_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", help="nine digits")
    parser.add_argument("name")
    parser.add_argument("--sector", choices=["public", "private"], required=True)
    parser.add_argument("--allow-name-only", action="store_true", help="allow the identifier NAME where the sector alone would not")


def _number_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", help="nine digits")


def _broker_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("broker", help="organization number of the one who acts")
    parser.add_argument("sender", help="organization number of the one it acts for")


def _evidence_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=int)
    parser.add_argument("--into", type=Path, required=True, help="a new folder to write the files into")


def _lists_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--into", type=Path, required=True, help="folder to write the lists into")
    parser.add_argument("--days", type=int, default=30, help="how long the lists are good for (30)")


def _keys_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--organization", required=True, help="name of the organization that seals")


def _add(
    commands: Any,  # Any: argparse's subparsers have no public type
    name: str,
    command: Callable[[argparse.Namespace], Sequence[Row]],
    help_text: str,
    arguments: Callable[[argparse.ArgumentParser], object] = lambda _: None,
) -> None:
    group, _, verb = name.partition(" ")
    if verb:
        known = commands.choices.get(group) or commands.add_parser(group, help=f"{group} …")
        if not hasattr(known, "verbs"):
            known.verbs = known.add_subparsers(required=True, metavar="verb")
        parser = known.verbs.add_parser(verb, help=help_text, description=help_text)
    else:
        parser = commands.add_parser(group, help=help_text, description=help_text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments(parser)
    parser.set_defaults(run=lambda given: run(command, given))


def _print_table(rows: Sequence[Row]) -> None:
    if not rows:
        return
    names = list(rows[0])
    cells = [[str(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in [names, *cells]) for i in range(len(names))]
    for line in [names, *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
