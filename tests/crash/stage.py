"""
The stage: each play is a forked process on a copy of the same stored state, and what it told survives it.

  (1) arrange: once a row.
  (2) an undisturbed run counts the boundaries, and says how the action ends.
  (3) for each blow: a copy, a process that dies, a new process that goes on, and the judgement.
"""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from psycopg.sql import SQL, Identifier

from segl.actions.check_invariants import check_invariants
from segl.actions.delete_documents import digests_of
from segl.adapters.document_store import FileDocumentStore
from segl.adapters.keys.files import FileKeys
from segl.database import work as queue
from segl.database.models import Job, SealedPdf, Signature, WorkItem
from segl.pdf.typesetting import drawable_text
from segl.sandbox.material import ensure
from support.direct_jobs import seed_organizations, sweep_all
from support.direct_jobs import work as let_worker_do_all
from support.neighbours import Neighbourhood, TestClock
from support.postgresql import PostgresServer

from .boundaries import Blow, Watch, Way, is_write, watch_everything
from .races import Race, Told
from .rows import Play, Row, Scene

PROCESSES = 8
"""In which the racers run, each with a thread of its own."""
LONGEST_PLAY_SECONDS = 60
"""A process that hangs is ended, and that is a violation."""
DATABASE_FILE = "segl.sqlite3"
TRIES = 5
"""A blow that hits another boundary than was meant counts, and is repeated: a digest may find its folder made, and what follows moves by one."""

Tell = Callable[[str, Any], None]


@dataclass(frozen=True)
class World:
    """Stored state: a folder with the documents, and the database — in the folder too, or on the server under the same name."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name


class Worlds:
    """Makes copies of worlds. `postgres` None: SQLite."""

    def __init__(self, root: Path, postgres: PostgresServer | None) -> None:
        self._root = root
        # No fork uses it: copies are made, and dropped, by the process that forks.
        self._server = psycopg.connect(postgres.url("postgres"), autocommit=True) if postgres is not None else None

    def empty(self, name: str) -> World:
        world = World(self._root / name)
        world.folder.mkdir()
        if self._server is not None:
            self._server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return world

    def copy(self, source: World, name: str) -> World:
        world = World(self._root / name)
        shutil.copytree(source.folder, world.folder)
        if self._server is not None:
            self._server.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(source.name)))
        return world

    def drop(self, world: World) -> None:
        shutil.rmtree(world.folder)
        if self._server is not None:
            self._server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(world.name)))

    def enter(self, world: World) -> None:
        """Let this process, which is a fresh fork, read and write this world."""
        settings = connections["default"].settings_dict
        if self._server is None:
            settings["NAME"] = str(world.folder / DATABASE_FILE)
            # No test cuts the power.
            settings["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
        else:
            settings["NAME"] = world.name
            settings["OPTIONS"].pop("pool", None)  # its threads would be no part of a fork


@dataclass
class Played:
    """What the world knows of a process that is over."""

    told: dict[str, Any] = field(default_factory=dict)
    signal: int = 0
    """What ended it; 0: it came to its end."""


def play_in_fork(act: Callable[[Tell], None]) -> Played:
    """Run `act` in a process of its own. What it tells arrives, whatever becomes of it."""
    return start_fork(act)()


def start_fork(act: Callable[[Tell], None]) -> Callable[[], Played]:
    """Begin to run `act` in a process of its own; the returned function waits for its end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        signal.alarm(LONGEST_PLAY_SECONDS)

        def tell(what: str, value: Any) -> None:
            os.write(writing, pickle.dumps((what, value)))

        try:
            act(tell)
            connection.close()
        except BaseException as raised:
            tell("raised", _short(raised))
        finally:
            os._exit(0)
    os.close(writing)
    return partial(_end_of_fork, pid, reading)


def _end_of_fork(pid: int, reading: int) -> Played:
    played = Played()
    with os.fdopen(reading, "rb") as pipe:
        while True:
            try:
                what, value = pickle.load(pipe)
            except EOFError:
                break
            played.told[what] = value
    _, status = os.waitpid(pid, 0)
    played.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return played


