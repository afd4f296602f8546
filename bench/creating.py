"""
(b) Creating a job over mutual TLS: the CPU time of the API's processes for one call on a kept connection, against what no server can do without.

The floor: SHA-256 of the body, one RSA verification, the body written and forced to disk, and one opening of the PDF with a walk over its pages.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import quote

import httpx
import pikepdf
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from segl_client import CreatedJob, DirectJob, Document, DocumentType, ExitUrls, SeglClient, SenderCertificate, Signer
from segl_client.certificate import tls_context

from bench.measuring import (
    Figure,
    cpu_ms,
    cpu_seconds_under,
    document,
    peak_mebibytes,
    running_segl,
    segl_here,
    tell,
    variant,
    write_profile,
)
from support.running_segl import RunningSegl

CALLS = 60
EXITS = ExitUrls(completion="https://sender.example/done", rejection="https://sender.example/no", error="https://sender.example/error")


def job_of(person: str, pdf: bytes) -> DirectJob:
    """Return a job for one person and one document."""
    return DirectJob(
        title="Leieavtale",
        documents=(Document(title="Leieavtale", content=pdf, type=DocumentType.PDF),),
        signers=(Signer(national_identity_number=person),),
        exit_urls=EXITS,
    )


def floor_ms(pdf: bytes, key: rsa.RSAPrivateKey) -> float:
    """Return the CPU time of what a create cannot do without, for a body that holds `pdf`."""
    signature = key.sign(b"signed info", padding.PKCS1v15(), hashes.SHA256())
    public = key.public_key()

    def least() -> None:
        hashlib.sha256(pdf).digest()
        public.verify(signature, b"signed info", padding.PKCS1v15(), hashes.SHA256())
        with tempfile.NamedTemporaryFile(dir=os.environ["SEGL_DATA"]) as file:
            file.write(pdf)
            file.flush()
            os.fsync(file.fileno())
        with pikepdf.open(BytesIO(pdf)) as opened:
            for page in opened.pages:
                _ = page.mediabox

    return cpu_ms(least)


def sender(segl: RunningSegl) -> tuple[SeglClient, SenderCertificate, list[str]]:
    """Return the public sender's connection, its certificate, and people who can sign."""
    certificate = SenderCertificate.from_pkcs12(segl.sandbox / "public-sender.p12", "segl-sandbox")
    client = SeglClient(segl.api_url, segl.organization("public-sender"), certificate=certificate, ca=segl.sandbox / "ca")
    people = [str(row["nationalIdentityNumber"]) for row in segl.persons() if 4 in row["levels"] and row["name"]]  # type: ignore[operator]
    return client, certificate, people


def sign(segl: RunningSegl, certificate: SenderCertificate, job: CreatedJob, person: str) -> None:
    """Have `person` sign without a browser; returns once the sealed PDF can be read."""
    context = tls_context(sender=certificate, authorities=[segl.sandbox / "ca"], server_organization="984661185")
    address = f"{segl.api_url}/web/signature-jobs/{job.job_id}/devmodesign?signer={quote(person)}"
    httpx.post(address, verify=context, timeout=30, trust_env=False).raise_for_status()


def measure() -> Iterator[Figure]:
    """Measure creates of 1 MB and of 10 MB, and then the memory of every process after one of these is sealed."""
    small, large = document(size=1_000_000), document(size=10_000_000)
    with running_segl(SEGL_WORKERS="2") as segl:
        client, certificate, people = sender(segl)
        with client:
            api, supervisor = segl.pid("api"), segl.process.pid if segl.process else 0
            for number in range(10):
                client.create_direct_job(job_of(people[0], variant(small, -number)))
            began = cpu_seconds_under(api)
            for number in range(CALLS):
                client.create_direct_job(job_of(people[0], variant(small, number)))
            measured = (cpu_seconds_under(api) - began) / CALLS * 1000
            yield Figure(
                what="create, 1 MB",
                measured=measured,
                unit="ms CPU",
                against="hash, verify, write, open",
                floor=floor_ms(small, certificate.key),
                bar=3,
            )
            taken = []
            for number in range(5):
                asked, moment = job_of(people[0], variant(large, number)), time.monotonic()
                job = client.create_direct_job(asked)
                taken.append(time.monotonic() - moment)
            yield Figure(what="create, 10 MB, client and server", measured=statistics.median(taken), unit="s", bar=2)
            sign(segl, certificate, job, people[0])
            yield Figure(what="largest process, 10 MB sealed", measured=peak_mebibytes(supervisor), unit="MiB", bar=400)
    near = segl_here()
    from support import direct_jobs

    bundles = iter(
        [direct_jobs.bundle_of(near, direct_jobs.Asked(documents={"avtale.pdf": variant(small, 1000 + number)})) for number in range(10)]
    )
    write_profile("creating", lambda: direct_jobs.create(near, bundle=next(bundles)))


if __name__ == "__main__":
    tell(measure())
