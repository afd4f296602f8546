"""Whose an enterprise certificate is, and which ones are refused: each refusal has a reason and a message of its own (reliability.md B-27)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

from asice.enterprise import (
    FAR_OFF,
    GOOD_EXTENSIONS,
    LONG_AGO,
    NOW,
    SEID_1,
    SEID_2,
    Holder,
    authority,
    enterprise,
    issue,
    issuers,
    issuing,
    name,
    root,
    rsa_key,
    sender,
    unreadable_certificates,
    usage,
)
from segl.certificates import (
    CertificateRefusal,
    CertificateRefused,
    CertificateRevoked,
    Purpose,
    RevocationUnknown,
    check_enterprise_certificate,
    check_not_revoked,
    describe,
    organization_number,
    read_certificate,
)
from segl.values import OrganizationNumber

IN_DOUBT = "The certificate's subject holds the same attribute twice, so its organization number is in doubt. Use another certificate."
NO_NUMBER = "The certificate's subject holds no Norwegian organization number. Use an enterprise certificate from Buypass or Commfides."


class TestTheOrganizationNumber:
    @pytest.mark.requirement("R3")
    @pytest.mark.parametrize(
        "subject",
        [
            SEID_1,
            SEID_2,
            name(C="NO", CN="987654321"),
            name(organizationIdentifier="NTRNO-987654321", serialNumber="12345", CN="Bolig AS"),
            name(organizationIdentifier="NTRNO-987654321", CN="123456789"),
            name(serialNumber="UN:NO-1", CN="987654321"),
        ],
    )
    def test_is_read_from_the_standard_places(self, subject: x509.Name) -> None:
        assert organization_number(enterprise(subject).certificate) == OrganizationNumber("987654321")

    @pytest.mark.parametrize(
        ("subject", "message"),
        [
            (name(CN="Bolig AS"), NO_NUMBER),
            (name(CN="Bolig AS 987654321"), NO_NUMBER),
            (name(O="987654321", CN="Bolig AS"), NO_NUMBER),
            (name(serialNumber="9876543210"), NO_NUMBER),
            (name(serialNumber="NTRNO-987654321"), NO_NUMBER),
            (name(organizationIdentifier="987654321"), NO_NUMBER),
            (name(organizationIdentifier="NTRSE-987654321", serialNumber="987654321"), NO_NUMBER),
            (name(organizationIdentifier="NTRNO-987654321\n"), NO_NUMBER),
            (name(CN="\u0669\u0668\u0667\u0666\u0665\u0664\u0663\u0662\u0661"), NO_NUMBER),
            (name(organizationIdentifier=["NTRNO-987654321", "NTRNO-123456789"]), IN_DOUBT),
            (name(serialNumber=["x", "987654321"]), IN_DOUBT),
        ],
    )
    def test_is_not_guessed(self, subject: x509.Name, message: str) -> None:
        with pytest.raises(CertificateRefused) as refused:
            organization_number(issue(subject, rsa_key("enterprise"), issuer=issuing()))
        assert (refused.value.reason, refused.value.message) == (CertificateRefusal.NO_ORGANIZATION_NUMBER, message)


class TestADescription:
    def test_tells_what_the_wire_tells(self) -> None:
        described = describe(sender().certificate)
        assert described.subject == "CN=Bolig AS,organizationIdentifier=NTRNO-987654321,O=Bolig AS,C=NO"
        assert described.issuer == "CN=Test Class 3 CA,C=NO"
        assert (described.not_before, described.not_after, described.serial_hex) == (LONG_AGO, FAR_OFF, "1fb204ac")


def weak_digest() -> Holder:
    return enterprise(issuer=issuing(), digest=hashes.SHA224())


Bend = Callable[[], Holder]
BENT: list[tuple[str, Bend, CertificateRefusal, str]] = [
    (
        "from a stranger's CA",
        lambda: enterprise(issuer=authority("Stranger CA")),
        CertificateRefusal.UNKNOWN_ISSUER,
        "The certificate is not issued by an accepted enterprise CA. Use a certificate of this environment.",
    ),
    (
        "with the right issuer name and the wrong signature",
        lambda: enterprise(issuer=Holder(certificate=issuing().certificate, key=rsa_key("stranger"))),
        CertificateRefusal.UNKNOWN_ISSUER,
        "The certificate is not issued by an accepted enterprise CA. Use a certificate of this environment.",
    ),
    (
        "signed by itself",
        lambda: Holder(certificate=issue(SEID_2, rsa_key("enterprise"), extensions=GOOD_EXTENSIONS), key=rsa_key("enterprise")),
        CertificateRefusal.UNKNOWN_ISSUER,
        "The certificate is not issued by an accepted enterprise CA. Use a certificate of this environment.",
    ),
    (
        "that has expired",
        lambda: enterprise(not_after=NOW - timedelta(seconds=1)),
        CertificateRefusal.EXPIRED,
        "The certificate expired on 2026-03-02 09:14 UTC. Use a newer certificate.",
    ),
    (
        "that is not valid yet",
        lambda: enterprise(not_before=NOW + timedelta(seconds=60)),
        CertificateRefusal.NOT_YET_VALID,
        "The certificate is not valid before 2026-03-02 09:16 UTC.",
    ),
    (
        "of an issuer",
        lambda: Holder(certificate=issuing().certificate, key=issuing().key),
        CertificateRefusal.IS_AUTHORITY,
        "The certificate is an issuer's own. Use an enterprise certificate.",
    ),
    (
        "without key usage",
        lambda: enterprise(extensions=GOOD_EXTENSIONS[:1]),
        CertificateRefusal.KEY_USAGE,
        "The certificate's key usage lacks digitalSignature. Use the enterprise certificate for authentication.",
    ),
    (
        "for contents only",
        lambda: enterprise(extensions=((usage("content_commitment"), True),)),
        CertificateRefusal.KEY_USAGE,
        "The certificate's key usage lacks digitalSignature. Use the enterprise certificate for authentication.",
    ),
    (
        "for servers",
        lambda: enterprise(extensions=(GOOD_EXTENSIONS[1], (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))),
        CertificateRefusal.EXTENDED_KEY_USAGE,
        "The certificate's extended key usage does not let it be used to call the API. Use another certificate.",
    ),
    (
        "for e-mail",
        lambda: enterprise(extensions=(GOOD_EXTENSIONS[1], (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False))),
        CertificateRefusal.EXTENDED_KEY_USAGE,
        "The certificate's extended key usage does not let it be used to call the API. Use another certificate.",
    ),
    (
        "with an EC key",
        lambda: enterprise(key=ec.generate_private_key(ec.SECP256R1())),
        CertificateRefusal.KEY_KIND,
        "The certificate's key is not RSA of 2048 bits or more. Use another certificate.",
    ),
    (
        "with a short key",
        lambda: enterprise(key=rsa_key("weak")),
        CertificateRefusal.KEY_KIND,
        "The certificate's key is not RSA of 2048 bits or more. Use another certificate.",
    ),
    (
        "signed over a weak digest",
        weak_digest,
        CertificateRefusal.WEAK_SIGNATURE,
        "The certificate is signed with a weak digest algorithm. Use a newer certificate.",
    ),
    (
        "with an extension that is not one",
        lambda: enterprise(extensions=((x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, b"\xff\x00"), True),)),
        CertificateRefusal.UNREADABLE,
        "The certificate cannot be read. Use another certificate.",
    ),
    (
        "with an unknown critical extension",
        lambda: enterprise(
            extensions=(*GOOD_EXTENSIONS, (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)),
        ),
        CertificateRefusal.UNKNOWN_EXTENSION,
        "The certificate or an issuer holds the extension 1.2.3.4, which Segl does not know.",
    ),
]


def check(certificate: x509.Certificate, **more: object) -> tuple[x509.Certificate, ...]:
    arguments: dict[str, object] = {"issuers": issuers(), "now": NOW, "purpose": Purpose.TLS}
    return check_enterprise_certificate(certificate, **(arguments | more))  # type: ignore[arg-type]  # a table of arguments


class TestAnEnterpriseCertificate:
    @pytest.mark.parametrize("purpose", Purpose)
    def test_passes_and_tells_its_issuers(self, purpose: Purpose) -> None:
        assert check(sender().certificate, purpose=purpose) == issuers()

    def test_passes_without_root_and_without_extended_key_usage(self) -> None:
        certificate = enterprise(extensions=GOOD_EXTENSIONS[:2]).certificate
        assert check(certificate, issuers=[issuing().certificate]) == (issuing().certificate,)

    def test_may_sign_bundles_with_a_usage_for_e_mail(self) -> None:
        only_mail = (GOOD_EXTENSIONS[1], (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False))
        assert check(enterprise(extensions=only_mail).certificate, purpose=Purpose.BUNDLE) == issuers()

    @pytest.mark.parametrize("moment", [LONG_AGO, FAR_OFF])
    def test_is_valid_at_both_ends_of_its_time(self, moment: datetime) -> None:
        assert check(sender().certificate, now=moment) == issuers()

    def test_passes_by_its_renewed_issuer(self) -> None:
        old = Holder(
            certificate=issue(
                issuing().certificate.subject,
                issuing().key,
                issuer=root(),
                extensions=((x509.BasicConstraints(ca=True, path_length=0), True),),
                not_after=NOW - timedelta(days=1),
            ),
            key=issuing().key,
        )
        assert check(sender().certificate, issuers=[old.certificate, *issuers()]) == issuers()

    @pytest.mark.parametrize(("bend", "reason", "message"), [pytest.param(*row[1:], id=row[0]) for row in BENT])
    def test_is_refused_when_it_is_one(self, bend: Bend, reason: CertificateRefusal, message: str) -> None:
        with pytest.raises(CertificateRefused) as refused:
            check(bend().certificate)
        assert (refused.value.reason, refused.value.message) == (reason, message)

    @pytest.mark.parametrize("der", [pytest.param(der, id=what) for what, der in unreadable_certificates().items()])
    def test_is_refused_when_a_part_of_it_cannot_be_read(self, der: bytes) -> None:
        with pytest.raises(CertificateRefused) as refused:
            read_certificate(der)
        assert refused.value.reason is CertificateRefusal.UNREADABLE
        assert refused.value.message == "The certificate cannot be read. Use another certificate."

    def test_is_refused_when_a_part_turns_out_unreadable_late(self) -> None:
        late = x509.load_der_x509_certificate(unreadable_certificates()["an extension twice"])
        with pytest.raises(CertificateRefused) as refused:
            check(late)
        assert refused.value.reason is CertificateRefusal.UNREADABLE

    def test_is_refused_when_its_issuer_is_not_valid(self) -> None:
        old = authority("Old CA", not_after=NOW - timedelta(days=1))
        with pytest.raises(CertificateRefused) as refused:
            check(enterprise(issuer=old).certificate, issuers=[old.certificate])
        assert refused.value.reason is CertificateRefusal.ISSUER_NOT_VALID
        assert refused.value.message == "An issuer above the certificate is not valid now. Use a certificate of a newer issuer."

    def test_is_refused_when_its_issuer_constrains_names(self) -> None:
        constraints = x509.NameConstraints(permitted_subtrees=[x509.DNSName("example.com")], excluded_subtrees=None)
        extensions = ((x509.BasicConstraints(ca=True, path_length=0), True), (constraints, False))
        narrow = Holder(certificate=issue(name(CN="Narrow"), rsa_key("x"), issuer=root(), extensions=extensions), key=rsa_key("x"))
        with pytest.raises(CertificateRefused) as refused:
            check(enterprise(issuer=narrow).certificate, issuers=[narrow.certificate])
        assert refused.value.reason is CertificateRefusal.UNKNOWN_EXTENSION
        assert refused.value.message == "The certificate or an issuer holds the extension 2.5.29.30, which Segl does not know."

    @pytest.mark.parametrize(
        "extensions",
        [
            (),
            ((x509.BasicConstraints(ca=False, path_length=None), True),),
            ((x509.BasicConstraints(ca=True, path_length=None), True), (usage("crl_sign"), True)),
        ],
    )
    def test_is_refused_when_its_issuer_may_not_issue(self, extensions: tuple[tuple[x509.ExtensionType, bool], ...]) -> None:
        impostor = Holder(certificate=issue(name(CN="Impostor"), rsa_key("x"), issuer=root(), extensions=extensions), key=rsa_key("x"))
        with pytest.raises(CertificateRefused) as refused:
            check(enterprise(issuer=impostor).certificate, issuers=[impostor.certificate, root().certificate])
        assert refused.value.reason is CertificateRefusal.UNKNOWN_ISSUER

    def test_is_not_led_past_a_path_length(self) -> None:
        below = authority("Below a CA of length 0", issuer=issuing())
        assert check(enterprise(issuer=below).certificate, issuers=[below.certificate, *issuers()]) == (below.certificate,)


def revocation_list(
    *,
    issuer: Holder | None = None,
    key: object = None,
    serials: tuple[int, ...] = (),
    last: datetime = NOW - timedelta(hours=1),
    following: datetime = NOW + timedelta(hours=1),
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> x509.CertificateRevocationList:
    issuer = issuer or issuing()
    builder = x509.CertificateRevocationListBuilder(issuer.certificate.subject, last, following)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(datetime(2026, 2, 1, tzinfo=UTC)).build()
        builder = builder.add_revoked_certificate(entry)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(key or issuer.key, hashes.SHA256())  # type: ignore[arg-type]  # a private key


def distribution(**more: object) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    plain = {"full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False}
    plain |= {"only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False}
    return ((x509.IssuingDistributionPoint(**(plain | more)), True),)  # type: ignore[arg-type]  # a table of arguments


class TestARevocationList:
    @pytest.mark.parametrize("extensions", [(), distribution(only_contains_user_certs=True), ((x509.CRLNumber(7), False),)])
    def test_lets_a_certificate_pass_that_it_does_not_hold(self, extensions: tuple[tuple[x509.ExtensionType, bool], ...]) -> None:
        given = revocation_list(serials=(1, 2), extensions=extensions)
        check_not_revoked(sender().certificate, revocation_list=given, issuers=issuers(), now=NOW)

    def test_refuses_a_certificate_that_it_holds(self) -> None:
        given = revocation_list(serials=(1, sender().certificate.serial_number))
        with pytest.raises(CertificateRevoked) as refused:
            check_not_revoked(sender().certificate, revocation_list=given, issuers=issuers(), now=NOW)
        assert refused.value.reason is CertificateRefusal.REVOKED
        assert refused.value.message == "The certificate was revoked by its issuer on 2026-02-01. Use another certificate."

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (
                lambda: revocation_list(issuer=root()),
                "The revocation list is another issuer's. Fetch the list of the certificate's own issuer.",
            ),
            (
                lambda: revocation_list(key=rsa_key("stranger")),
                "The revocation list is not signed by the certificate's issuer. Fetch it again.",
            ),
            (
                lambda: revocation_list(key=ec.generate_private_key(ec.SECP256R1())),
                "The revocation list is not signed by the certificate's issuer. Fetch it again.",
            ),
            (lambda: revocation_list(following=NOW), "The revocation list is stale. Fetch a fresh one."),
            (
                lambda: revocation_list(last=NOW + timedelta(seconds=1)),
                "The revocation list is from the future. Check the clock and fetch it again.",
            ),
            *(
                (
                    lambda more=more: revocation_list(extensions=distribution(**more)),
                    "The revocation list is partial. Fetch the whole list.",
                )
                for more in (
                    {"only_contains_ca_certs": True},
                    {"only_contains_attribute_certs": True},
                    {"indirect_crl": True},
                    {"only_some_reasons": frozenset([x509.ReasonFlags.key_compromise])},
                )
            ),
            (
                lambda: revocation_list(extensions=((x509.UnrecognizedExtension(ExtensionOID.CRL_NUMBER, b"\xff\x00"), False),)),
                "The revocation list cannot be read. Fetch it again.",
            ),
            (
                lambda: revocation_list(extensions=((x509.DeltaCRLIndicator(1), True),)),
                "The revocation list is partial. Fetch the whole list.",
            ),
        ],
    )
    def test_says_nothing_when_it_is_not_a_fresh_whole_list_of_the_issuer(
        self, make: Callable[[], x509.CertificateRevocationList], message: str
    ) -> None:
        with pytest.raises(RevocationUnknown) as unknown:
            check_not_revoked(sender().certificate, revocation_list=make(), issuers=issuers(), now=NOW)
        assert str(unknown.value) == message
