"""
The issuers and fresh revocation lists that go into Segl's own signatures (B-LT), fetched by address and kept in memory for an hour.

Source: stack.md (what EU DSS asks of a list), reliability.md B-51 and B-56. Freshness goes by Segl's clock, which the sandbox may move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509

from segl.actions.ports import Clock, ValidationMaterialUnavailable
from segl.adapters.bounded_http import Turns
from segl.adapters.trust.enterprise import RevocationListRefused, fetch_list
from segl.certificates import UNREADABLE

MAX_AGE = timedelta(hours=1)
RETRY_AFTER = timedelta(minutes=1)
"""While an older list that is still in force serves, a dead address is not asked at every signature; nor one that gave an unknown CA's list."""

_log = structlog.get_logger("segl.trust")


class MaterialUnreadable(Exception):
    """A file with certificates is missing or holds something else. Put PEM certificates in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    content: x509.CertificateRevocationList
    fetched_at: datetime
    ask_again_at: datetime


class FetchedValidationMaterial:
    """One for each process; may be shared between threads."""

    def __init__(
        self, *, certificates: Sequence[Path], crl_urls: Sequence[str], clock: Clock, fetch: Callable[[str], bytes] = fetch_list
    ) -> None:
        """
        Read `certificates`: PEM files with one certificate or a chain, or folders of such files (`.pem`).

        They are the roots of signers, time-stamps and seal, the person CA and the seal's certificate.

        :raises MaterialUnreadable: if one cannot be read.
        """
        self._certificates = _read(certificates)
        self._urls = tuple(crl_urls)
        self._clock = clock
        self._fetch = fetch
        self._turns = Turns()
        self._is_down = False
        self._held: dict[str, _Held] = {}

    def certificates(self) -> tuple[x509.Certificate, ...]:
        """Return every certificate read."""
        return self._certificates

    def revocation_lists(self) -> tuple[x509.CertificateRevocationList, ...]:
        """
        Return the list behind each address, in force now and not older than the certificates it speaks of.

        :raises ValidationMaterialUnavailable: if one cannot be had.
        """
        now = self._clock.now()
        with self._turns.take():
            self._is_down = True
            lists = tuple(self._list(url, now=now) for url in self._urls)
            self._is_down = False
            return lists

    def is_down(self) -> bool:
        """Return whether a list could not be had when this process last asked."""
        return self._is_down

    def _list(self, url: str, *, now: datetime) -> x509.CertificateRevocationList:
        held = self._held.get(url)
        usable = held is not None and self._is_in_force(held.content, now=now) and now >= held.fetched_at
        if held is not None and usable and now < held.ask_again_at:
            return held.content
        try:
            content = self._fetched(url, now=now)
        except (RevocationListRefused, OSError) as error:
            reason = str(error) if isinstance(error, RevocationListRefused) else type(error).__name__
            _log.warning("validation-list-not-had", url=url, reason=reason)
            if held is None or not usable:
                raise ValidationMaterialUnavailable(
                    f"The revocation list at {url} could not be had, so nothing is signed. Try again shortly; check SEGL_CRL_URLS."
                ) from error
            self._held[url] = _Held(content=held.content, fetched_at=held.fetched_at, ask_again_at=now + RETRY_AFTER)
            return held.content
        # Nothing here can tell whether an unknown issuer's list is the one wanted: a wrong one must not stand in the way for an hour.
        is_known = any(each.subject == content.issuer for each in self._certificates)
        self._held[url] = _Held(content=content, fetched_at=now, ask_again_at=now + (MAX_AGE if is_known else RETRY_AFTER))
        return content

    def _fetched(self, url: str, *, now: datetime) -> x509.CertificateRevocationList:
        content = self._fetch(url)
        try:
            is_pem = content.lstrip().startswith(b"-----BEGIN")
            revocation_list = x509.load_pem_x509_crl(content) if is_pem else x509.load_der_x509_crl(content)
            issuers = [each for each in self._certificates if each.subject == revocation_list.issuer]
            # A list of an authority known only from time-stamp tokens is checked when a signature takes it up.
            is_signed = not issuers or any(_is_signed_by(revocation_list, issuer) for issuer in issuers)
        except UNREADABLE as error:
            raise RevocationListRefused("It cannot be read as a revocation list.") from error
        if not is_signed:
            raise RevocationListRefused("It is not signed by the issuer it names.")
        if not self._is_in_force(revocation_list, now=now):
            raise RevocationListRefused("It is out of date, or older than a certificate it speaks of. Issue a new one.")
        return revocation_list

    def _is_in_force(self, revocation_list: x509.CertificateRevocationList, *, now: datetime) -> bool:
        """Return whether it has not run out, and was made after the validity of each certificate of its issuer began (EU DSS asks that)."""
        if revocation_list.next_update_utc is None or revocation_list.next_update_utc <= now:
            return False
        below = (each for each in self._certificates if each.issuer == revocation_list.issuer and each.subject != each.issuer)
        return all(revocation_list.last_update_utc >= each.not_valid_before_utc for each in below)


def _is_signed_by(revocation_list: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return revocation_list.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # other key types raise TypeError
    except (TypeError, ValueError):
        return False


def _read(places: Sequence[Path]) -> tuple[x509.Certificate, ...]:
    found: dict[x509.Certificate, None] = {}
    for place in places:
        for file in sorted(place.glob("*.pem")) if place.is_dir() else (place,):
            try:
                found |= dict.fromkeys(x509.load_pem_x509_certificates(file.read_bytes()))
            except (ValueError, OSError) as error:
                raise MaterialUnreadable(
                    f"{file} cannot be read as PEM certificates. Put the certificate and its issuers there."
                ) from error
    if not found:
        raise MaterialUnreadable("There is no certificate to validate with. Put the roots into the folder of SEGL_TRUST.")
    return tuple(found)
