"""
Signing without a browser, for test suites (wire-spec.md 2, row 14): the real ceremony, with a test person at the test identity provider.

Nothing is short-cut: the intent is written, the provider's pages are walked through over HTTP, and its token is checked like any other.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from enum import StrEnum
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from segl.actions.access import view_of
from segl.actions.begin_signing import begin_signing
from segl.actions.complete_signing import complete_signing
from segl.actions.go_back import go_back
from segl.actions.leave import leave
from segl.actions.ports import Ports
from segl.actions.reject import reject
from segl.actions.sittings import OpenedSitting, open_sitting
from segl.ceremony.sitting import Outcome, Problem, Stage
from segl.database.models import Job, Signer, Sitting
from segl.database.transactions import durable
from segl.jobs.job import SignerNotWaiting
from segl.sandbox.identity_provider import PROVIDER_ID
from segl.sandbox.material import Person
from segl.values import Language, Level

READABLE_WITHIN_SECONDS = 9.0
"""The .NET client's budget for a whole call is ten."""
LOOK_AGAIN_SECONDS = 0.05


class DevmodeOutcome(StrEnum):
    """What the made-up person does."""

    SIGN = "sign"
    REJECT = "reject"
    FAIL = "fail"


class SignerUnknown(Exception):
    """The job has no such signer. Give the identity number or custom identifier as submitted."""


class NotReadableInTime(Exception):
    """The signature is stored but its seal is not made yet. Ask for the job's status in a while."""


def devmode_sign(ports: Ports, *, job: Job, identifier: str, outcome: DevmodeOutcome, persons: tuple[Person, ...]) -> str:
    """
    Let the signer act and return the exit URL once the new state is readable.

    :raises SignerUnknown: if nobody of the job has this identifier.
    :raises SignerNotWaiting: if the signer has acted, or the job is over.
    :raises NotReadableInTime: if sealing takes longer than a client waits.
    """
    signer = next((s for s in job.signers.all() if identifier in {s.national_identity_number, s.custom_identifier}), None)
    if signer is None or not identifier:
        raise SignerUnknown
    with durable():
        sitting = open_sitting(ports, signer=signer, now=ports.clock.now())
    row = Sitting.objects.get(pk=sitting.sitting_id)
    if view_of(row).stage is not Stage.READING:
        raise SignerNotWaiting
    match outcome:
        case DevmodeOutcome.SIGN:
            _sign(ports, sitting, person=_person(signer, persons), level=view_of(row).level)
        case DevmodeOutcome.REJECT:
            reject(ports, sitting_id=sitting.sitting_id, secret=sitting.secret)
        case DevmodeOutcome.FAIL:
            Sitting.objects.filter(pk=row.pk).update(problem=Problem.LOGIN_REFUSED)
            go_back(ports, sitting_id=sitting.sitting_id, secret=sitting.secret)
    _wait_until(lambda: view_of(_fresh(row)).stage is not Stage.SEALING)
    done: Outcome | None = view_of(_fresh(row)).outcome
    return leave(ports, job=job, outcome=done)


def _sign(ports: Ports, sitting: OpenedSitting, *, person: Person, level: Level) -> None:
    url = begin_signing(ports, sitting_id=sitting.sitting_id, secret=sitting.secret, provider=PROVIDER_ID, language=Language.BOKMAL)
    with httpx.Client(trust_env=False, timeout=5) as browser:
        answer = _through_the_provider(browser, url, person=person, level=level)
    complete_signing(ports, parameters=answer, cookie_secrets={sitting.sitting_id: sitting.secret}, ip_address="127.0.0.1")


def _through_the_provider(browser: httpx.Client, url: str, *, person: Person, level: Level) -> dict[str, str]:
    provider = urlsplit(url).netloc
    response = browser.get(url)
    while response.is_redirect:
        url = urljoin(url, response.headers["Location"])
        if urlsplit(url).netloc != provider:
            return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        response = browser.get(url)
    login = re.search(r'name="login" value="([^"]+)"', response.text)
    action = re.search(r'<form method="post" action="([^"]+)"', response.text)
    if login is None or action is None:
        raise SignerNotWaiting
    chosen = {
        "login": login[1],
        "person": person.national_identity_number.value,
        "eid": person.eid_for(level),
        "level": str(int(level)),
    }
    response = browser.post(urljoin(url, action[1]), data=chosen)
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query, keep_blank_values=True))


def _person(signer: Signer, persons: tuple[Person, ...]) -> Person:
    """The addressed person; for a custom identifier the first one with level 4. A number nobody holds cannot log in."""
    if signer.national_identity_number is None:
        return next(person for person in persons if Level.HIGH in person.levels)
    for person in persons:
        if person.national_identity_number.value == signer.national_identity_number:
            return person
    raise SignerUnknown


def _fresh(row: Sitting) -> Sitting:
    return Sitting.objects.select_related("signer__job__sender", "signer__group").get(pk=row.pk)


def _wait_until(is_so: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + READABLE_WITHIN_SECONDS
    while not is_so():
        if time.monotonic() >= ends_at:
            raise NotReadableInTime
        time.sleep(LOOK_AGAIN_SECONDS)
