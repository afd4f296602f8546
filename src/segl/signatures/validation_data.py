"""
Which certificates and revocation lists a signature must carry so that a stranger can judge it later with nothing but the roots (B-LT).

Source: ETSI EN 319 132-1, 6.3 and EN 319 142-1, 6.3 (level LT); what EU DSS asks of every certificate that is neither root nor noRevAvail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from segl.signatures.certificate_paths import NoPath, NotRevocable, is_issued_by, needs_revocation_data, path, revocation_list_for


class ValidationDataMissing(Exception):
    """The material at hand does not prove that every certificate was good. Fetch fresh revocation lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationData:
    """What goes into the signature, each piece once, in a fixed order."""

    certificates: tuple[x509.Certificate, ...]
    """Issuers included, roots too: some validators build no path without them."""
    revocation_lists: tuple[x509.CertificateRevocationList, ...]

    @property
    def pieces(self) -> list[bytes]:
        """Everything as DER, sorted: two sets of data say the same when these are equal."""
        certificates = (each.public_bytes(Encoding.DER) for each in self.certificates)
        return sorted((*certificates, *(each.public_bytes(Encoding.DER) for each in self.revocation_lists)))


def gather(
    subjects: Sequence[x509.Certificate],
    *,
    embedded: Sequence[x509.Certificate],
    certificates: Sequence[x509.Certificate],
    revocation_lists: Sequence[x509.CertificateRevocationList],
    at: datetime,
) -> ValidationData:
    """
    Return the chains of `subjects` with one revocation list for each certificate on them that needs one.

    `embedded` are the certificates that signature and token carry themselves. No signature covers those that no chain uses, so each is
    repeated in the data: one that is exchanged later no longer matches.

    :raises ValidationDataMissing: if a chain does not end in a self-signed certificate, or a list is missing, stale or names a certificate.
    """
    roots = [each for each in (*embedded, *certificates) if is_issued_by(each, each)]
    chains: dict[x509.Certificate, None] = {}
    lists: dict[bytes, x509.CertificateRevocationList] = {}
    try:
        for subject in subjects:
            way = path(subject, certificates=(*embedded, *certificates), roots=roots, at=at)
            chains |= dict.fromkeys(way)
            for certificate, issuer in pairwise(way):
                # An authority's own certificate always needs a list, whatever it says of itself.
                if certificate is subject and not needs_revocation_data(certificate):
                    continue
                revocation_list = revocation_list_for(certificate, issuer, revocation_lists, at=at)
                lists[revocation_list.signature] = revocation_list
    except (NoPath, NotRevocable) as error:
        raise ValidationDataMissing(str(error)) from error
    chains |= dict.fromkeys(embedded)
    return ValidationData(certificates=tuple(chains), revocation_lists=tuple(lists.values()))
