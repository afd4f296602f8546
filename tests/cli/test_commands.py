"""The operator's commands: readable, or JSON; errors on stderr with exit 2; nothing personal."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from segl.actions.admit_caller import BrokerNotAuthorized, NotAuthorized, admit_caller
from segl.actions.delete_documents import delete_documents
from segl.ceremony.intent import nonce_of
from segl.database.models import AuditEvent, BrokerRight, Document, Organization, Signature, SigningAttempt, WorkItem
from segl.sandbox.material import Role
from segl.values import Flow
from support.direct_jobs import BROKER, INGRID, JONAS, PRIVATE, PUBLIC, Asked, create, visit, work
from support.neighbours import Neighbourhood

from .conftest import Operator

NEW = "315325838"
"""The sandbox's stranger: a good certificate, no access."""


class TestOrganizations:
    def test_are_listed_as_a_table(self, operator: Operator) -> None:
        status, out, err = operator.runs("organization", "list")
        header, *rows = out.splitlines()
        assert (status, err) == (0, "")
        assert header.split() == ["number", "name", "sector", "active", "acts", "for"]
        assert [row.split()[0] for row in rows] == sorted(row.split()[0] for row in rows)
        assert next(row for row in rows if row.startswith(BROKER)).split()[-2:] == sorted([PUBLIC, PRIVATE])

    def test_are_listed_as_json(self, operator: Operator) -> None:
        rows = {row["number"]: row for row in operator.reads("organization", "list")}
        assert rows[PUBLIC] == {"number": PUBLIC, "name": "Fjordvik kommune", "sector": "PUBLIC", "active": True, "acts for": ""}

    @pytest.mark.requirement("R9")
    def test_get_access_when_added(self, operator: Operator, near: Neighbourhood) -> None:
        certificate = near.material.certificate_of(Role.STRANGER)
        with pytest.raises(NotAuthorized):
            admit_caller(near.ports, certificate=certificate, sender=NEW)
        (row,) = operator.reads("organization", "add", NEW, "Ukjent Handel AS", "--sector", "private", "--allow-name-only")
        assert (row["number"], row["sector"]) == (NEW, "PRIVATE")
        assert Organization.objects.get(pk=NEW).may_use_name_only
        assert admit_caller(near.ports, certificate=certificate, sender=NEW).sender.name == "Ukjent Handel AS"
        assert AuditEvent.objects.filter(kind="organization-added").count() == 1

    def test_are_changed_when_added_again(self, operator: Operator) -> None:
        operator.reads("organization", "add", PUBLIC, "Fjordvik og Øy kommune", "--sector", "public")
        assert Organization.objects.get(pk=PUBLIC).name == "Fjordvik og Øy kommune"
        assert AuditEvent.objects.filter(kind="organization-changed").count() == 1

    @pytest.mark.parametrize("number", ["12345678", "1234567890", "abcdefghi"])
    def test_need_a_number_of_nine_digits(self, operator: Operator, number: str) -> None:
        status, out, err = operator.runs("organization", "add", number, "Navn", "--sector", "public")
        assert (status, out) == (2, "")
        assert err == "segl: An organization number has nine digits. Check the number.\n"

    def test_need_a_sector(self, operator: Operator) -> None:
        status, out, err = operator.runs("organization", "add", NEW, "Navn")
        assert (status, out) == (2, "")
        assert "--sector" in err


class TestABroker:
    @pytest.mark.requirement("R8", "R10")
    def test_may_act_from_the_next_request_on(self, operator: Operator, near: Neighbourhood) -> None:
        BrokerRight.objects.all().delete()
        certificate = near.material.certificate_of(Role.BROKER)
        with pytest.raises(BrokerNotAuthorized):
            admit_caller(near.ports, certificate=certificate, sender=PUBLIC)
        assert operator.reads("broker", "add", BROKER, PUBLIC) == [{"broker": BROKER, "sender": PUBLIC}]
        assert admit_caller(near.ports, certificate=certificate, sender=PUBLIC).is_broker
        with pytest.raises(BrokerNotAuthorized):
            admit_caller(near.ports, certificate=certificate, sender=PRIVATE)

    def test_may_be_added_twice(self, operator: Operator) -> None:
        before = BrokerRight.objects.count()
        for _ in range(2):
            assert operator.runs("broker", "add", BROKER, PUBLIC)[0] == 0
        assert BrokerRight.objects.count() == before
        assert not AuditEvent.objects.filter(kind="broker-added").exists()

    @pytest.mark.parametrize("pair", [(NEW, PUBLIC), (BROKER, NEW)])
    def test_must_be_known_and_so_must_the_sender(self, operator: Operator, pair: tuple[str, str]) -> None:
        status, out, err = operator.runs("broker", "add", *pair)
        assert (status, out) == (2, "")
        assert err == f"segl: Organization {NEW} is unknown. Add it first with `segl organization add`.\n"


