"""
The table of actions that are killed at every boundary: a new flow only adds rows.

Each row says what there is before, what is done, and what client, browser and person do by themselves when an answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from segl.actions.access import sitting
from segl.actions.complete_signing import complete_signing
from segl.actions.confirm_status import confirm_status
from segl.actions.create_job import CreatedJob, Creator, create_direct_job
from segl.actions.delete_documents import delete_documents
from segl.actions.go_back import go_back
from segl.actions.issue_redirect_url import issue_redirect_url
from segl.actions.leave import exit_url
from segl.actions.open_redirect import LinkNotUsable, open_redirect
from segl.actions.poll_status import poll_status
from segl.actions.read_results import sealed_pdf
from segl.actions.read_status import status_by_token
from segl.actions.reject import reject
from segl.ceremony.sitting import Problem, Stage
from segl.database.models import Job, Organization, Sitting
from segl.jobs.job import JobStatus
from segl.values import Flow
from support.direct_jobs import (
    INGRID,
    IP_ADDRESS,
    JONAS,
    NAMELESS,
    PUBLIC,
    Asked,
    Visitor,
    bundle_of,
    create,
    multipart_of,
    request_xml,
    sweep_all,
    visit,
    work,
)
from support.neighbours import Neighbourhood, as_cookies

from .boundaries import Watch

TEXT = Asked(documents={"avtale.txt": b"Avtale", "vedlegg.txt": b"Vedlegg"})


@dataclass(frozen=True)
class Scene:
    """What sender and browser hold before the action."""

    job_id: int = 0
    sitting_id: str = ""
    secret: str = ""
    person: str = INGRID
    request: tuple[str, bytes] = ("", b"")


@dataclass
class Play:
    """One process in which the action, or what follows its interruption, takes place."""

    near: Neighbourhood
    scene: Scene
    watch: Watch
    told: dict[str, Any] = field(default_factory=dict)
    """What was acknowledged to sender or browser, also by the process that was killed."""
    on_told: Callable[[str, Any], None] = lambda _, __: None

    @property
    def job_id(self) -> int:
        return int(self.told.get("job_id", self.scene.job_id))

    def tell(self, what: str, value: Any = True) -> None:
        """Acknowledge: the world keeps it when this process dies."""
        self.told[what] = value
        self.on_told(what, value)

    def visitor(self) -> Visitor:
        secret = self.told.get("secret", self.scene.secret)
        return Visitor(near=self.near, person=self.scene.person, sitting_id=self.scene.sitting_id, secret=secret)

    def stage(self) -> Stage:
        visitor = self.visitor()
        return sitting(self.near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret).stage


@dataclass(frozen=True, kw_only=True)
class Row:
    """One action."""

    name: str
    arrange: Callable[[Neighbourhood], Scene]
    act: Callable[[Play], None]
    resume: Callable[[Play], None]
    """In a new process, after the action was interrupted anywhere or done. Raises AssertionError when something acknowledged is lost."""
    is_at: timedelta = timedelta()
    """How long after the arrangement the action falls."""
    wasted_seals: int = 0
    """How many seals are made for nothing though nobody is killed: their time-stamp is refused."""
    waits: timedelta = timedelta(minutes=1)
    """How long after the kill the new process looks: a lease and 30 s (B-06), or what the protocol says."""
    is_sound: bool = True
    """False: the row breaks a promise on purpose, to see that the harness finds out."""


# What there is before


def _nothing(near: Neighbourhood) -> Scene:
    return Scene(request=multipart_of(request_xml(TEXT), bundle_of(near, _may_send_text())))


def _may_send_text() -> Asked:
    Organization.objects.filter(pk=PUBLIC).update(may_send_text=True)
    return TEXT


def _created(near: Neighbourhood) -> Scene:
    return Scene(job_id=create(near).job.pk)


def _visited(near: Neighbourhood, asked: Asked | None = None) -> Scene:
    return _scene(visit(near, create(near, asked)))


def _signed(near: Neighbourhood) -> Scene:
    visitor = visit(near, create(near))
    visitor.signs()
    return _scene(visitor)


def _signed_by_one_of_two(near: Neighbourhood) -> Scene:
    """The first has signed, and that is sealed; the second sits there."""
    return _scene(_second_of_two(near))


def _signed_by_both(near: Neighbourhood) -> Scene:
    visitor = _second_of_two(near)
    visitor.signs()
    return _scene(visitor)


def _second_of_two(near: Neighbourhood) -> Visitor:
    job = create(near, Asked(signers=(INGRID, JONAS)))
    visit(near, job).signs()
    work(near)
    return visit(near, job, position=2)


def _sealed(near: Neighbourhood) -> Scene:
    scene = _signed(near)
    work(near)
    return scene


def _visited_by_nameless(near: Neighbourhood) -> Scene:
    return _visited(near, Asked(signers=(NAMELESS,)))


def _turned_away(near: Neighbourhood) -> Scene:
    """The log-in was refused for a technical reason."""
    scene = _visited(near)
    Sitting.objects.update(problem=Problem.LOGIN_REFUSED)
    return scene


def _with_orphans(near: Neighbourhood) -> Scene:
    """Beside a sealed job lie bytes that nobody names, and a file that nobody finished."""
    scene = _sealed(near)
    sha256 = near.ports.documents.put(b"left by a process that was killed")
    (near.folder / "documents" / sha256[:2] / "tmpabc.new").write_bytes(b"half")
    near.grow_old()
    return scene


def _scene(visitor: Visitor) -> Scene:
    return Scene(job_id=Job.objects.get().pk, sitting_id=visitor.sitting_id, secret=visitor.secret, person=visitor.person)


# Creating


def _create(play: Play) -> None:
    job = _send(play)
    play.tell("token", job.redirects[0].token)
    play.tell("job_id", job.job.pk)


def _send(play: Play) -> CreatedJob:
    content_type, body = play.scene.request
    return create_direct_job(
        play.near.ports,
        sender=Organization.objects.get(pk=PUBLIC),
        creator=Creator(organization=PUBLIC, certificate_sha256="c0ffee" + "0" * 58),
        content_type=content_type,
        body=body,
    )


def _send_again(play: Play) -> None:
    if "job_id" not in play.told:
        _create(play)
    job = Job.objects.get(pk=play.job_id)
    stored = {document.file_name: play.near.ports.documents.get(document.sha256) for document in job.documents.all()}
    assert stored == dict(TEXT.documents), "the documents are not those that were sent"
    open_redirect(play.near.ports, token=play.told["token"], cookie=None)


# Coming


def _open(play: Play) -> None:
    """The sender fetches a new redirect URL, and the browser opens it."""
    token = issue_redirect_url(play.near.ports, sender=PUBLIC, job_id=play.job_id, position=1).token
    play.tell("token", token)
    opened = open_redirect(play.near.ports, token=token, cookie=None)
    play.tell("sitting", (opened.sitting_id, opened.secret))


def _open_again(play: Play) -> None:
    """A link whose answer was lost is used up: the sender fetches another."""
    if "sitting" not in play.told and "token" in play.told:
        with suppress(LinkNotUsable):
            opened = open_redirect(play.near.ports, token=play.told["token"], cookie=None)
            play.tell("sitting", (opened.sitting_id, opened.secret))
    if "sitting" not in play.told:
        _open(play)
    sitting_id, secret = play.told["sitting"]
    assert sitting(play.near.ports, sitting_id=sitting_id, secret=secret).stage is Stage.READING, "the opened sitting is lost"


# Signing


def _sign(play: Play, *, person: str | None = None) -> None:
    visitor = play.visitor()
    url = visitor.begins()
    with play.watch.off():
        parameters = visitor.logs_in(url, person=person)
    play.tell("parameters", parameters)
    returned = complete_signing(
        play.near.ports, parameters=parameters, cookie_secrets=as_cookies(visitor.sitting_id, visitor.secret), ip_address=IP_ADDRESS
    )
    play.tell("secret", returned.secret)
    if play.stage() is not Stage.READING:
        play.tell("signed")


def _sign_by_another(play: Play) -> None:
    """Somebody else logs in: refused, and nothing is burned."""
    _sign(play, person=JONAS)


def _sign_without_time_stamp(play: Play) -> None:
    """The time-stamp is refused: nothing is signed, and nothing is burned."""
    with _no_time_stamps(play):
        _sign(play)


@contextmanager
def _no_time_stamps(play: Play) -> Iterator[None]:
    play.near.switches.time_stamps_down = True
    yield
    play.near.switches.time_stamps_down = False


def _come_back(play: Play) -> None:
    """The browser that got no answer loads the provider's redirect again."""
    if "parameters" in play.told and "secret" not in play.told:
        visitor = play.visitor()
        visitor.comes_back(play.told["parameters"])
        play.tell("secret", visitor.secret)


