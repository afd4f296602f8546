"""
The school's pages in Norwegian: templates filled with escaped values, and the words for each state an agreement can be in.

Nothing here talks to Segl or remembers anything.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from urllib.parse import quote

from .agreements import FINISHED, Agreement, Call, Party
from .contract import ROLES, in_words
from .people import Person

TRADES = ("Datateknologi", "Elektriker", "Helsearbeider", "Kokk", "Møbelsnekker", "Tømrer")
KINDS = {
    "public-authenticated": ("public-sender", "AUTHENTICATED_ELECTRONIC_SIGNATURE", "Offentlig skole, autentisert signatur (vanlig)"),
    "public-advanced": ("public-sender", "ADVANCED_ELECTRONIC_SIGNATURE", "Offentlig skole, avansert signatur"),
    "private-advanced": ("private-sender", "ADVANCED_ELECTRONIC_SIGNATURE", "Privat skole, avansert signatur"),
}
"""What the form offers: sender's role, signature type, words."""
STATUS_WORDS = {
    "WAITING": "har ikke signert",
    "SIGNED": "har signert",
    "REJECTED": "avviste avtalen",
    "FAILED": "ble avbrutt av en feil",
    "EXPIRED": "signerte ikke i tide",
    "SIGNERS_NAME_NOT_AVAILABLE": "kunne ikke signere, for navnet er ukjent",
    "NOT_APPLICABLE": "skal ikke signere lenger",
}


class Markup(str):
    """Text that is HTML already; everything else is escaped when it is put into a template."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How one state of an agreement is said."""

    heading: str
    message: str
    tone: str


@cache
def _template(name: str) -> Template:
    return Template((Path(__file__).with_name("templates") / f"{name}.html").read_text("utf-8"))


def fill(template: str, /, **values: object) -> Markup:
    """Fill a template; values are escaped unless they are Markup."""
    safe = {key: value if isinstance(value, Markup) else html.escape(str(value)) for key, value in values.items()}
    return Markup(_template(template).substitute(safe))


def joined(parts: list[Markup]) -> Markup:
    """Put pieces of HTML one after another."""
    return Markup("".join(parts))


def page(title: str, content: Markup, person: Person | None) -> bytes:
    """Return a whole page."""
    who = fill("who", name=person.shown_name) if person else Markup("")
    return fill("page", title=title, content=content, who=who).encode()


def log_in_page(people: Mapping[str, Person], *, next_path: str, hint: str) -> bytes:
    """Return the page on which one picks whom to be."""
    rows = [
        fill("person", index=index, name=person.shown_name, eids=", ".join(person.eids)) for index, person in enumerate(people.values())
    ]
    hinted = Markup(f'<div class="message wait"><p>{html.escape(hint)}</p></div>') if hint else Markup("")
    return page("Logg inn", fill("log_in", next=next_path, people=joined(rows), hint=hinted), None)


def form_page(
    person: Person,
    people: Mapping[str, Person],
    *,
    values: Mapping[str, str],
    problem: str = "",
    calls: tuple[Call, ...] = (),
    earlier: tuple[Agreement, ...] = (),
) -> bytes:
    """Return the form with what was typed, what was wrong with it, and the agreements made before."""
    kind = values.get("kind", "public-authenticated")
    second = values.get("second", "")
    others = [(str(index), other.shown_name) for index, other in enumerate(people.values()) if other.number != person.number]
    content = fill(
        "form",
        id=values["id"],
        problem=_problem(problem),
        company=values.get("company", ""),
        trades=_options([(trade, trade) for trade in TRADES], values.get("trade", TRADES[0])),
        starts=values.get("starts", ""),
        ends=values.get("ends", ""),
        none_checked=_if("checked", second == ""),
        guardian_checked=_if("checked", second == "guardian"),
        company_checked=_if("checked", second == "company"),
        others=_options(others, values.get("second_person", "")),
        terms_checked=_if("checked", values.get("terms") == "yes"),
        kind_open=_if("open", kind != "public-authenticated"),
        kinds=_options([(key, words) for key, (_, _, words) in KINDS.items()], kind),
        calls=calls_shown(calls),
        earlier=_earlier(earlier),
    )
    return page("Feil i skjemaet" if problem else "Ny lærekontrakt", content, person)


def agreement_page(agreement: Agreement, person: Person, people: Mapping[str, Person], *, own_url: str, problem: str = "") -> bytes:
    """Return the page of one agreement as one of its parties sees it."""
    own = agreement.party(person.number)
    if own is None:
        raise ValueError("Only a party is shown an agreement.")
    said = words_for(agreement, own, people)
    parties = [
        Markup(
            f"<li><span><strong>{html.escape(people[p.number].shown_name)}</strong> ({ROLES[p.role]})</span>"
            f"<span>{html.escape(STATUS_WORDS.get(p.status, p.status))}</span></li>"
        )
        for p in agreement.parties
    ]
    content = fill(
        "agreement",
        heading=said.heading,
        tone=said.tone,
        message=said.message,
        problem=_problem(problem),
        actions=_actions(agreement, own),
        second=_second(agreement, own, people, own_url) if not problem else Markup(""),
        company=agreement.company,
        trade=agreement.trade,
        period=f"{in_words(agreement.starts)} – {in_words(agreement.ends)}",
        documents="Lærekontrakten og vilkårene" if agreement.with_terms else "Lærekontrakten",
        parties=joined(parties),
        calls=calls_shown(agreement.calls),
    )
    return page(said.heading, content, person)


