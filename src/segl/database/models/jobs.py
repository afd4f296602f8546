"""
Signature jobs of both flows, their signers and documents, and the sealed PDFs they become.

A signer has two statuses: `status` is the truth the moment it happens, `visible_status` is what the sender may read. They differ only
while a signature waits for the sealed PDF that holds it (actions/visibility.py). Columns marked *personal* can be erased alone.
"""

from __future__ import annotations

from django.db import models

from segl.database.models.organizations import Organization
from segl.jobs.job import JobStatus, SignerStatus
from segl.values import Flow, IdentifierFormat, OnBehalfOf, SignatureType

STATUS_LENGTH = 40


class Job(models.Model):
    """One signature job."""

    id = models.BigIntegerField(primary_key=True)
    """Random and never reused; the wire's `signature-job-id`."""
    flow = models.CharField(max_length=6, choices=[(flow.value, flow.value) for flow in Flow])
    sender = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="jobs")
    creator_organization = models.CharField(max_length=9)
    """The organization of the certificate that created the job: the sender itself or its broker. Empty for a job of the sender portal."""
    creator_certificate_sha256 = models.CharField(max_length=64)
    creator_user = models.CharField(max_length=64, default="", blank=True)
    """The caseworker who made the job in the sender portal; empty for the API."""
    title = models.CharField(max_length=80)
    """Personal."""
    nonsensitive_title = models.CharField(max_length=80, null=True)
    description = models.CharField(max_length=220, null=True)
    """Personal."""
    reference = models.CharField(max_length=50, null=True)
    """None when the sender gave none: only a given reference is echoed."""
    level = models.PositiveSmallIntegerField()
    identifier_format = models.CharField(max_length=40, choices=[(f.value, f.value) for f in IdentifierFormat])
    is_polled = models.BooleanField()
    """Status by polling; otherwise by callback."""
    polling_queue = models.CharField(max_length=255, default="", blank=True)
    completion_url = models.CharField(max_length=500, default="", blank=True)
    rejection_url = models.CharField(max_length=500, default="", blank=True)
    error_url = models.CharField(max_length=500, default="", blank=True)
    bundle_sha256 = models.CharField(max_length=64, db_index=True)
    """The sender's bundle as it arrived, kept as evidence while the documents are kept."""
    body_sha256 = models.CharField(max_length=64, default="", blank=True, db_index=True)
    """The composed pages of the documents, kept for the next signature. They can be composed again."""
    created_at = models.DateTimeField()
    status = models.CharField(max_length=STATUS_LENGTH, default=JobStatus.IN_PROGRESS)
    visible_status = models.CharField(max_length=STATUS_LENGTH, default=JobStatus.IN_PROGRESS)
    completed_at = models.DateTimeField(null=True)
    """When the last signature was given."""
    documents_deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["sender", "visible_status"])]


class SignerGroup(models.Model):
    """Signers who may act at the same time: one group in direct flow, one for each order in portal flow."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="groups")
    order = models.PositiveSmallIntegerField()
    activated_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "order"], name="one_group_an_order")]


class Signer(models.Model):
    """One signer of a job, addressed in exactly one way."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="signers")
    group = models.ForeignKey(SignerGroup, on_delete=models.CASCADE, related_name="signers")
    position = models.PositiveSmallIntegerField()
    """From 1, in the manifest's order; stands in the signer's href."""
    national_identity_number = models.CharField(max_length=11, null=True)
    """Personal."""
    custom_identifier = models.CharField(max_length=80, null=True)
    """Personal."""
    email = models.CharField(max_length=320, null=True)
    """Personal. As submitted: it is echoed unchanged."""
    mobile = models.CharField(max_length=30, null=True)
    """Personal. As submitted: it is echoed unchanged."""
    signature_type = models.CharField(max_length=40, choices=[(t.value, t.value) for t in SignatureType])
    on_behalf_of = models.CharField(max_length=5, choices=[(o.value, o.value) for o in OnBehalfOf])
    status = models.CharField(max_length=STATUS_LENGTH, default=SignerStatus.WAITING)
    since = models.DateTimeField()
    visible_status = models.CharField(max_length=STATUS_LENGTH, default=SignerStatus.WAITING)
    visible_since = models.DateTimeField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="one_signer_a_position")]


class Document(models.Model):
    """A document of a job; its bytes lie in the document store under their hash."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="documents")
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=80)
    """Personal."""
    file_name = models.CharField(max_length=100)
    """As it stands in the bundle; the signatures refer to it."""
    mime = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveIntegerField()
    rendition_sha256 = models.CharField(max_length=64, db_index=True)
    """The PDF that is shown: the original itself, or what a plain text was typeset to."""
    pages = models.JSONField()
    """[[width, height], …] in PDF points, as shown."""
    has_form_fields = models.BooleanField(default=False)
    has_earlier_signature = models.BooleanField(default=False)
    has_attachments = models.BooleanField(default=False)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="one_document_a_position")]


class SealIntent(models.Model):
    """What is about to be sealed, committed before the seal is made (invariant I3)."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="seal_intents")
    signers = models.CharField(max_length=40)
    """The positions whose signatures the PDF holds, in the order of signing: "1" or "2,1"."""
    composed_sha256 = models.CharField(max_length=64)
    composed_bytes = models.PositiveIntegerField()
    """Its length: the sealed PDF begins with exactly these bytes."""
    sealed_at = models.DateTimeField()
    """Printed on the front page: a second attempt composes the very same bytes."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "signers"], name="one_seal_intent_a_set")]


class SealedPdf(models.Model):
    """The sealed PDF of one set of signatures; readable from outside once this row exists."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="sealed_pdfs")
    signers = models.CharField(max_length=40)
    signature_count = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "signers"], name="one_sealed_pdf_a_set")]
