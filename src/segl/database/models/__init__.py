"""Segl's tables, a file a subject. Only `database` and `actions` speak to them."""

from segl.database.models.audit import AuditEvent, AuditHead
from segl.database.models.ceremony import RedirectToken, Signature, SigningAttempt, Sitting, StatusQueryToken
from segl.database.models.jobs import Document, Job, SealedPdf, SealIntent, Signer, SignerGroup
from segl.database.models.organizations import BrokerRight, Organization
from segl.database.models.running import ApiRequest, ClockOffset, Heartbeat, PollGate, RateWindow, StatusChange, WorkItem

__all__ = [
    "ApiRequest",
    "AuditEvent",
    "AuditHead",
    "BrokerRight",
    "ClockOffset",
    "Document",
    "Heartbeat",
    "Job",
    "Organization",
    "PollGate",
    "RateWindow",
    "RedirectToken",
    "SealIntent",
    "SealedPdf",
    "Signature",
    "Signer",
    "SignerGroup",
    "SigningAttempt",
    "Sitting",
    "StatusChange",
    "StatusQueryToken",
    "WorkItem",
]
