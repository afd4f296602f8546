"""A signer's XAdES: what it is over, what xmlsec1 says of it, and when none is made."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from segl.signatures import xades
from segl.signatures.verification import verify_xades
from segl.signatures.xades import UnableToSign
from signatures.builders import DOCUMENTS, EVIDENCE, digests, prepared, signed_xades
from signatures.pki import NOW, pki, revocation_list

NAMESPACES = {"ds": xades.DS, "xades": xades.XADES}


def xmlsec1(folder: Path, signature: bytes, documents: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    (folder / "xades.xml").write_bytes(signature)
    for name, content in documents.items():
        (folder / name).write_bytes(content)
    ids = ("--id-attr:Id", f"{xades.XADES}:SignedProperties", "--id-attr:Id", f"{xades.DS}:Object")
    command = ["xmlsec1", "--verify", "--insecure", *ids, "xades.xml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


class TestTheIndependentEyeOfXmlsec:
    def test_verifies_every_reference(self, tmp_path: Path) -> None:
        verified = xmlsec1(tmp_path, signed_xades(), DOCUMENTS)

        assert verified.returncode == 0, verified.stderr
        assert "SignedInfo References (ok/all): 4/4" in verified.stdout + verified.stderr

    def test_sees_a_changed_document(self, tmp_path: Path) -> None:
        changed = DOCUMENTS | {"notes.txt": b"Plain text\n"}

        assert xmlsec1(tmp_path, signed_xades(), changed).returncode != 0

    def test_sees_changed_evidence(self, tmp_path: Path) -> None:
        changed = signed_xades().replace(b'"level":4', b'"level":3')

        assert xmlsec1(tmp_path, changed, DOCUMENTS).returncode != 0


class TestTheSignature:
    @pytest.fixture
    def signature(self) -> etree._Element:
        return etree.fromstring(signed_xades())

    def test_refers_to_each_document_by_its_percent_encoded_name(self, signature: etree._Element) -> None:
        uris = [each.get("URI") for each in signature.findall("ds:SignedInfo/ds:Reference", NAMESPACES)]

        assert uris == ["L%C3%A6rekontrakt%201+1.pdf", "notes.txt", "#evidence", "#signed-properties"]

    def test_holds_the_evidence_to_the_byte(self) -> None:
        assert verify_xades(signed_xades(), documents=digests(), roots=pki().roots, now=NOW).evidence == EVIDENCE

    def test_gives_a_format_to_every_reference_but_its_own_properties(self, signature: etree._Element) -> None:
        formats = {each.get("ObjectReference") for each in signature.findall(".//xades:DataObjectFormat", NAMESPACES)}
        references = signature.findall("ds:SignedInfo/ds:Reference", NAMESPACES)

        assert formats == {f"#{each.get('Id')}" for each in references if each.get("Type") != xades.SIGNED_PROPERTIES}

    def test_names_the_certificate_by_digest_without_an_address(self, signature: etree._Element) -> None:
        (named,) = signature.findall(".//xades:SigningCertificateV2/xades:Cert", NAMESPACES)

        assert "URI" not in named.attrib

    def test_has_no_id_twice(self, signature: etree._Element) -> None:
        ids = signature.xpath("//@Id")

        assert len(ids) == len(set(ids))

    def test_carries_lists_of_the_person_root_and_the_time_stamp_root_and_no_other(self, signature: etree._Element) -> None:
        assert len(signature.findall(".//xades:EncapsulatedCRLValue", NAMESPACES)) == 2
        assert len(signature.findall(".//xades:EncapsulatedX509Certificate", NAMESPACES)) == 5

    @pytest.mark.requirement("R79")
    def test_is_well_formed_without_a_doctype(self) -> None:
        content = signed_xades()

        assert content.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<ds:Signature ")
        assert b"<!DOCTYPE" not in content

    def test_carries_no_identity_number_unless_given(self) -> None:
        assert b"PNONO" not in prepared().certificate.subject.public_bytes()
        assert b"PNONO-05829399837" in prepared(identity_number="05829399837").certificate.subject.public_bytes()

    @pytest.mark.parametrize("name", ["a b.pdf", "å%20.pdf", "a#b?.pdf", "a+b.pdf", "æøå 💡.txt", "a&b'\"<.pdf"])
    def test_takes_any_file_name(self, name: str, tmp_path: Path) -> None:
        documents = {name: b"content"}
        signature = signed_xades(documents=documents)

        assert verify_xades(signature, documents=digests(documents), roots=pki().roots, now=NOW).stamped_at == NOW


class TestASignatureInALog:
    def test_tells_neither_name_nor_evidence_nor_file_name(self) -> None:
        verified = verify_xades(signed_xades(), documents=digests(), roots=pki().roots, now=NOW)
        document = xades.SignedDocument(name="Kontrakt Kari.pdf", mime="application/pdf", sha256=bytes(32))
        shown = f"{prepared(identity_number='05829399837')!r} {verified!r} {document!r}"

        assert "BankID" not in shown
        assert "CN=" not in shown.replace("CN=Test", "")
        assert "05829399837" not in shown
        assert "Kari" not in shown


class TestNothingIsSigned:
    def test_without_a_document(self) -> None:
        with pytest.raises(UnableToSign, match="no document"):
            prepared(documents={})

    def test_when_the_evidence_cannot_stand_in_xml(self) -> None:
        for evidence in (b"\xff\xfe", b'{"a":"\x00"}', "￾".encode(), b"{\r\n}"):
            with pytest.raises(UnableToSign, match="evidence holds") as refused:
                prepared(evidence=evidence)
            assert refused.value.__cause__ is None

    def test_outside_the_certificates_ten_minutes(self) -> None:
        with pytest.raises(UnableToSign, match="signing time lies outside"):
            prepared(signing_time=NOW + timedelta(minutes=10))

    def test_when_two_documents_share_a_name(self) -> None:
        document = xades.SignedDocument(name="a.pdf", mime="application/pdf", sha256=bytes(32))
        signature = prepared()
        with pytest.raises(UnableToSign, match="same file name"):
            xades.prepare(
                [document, document],
                evidence=EVIDENCE,
                certificate=signature.certificate,
                chain=signature.chain,
                private_key=pki().tsa.private_key,  # type: ignore[arg-type]
                signing_time=NOW,
            )


class TestNothingIsCompleted:
    def complete(self, *, imprint: bytes | None = None, at: object = NOW, lists: object = None, certificates: object = None) -> bytes:
        signature = prepared()
        token = pki().time_stamps(at=at)(imprint or signature.time_stamp_imprint)  # type: ignore[arg-type]
        return xades.complete(
            signature,
            time_stamp=token,
            certificates=pki().certificates if certificates is None else certificates,  # type: ignore[arg-type]
            revocation_lists=pki().revocation_lists() if lists is None else lists,  # type: ignore[arg-type]
        )

    def test_with_a_time_stamp_over_something_else(self) -> None:
        with pytest.raises(UnableToSign, match="over another digest"):
            self.complete(imprint=bytes(32))

    def test_with_a_time_stamp_after_the_ten_minutes(self) -> None:
        with pytest.raises(UnableToSign, match="time-stamp lies outside the signer's certificate"):
            self.complete(at=NOW + timedelta(minutes=9, seconds=1))

    def test_without_a_revocation_list(self) -> None:
        with pytest.raises(UnableToSign, match="No revocation list in force speaks of certificate"):
            self.complete(lists=pki().revocation_lists()[1:])

    def test_with_a_list_that_has_run_out(self) -> None:
        with pytest.raises(UnableToSign, match="No revocation list in force"):
            self.complete(lists=pki().revocation_lists(at=NOW - timedelta(hours=24)))

    def test_with_a_list_from_before_the_certificate(self) -> None:
        early = revocation_list(pki().person_root, at=NOW - timedelta(days=2), lifetime=timedelta(days=9))
        with pytest.raises(UnableToSign, match="No revocation list in force"):
            self.complete(lists=[early, *pki().revocation_lists()[1:]])

    def test_when_the_person_ca_is_revoked(self) -> None:
        revoking = revocation_list(pki().person_root, revoked=(pki().person_ca.certificate,))
        with pytest.raises(UnableToSign, match="is revoked"):
            self.complete(lists=[revoking, *pki().revocation_lists()[1:]])

    def test_with_a_list_that_a_stranger_signed(self) -> None:
        forged = [revocation_list(pki().stranger), *pki().revocation_lists()[1:]]
        with pytest.raises(UnableToSign, match="No revocation list in force"):
            self.complete(lists=forged)
