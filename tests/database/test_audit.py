"""The audit chain: one byte, one row, two rows out of place, and the place is named (reliability.md B-59)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connections

from segl.database import audit
from segl.database.audit import AuditChainBroken
from segl.database.models import AuditEvent, AuditHead
from segl.database.transactions import durable

AT = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def write(count: int) -> None:
    for number in range(1, count + 1):
        with durable():
            audit.record("job-created", at=AT, job_id=number, signer=number % 3 or None, bundle="ab" * 32, place=number)


class TestAWholeChain:
    def test_verifies_and_counts_its_events(self) -> None:
        assert audit.verify() == 0
        write(5)
        assert audit.verify() == 5
        assert AuditHead.objects.get().sequence == 5

    def test_is_written_with_its_action_or_not_at_all(self) -> None:
        def action() -> None:
            with durable():
                audit.record("job-created", at=AT, job_id=1)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            action()
        assert audit.verify() == 0

    def test_stays_single_when_many_write_at_once(self) -> None:
        def write_one(number: int) -> None:
            try:
                with durable():
                    audit.record("job-created", at=AT, job_id=number)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(write_one, range(30)))
        assert audit.verify() == 30


class TestABrokenChain:
    @pytest.mark.parametrize(
        "changes",
        [
            {"kind": "job-creates"},
            {"at": AT.replace(microsecond=123457)},
            {"job_id": 4},
            {"job_id": None},
            {"signer": 1},
            {"details": '{"bundle":"x"}'},
            {"previous_sha256": "0" * 64},
            {"sha256": "0" * 64},
        ],
    )
    def test_names_the_event_that_was_changed(self, changes: dict[str, object]) -> None:
        write(5)
        AuditEvent.objects.filter(pk=3).update(**changes)
        with pytest.raises(AuditChainBroken) as broken:
            audit.verify()
        assert str(broken.value) == "Audit event 3 does not fit the chain: it was changed, dropped or moved."

    @pytest.mark.parametrize("dropped", [1, 3])
    def test_names_the_place_of_a_dropped_event(self, dropped: int) -> None:
        write(5)
        AuditEvent.objects.filter(pk=dropped).delete()
        with pytest.raises(AuditChainBroken) as broken:
            audit.verify()
        assert str(broken.value).startswith(f"Audit event {dropped} does not fit")

    def test_names_the_first_of_two_that_were_swapped(self) -> None:
        write(5)
        second, fourth = AuditEvent.objects.get(pk=2), AuditEvent.objects.get(pk=4)
        second.sequence, fourth.sequence = 4, 2
        second.save()
        fourth.save()
        with pytest.raises(AuditChainBroken) as broken:
            audit.verify()
        assert str(broken.value).startswith("Audit event 2 does not fit")

    def test_tells_when_the_end_was_cut_off(self) -> None:
        write(5)
        AuditEvent.objects.filter(pk__gte=4).delete()
        with pytest.raises(AuditChainBroken) as broken:
            audit.verify()
        assert str(broken.value) == "The audit chain ends at event 3, but its head says 5: events are missing."

    def test_tells_when_the_head_itself_is_gone(self) -> None:
        write(5)
        AuditHead.objects.all().delete()
        with pytest.raises(AuditChainBroken) as broken:
            audit.verify()
        assert "head" in str(broken.value)

    def test_is_not_mended_by_redoing_one_hash(self) -> None:
        write(5)
        event = AuditEvent.objects.get(pk=3)
        event.kind = "another"
        event.sha256 = audit._digest(3, event.at, event.kind, event.job_id, event.signer, event.details, event.previous_sha256)
        event.save()
        with pytest.raises(AuditChainBroken) as broken:
            audit.verify()
        assert str(broken.value).startswith("Audit event 4 does not fit")