def _sign_without_name(play: Play) -> None:
    """The eID gives no name: the job is over, or the person logs in again until it is."""
    _come_back(play)
    if Job.objects.get(pk=play.job_id).status == JobStatus.IN_PROGRESS:
        _sign(play)


def _sign_on(play: Play) -> None:
    """On the page that asks for a signature, the person signs."""
    _come_back(play)
    if play.stage() is Stage.READING:
        assert "signed" not in play.told, "an acknowledged signature is lost"
        visitor = play.visitor()
        visitor.signs()
        play.tell("secret", visitor.secret)
    work(play.near)
    _leave(play)


def _leave(play: Play) -> None:
    """The browser goes to the exit URL, and the sender asks with the token in it."""
    visitor = play.visitor()
    address = exit_url(play.near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
    token = parse_qs(urlsplit(address).query)["status_query_token"][0]
    state = status_by_token(sender=PUBLIC, job_id=play.job_id, token=token)
    assert state.status == Job.objects.get(pk=play.job_id).status, "the sender reads another state than the job has"
    if state.has_pades:
        assert sealed_pdf(play.near.ports, sender=PUBLIC, job_id=play.job_id, flow=Flow.DIRECT).startswith(b"%PDF"), "no sealed PDF"


# What the worker does


def _work(play: Play) -> None:
    work(play.near)


def _work_without_time_stamp(play: Play) -> None:
    """The time-stamp is refused: the seal waits until the neighbour is back."""
    with _no_time_stamps(play):
        work(play.near)


def _sweep(play: Play) -> None:
    play.near.clock.pass_time(hours=1)
    sweep_all(play.near)


def _read_results(play: Play) -> None:
    work(play.near)
    _leave(play)


# Polling


def _poll_and_confirm(play: Play) -> None:
    sequence = _poll(play)
    if sequence is not None:
        _confirm(play, sequence)


def _poll(play: Play) -> int | None:
    polled = poll_status(play.near.ports, sender=PUBLIC, flow=Flow.DIRECT, queue="")
    if polled.state is not None:
        play.tell("delivered", (polled.state.job_id, polled.state.status, polled.sequence))
    return polled.sequence


def _confirm(play: Play, sequence: int) -> None:
    confirm_status(play.near.ports, sender=PUBLIC, job_id=play.job_id, flow=Flow.DIRECT, sequence=sequence)
    play.tell("confirmed")


def _poll_on(play: Play) -> None:
    """The lease has ended: the client polls again, and confirms what it has been told."""
    before = play.told.get("delivered")
    sequence = _poll(play)
    assert "delivered" in play.told, "the change was never delivered"
    assert before in (None, play.told["delivered"]), "the same change came again with another content"
    if "confirmed" in play.told:
        assert sequence is None, "a confirmed change came again"
    _confirm(play, play.told["delivered"][2])


# Refusing and deleting


def _reject(play: Play) -> None:
    visitor = play.visitor()
    reject(play.near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
    play.tell("rejected")


def _reject_again(play: Play) -> None:
    if "rejected" not in play.told:
        _reject(play)
    _leave(play)


def _go_back(play: Play) -> None:
    """The person goes back, and the sender opens the signature again."""
    visitor = play.visitor()
    go_back(play.near.ports, sitting_id=visitor.sitting_id, secret=visitor.secret)
    play.tell("went-back")
    _open(play)


def _go_back_again(play: Play) -> None:
    if "went-back" not in play.told:
        _go_back(play)
    _open_again(play)


def _delete(play: Play) -> None:
    delete_documents(play.near.ports, sender=PUBLIC, job_id=play.job_id, flow=Flow.DIRECT)
    play.tell("deleted")
    work(play.near)


def _delete_again(play: Play) -> None:
    if "deleted" not in play.told:
        _delete(play)
    work(play.near)
    assert play.near.stored_digests() == set(), "bytes of the deleted job are left"


def _promise_too_early(play: Play) -> None:
    play.tell("rejected")
    _reject(play)


ROWS = (
    Row(name="create", arrange=_nothing, act=_create, resume=_send_again),
    Row(name="open", arrange=_created, act=_open, resume=_open_again),
    Row(name="sign", arrange=_visited, act=_sign, resume=_sign_on),
    Row(name="sign-other", arrange=_visited, act=_sign_by_another, resume=_sign_on),
    Row(name="sign-late", arrange=_visited, act=_sign_without_time_stamp, resume=_sign_on),
    Row(name="sign-nameless", arrange=_visited_by_nameless, act=_sign, resume=_sign_without_name),
    Row(name="seal", arrange=_signed, act=_work, resume=_read_results),
    Row(name="seal-again", arrange=_signed_by_both, act=_work, resume=_read_results),
    Row(name="seal-late", arrange=_signed, act=_work_without_time_stamp, resume=_read_results, wasted_seals=1),
    Row(name="leave", arrange=_sealed, act=_leave, resume=_leave),
    Row(name="poll", arrange=_sealed, act=_poll_and_confirm, resume=_poll_on, waits=timedelta(minutes=11)),
    Row(name="reject", arrange=_visited, act=_reject, resume=_reject_again),
    Row(name="reject-half", arrange=_signed_by_one_of_two, act=_reject, resume=_reject_again),
    Row(name="go-back", arrange=_turned_away, act=_go_back, resume=_go_back_again),
    Row(name="expire", arrange=_visited, act=_work, resume=_work, is_at=timedelta(days=30)),
    Row(name="expire-half", arrange=_signed_by_one_of_two, act=_work, resume=_work, is_at=timedelta(days=30)),
    Row(name="delete", arrange=_sealed, act=_delete, resume=_delete_again, is_at=timedelta(hours=25)),
    Row(name="sweep", arrange=_with_orphans, act=_sweep, resume=_read_results),
    Row(name="broken", arrange=_visited, act=_promise_too_early, resume=_reject_again, is_sound=False),
)
