"""What Segl itself accepts as signed and sealed: its own bytes, and none that anybody changed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from segl.signatures import pades
from segl.signatures.pdf_revisions import with_place_for_seal, with_validation_data
from segl.signatures.validation_data import ValidationData
from segl.signatures.verification import SignatureNotTrusted, VerifiedSeal, VerifiedXades, verify_sealed, verify_xades
from signatures.builders import DOCUMENTS, digests, hand_written_pdf, sealed_pdf, signed_xades, simple_pdf
from signatures.pki import NOW, certify, pki

LATER = NOW + timedelta(days=3650 * 2)


def check(pdf: bytes, *, roots: object = None, now: object = NOW) -> VerifiedSeal:
    return verify_sealed(pdf, roots=pki().roots if roots is None else roots, now=now)  # type: ignore[arg-type]


def check_xades(content: bytes, *, documents: dict[str, bytes] | None = None, roots: object = None) -> VerifiedXades:
    known = digests() if documents is None else documents
    return verify_xades(content, documents=known, roots=pki().roots if roots is None else roots, now=NOW)  # type: ignore[arg-type]


def with_revision(pdf: bytes) -> bytes:
    """Append an empty store again: a revision that shows nothing else and is still not the one expected."""
    return with_validation_data(pdf, ValidationData(certificates=(), revocation_lists=()))


def with_other_catalog(pdf: bytes) -> bytes:
    """Append a revision with another catalog by hand, as an incremental saving attack does."""
    start = len(pdf)
    previous = re.findall(rb"startxref\n(\d+)", pdf)[-1]
    body = b"99 0 obj\n<</Type/Catalog>>\nendobj\n"
    table = b"xref\n99 1\n%010d 00000 n \ntrailer\n<</Size 100/Root 99 0 R/Prev %s>>\nstartxref\n%d\n%%%%EOF\n"
    return pdf + body + table % (start, previous, start + len(body))


def without_store(pdf: bytes) -> bytes:
    return pdf[: check(pdf).composed_bytes]


def with_padding_filled(pdf: bytes) -> bytes:
    (gap,) = re.findall(rb"/Contents <([0-9A-F]+)>", pdf)
    return pdf.replace(gap, gap[:-2] + b"01")


def with_lower_case(pdf: bytes) -> bytes:
    (gap,) = re.findall(rb"/Contents <([0-9A-F]+)>", pdf)
    return pdf.replace(gap, gap.lower())


class TestASealedPdf:
    @pytest.mark.parametrize("now", [NOW, NOW + timedelta(hours=1), LATER], ids=["now", "an hour ahead", "twenty years ahead"])
    def test_is_trusted_with_the_roots_alone(self, now: object) -> None:
        assert check(sealed_pdf(), now=now).certificate == pki().seal.certificate

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda pdf: pdf + b"\n", "Something other than Segl's validation data follows"),
            (lambda pdf: pdf + b"%comment", "cannot be read|Something other than"),
            (lambda pdf: pdf[:-1], "Something other than|cannot be read"),
            (with_revision, "No revocation list in force"),
            (with_other_catalog, "cannot be read|0 signatures"),
            (without_store, "carries no validation data"),
            (with_padding_filled, "Something other than zeros stands behind the seal"),
            (with_lower_case, "gap in the seal's byte range holds more than the seal"),
            (lambda pdf: pdf.replace(b"/MediaBox [ 0 0 595 842 ]", b"/MediaBox [ 0 0 595 841 ]"), "signed digest is not that of the content"),
            (lambda pdf: re.sub(rb"/ByteRange \[0 (\d+)", lambda m: b"/ByteRange [1 %d" % (int(m[1]) - 1), pdf), "byte range does not begin"),
            (lambda pdf: b"", "cannot be read"),
            (lambda pdf: simple_pdf(), "carries 0 signatures"),
        ],
        ids=[
            "a byte more", "a comment behind", "a byte less", "another revision", "another catalog", "validation data cut off",
            "padding filled", "hexadecimal rewritten", "page changed", "byte range moved", "nothing", "never sealed",
        ],
    )  # fmt: skip
    def test_is_not_trusted_when_changed(self, change: Callable[[bytes], bytes], reason: str) -> None:
        sealed = sealed_pdf(simple_pdf(is_xref_stream=False))
        changed = change(sealed)

        assert changed != sealed
        with pytest.raises(SignatureNotTrusted, match=reason):
            check(changed)

    def test_is_not_trusted_whichever_bit_is_flipped(self) -> None:
        sealed = sealed_pdf(hand_written_pdf(is_xref_stream=False))
        gap = re.search(rb"/Contents <([0-9A-F]+)>", sealed)
        assert gap is not None
        # Dense where no signature covers the bytes, sparse where one does and in the zeros of the gap.
        seal_ends = gap.start(1) + len(gap[1].rstrip(b"0"))
        places = {*range(0, len(sealed), 997), *range(gap.start(1), seal_ends, 151), *range(check(sealed).composed_bytes, len(sealed), 67)}
        for place in sorted(places):
            changed = bytearray(sealed)
            changed[place] ^= 1 << random.randrange(8)
            with pytest.raises(SignatureNotTrusted):
                check(bytes(changed))

    def test_is_not_trusted_under_other_roots(self) -> None:
        with pytest.raises(SignatureNotTrusted, match="The time-stamp authority is not trusted"):
            check(sealed_pdf(), roots=[pki().seal_root.certificate])
        with pytest.raises(SignatureNotTrusted, match="The seal's certificate is not trusted"):
            check(sealed_pdf(), roots=[pki().tsa_root.certificate])

    def test_is_not_trusted_before_it_was_stamped(self) -> None:
        with pytest.raises(SignatureNotTrusted, match="lies in the future"):
            check(sealed_pdf(), now=NOW - timedelta(seconds=1))

    def test_is_not_trusted_with_a_certificate_that_is_no_seals(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        authority = certify("An authority", key, issuer=pki().seal_root, is_authority=True)
        sealed = pades.seal(
            simple_pdf(),
            certificate=authority.certificate,
            chain=(pki().seal_root.certificate,),
            private_key=key,
            time_stamp=pki().time_stamps(),
            certificates=pki().certificates,
            revocation_lists=pki().revocation_lists(),
            at=NOW,
        )
        with pytest.raises(SignatureNotTrusted, match="The certificate is no seal's"):
            check(sealed)

    def test_with_an_empty_place_is_not_trusted(self) -> None:
        empty = with_revision(with_place_for_seal(simple_pdf(), room=8000, at=NOW).filled(b""))
        with pytest.raises(SignatureNotTrusted, match=r"holds no CMS|cannot be read"):
            check(empty)


class TestASignersXades:
    def test_is_trusted_with_the_roots_alone(self) -> None:
        assert check_xades(signed_xades()).stamped_at == NOW

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda xades: xades.replace(b'"level":4', b'"level":3'), "Something was changed"),
            (lambda xades: xades.replace(b"application/pdf", b"application/xml"), "Something was changed"),
            (lambda xades: xades + b"\n", "not written as Segl writes it"),
            (lambda xades: xades.replace(b"<ds:KeyInfo>", b"<ds:KeyInfo><!-- -->"), "not written as Segl writes it"),
            (lambda xades: xades.replace(b"?>\n", b"?>\n<!DOCTYPE x>"), "cannot be read"),
            (
                lambda xades: xades.replace(b"<xades:UnsignedProperties>", b"<xades:UnsignedProperties><x/>"),
                "not written as Segl writes it",
            ),
            (lambda xades: re.sub(rb"<xades:CRLValues>.*</xades:CRLValues>", b"<xades:CRLValues/>", xades), "not trusted|not written"),
            (lambda xades: re.sub(rb"<xades:UnsignedProp.*</xades:UnsignedProperties>", b"", xades), "cannot be read"),
            (lambda xades: b"", "cannot be read"),
        ],
        ids=["evidence", "format", "a byte more", "comment", "doctype", "element added", "no lists", "no time-stamp", "nothing"],
    )
    def test_is_not_trusted_when_changed(self, change: Callable[[bytes], bytes], reason: str) -> None:
        signed = signed_xades()
        changed = change(signed)

        assert changed != signed
        with pytest.raises(SignatureNotTrusted, match=reason):
            check_xades(changed)

    @pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
    def test_is_not_trusted_whichever_bit_is_flipped(self) -> None:
        signed = signed_xades()
        for place in range(random.randrange(97), len(signed), 97):
            changed = bytearray(signed)
            changed[place] ^= 1 << random.randrange(8)
            with pytest.raises(SignatureNotTrusted):
                check_xades(bytes(changed))

    def test_is_not_trusted_for_other_documents(self) -> None:
        changed = digests(DOCUMENTS | {"notes.txt": b"other"})
        with pytest.raises(SignatureNotTrusted, match="not over these documents"):
            check_xades(signed_xades(), documents=changed)
        with pytest.raises(SignatureNotTrusted, match="over other documents than those given"):
            check_xades(signed_xades(), documents={"notes.txt": digests()["notes.txt"]})

    def test_is_not_trusted_under_other_roots(self) -> None:
        with pytest.raises(SignatureNotTrusted, match="The signer's certificate is not trusted"):
            check_xades(signed_xades(), roots=[pki().tsa_root.certificate])
