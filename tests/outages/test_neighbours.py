"""
Each neighbour, broken in each way (reliability.md B-66 to B-68): nothing is signed or sealed that would be less than whole, nothing is
burned, nobody waits longer than the port's deadline, /health says which, and all goes on by itself when the neighbour is back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.test import Client, override_settings
from structlog.testing import capture_logs

from identity.browsing import NOTHING_SIGNED, Tab, open_link
from segl.actions.ports import Ports, ValidationMaterialUnavailable
from segl.actions.read_results import sealed_pdf
from segl.adapters.keys.files import read_key_pair
from segl.certificates import RevocationUnknown
from segl.database.models import Job, SealedPdf, Signature, Signer, SigningAttempt, WorkItem
from segl.entrypoints.signing import visits
from segl.entrypoints.worker import loop
from segl.sandbox.material import Role
from segl.values import Flow
from support.direct_jobs import INGRID, PUBLIC, create
from support.fault_proxy import FAULTS, Fault

from .conftest import DEADLINE_SECONDS, Street

pytestmark = pytest.mark.any_database  # what is broken stands beside the database

NEIGHBOURS = {"tsa": "time_stamps", "crl": "revocation_lists", "eid": "eid sandbox"}
"""The proxy before each, and its part in /health."""
LOG = {"tsa": "time-stamp-not-had", "crl": "validation-list-not-had", "eid": "log-in-not-completed"}
HEADINGS = {"tsa": "Vi kan ikke signere akkurat nå", "crl": "Vi kan ikke signere akkurat nå", "eid": "svarer ikke nå"}
TAKEN: dict[tuple[str, Fault], tuple[str, str, list[str]]] = {
    ("crl", Fault.ANOTHERS_ANSWER): ("confirm", HEADINGS["crl"], []),
    ("eid", Fault.ANOTHERS_ANSWER): ("problem", "Vi kunne ikke godta innloggingen", []),
}
"""A neighbour that does answer is not down: the list may be of an authority that only tokens name, and the log-in is refused."""
PATIENCE_SECONDS = 10 * DEADLINE_SECONDS
"""A busy machine is slower than the deadline; what has none takes minutes."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "PATIENCE_SECONDS", 0.0)


@contextmanager
def process(street: Street, ports: Ports | None = None) -> Iterator[None]:
    with override_settings(SEGL_PORTS=ports or street.ports(), SEGL_EID_ORIGINS=(street.eid.url,)):
        yield


def health() -> dict[str, str]:
    answer = Client(SERVER_NAME="localhost").get("/health")
    assert answer.status_code == 200  # the process can work: what is down is elsewhere
    parts: dict[str, str] = answer.json()
    return {part: state for part, state in parts.items() if part in {*NEIGHBOURS.values(), "senders_revocation_lists"}}


def ill(parts: dict[str, str]) -> list[str]:
    return [part for part, state in parts.items() if state != "ok"]


@contextmanager
def within_the_deadline(times: int = 1) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < times * PATIENCE_SECONDS


def is_told(tab: Tab, heading: str, *, page: str = "confirm") -> None:
    shown = tab.get(page).content.decode()
    assert heading in shown
    assert NOTHING_SIGNED in shown
    assert Signer.objects.get().status == "WAITING"
    assert not Signature.objects.exists()
    assert not WorkItem.objects.filter(kind="seal").exists()