@dataclass(frozen=True)
class Judgement:
    """What was found after the action had been interrupted and gone on."""

    violations: tuple[str, ...]
    end: dict[str, Any]
    """How the job stands; the same however the action was interrupted."""
    seals: int
    """How many sealed PDFs there are."""
    seal_key_uses: int
    leftovers: int
    """Files that belong to no job, before the sweep: nobody was told of them."""


@dataclass
class Result:
    """One row, played to its end."""

    row: str
    boundaries: list[str] = field(default_factory=list)
    kills: int = 0
    refusals: int = 0
    missed: list[str] = field(default_factory=list)
    """Blows that hit another boundary than was meant, each time."""
    leftovers: int = 0
    """Blows after which files were left that belong to no job."""
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Stage:
    """Everything that the plays share."""

    def __init__(self, root: Path, postgres: PostgresServer | None) -> None:
        self._worlds = Worlds(root, postgres)
        now = datetime.now(UTC)
        material = ensure(root / "sandbox", server_organization_number="984661185", now=now)
        self._empty = self._worlds.empty("empty")
        self._worlds.enter(self._empty)
        call_command("migrate", verbosity=0, interactive=False)
        seed_organizations(material)
        self._near = Neighbourhood(
            material=material, folder=self._empty.folder, keys=FileKeys(material.keys), clock=TestClock(segl=now, real=now)
        )
        self._warm_up()

    def play(self, row: Row, choose: Callable[[Sequence[Blow]], Sequence[Blow]]) -> Result:
        """Interrupt the action of `row` at each boundary that `choose` leaves."""
        result = Result(row.name)
        world = self._worlds.copy(self._empty, f"before_{row.name}".replace("-", "_"))
        scene, seals = self._arrange(row, world)
        crossed = None
        while crossed is None or crossed != result.boundaries:  # twice the same: chance took no part in it
            crossed = result.boundaries
            calm, told = self._interrupted(row, world, scene, seals, None, result)
            result.boundaries = told["crossed"]
            result.violations += [f"undisturbed: {violation}" for violation in calm.violations]
        for blow in choose(blows_at(result.boundaries)):
            self._strike(row, world, scene, seals, blow, result, calm)
        self._worlds.drop(world)
        return result

    def race(self, race: Race, racers: int) -> list[str]:
        """Let `racers` run at once, in PROCESSES processes and as many threads as it takes, and return what the judge finds."""
        world = self._worlds.copy(self._empty, f"race_{race.name}".replace("-", "_"))
        try:
            arranged = play_in_fork(lambda tell: tell("scene", race.arrange(self._in(world), racers)))
            scene = self._must(arranged, f"what comes before {race.name}").told["scene"]
            told = [answer for lap in range(race.laps) for answer in self._run(race, world, scene, racers, lap)]
            judged = play_in_fork(lambda tell: tell("violations", self._judge(race, world, scene, told)))
            return list(self._must(judged, f"the judge of {race.name}").told["violations"])
        finally:
            self._worlds.drop(world)

    def _run(self, race: Race, world: World, scene: Any, racers: int, lap: int) -> list[Told]:
        gun, trigger = os.pipe()
        processes = min(PROCESSES, racers)

        def run(first: int, tell: Tell) -> None:
            os.close(trigger)
            near = self._in(world)
            near.clock.pass_time(seconds=(lap * race.between).total_seconds())
            settings.SEGL_PORTS = near.ports

            def one(number: int) -> Told:
                try:
                    return Told(lap, number, race.run(near, scene, number))
                except Exception as raised:
                    return Told(lap, number, None, _short(raised))
                finally:
                    connection.close()

            numbers = range(first, racers, processes)
            start = threading.Barrier(len(numbers))

            def wait_and_run(number: int) -> Told:
                start.wait()
                os.read(gun, 1)  # returns when nobody holds the other end any more
                return one(number)

            with ThreadPoolExecutor(len(numbers)) as pool:
                tell("answers", list(pool.map(wait_and_run, numbers)))

        ends = [start_fork(partial(run, first)) for first in range(processes)]
        os.close(trigger)
        os.close(gun)
        return [answer for end in ends for answer in self._must(end(), race.name).told["answers"]]

    def _judge(self, race: Race, world: World, scene: Any, told: list[Told]) -> list[str]:
        near = self._in(world)
        violations = [f"{answer.number} was told {answer.raised}" for answer in told if answer.raised]
        violations += race.judge(near, scene, [answer for answer in told if not answer.raised])
        let_worker_do_all(near)
        return [*violations, *_found(near)]

    def _strike(self, row: Row, world: World, scene: Scene, seals: int, blow: Blow, result: Result, calm: Judgement) -> None:
        name = result.boundaries[blow.number - 1]
        where = f"{blow.way} boundary {blow.number} of {len(result.boundaries)} ({name})"
        for _ in range(TRIES):
            judgement, told = self._interrupted(row, world, scene, seals, blow, result)
            hit = told["crossed"][blow.number - 1] if told.get("struck") else "nothing"
            result.leftovers += judgement.leftovers > 0
            result.violations += [f"{where}, hit {hit}: {violation}" for violation in judgement.violations]
            if judgement.end != calm.end:
                result.violations.append(f"{where}, hit {hit}: it ended as {judgement.end}, undisturbed as {calm.end}")
            if hit == name:
                return
        result.missed.append(f"{where}: hit {hit} instead")

    def _interrupted(
        self, row: Row, before: World, scene: Scene, seals: int, blow: Blow | None, result: Result
    ) -> tuple[Judgement, dict[str, Any]]:
        world = self._worlds.copy(before, "now")
        try:
            acted = play_in_fork(lambda tell: self._act(row, world, scene, blow, tell))
            is_kill = blow is not None and blow.way is not Way.REFUSED
            result.kills += acted.signal == signal.SIGKILL
            result.refusals += bool(acted.told.get("struck")) and not is_kill
            violations = []
            if acted.signal not in {0, signal.SIGKILL}:
                violations.append(f"the process ended by signal {acted.signal}")
            if "raised" in acted.told and (blow is None or blow.way is not Way.REFUSED):
                violations.append(f"the action raised {acted.told['raised']}")
            judged = play_in_fork(lambda tell: self._resume(row, world, scene, acted.told, tell))
            if "judgement" not in judged.told:
                raised = judged.told.get("raised", f"ended by signal {judged.signal}")
                return Judgement((*violations, f"what follows {raised}"), {}, 0, 0, 0), acted.told
            judgement: Judgement = judged.told["judgement"]
            uses = acted.told["crossed"].count("keys.seal") + judgement.seal_key_uses
            if uses - (judgement.seals - seals) > row.wasted_seals + bool(acted.told.get("struck")):
                violations.append(f"B-05: the seal's key was used {uses} times for {judgement.seals - seals} sealed PDFs")
            return replace(judgement, violations=(*violations, *judgement.violations)), acted.told
        finally:
            self._worlds.drop(world)

    # Inside the forks

    def _warm_up(self) -> None:
        """Read keys and lists, and let Django compile, once here instead of in each fork. Starts no thread: none would live on in a fork."""
        self._near.ports.keys.seal()
        self._near.ports.keys.person_ca()
        self._near.ports.validation.revocation_lists()
        check_invariants(self._near.ports)
        drawable_text("Avtale")
        connection.close()
        gc.collect()
        gc.freeze()

    def _in(self, world: World) -> Neighbourhood:
        """Return the neighbours beside `world`; called in a fork, whose own they are from then on."""
        self._worlds.enter(world)
        self._near.folder = world.folder
        self._near.ports = replace(self._near.ports, documents=FileDocumentStore(world.folder / "documents"))
        return self._near

    def _arrange(self, row: Row, world: World) -> tuple[Scene, int]:
        def arrange(tell: Tell) -> None:
            tell("scene", row.arrange(self._in(world)))
            tell("seals", SealedPdf.objects.count())

        told = self._must(play_in_fork(arrange), f"what comes before {row.name}").told
        return told["scene"], told["seals"]

    def _act(self, row: Row, world: World, scene: Scene, blow: Blow | None, tell: Tell) -> None:
        def last_words(watch: Watch) -> None:
            tell("struck", watch.is_struck)
            tell("crossed", watch.crossed)

        watch = Watch(blow, last_words=last_words)
        near = self._in(world)
        near.clock.move(seconds=row.is_at.total_seconds())
        near.ports = watch_everything(watch, near.ports)
        try:
            with watch.on():
                row.act(Play(near, scene, watch, on_told=tell))
        finally:
            last_words(watch)

    def _resume(self, row: Row, world: World, scene: Scene, told: dict[str, Any], tell: Tell) -> None:
        near = self._in(world)
        near.clock.move(seconds=row.is_at.total_seconds())
        _wait_until_alone()
        violations = [f"at once: {violation}" for violation in _found(near)]
        violations += _end_leases()
        near.clock.pass_time(seconds=row.waits.total_seconds())
        watch = Watch(None)
        near.ports = watch_everything(watch, near.ports)
        play = Play(near, scene, watch, told={**told})
        try:
            with watch.on():
                row.resume(play)
                let_worker_do_all(near)
        except Exception as raised:
            violations.append(f"going on raised {_short(raised)}")
        violations += _found(near)
        leftovers = _orphans(near)
        near.grow_old(hours=1)
        sweep_all(near)
        violations += [f"I7: {sha256} is left after the sweep" for sha256 in _orphans(near)]
        violations += [f"after the sweep: {violation}" for violation in _found(near)] if leftovers else []
        judgement = Judgement(
            violations=tuple(violations),
            end=_end_of(play),
            seals=SealedPdf.objects.count(),
            seal_key_uses=watch.crossed.count("keys.seal"),
            leftovers=len(leftovers),
        )
        tell("judgement", judgement)

    @staticmethod
    def _must(played: Played, what: str) -> Played:
        assert not played.signal, f"{what}: ended by signal {played.signal}"
        assert "raised" not in played.told, f"{what}: {played.told['raised']}"
        return played