def words_for(agreement: Agreement, own: Party, people: Mapping[str, Person]) -> Words:
    """Say where an agreement stands, to the party `own`."""
    others = [party for party in agreement.parties if party is not own]
    refused = next((party for party in others if party.status == "REJECTED"), None)
    if agreement.job_id is None:
        return Words(heading="Avtalen er ikke sendt", message="Skolen fikk ikke sendt avtalen til signering. Prøv igjen.", tone="wait")
    if agreement.job_status == "COMPLETED_SUCCESSFULLY":
        return Words(heading="Avtalen er signert", message="Alle har signert. Last ned en kopi og ta vare på den.", tone="done")
    if own.status == "REJECTED":
        return Words(heading="Du avviste avtalen", message="Du har ikke signert, og avtalen gjelder ikke.", tone="stop")
    if refused:
        name = people[refused.number].shown_name
        return Words(heading="Avtalen ble ikke noe av", message=f"{name} avviste avtalen, så den gjelder ikke.", tone="stop")
    if own.status == "SIGNED":
        return Words(heading="Du har signert", message="Avtalen gjelder når alle har signert. Du kan lukke siden.", tone="done")
    if own.status == "FAILED" or (agreement.last_exit == "error" and own.status == "WAITING"):
        return Words(
            heading="Signeringen ble avbrutt",
            message="Noe gikk galt underveis, og du har ikke signert. Ingenting er mistet. Prøv igjen når du vil.",
            tone="stop",
        )
    if own.status == "WAITING":
        return Words(heading="Du har ikke signert ennå", message="Avtalen ligger klar. Du leser og signerer den hos Segl.", tone="wait")
    return Words(
        heading="Avtalen kan ikke signeres nå", message=f"Signeringen hos deg {STATUS_WORDS.get(own.status, own.status)}.", tone="stop"
    )


def calls_shown(calls: tuple[Call, ...]) -> Markup:
    """Return the folded list of API calls, or nothing when there were none."""
    if not calls:
        return Markup("")
    items = []
    for call in calls:
        bodies = [
            Markup(f"<h3>{name}</h3><pre>{html.escape(body)}</pre>")
            for name, body in (("Spørring", call.request), ("Svar", call.answer))
            if body
        ]
        items.append(fill("call", line=call.line, status=call.status, bodies=joined(bodies)))
    return fill("calls", count=len(calls), items=joined(items))


def message_page(heading: str, message: str, person: Person | None) -> bytes:
    """Return a page that says one thing."""
    return page(heading, fill("message", heading=heading, message=message), person)


def _actions(agreement: Agreement, own: Party) -> Markup:
    parts: list[Markup] = []
    ended = agreement.job_status == "COMPLETED_SUCCESSFULLY" or any(party.status == "REJECTED" for party in agreement.parties)
    if not ended and own.status not in FINISHED:
        label = "Send og signer" if agreement.job_id is None else "Prøv igjen" if agreement.last_exit == "error" else "Signer avtalen"
        parts.append(Markup(f'<form method="post" action="/avtaler/{agreement.id}/signer"><button class="primary">{label}</button></form>'))
    if agreement.has_copy:
        kind = "primary" if agreement.job_status == "COMPLETED_SUCCESSFULLY" else "outline"
        parts.append(Markup(f'<a class="button {kind}" href="/copy/{agreement.id}.pdf">Last ned kopi (PDF)</a>'))
    if ended and agreement.job_status != "COMPLETED_SUCCESSFULLY":
        parts.append(Markup('<a class="button" href="/">Lag en ny avtale</a>'))
    return joined(parts)


def _second(agreement: Agreement, own: Party, people: Mapping[str, Person], own_url: str) -> Markup:
    waiting = next((p for p in agreement.parties if p is not own and p.status in ("WAITING", "FAILED") and p.href), None)
    if waiting is None or own.status != "SIGNED":
        return Markup("")
    path = f"/avtaler/{agreement.id}"
    index = list(people).index(waiting.number)
    return fill("second", name=people[waiting.number].shown_name, path=quote(path), url=own_url + path, index=index)


def _problem(problem: str) -> Markup:
    return Markup(f'<div class="message stop problem" role="alert"><p>{html.escape(problem)}</p></div>') if problem else Markup("")


def _options(choices: list[tuple[str, str]], chosen: str) -> Markup:
    return joined(
        [
            Markup(f'<option value="{html.escape(value)}"{" selected" if value == chosen else ""}>{html.escape(words)}</option>')
            for value, words in choices
        ]
    )


def _if(word: str, is_so: bool) -> Markup:
    return Markup(word if is_so else "")


def _earlier(agreements: tuple[Agreement, ...]) -> Markup:
    if not agreements:
        return Markup("")
    words = {"COMPLETED_SUCCESSFULLY": "signert", "FAILED": "avsluttet", "IN_PROGRESS": "venter", "": "ikke sendt"}
    rows = [
        Markup(
            f'<li><a href="/avtaler/{agreement.id}">{html.escape(agreement.trade)} hos {html.escape(agreement.company)}</a>'
            f"<span>{words[agreement.job_status]}</span></li>"
        )
        for agreement in agreements
    ]
    return Markup(f'<h2>Dine avtaler</h2><ul class="earlier">{joined(rows)}</ul>')
