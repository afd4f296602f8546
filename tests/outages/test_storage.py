"""
The database read-only or full, and the documents' disk full (reliability.md B-09): 503 and Retry-After before anything is acknowledged,
reading goes on, nothing is half stored, and all works again when there is room, without a restart or a repair.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpResponse
from django.test import Client, override_settings
from lxml import etree

from identity.browsing import Tab, open_link
from segl.actions.check_invariants import check_invariants
from segl.actions.sweep_orphans import PARTS
from segl.adapters.keys.files import read_key_pair
from segl.database.models import AuditEvent, Job, SealedPdf, Signature, Signer, StatusChange, WorkItem
from segl.entrypoints.signing import visits
from segl.entrypoints.worker import loop
from segl.sandbox.material import Role
from support.direct_jobs import INGRID, PUBLIC, Asked, bundle_of, create, multipart_of, pdf, request_xml, visit, work
from support.neighbours import Neighbourhood

FAR_AHEAD = datetime.max.replace(tzinfo=UTC)
JOBS = f"/api/{PUBLIC}/direct/signature-jobs"


@contextmanager
def read_only() -> Iterator[None]:
    """As after a fail-over to a standby: every transaction of every connection may read and not write."""
    if connection.vendor == "sqlite":
        connection_created.connect(_set_query_only)
        _set_query_only(connection=connection)
    else:
        _set_server_read_only("on")
    try:
        yield
    finally:
        if connection.vendor == "sqlite":
            connection_created.disconnect(_set_query_only)
            connection.close()
        else:
            _set_server_read_only("off")


def _set_query_only(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only=ON")


def _set_server_read_only(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only=off")
        cursor.execute(f"ALTER SYSTEM SET default_transaction_read_only={value}")
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute("RESET default_transaction_read_only")
        while True:  # the server tells its processes one after the other
            cursor.execute("SHOW default_transaction_read_only")
            if cursor.fetchone() == (value,):
                return


@contextmanager
def disk_full() -> Iterator[None]:
    """No file grows beyond a kilobyte: documents, and SQLite's own files (a PostgreSQL server is another process)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A module that is imported now would leave its bytecode cut off in the checkout, and Python 3.11 would take that for whole ever after.
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = writes_none


FAULTS: dict[str, Callable[[], AbstractContextManager[None]]] = {"read-only database": read_only, "full disk": disk_full}
each_fault = pytest.mark.parametrize("fault", list(FAULTS))


@pytest.fixture(autouse=True)
def impatient(near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(visits, "PATIENCE_SECONDS", 0.0)
    near.ports.fence.start()  # its process would keep the limit of a full disk
    with override_settings(SEGL_PORTS=near.ports):
        yield


def call(near: Neighbourhood, method: str, path: str, **more: Any) -> HttpResponse:
    """Call the API as the public sender; its certificate has been checked at the door."""
    certificate = read_key_pair(near.material.folder, Role.PUBLIC_SENDER).certificates[0]
    with override_settings(ROOT_URLCONF="segl.wiring.api_urls", MIDDLEWARE=["segl.entrypoints.api.middleware.Errors"]):
        return Client(SERVER_NAME="localhost").generic(method, path, **{"segl.peer_certificate": certificate, **more})


def send(near: Neighbourhood, asked: Asked) -> HttpResponse:
    content_type, body = multipart_of(request_xml(asked), bundle_of(near, asked))
    environ = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type}
    return call(near, "POST", JOBS, **environ)


def is_refused_as_unavailable(answer: HttpResponse) -> bool:
    codes = [element.text for element in etree.fromstring(answer.content).iter("{*}error-code")]
    return (answer.status_code, answer.headers.get("Retry-After"), codes) == (503, "2", ["UNAVAILABLE"])


def everything() -> list[Any]:
    """Every row that an action could have written."""
    models: list[Any] = [Job, Signer, Signature, SealedPdf, StatusChange, WorkItem, AuditEvent]
    return [list(model.objects.order_by("pk").values()) for model in models]


def is_sound(near: Neighbourhood) -> bool:
    documents = near.ports.documents
    return (
        list(check_invariants(near.ports)) == []
        and all(is_whole for _, is_whole in documents.sweep())
        and not any(documents.drop_unfinished(FAR_AHEAD, part=part) for part in PARTS)
    )


