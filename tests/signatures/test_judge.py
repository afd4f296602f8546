"""EU DSS's verdict on what this room makes, now and an hour ahead, with nothing but the roots trusted."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signatures.builders import DOCUMENTS, sealed_pdf, signed_xades, simple_pdf
from signatures.pki import NOW, pki

JUDGE = Path(__file__).parents[2] / "interop/dss/target/dss-1.jar"

is_missing = not JUDGE.exists() or shutil.which("java") is None
if is_missing and os.environ.get("CI") == "true":
    pytest.fail("EU DSS is not built: run mvn -f interop/pom.xml -pl dss package. With CI=true nothing is skipped.", pytrace=False)
pytestmark = pytest.mark.skipif(is_missing, reason="EU DSS is not built: run mvn -f interop/pom.xml -pl dss package")


def judge(folder: Path) -> subprocess.CompletedProcess[str]:
    roots = folder / "roots"
    roots.mkdir()
    for number, root in enumerate(pki().roots):
        (roots / f"{number}.pem").write_bytes(root.public_bytes(Encoding.PEM))
    command = ["java", "-jar", JUDGE, folder / "results", roots, f"--now={NOW:%Y-%m-%dT%H:%M:%SZ}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


class TestEuDss:
    def test_passes_seal_and_signature_at_level_lt(self, tmp_path: Path) -> None:
        results = tmp_path / "results"
        results.mkdir()
        (results / "sealed-table.pdf").write_bytes(sealed_pdf(simple_pdf(is_xref_stream=False)))
        (results / "sealed-stream.pdf").write_bytes(sealed_pdf(simple_pdf(is_xref_stream=True, pages=3)))
        (results / "xades.xml").write_bytes(signed_xades())
        for name, content in DOCUMENTS.items():
            (results / name).write_bytes(content)
        verdict = judge(tmp_path)

        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
        assert verdict.stdout.count("TOTAL_PASSED") == 6
        assert (verdict.stdout.count("PAdES-BASELINE-LT"), verdict.stdout.count("XAdES-BASELINE-LT")) == (4, 2)

    def test_would_have_seen_a_changed_document(self, tmp_path: Path) -> None:
        results = tmp_path / "results"
        results.mkdir()
        (results / "xades.xml").write_bytes(signed_xades())
        for name in DOCUMENTS:
            (results / name).write_bytes(b"changed")
        verdict = judge(tmp_path)

        assert verdict.returncode == 1
        assert "HASH_FAILURE" in verdict.stdout
