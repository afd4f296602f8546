"""
Everything Segl needs from outside, on one page. Each Protocol is one neighbour that can go down (reliability.md 2.13).

The database is not here: it is a room of its own below the actions (docs/decisions/0001). `wiring` chooses what stands at each port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar, TypeVarTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from segl.ceremony.identification import Identification
from segl.values import Language, Level

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Clock(Protocol):
    """Two times (reliability.md B-51): Segl's own, which the sandbox may move forward, and the real one that clients share with us."""

    def now(self) -> datetime:
        """Return Segl's time, aware UTC."""

    def real_now(self) -> datetime:
        """Return the system's time, aware UTC: for TLS, client certificates, CRLs of senders, SigningTime, rate limit and poll gate."""


class Chance(Protocol):
    """Randomness, drawn outside so that rules and formats stay pure."""

    def token(self) -> str:
        """Return 43 url-safe characters carrying 256 bits of chance."""

    def bits(self, count: int) -> int:
        """Return a number of `count` random bits."""

    def signing_key(self) -> ec.EllipticCurvePrivateKey:
        """Return a fresh P-256 key, to be forgotten after one signature."""


class DocumentStore(Protocol):
    """Bytes by content: the address is the SHA-256 in lower-case hex. Stored means on disk (fsync) before `put` returns."""

    def put(self, content: bytes) -> str: ...

    def get(self, sha256: str) -> bytes:
        """
        Return what is stored under that digest.

        :raises DocumentMissing: if there is nothing.
        :raises DocumentDamaged: if it is no longer what was stored.
        """

    def delete(self, sha256: str) -> None: ...

    def sweep(self) -> Iterator[tuple[str, bool]]:
        """Yield each stored document's digest, and whether it still has it. Reads everything: for `segl check`."""

    def stored_at(self, sha256: str) -> datetime | None:
        """Return when it was stored, by the system's time; None if it is not there."""

    def stored_until(self, until: datetime, *, part: str) -> Sequence[str]:
        """Return the digests that begin with `part`, two hex digits, and were stored at `until` or before, by the system's time."""

    def drop_unfinished(self, until: datetime, *, part: str) -> int:
        """Remove what a process was storing at `until` and never finished; return how many files that were."""


class DocumentMissing(Exception):
    """The store holds nothing under this digest. Restore it from backup and run `segl check`."""


class DocumentDamaged(Exception):
    """What is stored under this digest has changed. Restore it from backup and run `segl check`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one piece of work behind the fence may take."""

    memory_bytes: int
    """Beside what its process holds before it begins."""
    cpu_seconds: int
    seconds: float
    """By the clock on the wall."""


INSPECTION = Limits(memory_bytes=512 * 1024 * 1024, cpu_seconds=10, seconds=30)
"""Of one document (reliability.md B-37); one of twenty pages takes a hundredth of each, and the largest manual that was found half of it."""
READING = Limits(memory_bytes=512 * 1024 * 1024, cpu_seconds=10, seconds=20)
"""Of one document's text, for the page where it is read as text."""
COMPOSITION = Limits(memory_bytes=1024 * 1024 * 1024, cpu_seconds=60, seconds=120)
"""Of all documents of a job, which have passed inspection: generous, since a signature that cannot be sealed is the worst of ends."""


class Fence(Protocol):
    """
    A process of its own for whatever reads a sender's PDF: a bomb takes down nothing but its own reading (reliability.md B-37, B-42).

    What runs there has neither files nor network.
    """

    def start(self) -> None:
        """
        Get ready ahead of the first document, which else waits half a second. For each process by itself, after a fork.

        :raises FenceUnavailable: if the machine has no room for another process.
        """

    def run(self, work: Callable[[*Ts], T], *given: *Ts, within: Limits) -> T:
        """
        Return what `work(*given)` returns, or raise what it raises. `work` is one of the functions of the room `pdf`.

        :raises FencedOut: if it took more than `within` allows, or crashed its process.
        :raises FenceUnavailable: if it was never tried.
        """


class FencedOut(Exception):
    """The document takes more memory or time than it may, or crashes what reads it. Print it to PDF, and use that file."""


class FenceUnavailable(Exception):
    """The process that reads documents cannot be had; nothing is known against the document. Try again shortly."""


class TimeStamps(Protocol):
    """An RFC 3161 time-stamp authority, or an ordered list of them."""

    def time_stamp(self, imprint: bytes) -> bytes:
        """
        Return a DER TimeStampToken (ContentInfo, certificates inside) over the SHA-256 digest `imprint`.

        :raises TimeStampUnavailable: if no authority gave a token that verifies.
        """

    def is_down(self) -> bool:
        """Return whether none could be had at the last try, as far as this process knows: for /health."""


