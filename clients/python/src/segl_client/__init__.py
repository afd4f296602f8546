"""
Send documents to be signed and fetch them back: a small typed client of Segl's API for senders.

Start at `SeglClient`; the README has an example of five minutes.
"""

from .bundle import BundleFile, CertificateDigest, build_bundle, build_signatures, bundle_of
from .certificate import SERVICE_ORGANIZATION_NUMBER, SenderCertificate
from .client import Exchange, SeglClient
from .errors import (
    ApiError,
    BrokerNotAuthorized,
    CeremonyNotCompleted,
    InvalidStatusQueryToken,
    NoAnswer,
    NotAuthorized,
    NotSendable,
    RateLimited,
    SeglError,
    TooEagerPolling,
    UnexpectedAnswer,
)
from .jobs import (
    CreatedJob,
    CreatedSigner,
    DirectJob,
    Document,
    DocumentType,
    ExitUrls,
    IdentifierFormat,
    JobStatus,
    OnBehalfOf,
    SignatureType,
    Signer,
    SignerStatus,
    StatusChange,
    StatusRetrieval,
)
from .xml_messages import build_manifest, build_request

__all__ = [
    "SERVICE_ORGANIZATION_NUMBER",
    "ApiError",
    "BrokerNotAuthorized",
    "BundleFile",
    "CeremonyNotCompleted",
    "CertificateDigest",
    "CreatedJob",
    "CreatedSigner",
    "DirectJob",
    "Document",
    "DocumentType",
    "Exchange",
    "ExitUrls",
    "IdentifierFormat",
    "InvalidStatusQueryToken",
    "JobStatus",
    "NoAnswer",
    "NotAuthorized",
    "NotSendable",
    "OnBehalfOf",
    "RateLimited",
    "SeglClient",
    "SeglError",
    "SenderCertificate",
    "SignatureType",
    "Signer",
    "SignerStatus",
    "StatusChange",
    "StatusRetrieval",
    "TooEagerPolling",
    "UnexpectedAnswer",
    "build_bundle",
    "build_manifest",
    "build_request",
    "build_signatures",
    "bundle_of",
]
