"""What the actions returned, as the wire's XML with absolute addresses (wire-spec.md 2, 6.4, 9, 11)."""

from __future__ import annotations

from django.conf import settings

from segl.actions.create_job import CreatedJob
from segl.actions.issue_redirect_url import IssuedRedirect
from segl.actions.read_status import JobState, identity_of
from segl.wire import direct_status


def created(job: CreatedJob) -> bytes:
    """Return the answer to a new job; only a job without polling has a status address."""
    address = _job_address(job.job.sender_id, job.job.pk)
    return direct_status.job_response(
        direct_status.DirectJobCreated(
            job_id=job.job.pk,
            reference=job.job.reference,
            status_url=None if job.job.is_polled else f"{address}/status",
            signers=tuple(_link(redirect, address) for redirect in job.redirects),
        )
    )


def signer(issued: IssuedRedirect, *, sender: str) -> bytes:
    """Return the answer to a wish for a new redirect URL."""
    return direct_status.signer_response(_link(issued, _job_address(sender, issued.signer.job_id)))


def state(job: JobState, *, sender: str, sequence: int | None) -> bytes:
    """Return a job's state; `sequence` is that of the delivered change, None when it was asked for with a token."""
    address = _job_address(sender, job.job_id)
    return direct_status.status_response(
        direct_status.DirectJobState(
            job_id=job.job_id,
            reference=job.reference,
            status=job.status,
            signers=tuple(
                direct_status.DirectSignerState(
                    identity=signer.identity,
                    status=signer.status,
                    since=signer.since,
                    xades_url=f"{address}/xades/{signer.position}" if signer.has_xades else None,
                )
                for signer in job.signers
            ),
            confirmation_url=f"{address}/complete" if sequence is None else f"{address}/complete/{sequence}",
            delete_documents_url=f"{address}/documents" if job.may_delete_documents else None,
            pades_url=f"{address}/pades" if job.has_pades else None,
        )
    )


def _job_address(sender: str, job_id: int) -> str:
    return f"{settings.SEGL_API_URL}/api/{sender}/direct/signature-jobs/{job_id}"


def _link(issued: IssuedRedirect, job_address: str) -> direct_status.SignerLink:
    return direct_status.SignerLink(
        href=f"{job_address}/signers/{issued.signer.position}",
        identity=identity_of(issued.signer),
        redirect_url=f"{settings.SEGL_WEB_URL}/redirect/{issued.token}",
    )