class TimeStampUnavailable(Exception):
    """No time-stamp authority answered rightly. Nothing is signed without one; try again shortly."""


class ValidationMaterial(Protocol):
    """What a validator needs beside the signatures: issuers and fresh revocation lists of person CA, time-stamps and seal."""

    def certificates(self) -> Sequence[x509.Certificate]: ...

    def revocation_lists(self) -> Sequence[x509.CertificateRevocationList]:
        """
        Return one fresh list of each issuer that matters.

        :raises ValidationMaterialUnavailable: if a list could not be had.
        """

    def is_down(self) -> bool:
        """Return whether one could not be had at the last try, as far as this process knows: for /health."""


class ValidationMaterialUnavailable(Exception):
    """A revocation list could not be fetched, so no B-LT signature can be made. Check the addresses in SEGL_CRL_URLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAuthority:
    """Segl's person CA: it issues ten-minute certificates after an eID log-in."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """Issuers above it, root last."""
    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """The organization's seal: RSA, at least 3072 bits."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    private_key: rsa.RSAPrivateKey


class KeyUnusable(Exception):
    """One of Segl's own keys cannot be used. Nothing is signed; look at `segl keys status`."""


class Keys(Protocol):
    """Files in the sandbox; PKCS#11 and remote keys fit behind the same two methods (cryptography's key interfaces)."""

    def person_ca(self) -> CertificateAuthority: ...

    def seal(self) -> SealingKey: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """Where to send the browser, and what must be remembered until it returns."""

    url: str
    code_verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EidChoice:
    """One way to log in, as the pages name it."""

    provider: str
    name: str


class IdentityProviders(Protocol):
    """The eID providers, by configuration."""

    def choices(self, *, level: Level) -> Sequence[EidChoice]:
        """Return the providers that reach `level`, in the order of the settings."""

    def begin(self, *, provider: str, state: str, nonce: str, level: Level, is_fresh_required: bool, language: Language) -> LoginRequest:
        """
        Return where the browser goes to log in.

        `nonce` is the signing intent's SHA-256, base64url without padding.

        :raises ProviderUnavailable: if the provider does not answer.
        """

    def finish(
        self,
        *,
        provider: str,
        parameters: Mapping[str, str],
        state: str,
        nonce: str,
        code_verifier: str,
        level: Level,
        fresh_since: datetime | None,
    ) -> Identification:
        """
        Return who logged in, after every check of the provider's answer.

        `parameters` are the query parameters of the callback. `fresh_since`: auth_time must not lie before it (advanced signatures), or None.

        :raises LoginAborted, LoginLevelTooLow, LoginNotFresh, LoginAnswerRefused, ProviderUnavailable: see ceremony/identification.py.
        """

    def down(self) -> Sequence[str]:
        """Return the ids of the providers that did not answer at the last try, as far as this process knows: for /health."""


class EnterpriseTrust(Protocol):
    """Which enterprise certificates may call and sign bundles."""

    def issuers(self) -> Sequence[x509.Certificate]:
        """Return the configured CA certificates, root and issuing."""

    def check(self, leaf: x509.Certificate) -> None:
        """
        Check that neither the certificate nor an issuer above it is revoked, by lists that are usable on real time.

        Path, dates and usage are not looked at here: segl.certificates does that, from `issuers`.

        :raises segl.certificates.CertificateRevoked: if one is revoked.
        :raises segl.certificates.RevocationUnknown: if that cannot be told.
        """

    def is_down(self) -> bool:
        """Return whether a list is missing, as far as this process knows: for /health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator has set that the actions go by."""

    is_sandbox: bool
    redirect_lifetime: timedelta
    new_redirect_lifetime: timedelta
    poll_interval: timedelta
    poll_lease: timedelta
    rate_limit: int
    """API calls a second of one organization; 0: no limit (sandbox only)."""
    signing_time_tolerance: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All neighbours, chosen in `wiring`, and the operator's policy."""

    clock: Clock
    chance: Chance
    documents: DocumentStore
    fence: Fence
    time_stamps: TimeStamps
    validation: ValidationMaterial
    keys: Keys
    identity_providers: IdentityProviders
    enterprise: EnterpriseTrust
    roots: Sequence[x509.Certificate]
    """What signatures made here are checked against: the roots of person CA, time-stamps and seal, and nothing else."""
    policy: Policy
