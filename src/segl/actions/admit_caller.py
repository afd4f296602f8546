"""
Whose certificate is calling, and for whom: sender, broker or nobody (wire-spec.md 4.1, 5, 15).

The order is wire-spec.md 6.3: known and active organization, broker right, rate limit.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from segl.actions.create_job import Creator
from segl.actions.limit_rate import limit_rate
from segl.actions.ports import Ports
from segl.certificates import CertificateDescription, CertificateRefused, describe, organization_number
from segl.database.models import BrokerRight, Organization
from segl.values import OrganizationNumber, ValueRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, and on whose behalf."""

    sender: Organization
    creator: Creator

    @property
    def is_broker(self) -> bool:
        """Return whether the certificate is another organization's than the sender's."""
        return self.creator.organization != self.sender.number


class NotAuthorized(Exception):
    """The certificate's organization has no access to the API."""

    def __init__(self, certificate: CertificateDescription, *, organization: str | None) -> None:
        super().__init__()
        self.certificate = certificate
        self.organization = organization


class BrokerNotAuthorized(NotAuthorized):
    """The certificate's organization may not act for the organization in the address."""

    def __init__(self, certificate: CertificateDescription, *, organization: str, sender: str) -> None:
        super().__init__(certificate, organization=organization)
        self.sender = sender


class NoOrganizationNumber(BrokerNotAuthorized):
    """The address holds no organization number. Write the sender's nine digits after /api/."""


def admit_caller(ports: Ports, *, certificate: x509.Certificate, sender: str, is_counted: bool = True) -> Caller:
    """
    Return the caller behind `certificate`, acting for the organization number `sender`.

    The certificate's path and revocation are already checked by the door (ports.enterprise).

    :raises NotAuthorized: if the certificate's organization is unknown or not active.
    :raises NoOrganizationNumber: if `sender` is none; whether one has a broker's right is then no question.
    :raises BrokerNotAuthorized: if it may not act for `sender`.
    :raises RateLimited: see limit_rate.py.
    """
    try:
        number = str(organization_number(certificate))
    except CertificateRefused as refused:
        raise NotAuthorized(describe(certificate), organization=None) from refused
    try:
        numbers = {number, str(OrganizationNumber(sender))}
    except ValueRefused:
        numbers = {number}  # what is no organization number is asked of no database: PostgreSQL takes no NUL
    known = {row.number: row for row in Organization.objects.filter(pk__in=numbers, is_active=True)}
    if number not in known:
        raise NotAuthorized(describe(certificate), organization=number)
    if sender not in numbers:
        raise NoOrganizationNumber(describe(certificate), organization=number, sender=sender)
    is_allowed = sender in known and (number == sender or BrokerRight.objects.filter(broker_id=number, sender_id=sender).exists())
    if not is_allowed:
        raise BrokerNotAuthorized(describe(certificate), organization=number, sender=sender)
    if is_counted:
        limit_rate(ports, organization=sender)
        if number != sender:
            limit_rate(ports, organization=number)  # a broker for many is also counted by its own number (wire-spec.md 17)
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    return Caller(sender=known[sender], creator=Creator(organization=number, certificate_sha256=fingerprint))
