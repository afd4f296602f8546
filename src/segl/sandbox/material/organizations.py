"""
The sandbox's organizations: made up, with numbers beginning with 3 (synthetic ones do) whose check digit is right.

Their roles are what an integrator needs to try: two senders, a broker for both, a stranger and one whose certificate is revoked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from segl.values import OrganizationNumber, Sector


class Role(StrEnum):
    """What an organization is good for in the sandbox; also the name of its key store."""

    PUBLIC_SENDER = "public-sender"
    PRIVATE_SENDER = "private-sender"
    BROKER = "broker"
    """Authorized to act for both senders."""
    STRANGER = "stranger"
    """A valid certificate, but no API access."""
    REVOKED = "revoked"
    """A sender whose certificate stands in the revocation list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One row of organizations.json."""

    organization_number: OrganizationNumber
    name: str
    sector: Sector
    role: Role

    @property
    def keystore(self) -> str:
        """File name of its PKCS #12 key store in the sandbox folder."""
        return f"{self.role}.p12"


ORGANIZATIONS = (
    Organization(
        organization_number=OrganizationNumber("312845903"), name="Fjordvik kommune", sector=Sector.PUBLIC, role=Role.PUBLIC_SENDER
    ),
    Organization(
        organization_number=OrganizationNumber("311330470"), name="Nordlys Elektro AS", sector=Sector.PRIVATE, role=Role.PRIVATE_SENDER
    ),
    Organization(
        organization_number=OrganizationNumber("314625838"), name="Brobygger Integrasjon AS", sector=Sector.PRIVATE, role=Role.BROKER
    ),
    Organization(organization_number=OrganizationNumber("315325838"), name="Ukjent Handel AS", sector=Sector.PRIVATE, role=Role.STRANGER),
    Organization(
        organization_number=OrganizationNumber("318741360"), name="Tidligere Avsender AS", sector=Sector.PRIVATE, role=Role.REVOKED
    ),
)

SEID_2_ROLES = frozenset({Role.PRIVATE_SENDER, Role.STRANGER})
"""Whose certificates carry the number as organizationIdentifier; the others carry it as serialNumber (wire-spec.md 4.1)."""


def authorized_brokers() -> tuple[tuple[OrganizationNumber, OrganizationNumber], ...]:
    """Return the (broker, sender) pairs that Segl's sandbox must know."""
    of_role = {organization.role: organization.organization_number for organization in ORGANIZATIONS}
    return tuple((of_role[Role.BROKER], of_role[sender]) for sender in (Role.PUBLIC_SENDER, Role.PRIVATE_SENDER))


def organizations_json() -> bytes:
    """Return organizations.json."""
    rows = [
        {
            "organizationNumber": organization.organization_number.value,
            "name": organization.name,
            "sector": organization.sector.value,
            "role": organization.role.value,
            "keystore": organization.keystore,
        }
        for organization in ORGANIZATIONS
    ]
    return (json.dumps(rows, ensure_ascii=False, indent=2) + "\n").encode()


def read_organizations(path: Path) -> tuple[Organization, ...]:
    """Read organizations.json."""
    return tuple(
        Organization(
            organization_number=OrganizationNumber(row["organizationNumber"]),
            name=row["name"],
            sector=Sector(row["sector"]),
            role=Role(row["role"]),
        )
        for row in json.loads(path.read_bytes())
    )
