"""
(a) The whole packaging at B-LT of a PDF of 1 MB and 20 pages against stock pyHanko's bare B-B seal of the same bytes with the same RSA-3072 key.

Stock SimpleSigner loads the private key twice a signature, which is most of its time; the second comparison has it loaded already. Both
leave the room for the signature to pyHanko, which then signs once to measure. The time-stamp authority's CPU time is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pyhanko.keys import load_certs_from_pemder, load_private_key_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from bench.measuring import Figure, Outside, cpu_ms, document, segl_here, tell, write_profile
from segl.pdf import assembly
from segl.sandbox import time_stamp_authority
from segl.signatures import pades


class PreloadedSigner(signers.SimpleSigner):
    """SimpleSigner with its key loaded."""

    loaded: rsa.RSAPrivateKey

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """Sign as SimpleSigner does."""
        signature: bytes = self.loaded.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32), hashes.SHA256())
        return signature


def measure() -> Iterator[Figure]:
    """Measure the first signature's packaging, and the next one's, which has the body already."""
    near = segl_here()
    from pdf import sealed as given

    outside = Outside()
    outside.leave_out(time_stamp_authority, "answer")
    key = near.ports.keys.seal()
    pdf = document(size=1_000_000)
    content = given.content([given.document(pdf)], names=["Ingrid Solvang", "Jonas Myhre"])
    certificates, revocation_lists = near.ports.validation.certificates(), near.ports.validation.revocation_lists()
    body = assembly.compose_body([pdf])

    def packaged(body: bytes) -> bytes:
        return pades.seal(
            assembly.compose(content, body=body),
            certificate=key.certificate,
            chain=key.chain,
            private_key=key.private_key,
            time_stamp=near.ports.time_stamps.time_stamp,
            certificates=certificates,
            revocation_lists=revocation_lists,
            at=near.clock.now(),
        )

    def whole() -> bytes:
        return packaged(assembly.compose_body([pdf]))

    make_store: Any = SimpleCertificateStore  # pyHanko is typed in part only
    load_certificates: Any = load_certs_from_pemder
    chain, store = list(load_certificates([str(near.material.keys / "seal.pem")])), make_store()
    store.register_multiple(chain)
    private_key = load_private_key_from_pemder(str(near.material.keys / "seal.key"), None)
    arguments: dict[str, Any] = {"signing_cert": chain[0], "signing_key": private_key, "cert_registry": store, "prefer_pss": True}
    stock, preloaded = signers.SimpleSigner(**arguments), PreloadedSigner(**arguments)
    preloaded.loaded = key.private_key

    def bare(signer: signers.SimpleSigner) -> object:
        metadata = signers.PdfSignatureMetadata(
            field_name="Seal",
            md_algorithm="sha256",
            subfilter=fields.SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        )
        return signers.sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)), metadata, signer=signer)

    stock_ms, preloaded_ms = cpu_ms(lambda: bare(stock)), cpu_ms(lambda: bare(preloaded))
    whole_ms, next_ms = cpu_ms(whole, outside=outside), cpu_ms(lambda: packaged(body), outside=outside)
    for what, measured in (("packaging at B-LT, 1 MB", whole_ms), ("the same, next signature", next_ms)):
        yield Figure(what=what, measured=measured, unit="ms CPU", against="stock SimpleSigner, B-B", floor=stock_ms, bar=0.5)
        yield Figure(what=what, measured=measured, unit="ms CPU", against="the same, key loaded", floor=preloaded_ms, bar=3)
    write_profile("packaging", whole)


if __name__ == "__main__":
    tell(measure())