class TestKeys:
    def test_are_told_with_their_end(self, operator: Operator) -> None:
        rows = operator.reads("keys", "status")
        assert {row["name"] for row in rows} == {"person-ca", "seal"}
        assert all(row["problem"] is None and row["is_sandbox"] for row in rows)
        status, out, _ = operator.runs("keys", "status")
        assert status == 0
        assert "PRIVATE KEY" not in out

    def test_are_never_overwritten(self, operator: Operator, near: Neighbourhood) -> None:
        before = (near.material.keys / "seal.key").read_bytes()
        status, out, err = operator.runs("keys", "create", "--organization", "Segl AS")
        assert (status, out) == (2, "")
        assert err.startswith("segl: ")
        assert (near.material.keys / "seal.key").read_bytes() == before


class TestAJob:
    def test_tells_what_it_waits_for(self, operator: Operator, near: Neighbourhood) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS)))
        visit(near, job).signs()
        near.switches.time_stamps_down = True
        work(near)

        rows = {row["what"]: row for row in operator.reads("job", "show", str(job.job.pk))}
        assert rows["job"]["status"] == "IN_PROGRESS"
        assert (rows["signer 1"]["status"], rows["signer 1"]["readable"]) == ("SIGNED", "WAITING")
        assert rows["signer 1"]["waits for"] == "the sealed PDF"
        assert rows["signer 2"]["waits for"] == "the person, until 2026-12-24 12:00 UTC"
        assert rows["work seal"]["waits for"].startswith("No time-stamp authority answered rightly.")
        assert rows["work expire"]["waits for"] == "its time"

    def test_shows_nothing_personal(self, operator: Operator, near: Neighbourhood) -> None:
        job = create(near)
        visit(near, job).signs()
        for arguments in (("job", "show", str(job.job.pk)), ("work", "list"), ("check",)):
            _, out, err = operator.runs(*arguments)
            assert [word for word in (INGRID, "Ingrid", "Lære", "avtale") if word in out + err] == []

    def test_that_is_not_there_is_told_on_stderr(self, operator: Operator) -> None:
        assert operator.runs("job", "show", "7") == (2, "", "segl: There is no signature job 7. Check the number.\n")
        status, out, err = operator.runs("job", "show", "seven")
        assert (status, out) == (2, "")
        assert "seven" in err


