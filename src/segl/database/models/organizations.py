"""Who may use the API, and on whose behalf."""

from __future__ import annotations

from django.db import models

from segl.values import Sector


class Organization(models.Model):
    """An organization with API access."""

    number = models.CharField(max_length=9, primary_key=True)
    name = models.CharField(max_length=200)
    sector = models.CharField(max_length=7, choices=[(sector.value, sector.value) for sector in Sector])
    is_active = models.BooleanField(default=True)
    may_use_name_only = models.BooleanField(default=False)
    """The identifier NAME where the sector alone would not allow it (wire-spec.md 19)."""
    may_send_text = models.BooleanField(default=True)
    """Documents of type text/plain (wire-spec.md 18)."""
    created_at = models.DateTimeField()


class BrokerRight(models.Model):
    """The right of one organization to act for another. Deleting the row takes the right away at the next request."""

    broker = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="rights_as_broker")
    sender = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="rights_given")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "sender"], name="one_right_a_pair")]