class TestTheSender:
    @each_fault
    def test_is_told_to_come_again_and_nothing_was_done(self, near: Neighbourhood, fault: str) -> None:
        asked = Asked(documents={"avtale.pdf": pdf("Avtale", padding=20_000)})
        before, stored = everything(), near.stored_digests()
        with FAULTS[fault]():
            answer = send(near, asked)
        assert is_refused_as_unavailable(answer), answer.content
        assert everything() == before
        # What a read-only database leaves is on disk already; nobody was told of it, and the sweep takes it.
        assert near.stored_digests() == stored or fault == "read-only database"
        assert send(near, asked).status_code == 200
        assert is_sound(near)

    def test_reads_on_while_the_database_is_read_only_and_is_handed_nothing(self, near: Neighbourhood) -> None:
        job = create(near)
        visit(near, job).signs()
        work(near)
        before = everything()
        with read_only():
            assert call(near, "GET", f"/api/{PUBLIC}").status_code == 200
            assert call(near, "GET", f"{JOBS}/{job.job.pk}/pades").content.startswith(b"%PDF-")
            assert call(near, "GET", f"{JOBS}/{job.job.pk}/xades/1").status_code == 200
            for method, path in (("GET", JOBS), ("POST", f"{JOBS}/{job.job.pk}/complete/{StatusChange.objects.get().sequence}")):
                refused = call(near, method, path)
                assert is_refused_as_unavailable(refused), (method, path, refused.content)
        assert everything() == before
        assert call(near, "GET", JOBS).status_code == 200
        assert is_sound(near)


class TestTheSigner:
    def logs_in(self, near: Neighbourhood, tab: Tab) -> dict[str, str]:
        with near.a_person() as at_provider:
            return at_provider.log_in(tab.says_yes("sandbox").headers["Location"], person=INGRID)

    def is_told_that_the_fault_is_ours(self, page: HttpResponse) -> None:
        assert page.status_code == 500
        assert "Noe gikk galt hos oss" in page.content.decode()
        assert (Signer.objects.get().status, Signature.objects.count()) == ("WAITING", 0)

    def test_signs_by_the_same_answer_when_the_database_takes_it_again(self, near: Neighbourhood) -> None:
        tab = open_link(create(near))
        tab.browser.raise_request_exception = False
        answer = self.logs_in(near, tab)
        with read_only():
            self.is_told_that_the_fault_is_ours(tab.browser.get("/eid/callback", answer))
        # *Try again* on that page is the same address.
        assert tab.browser.get("/eid/callback", answer).headers["Location"] == f"/sign/{tab.sitting_id}/progress"
        assert Signature.objects.count() == 1

    @each_fault
    def test_signs_by_another_log_in_when_it_came_in_the_middle(self, near: Neighbourhood, fault: str) -> None:
        """The fault comes after every check and before anything of the signature is stored."""
        tab = open_link(create(near))
        tab.browser.raise_request_exception = False
        answer, stored = self.logs_in(near, tab), near.stored_digests()
        with ExitStack() as faults:
            near.switches.while_time_stamping = lambda: faults.enter_context(FAULTS[fault]())
            page = tab.browser.get("/eid/callback", answer)
            near.switches.while_time_stamping = lambda: None
        self.is_told_that_the_fault_is_ours(page)
        assert near.stored_digests() == stored or fault == "read-only database"

        assert tab.browser.get("/eid/callback", answer).headers["Location"] == f"/sign/{tab.sitting_id}/confirm"
        tab.browser.get("/eid/callback", self.logs_in(near, tab))
        assert Signature.objects.count() == 1
        work(near)
        assert SealedPdf.objects.count() == 1
        assert is_sound(near)


class TestTheWorker:
    @each_fault
    def test_goes_on_when_it_is_over(self, near: Neighbourhood, fault: str) -> None:
        visit(near, create(near)).signs()
        with FAULTS[fault](), suppress(DatabaseError):  # the worker ends, and its supervisor starts it again
            loop.work_once(near.ports)
        assert not SealedPdf.objects.exists()
        assert not WorkItem.objects.get(kind="seal").is_dead
        near.clock.move(minutes=2)
        work(near)
        assert Job.objects.get().visible_status == "COMPLETED_SUCCESSFULLY"
        assert is_sound(near)
