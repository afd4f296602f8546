"""What keeps the service running: the polling queue, its gates, background work, the sandbox's clock and request log."""

from __future__ import annotations

from django.db import models

from segl.database.models.jobs import Job


class StatusChange(models.Model):
    """An entry of a polling queue: this job has changed, hand out its state (wire-spec.md 12.5)."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="status_changes")
    sender_number = models.CharField(max_length=9)
    flow = models.CharField(max_length=6)
    queue = models.CharField(max_length=255, default="", blank=True)
    sequence = models.PositiveIntegerField()
    """From 1 within the job; stands in the confirmation URL."""
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "sequence"], name="one_change_a_sequence")]
        indexes = [
            models.Index(fields=["sender_number", "flow", "queue", "id"], condition=models.Q(confirmed_at=None), name="unconfirmed_changes")
        ]


class PollGate(models.Model):
    """When a queue may be polled again after it was found empty. On real time (reliability.md B-51)."""

    sender_number = models.CharField(max_length=9)
    flow = models.CharField(max_length=6)
    queue = models.CharField(max_length=255, default="", blank=True)
    next_permitted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender_number", "flow", "queue"], name="one_gate_a_queue")]


class RateWindow(models.Model):
    """The calls of one organization within the last second, and its block. On real time."""

    organization_number = models.CharField(max_length=9, primary_key=True)
    calls = models.JSONField(default=list)
    """POSIX seconds of the accepted calls of the last second."""
    blocked_until = models.DateTimeField(null=True)


class WorkItem(models.Model):
    """Something that must happen by itself: seal, expire. Taken by lease, counted at the claim, fenced by the lease token."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=80)
    """Unique within the kind: the same work is never queued twice."""
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    waits = models.PositiveSmallIntegerField(default=0)
    """How often it was given back because a neighbour was down: pauses grow with it, and it never dies of it."""
    lease_token = models.CharField(max_length=43, default="", blank=True)
    leased_until = models.DateTimeField(null=True)
    """On the database's own clock."""
    is_dead = models.BooleanField(default=False)
    waits_for = models.CharField(max_length=200, default="", blank=True)
    """Why the last attempt did not finish, in the operator's words."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_item_a_key")]
        indexes = [models.Index(fields=["is_dead", "due_at"])]


class Heartbeat(models.Model):
    """When a process without a port of its own was last seen alive. On the database's own clock."""

    process = models.CharField(max_length=20, primary_key=True)
    seen_at = models.DateTimeField()


class ClockOffset(models.Model):
    """How far the sandbox's clock has been moved forward. One row, id 1."""

    seconds = models.BigIntegerField(default=0)


class ApiRequest(models.Model):
    """The sandbox's list of the latest API requests, refused handshakes included, for the integrator. Nothing personal."""

    at = models.DateTimeField()
    method = models.CharField(max_length=10, default="", blank=True)
    path = models.CharField(max_length=300, default="", blank=True)
    status = models.PositiveSmallIntegerField(null=True)
    """None: refused in the TLS handshake."""
    certificate = models.CharField(max_length=300, default="", blank=True)
    outcome = models.CharField(max_length=500, default="", blank=True)
