"""Bundles that both official clients make are opened, and only what was signed comes out."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import zipfile
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from segl.asice.bundle import Bundle, find_document, find_documents, unpack_bundle, verify_bundle
from segl.asice.refusal import BundleRefused, Refusal
from segl.asice.zip_file import read_zip
from segl.values import OrganizationNumber

from .builders import C14N, C14N_1_1, RSA_SHA256, SHA1, SHA256, Changes, Shape, build_bundle, digest, sign, signatures_xml
from .enterprise import NOW, SEID_1, enterprise, issuers, issuing, root, sender

DOCUMENTS = {"0000_lease.pdf": b"%PDF-1.7 lease" * 50, "rules of the house.txt": "Husordensregler æøå".encode()}
MANIFEST_BYTES = b"<direct-signature-job-manifest/>"


def bundle(**more: object) -> bytes:
    arguments: dict[str, object] = {
        "documents": DOCUMENTS,
        "manifest": MANIFEST_BYTES,
        "certificate": sender().certificate,
        "key": sender().key,
        "signing_time": NOW - timedelta(seconds=20),
    }
    return build_bundle(**(arguments | more))  # type: ignore[arg-type]  # a table of arguments


def opened(data: bytes) -> Bundle:
    return verify_bundle(unpack_bundle(data), issuers=issuers(), now=NOW, signing_time_tolerance=timedelta(minutes=5))


class TestAGoodBundle:
    @pytest.mark.requirement("R37", "R38", "R39", "R40")
    @pytest.mark.parametrize("shape", Shape)
    def test_of_either_client_is_opened(self, shape: Shape) -> None:
        chain = (issuing().certificate, root().certificate) if shape is Shape.JAVA else ()
        result = opened(bundle(shape=shape, chain=chain))
        assert dict(result.files) == DOCUMENTS
        assert result.organization_number == OrganizationNumber("987654321")
        assert result.certificate == sender().certificate
        expected = {name: hashlib.sha256(content).hexdigest() for name, content in {**DOCUMENTS, "manifest.xml": MANIFEST_BYTES}.items()}
        assert dict(result.sha256) == expected

    @pytest.mark.requirement("R3")
    def test_may_be_signed_with_a_certificate_of_the_older_generation(self) -> None:
        older = enterprise(SEID_1)
        assert opened(bundle(certificate=older.certificate)).organization_number == OrganizationNumber("987654321")

    def test_needs_no_chain_and_no_root(self) -> None:
        result = verify_bundle(
            unpack_bundle(bundle()), issuers=[issuing().certificate], now=NOW, signing_time_tolerance=timedelta(minutes=5)
        )
        assert result.files == DOCUMENTS

    @pytest.mark.requirement("R42")
    @pytest.mark.parametrize("place", ["CanonicalizationMethod", "Transform"])
    def test_may_be_canonicalised_by_version_1_1(self, place: str) -> None:
        changes = Changes(before_signing=lambda xml: xml.replace(f'<{place} Algorithm="{C14N}"', f'<{place} Algorithm="{C14N_1_1}"'))
        assert opened(bundle(changes=changes)).files == DOCUMENTS

    @pytest.mark.parametrize("bits", ["384", "512"])
    def test_may_be_signed_with_the_longer_digests(self, bits: str) -> None:
        changes = Changes(before_signing=lambda xml: xml.replace(RSA_SHA256, RSA_SHA256.replace("256", bits)))
        assert opened(bundle(changes=changes)).files == DOCUMENTS

    @pytest.mark.requirement("R41")
    def test_may_name_its_certificate_by_sha_256(self) -> None:
        def change(xml: str) -> str:
            der = sender().certificate.public_bytes(Encoding.DER)
            old, new = (b64encode(digest(der, uri)).decode() for uri in (SHA1, SHA256))
            return xml.replace(SHA1, SHA256).replace(old, new)

        assert opened(bundle(changes=Changes(before_signing=change))).files == DOCUMENTS

    def test_may_list_its_references_in_any_order_and_be_indented(self) -> None:
        def change(xml: str) -> str:
            start, end = xml.index("<Reference "), xml.index("</SignedInfo>")
            parts = [part + "</Reference>" for part in xml[start:end].split("</Reference>") if part]
            return xml[:start] + "\n  ".join(reversed(parts)) + "\n" + xml[end:]

        assert opened(bundle(changes=Changes(before_signing=change))).files == DOCUMENTS

    def test_may_hold_the_mimetype_entry_unsigned(self) -> None:
        assert dict(opened(bundle(mimetype=b"application/vnd.etsi.asic-e+zip")).files) == DOCUMENTS

    @pytest.mark.parametrize("name", ["a b.pdf", "a+b.pdf", "avtale æøå.pdf", "100%.pdf", "50%25.pdf"])
    @pytest.mark.parametrize("shape", Shape)
    def test_may_hold_documents_of_odd_names(self, name: str, shape: Shape) -> None:
        assert dict(opened(bundle(documents={name: b"x"}, shape=shape)).files) == {name: b"x"}

    @pytest.mark.parametrize("seconds", [-300, 300])
    def test_may_be_signed_five_minutes_from_the_clock(self, seconds: int) -> None:
        signing_time = NOW + timedelta(seconds=seconds)
        assert opened(bundle(signing_time=signing_time)).files == DOCUMENTS

    def test_can_be_unpacked_for_a_look_at_the_manifest_before_it_is_verified(self) -> None:
        unpacked = unpack_bundle(bundle(changes=Changes(after_signing=lambda xml: "nothing")))
        assert unpacked.manifest == MANIFEST_BYTES

    @pytest.mark.parametrize("shape", Shape)
    def test_is_an_ordinary_archive_to_other_readers(self, shape: Shape) -> None:
        data = bundle(shape=shape)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            assert {name: archive.read(name) for name in archive.namelist()} == read_zip(data)

    def test_with_any_byte_of_its_signature_changed_says_the_same_or_is_refused(self) -> None:
        def flipped(position: int) -> Changes:
            def flip(xml: str) -> str:
                place = position % len(xml)
                return xml[:place] + chr(ord(xml[place]) ^ 0x04) + xml[place + 1 :]

            return Changes(after_signing=flip)

        good = opened(bundle(shape=Shape.DOTNET_DIRECT))
        refusals = 0
        for position in range(0, 5_000, 13):
            try:
                assert opened(bundle(shape=Shape.DOTNET_DIRECT, changes=flipped(position))) == good
            except BundleRefused:
                refusals += 1
        assert refusals > 350

    @pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is not installed")
    @pytest.mark.parametrize("shape", Shape)
    def test_is_good_in_the_eyes_of_xmlsec1_too(self, shape: Shape, tmp_path: Path) -> None:
        files = {"lease.pdf": b"lease", "manifest.xml": MANIFEST_BYTES}
        xml = signatures_xml(files, certificate=sender().certificate, chain=issuers(), signing_time=NOW, shape=shape)
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        (tmp_path / "signatures.xml").write_text(sign(xml, files=files, key=sender().key))  # type: ignore[arg-type]  # RSA
        (tmp_path / "root.pem").write_bytes(root().certificate.public_bytes(Encoding.PEM))
        (tmp_path / "issuing.pem").write_bytes(issuing().certificate.public_bytes(Encoding.PEM))
        command = ["xmlsec1", "--verify", "--trusted-pem", "root.pem", "--untrusted-pem", "issuing.pem", "--verification-gmt-time"]
        command += [f"{NOW:%Y-%m-%d %H:%M:%S}", "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "signatures.xml"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert "SignedInfo References (ok/all): 3/3" in ended.stdout + ended.stderr


class TestADocument:
    @pytest.mark.parametrize(
        ("href", "name"),
        [("a b.pdf", "a b.pdf"), ("a%20b.pdf", "a b.pdf"), ("a+b.pdf", "a b.pdf"), ("plain.pdf", "plain.pdf"), ("%C3%A6.pdf", "æ.pdf")],
    )
    def test_is_found_by_its_href_raw_or_decoded(self, href: str, name: str) -> None:
        result = opened(bundle(documents={"a b.pdf": b"1", "plain.pdf": b"2", "æ.pdf": b"3"}))
        document = find_document(result, href)
        assert (document.name, document.content) == (name, result.files[name])
        assert document.sha256 == hashlib.sha256(document.content).hexdigest()

    def test_is_found_raw_before_decoded(self) -> None:
        assert find_document(opened(bundle(documents={"a%20b.pdf": b"1", "a b c.pdf": b"2"})), "a%20b.pdf").content == b"1"

    @pytest.mark.parametrize(
        ("hrefs", "message"),
        [
            (["0000_lease.pdf"], "1 of the bundle's documents are not in the manifest. Name each document in it."),
            (
                ["0000_lease.pdf", "0000_lease.pdf"],
                "Two hrefs of the manifest name one document. Name each document once.",
            ),
            (
                ["0000_lease.pdf", "absent.pdf"],
                "An href of the manifest names no document of the bundle. Let it be the document's name.",
            ),
            (["manifest.xml"], "An href of the manifest names no document of the bundle. Let it be the document's name."),
        ],
    )
    def test_is_in_the_manifest_exactly_once(self, hrefs: list[str], message: str) -> None:
        result = opened(bundle())
        assert [document.name for document in find_documents(result, list(DOCUMENTS))] == list(DOCUMENTS)
        with pytest.raises(BundleRefused) as refused:
            find_documents(result, hrefs)
        assert (refused.value.reason, refused.value.message) == (Refusal.DOCUMENT, message)