class TestSigning:
    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize("name", list(NEIGHBOURS))
    def test_waits_for_a_neighbour_and_burns_nothing(self, street: Street, name: str, fault: Fault) -> None:
        with process(street):
            tab = open_link(create(street.near))
            answer = street.logs_in(tab.says_yes("sandbox").headers["Location"], INGRID)
            stored = street.near.stored_digests()

            street.breaks(name, fault)
            with capture_logs() as lines, within_the_deadline():
                back = tab.browser.get("/eid/callback", answer)
            page, heading, parts = ("confirm", HEADINGS[name], [NEIGHBOURS[name]]) if (name, fault) not in TAKEN else TAKEN[name, fault]
            assert back.headers["Location"] == f"/sign/{tab.sitting_id}/{page}"
            is_told(tab, heading, page=page)
            assert [line["event"] for line in lines if line["log_level"] == "warning"] == ([LOG[name]] if parts or name == "eid" else [])
            assert ill(health()) == parts
            assert street.near.stored_digests() == stored

            street.mends()
            street.near.clock.move(minutes=1)
            tab.browser.get("/eid/callback", street.logs_in(tab.says_yes("sandbox").headers["Location"], INGRID))
            assert Signature.objects.count() == 1
            assert ill(health()) == []

    @pytest.mark.parametrize("fault", FAULTS)
    def test_is_not_begun_at_a_provider_that_does_not_answer(self, street: Street, fault: Fault) -> None:
        with process(street):
            tab = open_link(create(street.near))
            street.breaks("eid", fault)
            with within_the_deadline():
                tab.says_yes("sandbox")
            is_told(tab, "svarer ikke nå")
            assert not SigningAttempt.objects.exists()
            assert ill(health()) == ["eid sandbox"]

            street.mends()
            tab.browser.get("/eid/callback", street.logs_in(tab.says_yes("sandbox").headers["Location"], INGRID))
            assert Signature.objects.count() == 1


class TestSealing:
    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize("name", ["tsa", "crl"])
    def test_waits_for_a_neighbour_and_says_so(self, street: Street, name: str, fault: Fault) -> None:
        created = create(street.near)
        job = created.job
        with process(street):
            tab = open_link(created)
            tab.browser.get("/eid/callback", street.logs_in(tab.says_yes("sandbox").headers["Location"], INGRID))

        worker = street.ports()
        with process(street, worker):
            street.breaks(name, fault)
            with within_the_deadline():
                loop.work_once(worker)
            assert not SealedPdf.objects.exists()
            assert (Job.objects.get().visible_status, Signature.objects.count()) == ("IN_PROGRESS", 1)
            item = WorkItem.objects.get(kind="seal")
            assert (item.is_dead, item.attempts, item.waits) == (False, 0, 1)
            assert item.waits_for
            assert ill(health()) == ([] if (name, fault) in TAKEN else [NEIGHBOURS[name]])

            street.mends()
            street.near.clock.move(minutes=2)
            loop.work_once(worker)
            assert ill(health()) == []
        assert sealed_pdf(worker, sender=PUBLIC, job_id=job.pk, flow=Flow.DIRECT).startswith(b"%PDF-")
        assert Job.objects.get().visible_status == "COMPLETED_SUCCESSFULLY"


class TestSendersCertificates:
    # Another CA's list is no fault here: each is known by who signed it, not by its address.
    @pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault is not Fault.ANOTHERS_ANSWER])
    def test_are_let_in_by_the_old_list_or_not_at_all(self, street: Street, fault: Fault, tmp_path: Path) -> None:
        certificate = read_key_pair(street.near.material.folder, Role.PUBLIC_SENDER).certificates[0]
        trust, fresh = street.senders_trust(tmp_path / "crl"), street.senders_trust(tmp_path / "none")
        assert not fresh.is_down()
        trust.refresh()
        street.breaks("crl", fault)
        for one in (trust, fresh):
            with capture_logs() as lines, within_the_deadline(times=2):
                one.refresh()
            assert {line["event"] for line in lines} == {"revocation-list-not-had"}
        trust.check(certificate)
        with pytest.raises(RevocationUnknown, match="is not at hand"):
            fresh.check(certificate)
        assert (trust.is_down(), fresh.is_down()) == (False, True)

        street.mends()
        fresh.refresh()
        fresh.check(certificate)
        assert not fresh.is_down()


class TestManyAtOnce:
    def test_wait_for_one_deadline_together_and_not_for_one_each(self, street: Street) -> None:
        """Sixty-four threads behind a list that hangs: were each to ask in its turn, the last would wait for ten minutes."""
        validation = street.ports().validation
        street.breaks("crl", Fault.HANGING)

        def ask(_: int) -> str:
            with pytest.raises(ValidationMaterialUnavailable) as caught:
                validation.revocation_lists()
            return str(caught.value)

        with within_the_deadline(), ThreadPoolExecutor(64) as pool:
            said = set(pool.map(ask, range(64)))
        assert len(said) == 1
        assert street.crl.asked < 8
