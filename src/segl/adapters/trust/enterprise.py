"""
The CAs that senders' enterprise certificates come from, and their revocation lists: fetched in the background, kept on disk, believed for a day.

Source: wire-spec.md 4.1, reliability.md B-56 and B-67, RFC 5280 section 6.3. What an operator must know is in docs/operating/certificates.md.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from segl.adapters.bounded_http import BoundedHttp, NotAnswered
from segl.certificates import UNREADABLE, CertificateRefusal, CertificateRefused, CertificateRevoked, RevocationUnknown

MAX_LIST_BYTES = 1024 * 1024
FETCH_SECONDS = 10.0
"""reliability.md B-56: one MiB, ten seconds, no redirects."""

MAX_AGE = timedelta(hours=24)
"""reliability.md B-67: a list is believed for a day after it was fetched, and never beyond its own nextUpdate; then nothing is let in."""

RETRY_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.05
_CLOCK_TOLERANCE = timedelta(minutes=5)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FAR_AHEAD = datetime.max.replace(tzinfo=UTC)
_MAX_REMEMBERED = 10_000

_http = BoundedHttp(max_bytes=MAX_LIST_BYTES)
_log = structlog.get_logger("segl.trust")


class RevocationListRefused(Exception):
    """What was fetched is no revocation list of a CA in the folder, or not one of now."""


class TrustUnreadable(Exception):
    """The folder of CA certificates is missing, empty or holds something else. Put one CA certificate in each .pem file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """What is trusted at one moment. The same object is given out until something changes, so compare by identity."""

    issuers: tuple[x509.Certificate, ...]
    lists: tuple[x509.CertificateRevocationList, ...]
    is_complete: bool
    """Whether each of `issuers` has a usable list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _HeldList:
    url: str
    issuer: x509.Certificate
    content: x509.CertificateRevocationList
    serial_numbers: frozenset[int]
    usable_until: datetime


Fetch = Callable[[str], bytes]


class EnterpriseTrust:
    """One for each process. `start` begins to fetch; everything else answers at once from what is at hand."""

    def __init__(
        self,
        *,
        ca_folder: Path,
        crl_urls: Sequence[str],
        cache_folder: Path,
        real_now: Callable[[], datetime],
        refresh_seconds: float = 300.0,
        fetch: Fetch | None = None,
    ) -> None:
        """
        Read the CA certificates and whatever lists the cache holds.

        :raises TrustUnreadable: if `ca_folder` holds no CA certificate, or something else.
        """
        self._issuers = read_certificates(ca_folder)
        self._urls = tuple(crl_urls)
        self._cache = cache_folder
        self._real_now = real_now
        self._refresh_seconds = refresh_seconds
        self._fetch = fetch or fetch_list
        self._lock = threading.Lock()
        self._has_asked = False
        self._held: dict[str, _HeldList] = {}
        self._snapshot = Snapshot(issuers=self._issuers, lists=(), is_complete=False)
        self._snapshot_until = _LONG_AGO
        self._issuer_of: dict[x509.Certificate, x509.Certificate | None] = {}
        self._load_cache()

    def issuers(self) -> tuple[x509.Certificate, ...]:
        """Return the trusted CA certificates, root and issuing."""
        return self._issuers

    def start(self) -> None:
        """Fetch now and then every few minutes in a thread that ends with the process; every two seconds while a list is missing."""
        threading.Thread(target=self._keep_fresh, name="revocation-lists", daemon=True).start()

    def wait_for_lists(self, seconds: float) -> bool:
        """Return True as soon as each CA has a usable list, False if that has not come in so many seconds. `start` must have been called."""
        ends_at = time.monotonic() + seconds
        while not self.snapshot().is_complete:
            if time.monotonic() >= ends_at:
                return False
            time.sleep(_LOOK_AGAIN_SECONDS)
        return True

    def refresh(self) -> None:
        """Fetch each list once. A list that cannot be had is logged, and the old one stays."""
        for url in self._urls:
            fetched_at = self._real_now()
            try:
                content = self._fetch(url)
                held = self._accepted(url, content, fetched_at=fetched_at)
            except (RevocationListRefused, OSError) as error:
                _log.warning("revocation-list-not-had", url=url, reason=_reason(error))
                continue
            self._hold(held)
            self._keep_on_disk(url, content, fetched_at=fetched_at)
        self._has_asked = True

    def snapshot(self) -> Snapshot:
        """Return what is trusted now."""
        now = self._real_now()
        with self._lock:
            if now >= self._snapshot_until:
                usable = [held for held in self._held.values() if now < held.usable_until]
                lists = tuple(held.content for held in usable)
                if lists != self._snapshot.lists:
                    # Only then a new one: with it the TLS context is built anew, and no session begun before can be resumed.
                    is_complete = {held.issuer for held in usable} == set(self._issuers)
                    self._snapshot = Snapshot(issuers=self._issuers, lists=lists, is_complete=is_complete)
                self._snapshot_until = min((held.usable_until for held in usable), default=_FAR_AHEAD)
            return self._snapshot

    def is_down(self) -> bool:
        """Return whether a CA has no usable list. A process that never asks for them, since no sender calls it, misses none."""
        return self._has_asked and not self.snapshot().is_complete

    def check(self, leaf: x509.Certificate) -> None:
        """
        Pass only if neither `leaf` nor a CA above it is revoked, by lists that are usable now.

        Path, dates and key usage are not looked at here: segl.certificates does that.

        :raises CertificateRevoked: if one is.
        :raises RevocationUnknown: if that cannot be told.
        :raises CertificateRefused: if no CA in the folder issued `leaf`.
        """
        now = self._real_now()
        certificate, issuer = leaf, self._find_issuer(leaf)
        if issuer is None:
            message = "The certificate comes from no CA that this server trusts. Use one from a trusted CA."
            raise CertificateRefused(CertificateRefusal.UNKNOWN_ISSUER, message)
        while issuer is not None and issuer != certificate:
            with self._lock:
                usable = [held for held in self._held.values() if held.issuer == issuer and now < held.usable_until]
            if not usable:
                name = issuer.subject.rfc4514_string()
                raise RevocationUnknown(
                    f"The revocation list of {name} is not at hand, so no certificate of it is let in. Try again shortly."
                )
            if any(certificate.serial_number in held.serial_numbers for held in usable):
                raise CertificateRevoked(f"The certificate with serial number {certificate.serial_number:x} is revoked. Order a new one.")
            certificate, issuer = issuer, self._find_issuer(issuer)

    def _find_issuer(self, certificate: x509.Certificate) -> x509.Certificate | None:
        if certificate not in self._issuer_of:
            if len(self._issuer_of) >= _MAX_REMEMBERED:
                self._issuer_of.clear()
            self._issuer_of[certificate] = next((issuer for issuer in self._issuers if _is_issued_by(certificate, issuer)), None)
        return self._issuer_of.get(certificate)

    def _keep_fresh(self) -> None:
        while True:
            try:
                self.refresh()
            except Exception as error:  # the thread must outlive everything: without it all senders are shut out after a day
                _log.error("revocation-lists-not-refreshed", reason=_reason(error))
            time.sleep(self._refresh_seconds if self.snapshot().is_complete else RETRY_SECONDS)

    def _accepted(self, url: str, content: bytes, *, fetched_at: datetime) -> _HeldList:
        revocation_list = _read_list(content)
        issuer = next((issuer for issuer in self._issuers if _is_signed_by(revocation_list, issuer)), None)
        if issuer is None:
            raise RevocationListRefused("It is signed by no CA in SEGL_ENTERPRISE_CA.")
        next_update = revocation_list.next_update_utc
        if next_update is None:
            raise RevocationListRefused("It does not say when the next one comes (nextUpdate).")
        usable_until = min(next_update, fetched_at + MAX_AGE)
        now = self._real_now()
        if revocation_list.last_update_utc > now + _CLOCK_TOLERANCE or usable_until <= now or fetched_at > now + _CLOCK_TOLERANCE:
            raise RevocationListRefused("It is not one of now. Check the clocks.")
        return _HeldList(
            url=url,
            issuer=issuer,
            content=revocation_list,
            serial_numbers=frozenset(entry.serial_number for entry in revocation_list),
            usable_until=usable_until,
        )

    def _hold(self, held: _HeldList) -> None:
        with self._lock:
            before = self._held.get(held.url)
            # An older list must not bring a revoked certificate back: a cache between here and the CA may give one.
            if before is not None and held.content.last_update_utc < before.content.last_update_utc:
                return
            self._held[held.url] = held
            self._snapshot_until = _LONG_AGO

    def _load_cache(self) -> None:
        for url in self._urls:
            path = self._path(url)
            with contextlib.suppress(OSError, RevocationListRefused):
                fetched_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                self._hold(self._accepted(url, path.read_bytes(), fetched_at=fetched_at))

    def _keep_on_disk(self, url: str, content: bytes, *, fetched_at: datetime) -> None:
        path = self._path(url)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(content)
            os.utime(fresh, (fetched_at.timestamp(), fetched_at.timestamp()))
            fresh.replace(path)
        except OSError as error:
            _log.warning("revocation-list-not-kept", url=url, reason=_reason(error))

    def _path(self, url: str) -> Path:
        return self._cache / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.crl"


def read_certificates(folder: Path) -> tuple[x509.Certificate, ...]:
    """
    Return the CA certificates in `folder`: each `.pem`, `.cer` or `.crt` file's.

    :raises TrustUnreadable: if there is none, or a file holds something that is no CA certificate.
    """
    found: list[x509.Certificate] = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix not in (".pem", ".cer", ".crt"):
            continue
        try:
            certificates = x509.load_pem_x509_certificates(path.read_bytes())
            are_cas = all(_is_ca(certificate) for certificate in certificates)
        except (ValueError, OSError) as error:
            raise TrustUnreadable(f"{path} cannot be read as PEM certificates. Put one CA certificate in it, or remove it.") from error
        if not are_cas:
            raise TrustUnreadable(f"{path} holds a certificate that is no CA's (basic constraints). Trust CAs only; remove it.")
        found += [certificate for certificate in certificates if certificate not in found]
    if not found:
        raise TrustUnreadable(
            f"{folder} holds no CA certificate. Put the root and issuing CA certificates of senders there, one in each .pem file."
        )
    return tuple(found)


def fetch_list(url: str) -> bytes:
    """
    Return what `url` answers, at most one MiB, without following redirects.

    :raises RevocationListRefused: if it is larger, slower than ten seconds, no answer at all, or another answer than 200.
    """
    try:
        answer = _http.ask("GET", url, seconds=FETCH_SECONDS, headers={})
    except NotAnswered as error:
        raise RevocationListRefused(str(error)) from error
    if answer.status != 200:
        raise RevocationListRefused(f"The address answered {answer.status}.")
    return answer.content


def _read_list(content: bytes) -> x509.CertificateRevocationList:
    try:
        is_pem = content.lstrip().startswith(b"-----BEGIN")
        revocation_list = x509.load_pem_x509_crl(content) if is_pem else x509.load_der_x509_crl(content)
        extensions = list(revocation_list.extensions)
        _ = revocation_list.issuer, revocation_list.last_update_utc, revocation_list.next_update_utc
    except UNREADABLE as error:
        raise RevocationListRefused("It cannot be read as a revocation list.") from error
    for extension in extensions:
        # A list with a critical extension may be only a part of the whole (one reason, one kind of certificate, a delta): RFC 5280 5.2.
        if (extension.critical and not _is_whole(extension.value)) or extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
            raise RevocationListRefused(f"It has the critical extension {extension.oid.dotted_string}: only complete lists are taken.")
    return revocation_list


def _is_whole(value: x509.ExtensionType) -> bool:
    return isinstance(value, x509.IssuingDistributionPoint) and not (
        value.only_contains_ca_certs
        or value.only_contains_user_certs
        or value.only_contains_attribute_certs
        or value.indirect_crl
        or value.only_some_reasons
    )


def _is_signed_by(revocation_list: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    if revocation_list.issuer != issuer.subject:
        return False
    try:
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None and not usage.crl_sign:
        return False
    try:
        return revocation_list.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # other key types raise TypeError
    except (TypeError, UnsupportedAlgorithm, ValueError):
        return False


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, RevocationListRefused) else type(error).__name__