def _short(raised: BaseException) -> str:
    frame = traceback.extract_tb(raised.__traceback__)[-1]
    return f"{type(raised).__name__} in {Path(frame.filename).name}:{frame.lineno} {raised}".strip()


def blows_at(boundaries: Sequence[str]) -> list[Blow]:
    """Return each blow that there is: a kill before and after each boundary, and a refusal of each write."""
    return [Blow(number, way) for number, name in enumerate(boundaries, start=1) for way in Way if way is not Way.REFUSED or is_write(name)]


def _found(near: Neighbourhood) -> Iterator[str]:
    for violation in check_invariants(near.ports):
        yield f"{violation.invariant}: {violation.what}"
    for signer, count in Counter(Signature.objects.values_list("signer", flat=True)).items():
        if count > 1:
            yield f"I2: signer {signer} has {count} signatures"
    for sealed, count in Counter(SealedPdf.objects.values_list("job", "signers")).items():
        if count > 1:
            yield f"I3: {sealed} has {count} sealed PDFs"


def _orphans(near: Neighbourhood) -> set[str]:
    """Return what the folder holds and no job names, unfinished files too."""
    return near.stored_digests() - {sha256 for job in Job.objects.filter(documents_deleted_at=None) for sha256 in digests_of(job)}


def _wait_until_alone() -> None:
    """PostgreSQL's session of the killed process rolls back, and lets its locks go, only when it notices."""
    if connection.vendor != "postgresql":
        return
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        while cursor.execute(others) and cursor.fetchone() != (0,):
            time.sleep(0.005)


def _end_leases() -> Iterator[str]:
    """Let every lease end, as if that time had passed on the database's own clock, which no test moves."""
    now = queue._database_now()
    for item in WorkItem.objects.exclude(leased_until=None):
        assert item.leased_until is not None
        if item.leased_until > now + queue.LEASE:
            yield f"B-06: the lease of {item.kind} lasts until {item.leased_until}"
        WorkItem.objects.filter(pk=item.pk).update(leased_until=now - queue.LEASE)


def _end_of(play: Play) -> dict[str, Any]:
    job = Job.objects.filter(pk=play.job_id).first()
    if job is None:
        return {}
    return {
        "status": (job.status, job.visible_status),
        "signers": [(signer.status, signer.visible_status) for signer in job.signers.order_by("position")],
        "signatures": sorted(Signature.objects.filter(signer__job=job).values_list("signer__position", flat=True)),
        "sealed": sorted(job.sealed_pdfs.values_list("signers", flat=True)),
        "unconfirmed": job.status_changes.filter(confirmed_at=None).count(),
        "work": sorted(WorkItem.objects.filter(key__regex=f"^{job.pk}(:|$)").values_list("kind", "is_dead")),
        "has_documents": job.documents_deleted_at is None,
    }
