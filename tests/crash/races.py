"""
The table of races: a new flow only adds rows.

Each row says what there is before, what each racer does and how many there are, and what must be true of all that they were told.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from segl.actions.access import SittingNotFound, sitting
from segl.actions.complete_signing import complete_signing
from segl.actions.confirm_status import confirm_status
from segl.actions.issue_redirect_url import issue_redirect_url
from segl.actions.limit_rate import RateLimited, limit_rate
from segl.actions.open_redirect import LinkNotUsable, open_redirect
from segl.actions.poll_status import PolledTooEarly, poll_status
from segl.actions.reject import reject
from segl.database.models import AuditEvent, Job, SealedPdf, SealIntent, Signature, SigningAttempt, Sitting, StatusChange
from segl.entrypoints.worker import loop
from segl.jobs.job import JobAlreadyEnded, SignerNotWaiting
from segl.values import Flow
from support.direct_jobs import IP_ADDRESS, PUBLIC, create, visit, work
from support.neighbours import Neighbourhood, as_cookies

JOBS_TO_SEAL = 16
JOBS_TO_POLL = 500
"""Each with two changes."""


@dataclass(frozen=True)
class Told:
    """What one racer was told, or how it ended otherwise."""

    lap: int
    number: int
    answer: Any
    raised: str = ""


@dataclass(frozen=True, kw_only=True)
class Race:
    """One thing that many do at once."""

    name: str
    racers: int
    arrange: Callable[[Neighbourhood, int], Any]
    run: Callable[[Neighbourhood, Any, int], Any]
    """What the racer with this number does. It may run in any process; what it raises is a violation."""
    judge: Callable[[Neighbourhood, Any, Sequence[Told]], Iterable[str]]
    """Afterwards: what is wrong with the answers and with what is stored. The invariants are looked at for every race."""
    laps: int = 1
    between: timedelta = timedelta()
    is_sound: bool = True
    """False: the row breaks a promise on purpose, to see that the harness finds out."""


def _once(**counts: int) -> Iterator[str]:
    for what, count in counts.items():
        if count != 1:
            yield f"there are {count} of {what}, not 1"


def _events(kind: str) -> int:
    return AuditEvent.objects.filter(kind=kind).count()


# 200 identical confirmations of one signature: the browser's way back from the log-in, through the pages


def _logged_in(near: Neighbourhood, _: int) -> tuple[str, str, dict[str, str]]:
    visitor = visit(near, create(near))
    return visitor.sitting_id, visitor.secret, visitor.logs_in(visitor.begins())


def _come_back(_: Neighbourhood, scene: tuple[str, str, dict[str, str]], __: int) -> tuple[int, str, str]:
    sitting_id, secret, parameters = scene
    browser = Client()
    browser.cookies[f"segl-sitting-{sitting_id}"] = secret
    answer = browser.get("/eid/callback", parameters)
    return answer.status_code, answer.headers.get("Location", ""), answer.cookies[f"segl-sitting-{sitting_id}"].value


def _judge_signature(near: Neighbourhood, scene: tuple[str, str, dict[str, str]], told: Sequence[Told]) -> Iterator[str]:
    sitting_id, _, _ = scene
    answers = {answer.answer for answer in told}
    if len(answers) != 1:
        yield f"the racers were told {len(answers)} different things: {sorted(map(str, answers))}"
    for status, location, secret in answers:
        if (status, location) != (303, f"/sign/{sitting_id}/progress"):
            yield f"a racer was led to {status} {location}"
        if not sitting(near.ports, sitting_id=sitting_id, secret=secret).outcome:
            yield "a racer's cookie does not open the signed sitting"
    work(near)
    yield from _once(
        evidence=Signature.objects.count(),
        intents=SigningAttempt.objects.count(),
        seal_intents=SealIntent.objects.count(),
        sealed=SealedPdf.objects.count(),
        signed_events=_events("signer-signed"),
    )


# Yes and no at the same time


def _say_both(near: Neighbourhood, scene: tuple[str, str, dict[str, str]], number: int) -> str:
    sitting_id, secret, parameters = scene
    if number % 2:
        complete_signing(near.ports, parameters=parameters, cookie_secrets=as_cookies(sitting_id, secret), ip_address=IP_ADDRESS)
        return "back"
    try:
        reject(near.ports, sitting_id=sitting_id, secret=secret)
    except (SignerNotWaiting, JobAlreadyEnded):
        return "too late"
    except SittingNotFound:
        return "gone"
    return "rejected"


def _judge_decision(_: Neighbourhood, __: object, ___: Sequence[Told]) -> Iterator[str]:
    yield from _once(decisions=_events("signer-signed") + _events("signer-rejected"))


# 50 first uses of one redirect URL, and 50 new ones for one signer


def _link(near: Neighbourhood, _: int) -> str:
    return create(near).redirects[0].token


def _open(near: Neighbourhood, token: str, _: int) -> bool:
    try:
        open_redirect(near.ports, token=token, cookie=None)
    except LinkNotUsable:
        return False
    return True


def _judge_opening(_: Neighbourhood, __: str, told: Sequence[Told]) -> Iterator[str]:
    yield from _once(
        winners=sum(bool(answer.answer) for answer in told), sittings=Sitting.objects.count(), events=_events("sitting-opened")
    )


def _waiting_job(near: Neighbourhood, _: int) -> int:
    return create(near).job.pk


def _issue(near: Neighbourhood, job_id: int, _: int) -> str:
    return issue_redirect_url(near.ports, sender=PUBLIC, job_id=job_id, position=1).token


def _judge_links(near: Neighbourhood, _: int, told: Sequence[Told]) -> Iterator[str]:
    yield from _once(usable_links=sum(_open(near, answer.answer, 0) for answer in told))


# Eight workers on one queue


def _to_be_sealed(near: Neighbourhood, racers: int) -> list[int]:
    jobs = [create(near) for _ in range(min(JOBS_TO_SEAL, 2 * racers))]
    for job in jobs:
        visit(near, job).signs()
    return [job.job.pk for job in jobs]


def _work_until_empty(near: Neighbourhood, _: object, __: int) -> int:
    done = idle = 0
    while idle < 3:
        count = loop.work_once(near.ports)
        idle = 0 if count else idle + 1
        done += count
    return done


def _judge_seals(_: Neighbourhood, jobs: list[int], told: Sequence[Told]) -> Iterator[str]:
    done = sum(answer.answer or 0 for answer in told)
    if done != len(jobs):
        yield f"{len(jobs)} seals were waiting, and {done} were worked on"
    for kind in ("seal-intended", "job-sealed", "state-readable"):
        counts = Counter(AuditEvent.objects.filter(kind=kind).values_list("job_id", flat=True))
        if counts != Counter(jobs):
            yield f"{kind} happened {sum(counts.values())} times to {len(counts)} of {len(jobs)} jobs"


# 50 pollers and 1000 changes


@dataclass(frozen=True)
class Delivered:
    """One change, and between which moments it was handed out."""

    job_id: int
    sequence: int
    asked: float
    given: float


def _changes(near: Neighbourhood, racers: int) -> int:
    job = create(near)
    visitor = visit(near, job)
    reject(near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
    StatusChange.objects.all().delete()
    template = Job.objects.get()
    first, count = template.pk, min(JOBS_TO_POLL, 10 * racers)
    for number in range(count):
        template.pk = first + number
        if number:
            template.save(force_insert=True)
    now = near.clock.now()
    for sequence in (1, 2):
        StatusChange.objects.bulk_create(
            StatusChange(job_id=first + number, sender_number=PUBLIC, flow=Flow.DIRECT, sequence=sequence, created_at=now)
            for number in range(count)
        )
    return 2 * count


def _poll_until_empty(near: Neighbourhood, _: int, __: int) -> list[Delivered]:
    """The sender confirms what it gets of every other job."""
    got: list[Delivered] = []
    while True:
        asked = time.monotonic()
        try:
            polled = poll_status(near.ports, sender=PUBLIC, flow=Flow.DIRECT, queue="")
        except PolledTooEarly:
            return got
        if polled.state is not None and polled.sequence is not None:
            got.append(Delivered(polled.state.job_id, polled.sequence, asked, time.monotonic()))
            if _is_confirmed(polled.state.job_id):
                confirm_status(near.ports, sender=PUBLIC, job_id=polled.state.job_id, flow=Flow.DIRECT, sequence=polled.sequence)
        elif polled.next_permitted_at > near.clock.real_now():
            return got


def _is_confirmed(job_id: int) -> bool:
    return job_id % 2 == 0


def _judge_polling(_: Neighbourhood, count: int, told: Sequence[Told]) -> Iterator[str]:
    for lap in (0, 1):
        of_job: dict[int, dict[int, Delivered]] = defaultdict(dict)
        for delivered in (each for answer in told if answer.lap == lap for each in answer.answer or ()):
            if delivered.sequence in of_job[delivered.job_id]:
                yield f"change {delivered.sequence} of job {delivered.job_id} was handed out twice within its lease"
            of_job[delivered.job_id][delivered.sequence] = delivered
        for job_id, changes in of_job.items():
            if len(changes) == 2 and changes[2].given < changes[1].asked:
                yield f"change 2 of job {job_id} was handed out before change 1"
            if lap == 1 and _is_confirmed(job_id) and 2 in changes:
                yield f"a confirmed change of job {job_id} came again"
        expected = [job_id for job_id in Job.objects.values_list("pk", flat=True) if lap == 0 or not _is_confirmed(job_id)]
        if lost := sum(2 - len(of_job[job_id]) for job_id in expected):
            yield f"{lost} of {count} changes were never handed out in lease {lap + 1}"


# The eleventh call within a second


def _nothing(near: Neighbourhood, _: int) -> datetime:
    return near.clock.real_now()


def _call(near: Neighbourhood, _: datetime, __: int) -> datetime | None:
    """Return until when the organization is blocked; None: the call is let through."""
    try:
        limit_rate(near.ports, organization=PUBLIC)
    except RateLimited as limited:
        return limited.blocked_until
    return None


def _judge_calls(near: Neighbourhood, began_at: datetime, told: Sequence[Told]) -> Iterator[str]:
    """Laps at 0, 15 and 30 seconds: ten pass, none, ten."""
    for lap, passed in enumerate((10, 0, 10)):
        answers = [answer.answer for answer in told if answer.lap == lap]
        until = began_at + timedelta(seconds=60 if lap == 2 else 30)
        if answers.count(None) != min(passed, len(answers)):
            yield f"{answers.count(None)} calls passed in lap {lap}, and {passed} may"
        if wrong := set(answers) - {None, until}:
            yield f"in lap {lap} the block lasts until {wrong}, not {until}"


RACES = (
    Race(name="confirm", racers=200, arrange=_logged_in, run=_come_back, judge=_judge_signature),
    Race(name="decide", racers=50, arrange=_logged_in, run=_say_both, judge=_judge_decision),
    Race(name="open", racers=50, arrange=_link, run=_open, judge=_judge_opening),
    Race(name="links", racers=50, arrange=_waiting_job, run=_issue, judge=_judge_links),
    Race(name="work", racers=8, arrange=_to_be_sealed, run=_work_until_empty, judge=_judge_seals),
    Race(name="poll", racers=50, arrange=_changes, run=_poll_until_empty, judge=_judge_polling, laps=2, between=timedelta(minutes=11)),
    Race(name="call", racers=100, arrange=_nothing, run=_call, judge=_judge_calls, laps=3, between=timedelta(seconds=15)),
    Race(name="broken", racers=50, arrange=_link, run=lambda *_: True, judge=_judge_opening, is_sound=False),
)
