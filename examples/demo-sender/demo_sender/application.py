"""
The school's web application: plain WSGI, one method an address.

Cookies are SameSite=Lax and a POST must come from the school's own pages. A form may lead on to Segl's web address and nowhere else.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from segl_client import ApiError, NoAnswer, SeglError

from . import pages
from .agreements import FINISHED, Agreement, Memory, Party
from .contract import contract_pdf
from .people import Person, SandboxNotReady, read_people
from .settings import Settings
from .signing import Desk

COOKIE = "demo-session"
MAX_FORM_BYTES = 20_000
EXITS = ("completed", "rejected", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back to the browser."""

    body: bytes = b""
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request: where to, with what, by whom."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    token: str = field(repr=False)
    person: Person | None
    people: dict[str, Person]


class Application:
    """The WSGI application."""

    def __init__(self, *, settings: Settings, memory: Memory, desk: Desk) -> None:
        self._settings = settings
        self._memory = memory
        self._desk = desk

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        try:
            answer = self._answer(environ)
        except SandboxNotReady:
            text = "Segl er ikke klar ennå. Vent et øyeblikk og last siden på nytt."
            answer = Answer(body=pages.message_page("Et øyeblikk", text, None), status=HTTPStatus.SERVICE_UNAVAILABLE)
        policy = (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {self._settings.web_origin}"
        )
        headers = [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
            *(() if answer.content_type.startswith("text/css") else (("Cache-Control", "no-store"),)),
            *answer.headers,
        ]
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        if path == "/health":
            return Answer(body=b"ok\n", content_type="text/plain")
        if path == "/static/style.css":
            return Answer(
                body=Path(__file__).with_name("static").joinpath("style.css").read_bytes(), content_type="text/css; charset=utf-8"
            )
        if self._settings.own_url != f"http://{environ.get('HTTP_HOST', '')}" and method == "GET":
            # One address only: cookies and exit URLs belong to 127.0.0.1.
            query = environ.get("QUERY_STRING", "")
            return _to(self._settings.own_url + quote(path) + (f"?{query}" if query else ""))
        if method == "POST" and environ.get("HTTP_ORIGIN", self._settings.own_url) != self._settings.own_url:
            return self._wrong("Skjemaet kom fra et annet nettsted.", HTTPStatus.FORBIDDEN)
        visit = self._visit(environ, method, path)
        if method == "GET":
            return self._get(visit)
        if method == "POST":
            return self._post(visit)
        return self._wrong("Det går ikke her.", HTTPStatus.METHOD_NOT_ALLOWED)

    def _visit(self, environ: dict[str, Any], method: str, path: str) -> Visit:
        people = read_people(self._settings.data / "sandbox")
        try:
            morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
        except CookieError:
            morsel = None
        token = morsel.value if morsel else ""
        number = self._memory.who(token) if token else None
        form: dict[str, str] = {}
        if method == "POST":
            length = min(int(environ.get("CONTENT_LENGTH") or 0), MAX_FORM_BYTES)
            form = _fields(environ["wsgi.input"].read(length).decode("utf-8", "replace"))
        return Visit(
            method=method,
            path=path,
            query=_fields(environ.get("QUERY_STRING", "")),
            form=form,
            token=token,
            person=people.get(number) if number else None,
            people=people,
        )

    def _get(self, visit: Visit) -> Answer:
        if visit.path == "/logg-inn":
            return self._log_in_page(visit, _own_path(visit.query.get("next", "/")))
        if match := re.fullmatch(r"/back/(completed|rejected|error)", visit.path):
            return self._back(visit, match[1])
        if visit.person is None:
            return _to("/logg-inn" if visit.path == "/" else f"/logg-inn?next={quote(visit.path)}")
        if visit.path == "/":
            return self._form_page(visit, visit.person)
        if match := re.fullmatch(r"/avtaler/([a-z0-9]{32})", visit.path):
            return self._agreement_page(visit, visit.person, match[1])
        if match := re.fullmatch(r"/copy/([a-z0-9]{32})\.pdf", visit.path):
            return self._copy(visit.person, match[1])
        return self._wrong("Siden finnes ikke.", HTTPStatus.NOT_FOUND, visit.person)

    def _post(self, visit: Visit) -> Answer:
        if visit.path == "/logg-inn":
            return self._log_in(visit)
        if visit.path == "/logg-ut":
            self._memory.log_out(visit.token)
            return _to("/logg-inn", cookie="")
        if visit.person is None:
            return _to("/logg-inn")
        if visit.path == "/avtaler":
            return self._new_agreement(visit, visit.person)
        if match := re.fullmatch(r"/avtaler/([a-z0-9]{32})/signer", visit.path):
            return self._sign(visit, visit.person, match[1])
        return self._wrong("Siden finnes ikke.", HTTPStatus.NOT_FOUND, visit.person)

    def _log_in_page(self, visit: Visit, next_path: str) -> Answer:
        hint = ""
        if (match := re.fullmatch(r"/avtaler/([a-z0-9]{32})", next_path)) and (agreement := self._memory.find(match[1])):
            names = [visit.people[p.number].shown_name for p in agreement.parties if p.status not in FINISHED]
            hint = f"Du skal til en avtale. Den venter på {' og '.join(names)}." if names else ""
        return Answer(body=pages.log_in_page(visit.people, next_path=next_path, hint=hint))

    def _log_in(self, visit: Visit) -> Answer:
        chosen = visit.form.get("person", "")
        if not chosen.isdecimal() or int(chosen) >= len(visit.people):
            return self._wrong("Velg en person fra listen.", HTTPStatus.BAD_REQUEST)
        token = secrets.token_urlsafe(32)
        self._memory.log_in(token, list(visit.people)[int(chosen)])
        return _to(_own_path(visit.form.get("next", "/")), cookie=token)

    def _form_page(self, visit: Visit, person: Person) -> Answer:
        year = date.today().year  # noqa: DTZ011 — a suggestion in a form on this machine
        values = {"id": secrets.token_hex(16), "starts": f"{year + 1}-08-15", "ends": f"{year + 3}-08-14"}
        values |= {"company": "Fjordheim Verksted AS"}
        return Answer(body=pages.form_page(person, visit.people, values=values, earlier=self._memory.of(person.number)))

    def _new_agreement(self, visit: Visit, person: Person) -> Answer:
        try:
            agreement = _agreement_of(visit.form, person, list(visit.people))
        except ValueError as wrong:
            return self._form_again(visit, person, str(wrong))
        # The agreement is written down before the call, so a form that is sent twice makes one job, and a killed process loses nothing.
        if not self._memory.add(agreement):
            return _to(f"/avtaler/{agreement.id}")
        contract = self._desk.contract_file(agreement.id)
        contract.parent.mkdir(parents=True, exist_ok=True)
        contract.write_bytes(contract_pdf(agreement, visit.people))
        try:
            return _to(self._desk.create(agreement).signer(person.number).redirect_url)
        except ApiError as refused:
            self._memory.forget(agreement.id)
            return self._form_again(visit, person, f"Segl tok ikke imot avtalen: {refused.message} ({refused.code})", with_calls=True)
        except SeglError as failed:
            return self._agreement_answer(agreement.id, visit, person, problem=_in_words(failed))

    def _form_again(self, visit: Visit, person: Person, problem: str, *, with_calls: bool = False) -> Answer:
        values = {**visit.form, "id": secrets.token_hex(16)}
        calls = self._desk.calls_of_this_thread() if with_calls else ()
        body = pages.form_page(person, visit.people, values=values, problem=problem, calls=calls)
        return Answer(body=body, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _sign(self, visit: Visit, person: Person, id: str) -> Answer:
        agreement, own = self._mine(id, person)
        if agreement is None or own is None:
            return self._not_there(person)
        try:
            if agreement.job_id is None:
                contract = self._desk.contract_file(id)
                if not contract.exists():
                    contract.parent.mkdir(parents=True, exist_ok=True)
                    contract.write_bytes(contract_pdf(agreement, visit.people))
                return _to(self._desk.create(agreement).signer(person.number).redirect_url)
            return _to(self._desk.fresh_redirect_url(agreement, own))
        except SeglError as failed:
            return self._agreement_answer(id, visit, person, problem=_in_words(failed))

    def _back(self, visit: Visit, last_exit: str) -> Answer:
        agreement = self._memory.find(visit.query.get("avtale", ""))
        token = visit.query.get("status_query_token", "")
        if agreement is None or not agreement.status_url or not token:
            return self._not_there(visit.person)
        try:
            self._desk.take_back(agreement, token=token, last_exit=last_exit)
        except SeglError as failed:
            if visit.person is None or agreement.party(visit.person.number) is None:
                return self._wrong(_in_words(failed), HTTPStatus.BAD_GATEWAY, visit.person)
            return self._agreement_answer(agreement.id, visit, visit.person, problem=_in_words(failed))
        # The token leaves the address bar: what follows is the agreement's own page.
        return _to(f"/avtaler/{agreement.id}")

    def _agreement_page(self, visit: Visit, person: Person, id: str) -> Answer:
        agreement, own = self._mine(id, person)
        if agreement is None or own is None:
            return self._not_there(person)
        return Answer(body=pages.agreement_page(agreement, person, visit.people, own_url=self._settings.own_url))

    def _agreement_answer(self, id: str, visit: Visit, person: Person, *, problem: str) -> Answer:
        agreement = self._memory.find(id)
        if agreement is None:
            return self._not_there(person)
        body = pages.agreement_page(agreement, person, visit.people, own_url=self._settings.own_url, problem=problem)
        return Answer(body=body, status=HTTPStatus.BAD_GATEWAY)

    def _copy(self, person: Person, id: str) -> Answer:
        agreement, own = self._mine(id, person)
        if agreement is None or own is None or not agreement.has_copy:
            return self._not_there(person)
        name = ("Content-Disposition", 'attachment; filename="laerekontrakt-signert.pdf"')
        return Answer(body=self._desk.copy_file(id).read_bytes(), content_type="application/pdf", headers=(name,))

    def _mine(self, id: str, person: Person) -> tuple[Agreement | None, Party | None]:
        agreement = self._memory.find(id)
        return agreement, agreement.party(person.number) if agreement else None

    def _not_there(self, person: Person | None) -> Answer:
        return self._wrong("Avtalen finnes ikke, eller så er den ikke din.", HTTPStatus.NOT_FOUND, person)

    def _wrong(self, message: str, status: HTTPStatus, person: Person | None = None) -> Answer:
        return Answer(body=pages.message_page("Det gikk ikke", message, person), status=status)


def _agreement_of(form: dict[str, str], person: Person, numbers: list[str]) -> Agreement:
    """Read the form; the text of a ValueError is shown to the person."""
    company = form.get("company", "").strip()
    if not 1 <= len(company) <= 80:
        raise ValueError("Skriv navnet på bedriften, høyst 80 tegn.")
    try:
        starts, ends = date.fromisoformat(form.get("starts", "")), date.fromisoformat(form.get("ends", ""))
    except ValueError:
        raise ValueError("Fyll ut begge datoene i læretiden.") from None
    if ends <= starts:
        raise ValueError("Læretiden må slutte etter at den begynner.")
    sender_role, signature_type, _ = pages.KINDS.get(form.get("kind", ""), pages.KINDS["public-authenticated"])
    with_terms = form.get("terms") == "yes"
    if with_terms and sender_role == "public-sender" and signature_type.startswith("ADVANCED"):
        raise ValueError(
            "Offentlige avsendere kan bare sende ett dokument til avansert signatur. Ta bort vilkårene, eller velg en annen type."
        )
    parties = [Party(number=person.number, role="apprentice")]
    if (role := form.get("second", "")) in ("guardian", "company"):
        chosen = form.get("second_person", "")
        if not chosen.isdecimal() or int(chosen) >= len(numbers) or numbers[int(chosen)] == person.number:
            raise ValueError("Velg hvem andre som skal signere. Det kan ikke være deg selv.")
        parties.append(Party(number=numbers[int(chosen)], role=role))
    trade = form.get("trade", "")
    id = form.get("id", "")
    return Agreement(
        id=id if re.fullmatch(r"[a-z0-9]{32}", id) else secrets.token_hex(16),
        company=company,
        trade=trade if trade in pages.TRADES else pages.TRADES[0],
        starts=starts.isoformat(),
        ends=ends.isoformat(),
        sender_role=sender_role,
        signature_type=signature_type,
        with_terms=with_terms,
        parties=tuple(parties),
    )


def _in_words(failed: SeglError) -> str:
    if isinstance(failed, ApiError):
        return f"Segl svarte nei: {failed.message} ({failed.code})"
    if isinstance(failed, NoAnswer):
        return "Skolen fikk ikke svar fra Segl. Ingenting er signert. Prøv igjen om litt."
    return "Skolen forsto ikke svaret fra Segl. Prøv igjen om litt."


def _fields(encoded: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(encoded, keep_blank_values=True, max_num_fields=50).items()}


def _own_path(path: str) -> str:
    """Return `path` if it is a place on this site, else the front page: log-in must not lead elsewhere."""
    return path if re.fullmatch(r"/[A-Za-z0-9/._-]*", path) and not path.startswith("//") else "/"


def _to(address: str, cookie: str | None = None) -> Answer:
    headers = [("Location", address)]
    if cookie is not None:
        age = "" if cookie else "; Max-Age=0"
        headers.append(("Set-Cookie", f"{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax{age}"))
    return Answer(status=HTTPStatus.SEE_OTHER, headers=tuple(headers))
