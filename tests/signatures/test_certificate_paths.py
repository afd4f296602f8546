"""The way from a certificate to a trusted root, and the lists that say it was good."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from asn1crypto import core as asn1_core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from segl.signatures import certificate_paths, der
from segl.signatures.certificate_paths import NoPath, NotRevocable
from segl.signatures.validation_data import ValidationDataMissing, gather
from signatures.pki import NOW, Holder, certify, elliptic, pki, revocation_list


def path(leaf: Holder, *between: Holder, roots: tuple[Holder, ...] = (), at: datetime = NOW) -> tuple[x509.Certificate, ...]:
    return certificate_paths.path(
        leaf.certificate,
        certificates=[each.certificate for each in between],
        roots=[each.certificate for each in (roots or (pki().person_root,))],
        at=at,
    )


def with_extension(extension: x509.ExtensionType) -> Holder:
    """Return a certificate of the person root with a critical extension."""
    key = elliptic()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Odd")]))
        .issuer_name(pki().person_root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(hours=1))
        .add_extension(extension, critical=True)
        .sign(pki().person_root.private_key, hashes.SHA256())
    )
    return Holder(certificate=certificate, private_key=key)


class TestAPath:
    def test_leads_over_the_issuers_to_the_root_in_order(self) -> None:
        leaf = certify("Leaf", elliptic(), issuer=pki().person_ca)

        assert path(leaf, pki().tsa, pki().person_ca) == (
            leaf.certificate,
            pki().person_ca.certificate,
            pki().person_root.certificate,
        )

    def test_does_not_lead_over_a_certificate_that_is_no_authority(self) -> None:
        middle = certify("Middle", elliptic(), issuer=pki().person_root)
        with pytest.raises(NoPath, match="No trusted root stands above"):
            path(certify("Leaf", elliptic(), issuer=middle), middle)

    def test_does_not_lead_to_a_root_of_the_same_name_with_another_key(self) -> None:
        twin = certify("Test person root", elliptic(), is_authority=True)
        with pytest.raises(NoPath, match="No trusted root stands above"):
            path(pki().person_ca, roots=(twin,))

    def test_does_not_lead_in_circles(self) -> None:
        with pytest.raises(NoPath, match="No trusted root stands above"):
            path(pki().person_ca, pki().person_root, pki().person_ca, roots=(pki().stranger,))

    @pytest.mark.parametrize("off", [timedelta(days=-2), timedelta(days=3650)])
    def test_does_not_lead_over_a_certificate_out_of_date(self, off: timedelta) -> None:
        with pytest.raises(NoPath, match="is not valid at"):
            path(pki().person_ca, at=NOW + off)

    def test_does_not_lead_over_a_critical_extension_that_is_unknown(self) -> None:
        odd = with_extension(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), der.NULL))
        with pytest.raises(NoPath, match=r"unknown critical extension 1\.2\.3\.4"):
            path(odd)

    def test_does_not_lead_over_name_constraints(self) -> None:
        odd = with_extension(x509.NameConstraints(permitted_subtrees=[x509.DNSName("a.invalid")], excluded_subtrees=None))
        with pytest.raises(NoPath, match=r"unknown critical extension 2\.5\.29\.30"):
            path(odd)

    def test_ends_after_eight(self) -> None:
        holders = [certify("Root", elliptic(), is_authority=True)]
        for number in range(9):
            holders.append(certify(f"CA {number}", elliptic(), issuer=holders[-1], is_authority=True))
        with pytest.raises(NoPath, match="longer than eight"):
            path(holders[-1], *holders, roots=(holders[0],))


class TestARevocationList:
    def newest(self, *lists: x509.CertificateRevocationList) -> x509.CertificateRevocationList:
        ca, root = pki().person_ca.certificate, pki().person_root.certificate
        return certificate_paths.revocation_list_for(ca, root, lists, at=NOW)

    def test_is_the_newest_of_several(self) -> None:
        old = revocation_list(pki().person_root, at=NOW - timedelta(hours=2))
        new = revocation_list(pki().person_root, at=NOW - timedelta(hours=1))

        assert self.newest(new, old) == self.newest(old, new) == new

    def test_may_be_made_after_the_signature(self) -> None:
        later = revocation_list(pki().person_root, at=NOW + timedelta(minutes=1))

        assert self.newest(later) == later

    def test_does_not_help_once_a_newer_one_names_the_certificate(self) -> None:
        old = revocation_list(pki().person_root, at=NOW - timedelta(hours=2))
        revoking = revocation_list(pki().person_root, revoked=(pki().person_ca.certificate,))
        with pytest.raises(NotRevocable, match="is revoked"):
            self.newest(old, revoking)

    def test_of_an_authority_is_asked_for_even_if_it_says_it_needs_none(self) -> None:
        with pytest.raises(ValidationDataMissing, match="No revocation list in force"):
            gather([pki().tsa.certificate], embedded=(), certificates=pki().certificates, revocation_lists=(), at=NOW)


class TestDer:
    @pytest.mark.parametrize("number", [0, 1, 127, 128, 255, 256, 2**159 - 1, -1, -128, -129])
    def test_writes_integers_as_asn1crypto_does(self, number: int) -> None:
        assert der.integer(number) == asn1_core.Integer(number).dump()

    @pytest.mark.parametrize("dotted", ["1.2.840.113549.1.7.2", "2.5.29.56", "0.4.0.194121.2.1", "2.999.3", "2.16.840.1.101.3.4.2.1"])
    def test_writes_object_identifiers_as_asn1crypto_does(self, dotted: str) -> None:
        assert der.object_identifier(dotted) == asn1_core.ObjectIdentifier(dotted).dump()

    @pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65536])
    def test_writes_lengths_as_asn1crypto_does(self, size: int) -> None:
        assert der.octet_string(bytes(size)) == asn1_core.OctetString(bytes(size)).dump()

    def test_writes_issuer_names_as_the_certificate_has_them(self) -> None:
        certificate = pki().person_ca.certificate

        assert certificate.issuer.public_bytes() in certificate.public_bytes(Encoding.DER)
