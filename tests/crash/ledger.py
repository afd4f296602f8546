"""What a Segl has stored, as JSON on standard output. Run as a program in that Segl's environment, so that its own database is read."""

from __future__ import annotations

import json
import os

import django


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "segl.wiring.django_settings"
    os.environ["SEGL_DOOR"] = "worker"
    django.setup()
    from segl.database.models import AuditEvent, Job, Signature, WorkItem

    print(
        json.dumps(
            {
                "jobs": {
                    job.pk: {
                        "status": job.status,
                        "readable": job.visible_status,
                        "signers": [signer.status for signer in job.signers.all()],
                        "sealed": list(job.sealed_pdfs.values_list("signers", flat=True)),
                        "unconfirmed": job.status_changes.filter(confirmed_at=None).count(),
                    }
                    for job in Job.objects.prefetch_related("signers")
                },
                "signatures": sorted(Signature.objects.values_list("signer__job_id", "signer__position")),
                "signed_events": sorted(AuditEvent.objects.filter(kind="signer-signed").values_list("job_id", "signer")),
                "seals": [
                    f"{item.key} attempts={item.attempts} dead={item.is_dead} {item.waits_for}"
                    for item in WorkItem.objects.filter(kind="seal")
                ],
            }
        )
    )


if __name__ == "__main__":
    main()
