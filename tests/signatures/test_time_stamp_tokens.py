"""Time-stamps: what the sandbox's authority answers, what openssl says of it, and every answer that is not believed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from segl.sandbox import time_stamp_authority
from segl.signatures import cms, der, time_stamp_tokens
from segl.signatures.time_stamp_tokens import TimeStampRefused
from signatures.pki import NOW, TIME_STAMPING, Holder, certify, elliptic, pki

IMPRINT = sha256(b"content").digest()
ROOTS = [pki().tsa_root.certificate]


def answer(request: bytes, *, authority: Holder | None = None, chain: tuple[x509.Certificate, ...] | None = None) -> bytes:
    holder = authority or pki().tsa
    return time_stamp_authority.answer(
        request,
        certificate=holder.certificate,
        chain=(pki().tsa_root.certificate,) if chain is None else chain,
        private_key=holder.private_key,
        now=NOW,
    )


def response(*, authority: Holder | None = None) -> bytes:
    return answer(time_stamp_tokens.request(IMPRINT, nonce=42), authority=authority)


def token() -> bytes:
    return time_stamp_tokens.token_in_response(response(), imprint=IMPRINT, nonce=42, roots=ROOTS)


class TestAToken:
    def test_tells_when_and_who(self) -> None:
        stamp = time_stamp_tokens.verify(token(), imprint=IMPRINT, roots=ROOTS)

        assert (stamp.generated_at, stamp.certificate) == (NOW, pki().tsa.certificate)

    @pytest.mark.parametrize("kind", ["P-256", "RSA"])
    def test_is_verified_by_openssl(self, kind: str, tmp_path: Path) -> None:
        key = elliptic() if kind == "P-256" else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        authority = certify(f"Test authority {kind}", key, issuer=pki().tsa_root, extended=TIME_STAMPING)
        (tmp_path / "content").write_bytes(b"content")
        (tmp_path / "root.pem").write_bytes(pki().tsa_root.certificate.public_bytes(Encoding.PEM))
        subprocess.run(
            ["openssl", "ts", "-query", "-data", "content", "-sha256", "-cert", "-out", "request.tsq"],
            cwd=tmp_path, check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        (tmp_path / "answer.tsr").write_bytes(answer((tmp_path / "request.tsq").read_bytes(), authority=authority))
        verified = subprocess.run(
            ["openssl", "ts", "-verify", "-in", "answer.tsr", "-queryfile", "request.tsq", "-CAfile", "root.pem"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

        assert "Verification: OK" in verified.stdout, verified.stderr

    def test_has_a_number_of_its_own(self) -> None:
        def number(nonce: int) -> int:
            parsed = tsp.TimeStampResp.load(answer(time_stamp_tokens.request(IMPRINT, nonce=nonce)))
            found: int = parsed["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed["serial_number"].native
            return found

        assert number(1) != number(2)

    def test_leaves_out_certificates_when_none_are_asked_for(self) -> None:
        request = der.sequence(der.integer(1), der.sequence(der.algorithm(time_stamp_tokens.SHA256, der.NULL), der.octet_string(IMPRINT)))
        parsed = tsp.TimeStampResp.load(answer(request))

        assert parsed["status"]["status"].native == "granted"
        assert len(parsed["time_stamp_token"]["content"]["certificates"]) == 0

    def test_verifies_in_many_threads_at_once(self) -> None:
        made = token()
        with ThreadPoolExecutor(8) as threads:
            stamps = list(threads.map(lambda _: time_stamp_tokens.verify(made, imprint=IMPRINT, roots=ROOTS).generated_at, range(40)))

        assert stamps == [NOW] * 40


class TestAnAnswerIsNotBelieved:
    def refuse(self, content: bytes, match: str, *, imprint: bytes = IMPRINT, nonce: int = 42, roots: object = None) -> None:
        with pytest.raises(TimeStampRefused, match=match):
            time_stamp_tokens.token_in_response(content, imprint=imprint, nonce=nonce, roots=ROOTS if roots is None else roots)  # type: ignore[arg-type]

    def test_when_it_is_no_answer(self) -> None:
        self.refuse(b"<html>", "cannot be read")

    def test_when_it_refuses(self) -> None:
        self.refuse(answer(b"nonsense"), r"answered rejection \(bad_data_format\)")

    def test_when_it_is_over_another_digest(self) -> None:
        self.refuse(response(), "over another digest", imprint=sha256(b"other").digest())

    def test_when_it_answers_another_request(self) -> None:
        self.refuse(response(), "nonce is another", nonce=43)

    def test_when_nobody_trusts_the_authority(self) -> None:
        self.refuse(response(), "No trusted root stands above", roots=[pki().stranger.certificate])

    def test_when_bytes_follow_it(self) -> None:
        self.refuse(response() + b"\0", "cannot be read")

    def test_when_a_bit_of_the_stamped_time_is_changed(self) -> None:
        self.refuse(response().replace(NOW.strftime("%Y%m%d%H%M%SZ").encode(), b"20200101000000Z"), "The content was changed")

    @pytest.mark.parametrize(
        ("usage", "is_critical"),
        [
            (None, True),
            (TIME_STAMPING, False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CLIENT_AUTH]), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), True),
        ],
        ids=["none", "not critical", "more than time-stamping", "another"],
    )
    def test_when_the_certificate_is_not_for_time_stamping_only(self, usage: x509.ExtendedKeyUsage | None, is_critical: bool) -> None:
        authority = certify("Wrong", elliptic(), issuer=pki().tsa_root, extended=usage, is_extended_critical=is_critical)

        self.refuse(response(authority=authority), "not for time-stamping")

    def test_when_the_certificate_is_out_of_date(self) -> None:
        authority = certify("Old", elliptic(), issuer=pki().tsa_root, extended=TIME_STAMPING, begins=NOW - timedelta(days=3651))

        self.refuse(response(authority=authority), "is not valid at")

    def test_when_the_certificate_was_exchanged(self) -> None:
        key = elliptic()
        real = certify("Twin", key, issuer=pki().tsa_root, extended=TIME_STAMPING, serial=4711)
        encoded = real.certificate.public_bytes(Encoding.DER)
        # An ECDSA signature varies in length by a byte or two; the twin must fit into the same place.
        twins = (certify("Twin", key, issuer=pki().tsa_root, extended=TIME_STAMPING, serial=4711) for _ in range(200))
        twin = next(each for twin in twins if len(each := twin.certificate.public_bytes(Encoding.DER)) == len(encoded))

        self.refuse(response(authority=real).replace(encoded, twin), "certificate was exchanged")


class TestTheAuthorityRefuses:
    @pytest.mark.parametrize(
        ("change", "failure"),
        [
            (lambda _: b"", "bad_data_format"),
            (lambda _: b"\x30\x03\x02\x01\x01", "bad_data_format"),
            (lambda request: request.replace(b"\x02\x01\x01", b"\x02\x01\x02", 1), "bad_data_format"),
            (
                lambda request: request.replace(
                    der.object_identifier(time_stamp_tokens.SHA256)[2:], b"\x60\x86\x48\x01\x65\x03\x04\x02\x04"
                ),
                "bad_alg",
            ),
            (lambda _: time_stamp_tokens.request(bytes(31), nonce=1), "bad_data_format"),
            (
                lambda _: der.sequence(
                    der.integer(1),
                    der.sequence(der.algorithm(time_stamp_tokens.SHA256, der.NULL), der.octet_string(IMPRINT)),
                    der.object_identifier("1.2.3"),
                ),
                "unaccepted_policy",
            ),
            (
                lambda _: der.sequence(
                    der.integer(1),
                    der.sequence(der.algorithm(time_stamp_tokens.SHA256, der.NULL), der.octet_string(IMPRINT)),
                    der.tagged(0, der.sequence(der.object_identifier("1.2.3"), der.octet_string(b"x"))),
                ),
                "unaccepted_extensions",
            ),
        ],
        ids=["nothing", "half a request", "version 2", "SHA-224", "short digest", "foreign policy", "extension"],
    )
    def test_with_the_failure_that_rfc_3161_names(self, change: Callable[[bytes], bytes], failure: str) -> None:
        content = answer(change(time_stamp_tokens.request(IMPRINT, nonce=1)))
        # The response is the status alone: a SEQUENCE within a SEQUENCE.
        status = tsp.PKIStatusInfo.load(content[2:], strict=True)

        assert status["status"].native == "rejection"
        assert status["fail_info"].native == {failure}


class TestACmsSignature:
    def test_without_its_signers_certificate_is_refused(self) -> None:
        attributes = cms.signed_attributes(content_type=cms.DATA, digest=IMPRINT, certificate=pki().tsa.certificate)
        made = cms.signed_data(
            content_type=cms.DATA,
            content=None,
            certificate=pki().tsa.certificate,
            certificates=(),
            attributes=attributes,
            signature=b"",
        )
        with pytest.raises(cms.CmsRefused, match="leaves out its signer's certificate"):
            cms.read(made)
