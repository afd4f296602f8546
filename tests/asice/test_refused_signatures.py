"""Signatures that are wrapped, changed, or not what the bundle profile knows: each row is one bundle, its reason and its exact message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from segl.asice.bundle import unpack_bundle, verify_bundle
from segl.asice.refusal import BundleRefused, Refusal
from support.cost import over

from .builders import RSA_SHA256, build_bundle
from .bundle_rows import ROWS
from .enterprise import LONG_AGO, NOW, authority, enterprise, issuers, rsa_key, sender
from .signature_rows import DOCUMENTS, Row


def marked(row: Row) -> object:
    return pytest.param(row, id=row.what, marks=pytest.mark.requirement(*row.requirements))


class TestABundle:
    @pytest.mark.parametrize("row", [marked(row) for row in ROWS])
    def test_is_refused_with(self, row: Row) -> None:
        data = row.bundle()

        def verify() -> None:
            with pytest.raises(BundleRefused) as refused:
                verify_bundle(unpack_bundle(data), issuers=issuers(), now=NOW, signing_time_tolerance=timedelta(minutes=5))
            assert (refused.value.reason, refused.value.message) == (row.reason, row.message)

        assert over(row.at_most, verify) == ""

    def test_is_refused_when_its_issuer_has_expired(self) -> None:
        old = authority("Old CA", not_before=LONG_AGO, not_after=NOW - timedelta(days=1))
        signer = enterprise(issuer=old)
        data = build_bundle(
            documents=DOCUMENTS,
            manifest=b"<manifest/>",
            certificate=signer.certificate,
            key=rsa_key("enterprise"),
            signing_time=NOW,
        )
        with pytest.raises(BundleRefused) as refused:
            verify_bundle(unpack_bundle(data), issuers=[old.certificate], now=NOW, signing_time_tolerance=timedelta(minutes=5))
        assert refused.value.message == (
            "The bundle's certificate is refused. An issuer above the certificate is not valid now. Use a certificate of a newer issuer."
        )

    def test_is_refused_when_the_signature_algorithm_has_ended(self) -> None:
        data = build_bundle(
            documents=DOCUMENTS,
            manifest=b"<manifest/>",
            certificate=sender().certificate,
            key=rsa_key("enterprise"),
            signing_time=NOW,
        )
        with pytest.raises(BundleRefused) as refused:
            verify_bundle(unpack_bundle(data), issuers=issuers(), now=NOW.replace(year=2029), signing_time_tolerance=timedelta(days=3000))
        assert refused.value.reason is Refusal.ALGORITHM
        assert refused.value.message == f'The algorithm "{RSA_SHA256}" ended on 2029-01-01 for the signature of a document bundle.'
