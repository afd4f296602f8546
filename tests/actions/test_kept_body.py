"""The pages of a job's documents are composed once and used at each signature; what was kept can be lost without loss."""

from __future__ import annotations

from collections.abc import Callable

from segl.actions.check_invariants import check_invariants
from segl.actions.delete_documents import delete_documents
from segl.database.models import Job, SealedPdf
from segl.pdf.body import compose_body
from segl.pdf.text import extract_text
from segl.values import Flow
from support.direct_jobs import INGRID, JONAS, PUBLIC, Asked, create, pdf, visit, work
from support.neighbours import Neighbourhood

TWO = Asked(signers=(INGRID, JONAS))


def all_sign(near: Neighbourhood, *, in_between: Callable[[Job], object] = lambda job: None) -> None:
    created = create(near, TWO)
    for position in (1, 2):
        visit(near, created, position=position).signs()
        work(near)
        in_between(Job.objects.get())


class TestTheComposedPages:
    def test_are_those_of_the_signature_before(self, near: Neighbourhood) -> None:
        # Other pages in their place, as nobody but a test puts there, tell which were used.
        other = near.ports.documents.put(compose_body([pdf("Andre sider")]))
        all_sign(near, in_between=lambda _: Job.objects.update(body_sha256=other))
        first, second = (near.ports.documents.get(sealed.sha256) for sealed in SealedPdf.objects.order_by("signature_count"))
        assert ("Avtale" in extract_text(first)[1], "Andre sider" in extract_text(second)[1]) == (True, True)

    def test_are_kept_while_somebody_is_left_to_sign(self, near: Neighbourhood) -> None:
        kept = []
        all_sign(near, in_between=lambda job: kept.append(job.body_sha256))
        assert kept == [kept[0], kept[0]]
        assert kept[0] in near.stored_digests()
        assert check_invariants(near.ports) == []

    def test_are_made_again_when_they_are_lost(self, near: Neighbourhood) -> None:
        all_sign(near, in_between=lambda job: near.ports.documents.delete(job.body_sha256))
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
