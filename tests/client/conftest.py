"""A sender with a certificate of a private enterprise CA, and a service played by a function."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from segl_client import DirectJob, Document, DocumentType, ExitUrls, SeglClient, SenderCertificate, Signer

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "demo-sender"))

NOW = datetime(2026, 5, 4, 12, 0, 0, 123000, tzinfo=UTC)
SENDER = "123456785"
PDF = b"%PDF-1.7\n% a document for a test\n%%EOF\n"


class EnterpriseAuthority:
    """A root and an issuing CA, able to issue certificates for organizations and for servers."""

    def __init__(self) -> None:
        self._root_key, self._issuing_key = (generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
        self.root = self._issue("Test Root", self._root_key, None, is_authority=True)
        self.issuing = self._issue("Test Issuing", self._issuing_key, self.root, is_authority=True)

    def certificate_for(
        self, organization_number: str, *, subject: x509.Name | None = None, host: str | None = None
    ) -> tuple[x509.Certificate, RSAPrivateKey]:
        key = generate_private_key(public_exponent=65537, key_size=2048)
        return self._issue(organization_number, key, self.issuing, is_authority=False, subject=subject, host=host), key

    def sender(self, organization_number: str) -> SenderCertificate:
        certificate, key = self.certificate_for(organization_number)
        return SenderCertificate(certificate=certificate, key=key, chain=(self.issuing, self.root))

    def _issue(
        self,
        name: str,
        key: RSAPrivateKey,
        issuer: x509.Certificate | None,
        *,
        is_authority: bool,
        subject: x509.Name | None = None,
        host: str | None = None,
    ) -> x509.Certificate:
        attribute = NameOID.COMMON_NAME if is_authority else NameOID.SERIAL_NUMBER
        subject = subject or x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(attribute, name)])
        real_now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(real_now - timedelta(days=1))
            .not_valid_after(real_now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        signs = x509.KeyUsage(
            digital_signature=not is_authority,
            key_cert_sign=is_authority,
            crl_sign=is_authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(signs, critical=True)
        if not is_authority:
            usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        signing_key = self._root_key if issuer is None or issuer == getattr(self, "root", None) else self._issuing_key
        return builder.sign(signing_key, SHA256())


@pytest.fixture(scope="session")
def authority() -> EnterpriseAuthority:
    return EnterpriseAuthority()


@pytest.fixture(scope="session")
def sender_certificate(authority: EnterpriseAuthority) -> SenderCertificate:
    return authority.sender(SENDER)


@pytest.fixture
def job() -> DirectJob:
    return DirectJob(
        title="Lærekontrakt & vedlegg",
        description="Les nøye <før> du signerer",
        reference="avtale-1",
        documents=(
            Document(title="Kontrakten", content=PDF),
            Document(title="Vilkår", content="Vilkår på norsk\n".encode(), type=DocumentType.TEXT, name="vilkår og+mer 100%.txt"),
        ),
        signers=(Signer(national_identity_number="01878612345"), Signer(identifier="bedrift-7")),
        exit_urls=ExitUrls(
            completion="https://sender.example/ok", rejection="https://sender.example/no", error="https://sender.example/err"
        ),
    )


@pytest.fixture
def client_of(sender_certificate: SenderCertificate) -> Callable[[Callable[[httpx.Request], httpx.Response]], SeglClient]:
    """Make a client whose service is a function from request to response."""

    def made(service: Callable[[httpx.Request], httpx.Response]) -> SeglClient:
        return SeglClient(
            "https://api.example:8443",
            SENDER,
            certificate=sender_certificate,
            transport=httpx.MockTransport(service),
            clock=lambda: NOW,
        )

    return made
