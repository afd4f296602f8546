"""The sender fetches what was signed: a signer's XAdES, or the sealed PDF with the signatures so far."""

from __future__ import annotations

from segl.actions.access import JobNotFound, job_of_sender, signer_of
from segl.actions.ports import Ports
from segl.actions.visibility import newest_sealed_pdf
from segl.database.models import Signature
from segl.jobs.job import SignerStatus
from segl.values import Flow


class ResultNotFound(JobNotFound):
    """There is no such signed file: nobody has signed it yet, or its documents are deleted. Use the URLs of the newest status."""


def sealed_pdf(ports: Ports, *, sender: str, job_id: int, flow: Flow) -> bytes:
    """
    Return the newest sealed PDF of the job.

    :raises JobNotFound, ResultNotFound: if it is another's, nobody has signed, or the documents are deleted.
    """
    job = job_of_sender(sender=sender, job_id=job_id, flow=flow)
    newest = newest_sealed_pdf(job)
    if newest is None or job.documents_deleted_at is not None:
        raise ResultNotFound
    return ports.documents.get(newest.sha256)


def xades_of(ports: Ports, *, sender: str, job_id: int, flow: Flow, position: int) -> bytes:
    """
    Return the XAdES of the signer at `position`, once the signature is readable.

    :raises JobNotFound, SignerNotFound, ResultNotFound: as sealed_pdf.
    """
    job = job_of_sender(sender=sender, job_id=job_id, flow=flow)
    signer = signer_of(job, position)
    signature = Signature.objects.filter(signer=signer).first()
    if signature is None or signer.visible_status != SignerStatus.SIGNED or job.documents_deleted_at is not None:
        raise ResultNotFound
    return ports.documents.get(signature.xades_sha256)
