"""
What a signer's visit leaves behind: redirect tokens, sittings, attempts to sign with their intents, and the signatures.

Tokens and cookie secrets are stored as SHA-256 only (reliability.md B-19).
"""

from __future__ import annotations

from django.db import models

from segl.database.models.jobs import Job, Signer
from segl.values import Language

SHA256_HEX = 64


class Sitting(models.Model):
    """One signer's visit, from the opened redirect URL to the exit."""

    id = models.CharField(max_length=43, primary_key=True)
    """Random; stands in addresses and is worthless without the cookie."""
    signer = models.ForeignKey(Signer, on_delete=models.CASCADE, related_name="sittings")
    secret_sha256 = models.CharField(max_length=SHA256_HEX)
    language = models.CharField(max_length=2, choices=[(language.value, language.value) for language in Language])
    opened_documents = models.JSONField(default=list)
    """Numbers of the documents the person has opened."""
    problem = models.CharField(max_length=30, null=True)
    """ceremony.sitting.Problem of the last attempt, shown until the next one."""
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()


class RedirectToken(models.Model):
    """A one-time redirect URL, by the hash of its token."""

    sha256 = models.CharField(max_length=SHA256_HEX, primary_key=True)
    signer = models.ForeignKey(Signer, on_delete=models.CASCADE, related_name="redirect_tokens")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True)
    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, null=True, related_name="+")
    """The sitting that the first use opened."""
    is_replaced = models.BooleanField(default=False)
    """A newer redirect URL makes this one fail (wire-spec.md 9)."""


class StatusQueryToken(models.Model):
    """A token that was given to the sender at an exit URL; valid while the job is kept, for any number of uses."""

    sha256 = models.CharField(max_length=SHA256_HEX, primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="status_query_tokens")
    issued_at = models.DateTimeField()


class SigningAttempt(models.Model):
    """A signing intent and the log-in that was begun for it. Committed before the browser leaves for the eID provider."""

    signer = models.ForeignKey(Signer, on_delete=models.CASCADE, related_name="attempts")
    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, related_name="attempts")
    intent = models.BinaryField()
    """ceremony.intent.SigningIntent.canonical(); its SHA-256 is the log-in's nonce."""
    provider = models.CharField(max_length=40)
    state_sha256 = models.CharField(max_length=SHA256_HEX, unique=True)
    code_verifier = models.CharField(max_length=128)
    begun_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True)
    """When the browser came back; set by compare-and-set, so that one answer is evaluated once."""
    outcome = models.CharField(max_length=30, null=True)
    """SIGNED, or the ceremony.sitting.Problem it ended in."""


class Signature(models.Model):
    """The accepted signature of one signer. One a signer, by the database itself (invariant I2)."""

    signer = models.OneToOneField(Signer, on_delete=models.CASCADE, related_name="signature")
    attempt = models.OneToOneField(SigningAttempt, on_delete=models.PROTECT, related_name="signature")
    xades_sha256 = models.CharField(max_length=SHA256_HEX, db_index=True)
    signed_at = models.DateTimeField()
    eid = models.CharField(max_length=60)
    level = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=300)
    """Personal."""
    birth_date = models.DateField(null=True)
    """Personal; only when the identifier format shows it."""
    national_identity_number = models.CharField(max_length=11, null=True)
    """Personal; only when the identifier format shows it."""
    evidence = models.BinaryField()
    """Personal. ceremony.evidence.evidence_bytes(), the very text inside the XAdES."""
    id_token = models.TextField()
    """Personal. Kept here even when the XAdES holds its digest only, so that the log-in can be proved."""
    verifying_key = models.TextField()
    issuer = models.CharField(max_length=200)
