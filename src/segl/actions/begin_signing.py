"""
A signer says yes: the signing intent is written down, and only then the browser leaves for the eID provider.

What was intended is on disk before anybody can sign it (docs/decisions, intent before signature).
"""

from __future__ import annotations

from collections.abc import Sequence

from segl.actions.access import hashed, locked_job, sitting_row, view_of
from segl.actions.ports import EidChoice, Ports
from segl.ceremony.identification import ProviderUnavailable
from segl.ceremony.intent import SALT_BITS, IntendedDocument, SigningIntent, nonce_of
from segl.ceremony.sitting import Problem, Stage
from segl.database import audit
from segl.database.models import Job, Signer, SigningAttempt, Sitting
from segl.database.transactions import durable
from segl.jobs.job import SignerNotWaiting
from segl.values import IdentifierFormat, Language, SignatureType

LOGIN_AGAIN = frozenset({Problem.WRONG_PERSON, Problem.LEVEL_TOO_LOW})
"""After these the provider's running session would only bring the same answer again, without a page to choose on."""


def choices(ports: Ports, *, sitting_id: str, secret: str | None) -> Sequence[EidChoice]:
    """
    Return the eID providers this signer may use.

    :raises SittingNotFound, SittingTimedOut: see access.py.
    """
    view = view_of(sitting_row(ports, sitting_id=sitting_id, secret=secret))
    return ports.identity_providers.choices(level=view.level)


def begin_signing(ports: Ports, *, sitting_id: str, secret: str | None, provider: str, language: Language) -> str:
    """
    Write down the intent and return the address where the person logs in.

    :raises SittingNotFound, SittingTimedOut: see access.py.
    :raises SignerNotWaiting: if the person has already acted, or the job is over.
    :raises ProviderUnavailable: if the provider does not answer; nothing is signed.
    """
    row = sitting_row(ports, sitting_id=sitting_id, secret=secret)
    view = view_of(row)
    now = ports.clock.now()
    if view.stage is not Stage.READING or now >= view.deadline_at:
        raise SignerNotWaiting
    intent = intent_for(row.signer.job, row.signer, salt=f"{ports.chance.bits(SALT_BITS):064x}").canonical()
    state = ports.chance.token()
    try:
        request = ports.identity_providers.begin(
            provider=provider,
            state=state,
            nonce=nonce_of(intent),
            level=view.level,
            is_fresh_required=view.signature_type is SignatureType.ADVANCED or view.problem in LOGIN_AGAIN,
            language=language,
        )
    except ProviderUnavailable:
        Sitting.objects.filter(pk=row.pk).update(problem=Problem.EID_UNAVAILABLE)
        raise
    with durable():
        locked_job(row.signer.job_id)
        SigningAttempt.objects.create(
            signer=row.signer,
            sitting=row,
            intent=intent,
            provider=provider,
            state_sha256=hashed(state),
            code_verifier=request.code_verifier,
            begun_at=now,
        )
        Sitting.objects.filter(pk=row.pk).update(problem=None)
        audit.record("signing-intended", at=now, job_id=row.signer.job_id, signer=row.signer.position, intent=nonce_of(intent))
    return request.url


def intent_for(job: Job, signer: Signer, *, salt: str) -> SigningIntent:
    """Return what `signer` is about to sign, from the rows as they stand now."""
    return SigningIntent(
        job_id=job.pk,
        signer=signer.position,
        documents=tuple(IntendedDocument(file_name=d.file_name, sha256=d.sha256) for d in job.documents.all()),
        identifier_format=IdentifierFormat(job.identifier_format),
        signature_type=SignatureType(signer.signature_type),
        salt=salt,
    )
