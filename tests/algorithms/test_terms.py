"""Which algorithms are accepted where, and until when (reliability.md B-49, B-50)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from segl.algorithms import TERMS, AlgorithmRefused, Digest, Signature, Use, accepted_digest, accepted_signature

NOW = datetime(2026, 3, 2, tzinfo=UTC)


class TestAnAlgorithm:
    def test_of_a_senders_signature_is_accepted_until_2029_and_not_after(self) -> None:
        last = datetime(2028, 12, 31, 23, 59, 59, tzinfo=UTC)
        uri = Signature.RSA_PKCS1_SHA_256.value
        assert accepted_signature(uri, use=Use.SENDERS_SIGNATURE, now=last) is Signature.RSA_PKCS1_SHA_256
        with pytest.raises(AlgorithmRefused) as refused:
            accepted_signature(uri, use=Use.SENDERS_SIGNATURE, now=last + timedelta(seconds=1))
        assert str(refused.value) == f'The algorithm "{uri}" ended on 2029-01-01 for the signature of a document bundle.'

    @pytest.mark.requirement("R41")
    def test_sha_1_is_accepted_only_to_recognise_a_senders_certificate(self) -> None:
        sha_1 = Digest.SHA_1.value
        assert [term.use for term in TERMS if term.algorithm is Digest.SHA_1] == [Use.SENDERS_CERTIFICATE_DIGEST]
        assert accepted_digest(sha_1, use=Use.SENDERS_CERTIFICATE_DIGEST, now=NOW) is Digest.SHA_1
        with pytest.raises(AlgorithmRefused) as refused:
            accepted_digest(sha_1, use=Use.SENDERS_REFERENCE, now=NOW)
        assert str(refused.value) == (
            f'The algorithm "{sha_1}" is not accepted for the digest of a file in a document bundle. Use {Digest.SHA_256.value}.'
        )

    @pytest.mark.parametrize("uri", ["", "x" * 101, "a\nb"])
    def test_that_is_no_name_is_not_repeated(self, uri: str) -> None:
        with pytest.raises(AlgorithmRefused) as refused:
            accepted_digest(uri, use=Use.SENDERS_REFERENCE, now=NOW)
        assert uri == "" or uri not in str(refused.value)

    def test_is_not_taken_for_one_of_the_other_kind(self) -> None:
        with pytest.raises(AlgorithmRefused, match="is not a digest algorithm"):
            accepted_digest(Signature.RSA_PKCS1_SHA_256.value, use=Use.SENDERS_SIGNATURE, now=NOW)
        with pytest.raises(AlgorithmRefused, match="is not a signature algorithm"):
            accepted_signature(Digest.SHA_256.value, use=Use.SENDERS_REFERENCE, now=NOW)

    @pytest.mark.parametrize("digest", Digest)
    def test_has_the_digest_of_its_name(self, digest: Digest) -> None:
        assert digest.hash_algorithm.name == digest.name.lower().replace("_", "")

    @pytest.mark.parametrize("signature", Signature)
    def test_has_the_digest_that_its_name_tells(self, signature: Signature) -> None:
        assert signature.name.endswith(signature.digest.name)
