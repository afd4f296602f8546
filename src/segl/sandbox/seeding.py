"""
What the sandbox's processes need to find at each start: its organizations and broker rights in the database, its eID provider in a file.

What an integrator added stays.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from segl.adapters.keys.files import write_file
from segl.database import audit
from segl.database.models import BrokerRight, Organization
from segl.sandbox.identity_provider import provider_configuration
from segl.sandbox.material import Role, SandboxMaterial, authorized_brokers, read_organizations
from segl.sandbox.neighbours import ISSUER_PATH


def seed(material: SandboxMaterial, *, neighbours_url: str) -> None:
    """Add what is not there yet. The stranger is left out: it has a valid certificate and no access."""
    configuration = provider_configuration(issuer=neighbours_url + ISSUER_PATH)
    write_file(material.folder / "identity-providers.json", configuration.encode())
    now = datetime.now(UTC)
    with transaction.atomic():
        for organization in read_organizations(material.organizations):
            if organization.role is Role.STRANGER:
                continue
            _, is_new = Organization.objects.get_or_create(
                pk=organization.organization_number.value,
                defaults={"name": organization.name, "sector": organization.sector, "created_at": now},
            )
            if is_new:
                audit.record("organization-added", at=now, organization=organization.organization_number.value)
        for broker, sender in authorized_brokers():
            _, is_new = BrokerRight.objects.get_or_create(broker_id=broker.value, sender_id=sender.value, defaults={"created_at": now})
            if is_new:
                audit.record("broker-added", at=now, broker=broker.value, sender=sender.value)
