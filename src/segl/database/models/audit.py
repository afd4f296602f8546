"""The audit log: one event a transition, each chained to the one before by its hash (invariant I8)."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """One event. Holds our own numbers only; nothing personal."""

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    job_id = models.BigIntegerField(null=True)
    signer = models.PositiveSmallIntegerField(null=True)
    details = models.TextField()
    """Canonical JSON."""
    previous_sha256 = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["job_id", "sequence"])]


class AuditHead(models.Model):
    """The end of the chain; its row is the lock that keeps the chain single. One row, id 1."""

    sequence = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, default="", blank=True)
