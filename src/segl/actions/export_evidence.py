"""
All that proves a job's signatures, as files: for a court, an audit, or a person who disputes having signed (issue line 21).

Where the identifier is not the identity number, the signed files hold the id_token's digest only, so the proof of the log-in is here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from segl.actions.ports import Ports
from segl.ceremony.intent import nonce_of
from segl.database import audit
from segl.database.models import Job, Signature
from segl.database.transactions import durable


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureProof:
    """What proves one signature."""

    position: int
    files: Mapping[str, bytes] = field(repr=False)
    """By file name. Personal. Without the XAdES when the sender has deleted the documents."""
    is_token_in_evidence: bool
    """The id_token, or its SHA-256, stands in the signed evidence."""
    is_intent_in_token: bool
    """The id_token's nonce is the digest of the intent."""


def export_evidence(ports: Ports, *, job_id: int) -> tuple[SignatureProof, ...]:
    """
    Return what proves each signature of the job, in the signers' order, and note in the audit trail that it was taken out.

    For the operator only: there is no check of who asks.

    :raises DocumentMissing, DocumentDamaged: if a XAdES that should be there is not; see `segl check`.
    """
    signatures = Signature.objects.filter(signer__job=job_id).select_related("signer", "attempt").order_by("signer__position")
    is_deleted = Job.objects.filter(pk=job_id, documents_deleted_at__isnull=False).exists()
    proofs = tuple(_proof(signature, xades=None if is_deleted else ports.documents.get(signature.xades_sha256)) for signature in signatures)
    with durable():
        audit.record("evidence-exported", at=ports.clock.now(), job_id=job_id, signatures=len(proofs))
    return proofs


def _proof(signature: Signature, *, xades: bytes | None) -> SignatureProof:
    number, intent, evidence = signature.signer.position, bytes(signature.attempt.intent), bytes(signature.evidence)
    files = {
        f"evidence-{number}.json": evidence,
        f"intent-{number}.json": intent,
        f"id-token-{number}.jwt": signature.id_token.encode(),
        f"provider-key-{number}.json": signature.verifying_key.encode(),
    }
    if xades is not None:
        files[f"signature-{number}.xml"] = xades
    how = json.loads(evidence)["how"]
    return SignatureProof(
        position=number,
        files=files,
        is_token_in_evidence=how.get("idToken") == signature.id_token
        or how.get("idTokenSha256") == hashlib.sha256(signature.id_token.encode()).hexdigest(),
        is_intent_in_token=_nonce(signature.id_token) == nonce_of(intent),
    )


def _nonce(id_token: str) -> object:
    claims = id_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))).get("nonce")
