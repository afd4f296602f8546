"""The bundle a sender makes: readable by anybody's ZIP, verified by an independent XML signature tool, and by the service's own reader."""

from __future__ import annotations

import io
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from segl_client import (
    BundleFile,
    CertificateDigest,
    DirectJob,
    Document,
    NotSendable,
    SenderCertificate,
    Signer,
    build_bundle,
    build_manifest,
    build_request,
    bundle_of,
)

from segl.asice.bundle import find_documents, unpack_bundle, verify_bundle

from .conftest import NOW, PDF, SENDER, EnterpriseAuthority

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
NAMES = ["document-1.pdf", "vilkår og+mer 100%.txt", "manifest.xml", "META-INF/signatures.xml"]


def unpacked(bundle: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def xmlsec(folder: Path, authority: EnterpriseAuthority) -> subprocess.CompletedProcess[str]:
    for name, certificate in (("root", authority.root), ("issuing", authority.issuing)):
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    command = ["xmlsec1", "--verify", "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"]
    command += ["--trusted-pem", "root.pem", "--untrusted-pem", "issuing.pem", "META-INF/signatures.xml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=20)


class TestABundle:
    def test_is_a_zip_of_the_documents_the_manifest_and_one_signature(self, job: DirectJob, sender_certificate: SenderCertificate) -> None:
        bundle = bundle_of(job, sender=SENDER, certificate=sender_certificate, signed_at=NOW)

        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            assert archive.namelist() == NAMES
            assert archive.read("document-1.pdf") == PDF
            assert archive.read("manifest.xml") == build_manifest(job, sender=SENDER)

    def test_is_the_same_bytes_for_the_same_job_and_instant(self, job: DirectJob, sender_certificate: SenderCertificate) -> None:
        first, second = (bundle_of(job, sender=SENDER, certificate=sender_certificate, signed_at=NOW) for _ in range(2))

        assert first == second

    def test_is_verified_by_xmlsec1_up_to_the_root(
        self, job: DirectJob, sender_certificate: SenderCertificate, authority: EnterpriseAuthority, tmp_path: Path
    ) -> None:
        # xmlsec1 opens the references as it finds them, so only names that need no escaping can be followed by it on disk.
        plain = DirectJob(title=job.title, documents=job.documents[:1], signers=job.signers, exit_urls=job.exit_urls)
        folder = unpacked(bundle_of(plain, sender=SENDER, certificate=sender_certificate, signed_at=NOW), tmp_path)

        verdict = xmlsec(folder, authority)

        assert verdict.returncode == 0, verdict.stderr
        assert "SignedInfo References (ok/all): 3/3" in verdict.stdout + verdict.stderr

    def test_is_refused_by_xmlsec1_when_one_byte_of_a_document_differs(
        self, job: DirectJob, sender_certificate: SenderCertificate, authority: EnterpriseAuthority, tmp_path: Path
    ) -> None:
        plain = DirectJob(title=job.title, documents=job.documents[:1], signers=job.signers, exit_urls=job.exit_urls)
        folder = unpacked(bundle_of(plain, sender=SENDER, certificate=sender_certificate, signed_at=NOW), tmp_path)
        (folder / "document-1.pdf").write_bytes(PDF.replace(b"test", b"tost"))

        assert xmlsec(folder, authority).returncode != 0

    def test_names_its_files_percent_encoded(self, job: DirectJob, sender_certificate: SenderCertificate, tmp_path: Path) -> None:
        folder = unpacked(bundle_of(job, sender=SENDER, certificate=sender_certificate, signed_at=NOW), tmp_path)

        root = etree.parse(folder / "META-INF/signatures.xml").getroot()

        uris = [reference.get("URI") for reference in root.iter("{http://www.w3.org/2000/09/xmldsig#}Reference")]
        assert uris == ["document-1.pdf", "vilk%C3%A5r%20og%2Bmer%20100%25.txt", "manifest.xml", "#SignedProperties"]

    @pytest.mark.parametrize(("digest", "length"), [(CertificateDigest.SHA256, 44), (CertificateDigest.SHA1, 28)])
    def test_names_the_certificate_by_the_digest_asked_for(
        self, digest: CertificateDigest, length: int, sender_certificate: SenderCertificate, authority: EnterpriseAuthority, tmp_path: Path
    ) -> None:
        files = [BundleFile(name="manifest.xml", mime="application/xml", content=b"<m/>")]
        folder = unpacked(build_bundle(files, certificate=sender_certificate, signed_at=NOW, certificate_digest=digest), tmp_path)

        found = etree.parse(folder / "META-INF/signatures.xml").find(".//{http://uri.etsi.org/01903/v1.3.2#}CertDigest")

        assert found is not None
        assert found[0].get("Algorithm") == digest.value
        assert len(found[1].text or "") == length
        assert xmlsec(folder, authority).returncode == 0

    @pytest.mark.skipif(not REFERENCE.exists(), reason="the public schemas are not beside the checkout")
    def test_signs_in_a_shape_that_the_public_schema_allows(
        self, job: DirectJob, sender_certificate: SenderCertificate, tmp_path: Path
    ) -> None:
        folder = unpacked(bundle_of(job, sender=SENDER, certificate=sender_certificate, signed_at=NOW), tmp_path)

        schema("thirdparty/ts_102918v010201.xsd").assertValid(etree.parse(folder / "META-INF/signatures.xml"))

    def test_is_opened_by_the_service(self, job: DirectJob, sender_certificate: SenderCertificate, authority: EnterpriseAuthority) -> None:
        now = datetime.now(UTC)
        bundle = bundle_of(job, sender=SENDER, certificate=sender_certificate, signed_at=now)

        raw = unpack_bundle(bundle)
        opened = verify_bundle(raw, issuers=(authority.root, authority.issuing), now=now, signing_time_tolerance=timedelta(seconds=5))

        documents = find_documents(opened, [name for name, _ in job.named_documents()])
        assert [document.content for document in documents] == [document.content for document in job.documents]
        assert raw.manifest == build_manifest(job, sender=SENDER)
        assert str(opened.organization_number) == SENDER


class TestTheXmlOfAJob:
    @pytest.mark.skipif(not REFERENCE.exists(), reason="the public schemas are not beside the checkout")
    def test_is_valid_by_the_public_schema(self, job: DirectJob) -> None:
        direct = schema("direct.xsd")

        direct.assertValid(etree.ElementTree(etree.fromstring(build_request(job))))
        direct.assertValid(etree.ElementTree(etree.fromstring(build_manifest(job, sender=SENDER))))

    def test_leaves_out_what_was_not_said(self, job: DirectJob) -> None:
        assert b"status-retrieval-method" not in build_request(job)
        assert b"required-authentication" not in build_manifest(job, sender=SENDER)

    def test_refuses_a_character_that_xml_cannot_carry(self, job: DirectJob) -> None:
        odd = DirectJob(title="Til\x00tel", documents=job.documents, signers=job.signers, exit_urls=job.exit_urls)

        with pytest.raises(NotSendable, match="<title> holds a character that XML cannot carry"):
            build_manifest(odd, sender=SENDER)


class TestAJob:
    def test_refuses_two_documents_of_one_name(self, job: DirectJob) -> None:
        twice = (Document(title="A", content=PDF, name="a.pdf"), Document(title="B", content=PDF, name="A.PDF"))

        with pytest.raises(NotSendable, match="same file name"):
            DirectJob(title="T", documents=twice, signers=job.signers, exit_urls=job.exit_urls)

    @pytest.mark.parametrize("name", ["manifest.xml", "a/b.pdf", "..\\x.pdf", "x.p", "tab\t.pdf", "META-INF"])
    def test_refuses_a_file_name_that_cannot_stand_in_a_bundle(self, name: str) -> None:
        with pytest.raises(NotSendable, match="cannot stand in a bundle"):
            Document(title="A", content=PDF, name=name)

    def test_refuses_a_signer_of_two_kinds_or_none(self) -> None:
        with pytest.raises(NotSendable, match="exactly one"):
            Signer(national_identity_number="01878612345", identifier="x")
        with pytest.raises(NotSendable, match="exactly one"):
            Signer()

    def test_keeps_identity_numbers_and_contents_out_of_its_repr(self, job: DirectJob) -> None:
        assert "01878612345" not in repr(job)
        assert "%PDF" not in repr(job)


def schema(name: str) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_NextDoor())
    return etree.XMLSchema(etree.parse(REFERENCE / "xsd" / name, parser))


class _NextDoor(etree.Resolver):
    """Finds the third-party schemas, which name each other by web address, in the folder."""

    def resolve(self, system_url: str, public_id: str, context: object) -> object:
        beside = REFERENCE / "xsd" / "thirdparty" / system_url.rsplit("/", 1)[-1]
        if system_url.startswith("http") and beside.exists():
            return self.resolve_filename(str(beside), context)
        return None
