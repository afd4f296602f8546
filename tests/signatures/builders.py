"""Signed things to test with: a signer's XAdES and a sealed PDF, whole and valid unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from io import BytesIO

import pikepdf
from cryptography import x509

from segl.signatures import pades, person_certificate, xades
from segl.signatures.person_certificate import PersonSubject
from signatures.pki import NOW, elliptic, pki

EVIDENCE = '{"how":"BankID","level":4,"who":"Åse Ødegård <&>"}'.encode()
DOCUMENTS = {"Lærekontrakt 1+1.pdf": b"%PDF-1.7 not really", "notes.txt": b"Plain text\r\n"}


def simple_pdf(*, pages: int = 1, is_xref_stream: bool = True) -> bytes:
    pdf = pikepdf.new()
    for _ in range(pages):
        pdf.add_blank_page(page_size=(595, 842))
    output = BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if is_xref_stream else pikepdf.ObjectStreamMode.disable
    pdf.save(output, object_stream_mode=mode, deterministic_id=True)
    return output.getvalue()


def hand_written_pdf(*, is_xref_stream: bool) -> bytes:
    """Return a one-page PDF whose bytes depend on no library."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    ]
    content, offsets = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    start = len(content)
    if is_xref_stream:
        rows = [b"\0\0\0\xff", *(b"\1" + offset.to_bytes(2, "big") + b"\0" for offset in (*offsets, start))]
        trailer = b"<</Type/XRef/Size 5/W[1 2 1]/Root 1 0 R/Length %d>>" % len(b"".join(rows))
        content += b"4 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (trailer, b"".join(rows))
    else:
        content += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        content += b"trailer\n<</Size 4/Root 1 0 R>>\n"
    return content + b"startxref\n%d\n%%%%EOF\n" % start


def prepared(
    *,
    documents: Mapping[str, bytes] = DOCUMENTS,
    evidence: bytes = EVIDENCE,
    at: datetime = NOW,
    signing_time: datetime | None = None,
    identity_number: str | None = None,
) -> xades.Prepared:
    authority, key = pki().person_ca, elliptic()
    certificate = person_certificate.issue(
        certificate=authority.certificate,
        private_key=authority.private_key,
        public_key=key.public_key(),
        subject=PersonSubject(name="Åse Ødegård", national_identity_number=identity_number),
        serial=x509.random_serial_number(),
        now=at,
    )
    return xades.prepare(
        [xades.SignedDocument(name=name, mime="application/pdf", sha256=sha256(content).digest()) for name, content in documents.items()],
        evidence=evidence,
        certificate=certificate,
        chain=(authority.certificate, pki().person_root.certificate),
        private_key=key,
        signing_time=signing_time or at,
    )


def signed_xades(*, documents: Mapping[str, bytes] = DOCUMENTS, evidence: bytes = EVIDENCE, at: datetime = NOW) -> bytes:
    signature = prepared(documents=documents, evidence=evidence, at=at)
    return xades.complete(
        signature,
        time_stamp=pki().time_stamps(at=at)(signature.time_stamp_imprint),
        certificates=pki().certificates,
        revocation_lists=pki().revocation_lists(),
    )


def digests(documents: Mapping[str, bytes] = DOCUMENTS) -> dict[str, bytes]:
    return {name: sha256(content).digest() for name, content in documents.items()}


def sealed_pdf(
    pdf: bytes | None = None,
    *,
    time_stamp: Callable[[bytes], bytes] | None = None,
    revocation_lists: Sequence[x509.CertificateRevocationList] | None = None,
    at: datetime = NOW,
) -> bytes:
    seal = pki().seal
    return pades.seal(
        simple_pdf() if pdf is None else pdf,
        certificate=seal.certificate,
        chain=(pki().seal_root.certificate,),
        private_key=seal.private_key,
        time_stamp=time_stamp or pki().time_stamps(at=at),
        certificates=pki().certificates,
        revocation_lists=pki().revocation_lists() if revocation_lists is None else revocation_lists,
        at=at,
    )
