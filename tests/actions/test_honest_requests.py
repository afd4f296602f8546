"""Every row of the table of odd but honest requests makes a job with the documents that were sent, and other readers read its archive alike."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from asice.builders import build_bundle
from segl.asice.zip_file import read_zip
from segl.sandbox.material import Role
from support.direct_jobs import INGRID, Asked, create, key_pair, manifest_xml, request_xml
from support.neighbours import Neighbourhood

from .honest_rows import ROWS, Honest


def bundle_of(near: Neighbourhood, row: Honest) -> bytes:
    listed = "".join(
        f'<document href="{escape(name)}" mime="{"text/plain" if name.endswith(".txt") else "application/pdf"}"><title>Avtale</title></document>'
        for name in row.documents
    )
    pair = key_pair(near.material, Role.PUBLIC_SENDER)
    return row.repack(
        build_bundle(
            documents=row.documents,
            manifest=row.manifest(manifest_xml(Asked(manifest_documents=listed))),
            certificate=pair.certificates[0],
            key=pair.private_key,
            signing_time=near.clock.real_now(),
            chain=row.chain(pair.certificates[1:]),
            shape=row.shape,
            mimetype=row.mimetype,
            changes=row.changes,
        )
    )


def made_of(near: Neighbourhood, row: Honest) -> object:
    content_type, body = row.multipart(row.request(request_xml(Asked())), bundle_of(near, row))
    try:
        job = create(near, content_type=content_type, body=body).job
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    documents = {document.file_name: document.sha256 for document in job.documents.all()}
    return job.title, [signer.national_identity_number for signer in job.signers.all()], documents


@pytest.mark.requirement("R37", "R39")
def test_an_honest_request_makes_a_job(near: Neighbourhood) -> None:
    rows = [row for row in ROWS if "zip -r" not in row.what or not row.what.startswith("packed") or shutil.which("zip")]
    made = {row.what: made_of(near, row) for row in rows}
    expected = {
        row.what: ("Læreavtale", [INGRID], {name: hashlib.sha256(content).hexdigest() for name, content in row.documents.items()})
        for row in rows
    }
    assert {what: told for what, told in made.items() if told != expected[what]} == {}
    assert len(made) >= 70


def test_an_honest_archive_is_the_same_to_other_readers(near: Neighbourhood, tmp_path: Path) -> None:
    differing = []
    for row in ROWS:
        if row.what.startswith("packed by zip") and not shutil.which("zip"):
            continue
        data = bundle_of(near, row)
        with zipfile.ZipFile(io.BytesIO(data)) as other:
            seen = {name: other.read(name) for name in other.namelist() if name != "META-INF/"}
        (tmp_path / "bundle.asice").write_bytes(data)
        tested = shutil.which("unzip") and subprocess.run(["unzip", "-tqq", "bundle.asice"], cwd=tmp_path, capture_output=True, check=False)
        # 1 is a warning: unzip shows names in the locale's letters, and then finds that those of the local header are others.
        if seen != read_zip(data) or (tested and tested.returncode > 1):
            differing.append((row.what, tested))
    assert differing == []
