"""
The pages of the test identity provider: one where a person is chosen, and two that only say something.

Hand-written HTML without scripts; every page says that it is a test, in its title and in the striped band.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from http import HTTPStatus
from string import Template
from typing import TypedDict
from urllib.parse import urlsplit

from segl.sandbox.identity_provider.exchange import Answer
from segl.sandbox.material import EID_LEVELS, Person
from segl.values import Language, Level


class Texts(TypedDict):
    """What the pages say in one language."""

    band: str
    title: str
    lead: str
    eid: str
    eid_any: str
    level: str
    level_any: str
    level_3: str
    level_4: str
    persons: str
    no_name: str
    abort: str
    not_theirs: str
    logged_out: str
    gone: str
    gone_lead: str


TEXTS: dict[Language, Texts] = {
    Language.BOKMAL: {
        "band": "Test. Ingen av personene her finnes, og ingenting er bindende.",
        "title": "Logg inn som testperson",
        "lead": "Dette er en testtjeneste i stedet for ID-porten og BankID. Velg hvem du vil være. Tjenesten spør etter nivå {level}.",
        "eid": "eID",
        "eid_any": "Personens første",
        "level": "Sikkerhetsnivå",
        "level_any": "Det tjenesten spør etter",
        "level_3": "Nivå 3, betydelig",
        "level_4": "Nivå 4, høyt",
        "persons": "Testpersoner",
        "no_name": "(uten navn)",
        "abort": "Avbryt",
        "not_theirs": "Personen har ikke denne eID-en på dette nivået. Velg noe annet.",
        "logged_out": "Du er logget ut",
        "gone": "Innloggingen kan ikke fortsette",
        "gone_lead": "Den er for gammel eller ukjent. Gå tilbake til tjenesten du kom fra, og begynn på nytt.",
    },
    Language.NYNORSK: {
        "band": "Test. Ingen av personane her finst, og ingenting er bindande.",
        "title": "Logg inn som testperson",
        "lead": "Dette er ei testteneste i staden for ID-porten og BankID. Vel kven du vil vere. Tenesta spør etter nivå {level}.",
        "eid": "eID",
        "eid_any": "Den første til personen",
        "level": "Tryggleiksnivå",
        "level_any": "Det tenesta spør etter",
        "level_3": "Nivå 3, betydeleg",
        "level_4": "Nivå 4, høgt",
        "persons": "Testpersonar",
        "no_name": "(utan namn)",
        "abort": "Avbryt",
        "not_theirs": "Personen har ikkje denne eID-en på dette nivået. Vel noko anna.",
        "logged_out": "Du er logga ut",
        "gone": "Innlogginga kan ikkje halde fram",
        "gone_lead": "Ho er for gammal eller ukjend. Gå tilbake til tenesta du kom frå, og byrj på nytt.",
    },
    Language.ENGLISH: {
        "band": "Test. Nobody here exists, and nothing is binding.",
        "title": "Log in as a test person",
        "lead": "This is a test service in place of ID-porten and BankID. Choose who you want to be. The service asks for level {level}.",
        "eid": "eID",
        "eid_any": "The person's first",
        "level": "Security level",
        "level_any": "What the service asks for",
        "level_3": "Level 3, substantial",
        "level_4": "Level 4, high",
        "persons": "Test persons",
        "no_name": "(no name)",
        "abort": "Cancel",
        "not_theirs": "This person does not have that eID at that level. Choose another.",
        "logged_out": "You are logged out",
        "gone": "The log-in cannot go on",
        "gone_lead": "It is too old or unknown. Go back to the service you came from and start again.",
    },
}

PAGE = Template("""<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Test: $title</title>
<link rel="stylesheet" href="$style">
</head>
<body>
<header><div class="band">$band</div></header>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")

FORM = Template("""<p>$lead</p>
$problem<form method="post" action="$action">
<input type="hidden" name="login" value="$login">
<div class="choices">
<div><label for="eid">$eid</label><select id="eid" name="eid">$eids</select></div>
<div><label for="level">$level</label><select id="level" name="level">$levels</select></div>
</div>
<h2 id="persons">$persons_title</h2>
<ul aria-labelledby="persons">
$persons
</ul>
<button class="abort" name="abort" value="yes">$abort</button>
</form>""")


def choice_page(
    *,
    prefix: str,
    login: str,
    level: Level,
    language: Language,
    persons: Sequence[Person],
    client_url: str,
    chosen: tuple[str, str] = ("", ""),
    has_problem: bool = False,
) -> Answer:
    """
    Show the page where one chooses person, eID and level.

    `client_url` is where the form's answer redirects to: Chromium applies form-action to redirects, so its origin must be named.
    `chosen` are the eID and level of the last attempt; with `has_problem` the page says that the person does not have them.
    """
    texts = TEXTS[language]
    eids = [("", texts["eid_any"]), *((eid, eid) for eid in EID_LEVELS)]
    levels = [("", texts["level_any"]), ("3", texts["level_3"]), ("4", texts["level_4"])]
    content = FORM.substitute(
        lead=escape(texts["lead"].format(level=int(level))),
        problem=f'<p class="problem" role="alert">{escape(texts["not_theirs"])}</p>\n' if has_problem else "",
        action=f"{prefix}/login",
        login=escape(login),
        eid=escape(texts["eid"]),
        eids=_options(eids, chosen[0]),
        level=escape(texts["level"]),
        levels=_options(levels, chosen[1]),
        persons_title=escape(texts["persons"]),
        persons="\n".join(_person(person, texts) for person in persons),
        abort=escape(texts["abort"]),
    )
    parts = urlsplit(client_url)
    return _page(
        prefix=prefix, language=language, title=texts["title"], content=content, form_action=f"'self' {parts.scheme}://{parts.netloc}"
    )


def logged_out_page(*, prefix: str, language: Language) -> Answer:
    """Say that the session is over."""
    return _page(prefix=prefix, language=language, title=TEXTS[language]["logged_out"], content="")


def gone_page(*, prefix: str, language: Language, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Answer:
    """Say that this log-in cannot go on, to a browser that must not be sent anywhere."""
    texts = TEXTS[language]
    return _page(prefix=prefix, language=language, title=texts["gone"], content=f"<p>{escape(texts['gone_lead'])}</p>", status=status)


def _page(
    *, prefix: str, language: Language, title: str, content: str, form_action: str = "'none'", status: HTTPStatus = HTTPStatus.OK
) -> Answer:
    texts = TEXTS[language]
    body = PAGE.substitute(
        language=language.value, title=escape(title), style=f"{prefix}/style.css", band=escape(texts["band"]), content=content
    )
    policy = f"default-src 'none'; style-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    return Answer(
        status=status,
        content_type="text/html; charset=utf-8",
        body=body.encode(),
        headers=(
            ("Content-Security-Policy", policy),
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ),
    )


def _options(options: Sequence[tuple[str, str]], chosen: str) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>' for value, text in options
    )


def _person(person: Person, texts: Texts) -> str:
    name = escape(person.name or texts["no_name"])
    detail = escape(f"{person.national_identity_number} · {', '.join(person.eids)}")
    return (
        f'<li><button name="person" value="{person.national_identity_number}"><strong>{name}</strong> <span>{detail}</span></button></li>'
    )
