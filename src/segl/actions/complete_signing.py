"""
The browser is back from the eID provider: check who it was, make the signature, store it.

  (1) The answer belongs to an attempt of this browser, and is evaluated once.
  (2) The provider's answer passes every check; its nonce is the intent's digest.
  (3) The person is the addressed one and has a name.
  (4) The intent is still what would be signed.
  (5) A fresh key, a ten-minute certificate, the XAdES, its time-stamp; the key is forgotten.
  (6) One transaction: the signature (one a signer, by the database), the signer's new state, the work of sealing, the audit event.

Whatever fails before (6) leaves the signer WAITING with nothing burned but the attempt.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from segl.actions.access import SittingNotFound, hashed, locked_job, sitting_row
from segl.actions.begin_signing import intent_for
from segl.actions.ports import KeyUnusable, Ports, TimeStampUnavailable, ValidationMaterialUnavailable
from segl.actions.seal_job import SEAL, seal_key
from segl.actions.sweep_orphans import put_if_gone
from segl.actions.visibility import make_visible
from segl.ceremony.evidence import NameNotAvailable, SignerIdentity, WrongPerson, evidence_bytes, settle_identity
from segl.ceremony.identification import (
    Identification,
    LoginAborted,
    LoginLevelTooLow,
    LoginNotCompleted,
    ProviderUnavailable,
)
from segl.ceremony.intent import nonce_of
from segl.ceremony.sitting import Problem
from segl.database import audit, work
from segl.database.job_rows import state_of, write_state
from segl.database.models import Signature, Signer, SigningAttempt, Sitting
from segl.database.transactions import durable
from segl.jobs.job import JobAlreadyEnded, SignerNameMissing, SignerNotWaiting, SignerSigned, SignerStatus
from segl.jobs.terms import required_level
from segl.signatures import person_certificate, xades
from segl.signatures.person_certificate import UnableToIssue
from segl.signatures.xades import UnableToSign
from segl.values import IdentifierFormat, Level, NationalIdentityNumber, SignatureType

SERIAL_BITS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Which sitting the browser belongs to, and its cookie secret from now on: a new one after a log-in."""

    sitting_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Returned(sitting_id={self.sitting_id!r}, secret=…)"


class IntentNoLongerHolds(Exception):
    """What would be signed is not what was intended. Nothing is signed."""


def complete_signing(ports: Ports, *, parameters: Mapping[str, str], cookie_secrets: Mapping[str, str], ip_address: str) -> Returned:
    """
    Evaluate the provider's answer and sign; what went wrong with the log-in is left as the sitting's problem.

    `parameters` are the callback's query parameters, `cookie_secrets` this browser's secrets by sitting id.

    :raises SittingNotFound, SittingTimedOut: if the answer belongs to no attempt of this browser.
    """
    attempt, secret, rotated = _own_attempt(ports, parameters, cookie_secrets)  # (1)
    with durable():
        # Together and before anything slow: a browser that reloads while Segl signs comes to the same new secret.
        is_first = SigningAttempt.objects.filter(pk=attempt.pk, returned_at=None).update(returned_at=ports.clock.now()) == 1
        own_sitting = Sitting.objects.filter(pk=attempt.sitting_id, secret_sha256=hashed(secret))
        if is_first and own_sitting.update(secret_sha256=hashed(rotated)) != 1:
            raise SittingNotFound  # another log-in has changed the secret meanwhile: to sign with a dead one would be a fixed session's way
    if not is_first:
        # Looked up again: whoever was first may have changed the secret since, and the old one would lock this browser out.
        return Returned(sitting_id=attempt.sitting_id, secret=_own_attempt(ports, parameters, cookie_secrets)[1])
    back = Returned(sitting_id=attempt.sitting_id, secret=rotated)
    try:
        identification = _identify(ports, attempt, parameters)  # (2)
    except LoginNotCompleted as not_completed:
        _record_problem(ports, attempt, _problem_of(not_completed), reason=type(not_completed).__name__)
        return back
    try:
        _sign(ports, attempt, identification, ip_address=ip_address)
    except WrongPerson:
        _record_problem(ports, attempt, Problem.WRONG_PERSON, reason="WrongPerson")
    except NameNotAvailable:
        _fail_without_name(ports, attempt)
    except (TimeStampUnavailable, ValidationMaterialUnavailable, KeyUnusable, UnableToIssue, UnableToSign) as unavailable:
        _record_problem(ports, attempt, Problem.NO_TIME_STAMP, reason=type(unavailable).__name__)
    except IntentNoLongerHolds:
        _record_problem(ports, attempt, Problem.LOGIN_REFUSED, reason="IntentNoLongerHolds")
    except (SignerNotWaiting, JobAlreadyEnded):
        pass  # the person signed in another tab, or the job ended meanwhile: the sitting's stage tells which
    return back


