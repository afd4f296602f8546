"""The seal on a PDF: what pdfsig and qpdf say of it, its form, and when none is put on."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import cms as asn1_cms
from cryptography.hazmat.primitives.asymmetric import rsa

from segl.actions.ports import TimeStampUnavailable
from segl.signatures import pades
from segl.signatures.pades import UnableToSeal
from segl.signatures.pdf_revisions import with_validation_data
from segl.signatures.validation_data import ValidationData
from segl.signatures.verification import verify_sealed
from signatures.builders import hand_written_pdf, sealed_pdf, simple_pdf
from signatures.pki import NOW, certify, pki, revocation_list


@pytest.fixture(params=[True, False], ids=["xref stream", "xref table"])
def composed(request: pytest.FixtureRequest) -> bytes:
    return simple_pdf(pages=2, is_xref_stream=request.param)


def signature_dictionary(pdf: bytes) -> Any:
    # The reader is kept in the cache: its objects die with it.
    (field,) = opened(pdf).Root.AcroForm.Fields
    return field.V


@lru_cache(maxsize=4)
def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(pdf))


def signer_info(pdf: bytes) -> Any:
    return asn1_cms.ContentInfo.load(bytes(signature_dictionary(pdf).Contents))["content"]["signer_infos"][0]


class TestIndependentEyes:
    def test_pdfsig_calls_it_valid(self, composed: bytes, tmp_path: Path) -> None:
        (tmp_path / "sealed.pdf").write_bytes(sealed_pdf(composed))
        seen = subprocess.run(["pdfsig", "-nocert", "sealed.pdf"], cwd=tmp_path, capture_output=True, text=True, timeout=60)

        assert "Signature Validation: Signature is Valid." in seen.stdout
        assert "Signature Type: ETSI.CAdES.detached" in seen.stdout

    def test_qpdf_finds_nothing_wrong(self, composed: bytes, tmp_path: Path) -> None:
        (tmp_path / "sealed.pdf").write_bytes(sealed_pdf(composed))
        checked = subprocess.run(["qpdf", "--check", "sealed.pdf"], cwd=tmp_path, capture_output=True, text=True, timeout=60)

        assert (checked.returncode, checked.stderr) == (0, "")

    def test_openssl_verifies_the_cms(self, composed: bytes, tmp_path: Path) -> None:
        sealed = sealed_pdf(composed)
        dictionary = signature_dictionary(sealed)
        _, start, end, rest = (int(each) for each in dictionary.ByteRange)
        (tmp_path / "content").write_bytes(sealed[:start] + sealed[end : end + rest])
        (tmp_path / "seal.der").write_bytes(asn1_cms.ContentInfo.load(bytes(dictionary.Contents)).dump())
        command = [
            "openssl",
            "cms",
            "-verify",
            "-inform",
            "DER",
            "-in",
            "seal.der",
            "-content",
            "content",
            "-binary",
            "-noverify",
            "-out",
            "out",
        ]
        verified = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

        assert verified.returncode == 0, verified.stderr


class TestASealedPdf:
    def test_begins_with_the_composed_pdf(self, composed: bytes) -> None:
        assert sealed_pdf(composed).startswith(composed)

    def test_is_certified_against_every_change(self, composed: bytes) -> None:
        (reference,) = signature_dictionary(sealed_pdf(composed)).Reference

        assert (str(reference.TransformMethod), int(reference.TransformParams.P)) == ("/DocMDP", 1)

    def test_is_signed_with_pss_and_sha256_and_tells_no_time_of_its_own_in_the_cms(self, composed: bytes) -> None:
        info = signer_info(sealed_pdf(composed))

        assert info["signature_algorithm"]["algorithm"].native == "rsassa_pss"
        assert info["signature_algorithm"]["parameters"].native == {
            "hash_algorithm": {"algorithm": "sha256", "parameters": None},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256", "parameters": None}},
            "salt_length": 32,
            "trailer_field": "trailer_field_bc",
        }
        assert {each["type"].native for each in info["signed_attrs"]} == {
            "content_type",
            "message_digest",
            "signing_certificate_v2",
            "cms_algorithm_protection",
        }
        assert [each["type"].native for each in info["unsigned_attrs"]] == ["signature_time_stamp_token"]

    def test_covers_all_but_the_seal_itself_and_the_validation_data(self, composed: bytes) -> None:
        sealed = sealed_pdf(composed)
        first, start, end, rest = (int(each) for each in signature_dictionary(sealed).ByteRange)

        assert first == 0
        assert (sealed[start : start + 1], sealed[end - 1 : end]) == (b"<", b">")
        assert sealed[: end + rest].endswith(b"%%EOF\n")
        assert b"/DSS" in sealed[end + rest :]

    def test_stays_pdf_1_7_and_keeps_what_it_says_of_itself(self, composed: bytes) -> None:
        before, after = opened(composed), opened(sealed_pdf(composed))

        assert str(after.Root.get("/Version", "/" + after.pdf_version)) == "/1.7"
        assert after.docinfo == before.docinfo
        assert after.trailer.ID[0] == before.trailer.ID[0]

    def test_carries_what_seal_and_time_stamp_need_and_no_more(self, composed: bytes) -> None:
        store = opened(sealed_pdf(composed)).Root.DSS

        assert (len(store.Certs), len(store.CRLs)) == (4, 2)

    def test_shows_nothing_on_the_page_and_may_be_printed(self, composed: bytes) -> None:
        (widget,) = opened(sealed_pdf(composed)).Root.AcroForm.Fields

        assert ([int(each) for each in widget.Rect], int(widget.F) & 0b110) == ([0, 0, 0, 0], 0b100)

    def test_gets_a_larger_place_when_the_token_is_large(self) -> None:
        calls = []

        def large(imprint: bytes) -> bytes:
            calls.append(imprint)
            return pki().time_stamps()(imprint)

        original = pades.TIME_STAMP_ROOM_BYTES
        try:
            pades.TIME_STAMP_ROOM_BYTES = 100
            sealed = sealed_pdf(time_stamp=large)
        finally:
            pades.TIME_STAMP_ROOM_BYTES = original

        assert len(calls) == 2
        assert verify_sealed(sealed, roots=pki().roots, now=NOW).stamped_at == NOW

    @pytest.mark.parametrize(("is_xref_stream", "expected"), [(False, "af8a15473bc56384"), (True, "c9b5640b350ac10b")])
    def test_holds_the_same_bytes_behind_the_seal_as_releases_before(self, is_xref_stream: bool, expected: str) -> None:
        """
        Verification writes the validation data again and compares. If this fails, pyHanko writes other bytes than before.

        Then old sealed PDFs would no longer verify: keep the old writing for them.
        """
        nothing = ValidationData(certificates=(), revocation_lists=())

        assert hashlib.sha256(with_validation_data(hand_written_pdf(is_xref_stream=is_xref_stream), nothing)).hexdigest()[:16] == expected


class TestNoSealIsPut:
    def test_on_what_is_no_pdf(self) -> None:
        with pytest.raises(UnableToSeal, match="cannot be read or extended"):
            sealed_pdf(b"no PDF at all")

    def test_on_a_sealed_pdf(self) -> None:
        with pytest.raises(UnableToSeal, match="carries a signature already"):
            sealed_pdf(sealed_pdf())

    def test_on_an_encrypted_pdf(self) -> None:
        output = BytesIO()
        pikepdf.open(BytesIO(simple_pdf())).save(output, encryption=pikepdf.Encryption(owner="a", user=""))
        with pytest.raises(UnableToSeal, match=r"encrypted|cannot be read"):
            sealed_pdf(output.getvalue())

    def test_without_a_time_stamp(self) -> None:
        def down(imprint: bytes) -> bytes:
            raise TimeStampUnavailable("The authority is down.")

        with pytest.raises(TimeStampUnavailable, match="The authority is down"):
            sealed_pdf(time_stamp=down)

    def test_with_a_time_stamp_over_something_else(self) -> None:
        with pytest.raises(UnableToSeal, match="over another digest"):
            sealed_pdf(time_stamp=lambda imprint: pki().time_stamps()(bytes(32)))

    def test_without_revocation_lists(self) -> None:
        with pytest.raises(UnableToSeal, match="No revocation list in force"):
            sealed_pdf(revocation_lists=pki().revocation_lists()[:2])

    def test_when_the_seal_is_revoked(self) -> None:
        revoking = revocation_list(pki().seal_root, revoked=(pki().seal.certificate,))
        with pytest.raises(UnableToSeal, match="is revoked"):
            sealed_pdf(revocation_lists=[*pki().revocation_lists()[:2], revoking])

    @pytest.mark.parametrize(("bits", "message"), [(2048, "has 2048 bits"), (3072, "not the one its certificate names")])
    def test_with_a_wrong_key(self, bits: int, message: str) -> None:
        with pytest.raises(UnableToSeal, match=message):
            pades.seal(
                simple_pdf(),
                certificate=pki().seal.certificate,
                chain=(),
                private_key=rsa.generate_private_key(public_exponent=65537, key_size=bits),
                time_stamp=pki().time_stamps(),
                certificates=(),
                revocation_lists=(),
                at=NOW,
            )

    def test_when_its_certificate_has_run_out(self) -> None:
        old = certify("Old seal", pki().seal.private_key, issuer=pki().seal_root, begins=NOW - timedelta(days=3651))
        with pytest.raises(UnableToSeal, match="is not valid at"):
            pades.seal(
                simple_pdf(),
                certificate=old.certificate,
                chain=(pki().seal_root.certificate,),
                private_key=old.private_key,  # type: ignore[arg-type]
                time_stamp=pki().time_stamps(),
                certificates=pki().certificates,
                revocation_lists=pki().revocation_lists(),
                at=NOW,
            )
