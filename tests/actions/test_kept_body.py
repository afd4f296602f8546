"""The pages of a job's documents are composed once and used at each signature; what was kept can be lost without loss."""

from __future__ import annotations

import pytest

from segl.actions.check_invariants import check_invariants
from segl.actions.delete_documents import delete_documents
from segl.database.models import Job, SealedPdf
from segl.pdf import assembly
from segl.values import Flow
from support.direct_jobs import INGRID, JONAS, PUBLIC, Asked, create, visit, work
from support.neighbours import Neighbourhood

TWO = Asked(signers=(INGRID, JONAS))


def all_sign(near: Neighbourhood, *, lose_the_body: bool = False) -> None:
    job = create(near, TWO)
    for position in (1, 2):
        visit(near, job, position=position).signs()
        work(near)
        if lose_the_body:
            near.ports.documents.delete(Job.objects.get().body_sha256)


class TestTheComposedPages:
    def test_are_made_once_for_all_signatures(self, near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
        compose_body, composed = assembly.compose_body, []

        def counted(renditions: list[bytes]) -> bytes:
            composed.append(compose_body(renditions))
            return composed[-1]

        monkeypatch.setattr(assembly, "compose_body", counted)
        all_sign(near)
        assert len(composed) == 1
        assert [sealed.signers for sealed in SealedPdf.objects.order_by("signature_count")] == ["1", "1,2"]
        assert check_invariants(near.ports) == []

    def test_are_made_again_when_they_are_lost(self, near: Neighbourhood) -> None:
        all_sign(near, lose_the_body=True)
        assert SealedPdf.objects.filter(signers="1,2").exists()
        assert check_invariants(near.ports) == []

    def test_are_not_kept_when_nobody_is_left_to_sign(self, near: Neighbourhood) -> None:
        visit(near, create(near)).signs()
        work(near)
        assert Job.objects.get().body_sha256 == ""

    def test_are_deleted_with_the_documents(self, near: Neighbourhood) -> None:
        all_sign(near)
        assert Job.objects.get().body_sha256 in near.stored_digests()
        near.clock.move(hours=25)
        delete_documents(near.ports, sender=PUBLIC, job_id=Job.objects.get().pk, flow=Flow.DIRECT)
        work(near)
        assert near.stored_digests() == set()