def is_being_evaluated(*, state: str) -> bool:
    """Return whether another request, of a reload say, is still finding out what comes of the answer to this `state`."""
    return SigningAttempt.objects.filter(
        state_sha256=hashed(state), outcome=None, signer__status=SignerStatus.WAITING, returned_at__isnull=False
    ).exists()


def _own_attempt(ports: Ports, parameters: Mapping[str, str], cookie_secrets: Mapping[str, str]) -> tuple[SigningAttempt, str, str]:
    """Return the attempt, the sitting's secret as it stands now, and what it is after this log-in."""
    state = parameters.get("state", "")
    attempt = SigningAttempt.objects.filter(state_sha256=hashed(state)).select_related("signer__job__sender").first()
    secret = cookie_secrets.get(attempt.sitting_id) if attempt is not None else None
    if attempt is None or not secret:
        raise SittingNotFound
    rotated = _after_log_in(secret, state, parameters.get("code", ""))
    try:
        sitting_row(ports, sitting_id=attempt.sitting_id, secret=secret)
    except SittingNotFound:
        sitting_row(ports, sitting_id=attempt.sitting_id, secret=rotated)
        return attempt, rotated, rotated
    return attempt, secret, rotated


def _after_log_in(secret: str, state: str, code: str) -> str:
    """
    Return the sitting's secret after a log-in, so that a cookie planted before it is worth nothing (reliability.md B-22).

    It follows from the old secret and what the provider's answer carries: a browser that lost Segl's answer comes with both and reaches the
    same new secret. Whoever planted the cookie may have begun the log-in too, and know its `state`; its `code` only this browser was given.
    """
    digest = hashlib.sha256(f"{secret} {state} {code}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _identify(ports: Ports, attempt: SigningAttempt, parameters: Mapping[str, str]) -> Identification:
    signature_type = SignatureType(attempt.signer.signature_type)
    return ports.identity_providers.finish(
        provider=attempt.provider,
        parameters=parameters,
        state=parameters["state"],
        nonce=nonce_of(bytes(attempt.intent)),
        code_verifier=attempt.code_verifier,
        level=required_level(job_level=Level(attempt.signer.job.level), signature_type=signature_type),
        fresh_since=attempt.begun_at if signature_type is SignatureType.ADVANCED else None,
    )


def _sign(ports: Ports, attempt: SigningAttempt, identification: Identification, *, ip_address: str) -> None:
    signer, job = attempt.signer, attempt.signer.job
    number = signer.national_identity_number
    identity = settle_identity(  # (3)
        identification,
        addressed_to=NationalIdentityNumber(number) if number else None,
        identifier_format=IdentifierFormat(job.identifier_format),
    )
    intent = bytes(attempt.intent)
    salt = json.loads(intent)["salt"]
    if intent_for(job, signer, salt=salt).canonical() != intent:  # (4)
        raise IntentNoLongerHolds
    signed_at = ports.clock.now()
    state_of(job).after(SignerSigned(signer=signer.position, at=signed_at))  # refused before a key is made for nothing
    evidence = evidence_bytes(
        intent=intent,
        identity=identity,
        identification=identification,
        signature_type=SignatureType(signer.signature_type),
        signed_at=signed_at,
        ip_address=ip_address,
    )
    signature_file = _make_xades(ports, signer, identity, evidence, signed_at)  # (5)
    xades_sha256 = ports.documents.put(signature_file)
    with durable():  # (6)
        job = locked_job(job.pk)
        state = state_of(job).after(SignerSigned(signer=signer.position, at=signed_at))
        Signature.objects.create(
            signer=signer,
            attempt=attempt,
            xades_sha256=xades_sha256,
            signed_at=signed_at,
            eid=identification.eid,
            level=identification.level,
            name=identity.name,
            birth_date=identity.birth_date,
            national_identity_number=identity.national_identity_number.value if identity.national_identity_number else None,
            evidence=evidence,
            id_token=identification.id_token,
            verifying_key=identification.verifying_key,
            issuer=identification.issuer,
        )
        SigningAttempt.objects.filter(pk=attempt.pk).update(outcome="SIGNED")
        write_state(job, state)
        work.enqueue(SEAL, seal_key(job), due_at=signed_at)
        audit.record("signer-signed", at=signed_at, job_id=job.pk, signer=signer.position, xades=xades_sha256)
        put_if_gone(ports, {xades_sha256: signature_file})


def _make_xades(ports: Ports, signer: Signer, identity: SignerIdentity, evidence: bytes, signed_at: datetime) -> bytes:
    authority = ports.keys.person_ca()
    validators_need = ports.validation.revocation_lists()  # asked first: without them no signature can reach B-LT
    key = ports.chance.signing_key()
    certificate = person_certificate.issue(
        certificate=authority.certificate,
        private_key=authority.private_key,
        public_key=key.public_key(),
        subject=person_certificate.PersonSubject(
            name=identity.name,
            national_identity_number=identity.national_identity_number.value if identity.national_identity_number else None,
        ),
        serial=ports.chance.bits(SERIAL_BITS),
        now=signed_at,
    )
    prepared = xades.prepare(
        [
            xades.SignedDocument(name=document.file_name, mime=document.mime, sha256=bytes.fromhex(document.sha256))
            for document in signer.job.documents.all()
        ],
        evidence=evidence,
        certificate=certificate,
        chain=(authority.certificate, *authority.chain),
        private_key=key,
        signing_time=signed_at,
    )
    token = ports.time_stamps.time_stamp(prepared.time_stamp_imprint)
    return xades.complete(prepared, time_stamp=token, certificates=ports.validation.certificates(), revocation_lists=validators_need)


def _problem_of(not_completed: LoginNotCompleted) -> Problem:
    match not_completed:
        case LoginAborted():
            return Problem.LOGIN_ABORTED
        case LoginLevelTooLow():
            return Problem.LEVEL_TOO_LOW
        case ProviderUnavailable():
            return Problem.EID_UNAVAILABLE
        case _:
            return Problem.LOGIN_REFUSED


def _record_problem(ports: Ports, attempt: SigningAttempt, problem: Problem, *, reason: str) -> None:
    with durable():
        locked_job(attempt.signer.job_id)
        Sitting.objects.filter(pk=attempt.sitting_id).update(problem=problem)
        SigningAttempt.objects.filter(pk=attempt.pk).update(outcome=problem)
        audit.record(
            "signing-not-completed", at=ports.clock.now(), job_id=attempt.signer.job_id, signer=attempt.signer.position, reason=reason
        )


def _fail_without_name(ports: Ports, attempt: SigningAttempt) -> None:
    now = ports.clock.now()
    with durable():
        job = locked_job(attempt.signer.job_id)
        try:
            state = state_of(job).after(SignerNameMissing(signer=attempt.signer.position, at=now))
        except (SignerNotWaiting, JobAlreadyEnded):
            return
        write_state(job, state)
        audit.record("signer-name-not-available", at=now, job_id=job.pk, signer=attempt.signer.position)
        make_visible(job, at=now)
