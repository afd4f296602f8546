"""A sender who makes jobs, has them signed and polls, and notes down whatever Segl has acknowledged."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from random import Random
from urllib.parse import quote

import httpx
import pikepdf
from segl_client import (
    ApiError,
    CreatedJob,
    DirectJob,
    Document,
    DocumentType,
    ExitUrls,
    JobStatus,
    NoAnswer,
    SeglClient,
    SenderCertificate,
    Signer,
    StatusRetrieval,
    TooEagerPolling,
    UnexpectedAnswer,
)
from segl_client.certificate import tls_context

from support.direct_jobs import pdf
from support.running_segl import RunningSegl

from .killing import pause

TRIES = 12
DONE, ERROR = "https://sender.example/done", "https://sender.example/error"
LOST = (NoAnswer, UnexpectedAnswer)
"""The answer was cut off with its process; whether the call was carried out is not known."""


@dataclass
class Noted:
    """One job that Segl said exists."""

    job: CreatedJob
    documents: dict[str, bytes]
    people: tuple[str, ...]
    is_polled: bool
    acknowledged: set[str] = field(default_factory=set)
    """Signers whose signature Segl has acknowledged."""


@dataclass
class Notes:
    """Everything that was acknowledged; shared by threads, each job is written by one."""

    jobs: list[Noted] = field(default_factory=list)
    delivered: dict[int, list[JobStatus]] = field(default_factory=dict)
    """By job, in order, what polling has handed out."""
    lost_answers: Counter[str] = field(default_factory=Counter)
    """By what the client was told: the answer was cut off, or there was nobody to give it."""
    unexpected: list[str] = field(default_factory=list)
    """What no kill explains."""

    def acknowledged(self) -> int:
        """Return how many jobs and signatures Segl has acknowledged."""
        return len(self.jobs) + sum(len(noted.acknowledged) for noted in list(self.jobs))


@dataclass
class Sender:
    """The public sender with connections of its own: one for each thread."""

    segl: RunningSegl
    notes: Notes

    def __post_init__(self) -> None:
        certificate = SenderCertificate.from_pkcs12(self.segl.sandbox / "public-sender.p12", "segl-sandbox")
        number = self.segl.organization("public-sender")
        self.api = SeglClient(self.segl.api_url, number, certificate=certificate, ca=self.segl.sandbox / "ca", timeout=20)
        context = tls_context(sender=certificate, authorities=[self.segl.sandbox / "ca"], server_organization="984661185")
        able = [row for row in self.segl.persons() if 4 in row["levels"] and row["name"]]  # type: ignore[operator]
        self.people = [str(row["nationalIdentityNumber"]) for row in able]
        self._signers_door = httpx.Client(verify=context, timeout=20, trust_env=False)

    def close(self) -> None:
        self.api.close()
        self._signers_door.close()

    def make_and_sign(self, is_over: threading.Event, chance: Random) -> None:
        """Make one job after the other and have each signed at once."""
        while not is_over.is_set():
            noted = self.make(chance)
            if noted is None:
                is_over.wait(0.2)
                continue
            for person in noted.people:
                self.sign(noted, person)

    def make(self, chance: Random) -> Noted | None:
        """Make a job of one or two signers and one or two documents that no other job has; None if Segl did not acknowledge it."""
        contents = {f"document-{n}.pdf": pdf(f"Avtale {chance.getrandbits(64)}") for n in range(1, chance.choice([1, 1, 2]) + 1)}
        people = tuple(chance.sample(self.people, chance.choice([1, 1, 2])))
        is_polled = chance.random() < 0.7
        asked = DirectJob(
            title="Avtale",
            documents=tuple(
                Document(title="Avtale", content=content, type=DocumentType.PDF, name=name) for name, content in contents.items()
            ),
            signers=tuple(Signer(national_identity_number=person) for person in people),
            exit_urls=ExitUrls(completion=DONE, rejection="https://sender.example/no", error=ERROR),
            status_retrieval=StatusRetrieval.POLLING if is_polled else StatusRetrieval.WAIT_FOR_CALLBACK,
        )
        try:
            created = self.api.create_direct_job(asked)
        except LOST as lost:
            self.notes.lost_answers[str(lost)[:120]] += 1
            return None
        except ApiError as error:
            self._judge(error)
            return None
        noted = Noted(job=created, documents=contents, people=people, is_polled=is_polled)
        self.notes.jobs.append(noted)
        return noted

    def sign(self, noted: Noted, person: str) -> None:
        """Have one person sign. A signature whose answer was lost is asked for again, as a person would try again."""
        address = f"{self.segl.api_url}/web/signature-jobs/{noted.job.job_id}/devmodesign?signer={quote(person)}"
        for _ in range(TRIES):
            try:
                answer = self._signers_door.post(address)
            except httpx.HTTPError as lost:
                self.notes.lost_answers[type(lost).__name__] += 1
                pause(0.3)
                continue
            # 503: stored, but its seal takes long. SIGNER_NOT_WAITING: an earlier try was carried out, and its answer was lost.
            was_stored = "The signature is stored" in answer.text or "SIGNER_NOT_WAITING" in answer.text
            if answer.text.startswith(DONE) or was_stored:
                noted.acknowledged.add(person)
                return
            # The error URL: the identity provider or the time-stamp authority had just been killed, and the person may try again.
            if answer.status_code < 500 and not answer.text.startswith(ERROR):
                self.notes.unexpected.append(f"devmodesign: {answer.status_code} {answer.text[-300:]}")
                return
            pause(0.3)

    def poll_and_confirm(self, is_over: threading.Event) -> None:
        """Take changes from the queue as long as it goes, confirming most at once and leaving some to come back."""
        turn = 0
        while not is_over.is_set():
            turn += 1
            if not self.take_one(confirms=turn % 5 != 0):
                is_over.wait(0.5)

    def take_one(self, *, confirms: bool = True) -> bool:
        """Poll once; return whether there was something."""
        try:
            change = self.api.poll()
            if change is None:
                return False
            self.notes.delivered.setdefault(change.job_id, []).append(change.status)
            if confirms:
                self.api.confirm(change)
        except TooEagerPolling:
            return False
        except LOST as lost:
            self.notes.lost_answers[str(lost)[:120]] += 1
            return False
        except ApiError as error:
            self._judge(error)
            return False
        return True

    def drain(self, *, until: set[int], seconds: float) -> set[int]:
        """Poll until the terminal state of each job in `until` was handed out; return those for which it was not."""
        ends_at = time.monotonic() + seconds
        while (missing := until - self.delivered_as_complete()) and time.monotonic() < ends_at:
            if not self.take_one():
                pause(0.3)
        return missing

    def delivered_as_complete(self) -> set[int]:
        return {job for job, states in self.notes.delivered.items() if JobStatus.COMPLETED_SUCCESSFULLY in states}

    def sealed(self, noted: Noted) -> bytes:
        return self.api.pades(f"{self.segl.api_url}/api/{self.api.organization_number}/direct/signature-jobs/{noted.job.job_id}/pades")

    def _judge(self, error: ApiError) -> None:
        # A neighbour or a database that is being started again is told as a 5xx; anything else is a defect.
        if error.http_status < 500:
            self.notes.unexpected.append(str(error))


def attached_documents(sealed: bytes) -> dict[str, str]:
    """Return the SHA-256 of each file attached to a sealed PDF, by name."""
    with pikepdf.open(BytesIO(sealed)) as opened:
        return {spec.filename: hashlib.sha256(spec.get_file().read_bytes()).hexdigest() for spec in opened.attachments.values()}