class TestTheEvidenceOfAJob:
    @pytest.mark.parametrize("identifier_format", ["NAME", "DATE_OF_BIRTH_AND_NAME"])
    def test_proves_the_log_in_though_the_signed_file_holds_only_a_digest(
        self, operator: Operator, near: Neighbourhood, tmp_path: Path, identifier_format: str
    ) -> None:
        job = create(near, Asked(signers=(INGRID, JONAS), identifier_format=identifier_format))
        visit(near, job, person=JONAS, position=2).signs()

        (row,) = operator.reads("job", "evidence", str(job.job.pk), "--into", str(tmp_path / "proof"))

        assert row == {"signer": 2, "files": 5, "token in evidence": True, "intent in token": True}
        token, intent, key, evidence, xades = (
            (tmp_path / "proof" / name).read_bytes()
            for name in ("id-token-2.jwt", "intent-2.json", "provider-key-2.json", "evidence-2.json", "signature-2.xml")
        )
        claims = json.loads(jws.deserialize_compact(token, RSAKey.import_key(json.loads(key)), algorithms=["RS256"]).payload or b"")
        assert (claims["pid"], claims["nonce"]) == (JONAS, nonce_of(intent))
        assert json.loads(evidence)["how"]["idTokenSha256"] == hashlib.sha256(token).hexdigest()
        assert hashlib.sha256(token).hexdigest().encode() in xades
        assert AuditEvent.objects.filter(kind="evidence-exported", job_id=job.job.pk).count() == 1

    def test_is_for_the_eyes_of_the_user_alone_and_not_printed(self, operator: Operator, near: Neighbourhood, tmp_path: Path) -> None:
        job = create(near)
        visit(near, job).signs()
        _, out, err = operator.runs("job", "evidence", str(job.job.pk), "--into", str(tmp_path / "proof"))
        assert [word for word in (INGRID, "Ingrid", "avtale") if word in out + err] == []
        assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "proof").iterdir()} == {"0o600"}
        assert oct((tmp_path / "proof").stat().st_mode & 0o777) == "0o700"

    def test_outlives_the_documents(self, operator: Operator, near: Neighbourhood, tmp_path: Path) -> None:
        job = create(near)
        visit(near, job).signs()
        work(near)
        near.clock.move(hours=25)
        delete_documents(near.ports, sender=PUBLIC, job_id=job.job.pk, flow=Flow.DIRECT)
        (row,) = operator.reads("job", "evidence", str(job.job.pk), "--into", str(tmp_path / "proof"))
        assert row["files"] == 4
        assert not (tmp_path / "proof" / "signature-1.xml").exists()

    def test_tells_when_token_or_intent_are_not_those_that_were_signed(
        self, operator: Operator, near: Neighbourhood, tmp_path: Path
    ) -> None:
        job = create(near)
        visit(near, job).signs()
        SigningAttempt.objects.update(intent=b"{}")
        Signature.objects.update(id_token=Signature.objects.get().id_token + "A")
        (row,) = operator.reads("job", "evidence", str(job.job.pk), "--into", str(tmp_path / "proof"))
        assert (row["token in evidence"], row["intent in token"]) == (False, False)

    def test_is_refused_where_it_would_overwrite_and_for_an_unknown_job(
        self, operator: Operator, near: Neighbourhood, tmp_path: Path
    ) -> None:
        job = create(near)
        status, out, err = operator.runs("job", "evidence", str(job.job.pk), "--into", str(tmp_path))
        assert (status, out) == (2, "")
        assert err.endswith("cannot be made, or is there already. Name a new folder inside one that exists.\n")
        assert operator.runs("job", "evidence", "7", "--into", str(tmp_path / "proof")) == (
            2,
            "",
            "segl: There is no signature job 7. Check the number.\n",
        )


class TestBackgroundWork:
    def test_that_only_waits_for_its_time_is_not_listed(self, operator: Operator, near: Neighbourhood) -> None:
        create(near)
        assert operator.reads("work", "list") == []

    def test_that_is_dead_is_listed_and_may_be_started_again(self, operator: Operator, near: Neighbourhood) -> None:
        create(near)
        WorkItem.objects.update(is_dead=True, waits_for="Something broke.", attempts=5)
        (row,) = operator.reads("work", "list")
        assert (row["what"], row["status"], row["waits for"]) == ("work expire", "DEAD", "Something broke.")
        assert operator.reads("work", "retry") == [{"retried": 1}]
        item = WorkItem.objects.get()
        assert (item.is_dead, item.attempts) == (False, 0)


class TestTheCheck:
    def test_says_that_all_holds(self, operator: Operator, near: Neighbourhood) -> None:
        visit(near, create(near)).signs()
        work(near)
        status, out, _ = operator.runs("check")
        assert (status, out) == (0, "All invariants hold.\n")
        assert operator.reads("check") == []

    def test_names_what_does_not_and_exits_with_1(self, operator: Operator, near: Neighbourhood) -> None:
        job = create(near)
        near.ports.documents.delete(Document.objects.get().sha256)
        status, out, _ = operator.runs("check")
        assert status == 1
        assert "I1" in out
        assert str(job.job.pk) in out
        assert {row["invariant"] for row in operator.reads("check")} == {"I1"}


class TestHelp:
    @pytest.mark.parametrize(
        "command",
        [
            "organization add",
            "organization list",
            "broker add",
            "keys status",
            "keys create",
            "job show",
            "job evidence",
            "work list",
            "work retry",
            "check",
        ],
    )
    def test_of_each_command_is_a_sentence(self, operator: Operator, command: str) -> None:
        status, out, _ = operator.runs(*command.split(), "--help")
        assert status == 0
        assert "--json" in out
        assert "." in out.split("\n\n")[1]
