"""
What may go wrong between a sender and the service, as types; every call of the client raises one of these and nothing else.

The codes are those of the API's error catalogue (wire-spec.md 15).

    SeglError
    ├── NotSendable                  the job or the settings cannot be sent as they are; nothing was sent
    ├── NoAnswer                     network or TLS failed; a create may or may not have reached the service
    ├── UnexpectedAnswer             an answer came, but not one that the API promises
    └── ApiError                     the service answered with <error>
        ├── NotAuthorized            the certificate's organization has no access
        ├── BrokerNotAuthorized      the certificate's organization may not act for this sender
        ├── InvalidStatusQueryToken  the token of the exit URL is missing or wrong
        ├── CeremonyNotCompleted     nobody has signed, refused or failed yet
        ├── TooEagerPolling          polled before the permitted time
        └── RateLimited              too many calls within a second
"""

from __future__ import annotations

from datetime import datetime


class SeglError(Exception):
    """Anything this client raises."""


class NotSendable(SeglError):
    """The job or the settings cannot be sent as they are. Nothing was sent."""


class NoAnswer(SeglError):
    """
    The service gave no answer: the network or the TLS handshake failed, or time ran out.

    After `create_direct_job` the job may exist all the same: create is never repeated by this client, since the API has no key for it.
    """


class UnexpectedAnswer(SeglError):
    """An answer came that the API does not promise, for example an HTML page of a proxy."""

    def __init__(self, message: str, *, http_status: int) -> None:
        super().__init__(message)
        self.http_status = http_status


class ApiError(SeglError):
    """The service answered with an `<error>`: `code`, `message`, `type` stand as sent, `http_status` beside them."""

    def __init__(self, *, code: str, message: str, type: str, http_status: int) -> None:
        super().__init__(f"{code}: {message} (HTTP {http_status})")
        self.code = code
        self.message = message
        self.type = type
        self.http_status = http_status


class NotAuthorized(ApiError):
    """The organization of the certificate has no access to the API."""


class BrokerNotAuthorized(ApiError):
    """The organization of the certificate may not act on behalf of the sender in the address."""


class InvalidStatusQueryToken(ApiError):
    """The status query token is missing or belongs to no ceremony of this job."""


class CeremonyNotCompleted(ApiError):
    """The status was asked for before any signer had signed, refused or failed."""


class TooEagerPolling(ApiError):
    """The queue was polled before the permitted time; `next_permitted_poll_at` (aware, None when the service did not say) tells when."""

    next_permitted_poll_at: datetime | None = None


class RateLimited(ApiError):
    """Too many calls within a second; nothing was done, and calls work again from `next_permitted_call_at` (None when not said)."""

    next_permitted_call_at: datetime | None = None


BY_CODE: dict[str, type[ApiError]] = {
    "NOT_AUTHORIZED": NotAuthorized,
    "BROKER_NOT_AUTHORIZED": BrokerNotAuthorized,
    "INVALID_STATUS_QUERY_TOKEN": InvalidStatusQueryToken,
    "SIGNING_CEREMONY_NOT_COMPLETED": CeremonyNotCompleted,
    "TOO_EAGER_POLLING": TooEagerPolling,
    "RATE_LIMITED": RateLimited,
}
"""Codes that have a type of their own; every other code is a plain ApiError."""
