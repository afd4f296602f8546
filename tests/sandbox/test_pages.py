"""The sandbox's own pages: what an integrator finds there, in three languages, and that production has none of it."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client, override_settings

from segl.sandbox.material import Role, SandboxMaterial, read_organizations, read_persons
from segl.values import Language

AT = datetime(2026, 11, 23, 13, 32, 5, tzinfo=UTC)
PAGES = ("/", "/sandbox/persons", "/sandbox/requests")
NN, EN = Language.NYNORSK, Language.ENGLISH


@pytest.fixture
def client(material: SandboxMaterial, db: None) -> Iterator[Client]:
    segl = replace(settings.SEGL, data=material.data)
    # The clock is all they need of the outside.
    from segl.adapters.clock import MovableClock

    with override_settings(SEGL=segl, SEGL_PORTS=SimpleNamespace(clock=MovableClock())):
        yield Client(headers={"Accept-Language": "en-GB,en;q=0.9"})


def words(client: Client, path: str, **headers: str) -> str:
    """The page as one reads it."""
    response = client.get(path, headers=headers or None)
    assert response.status_code == 200
    body = response.content.decode()
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def note(**fields: object) -> None:
    from segl.database.models import ApiRequest

    ApiRequest.objects.create(**{"at": AT, "status": None, **fields})


def now_told(client: Client) -> datetime:
    return datetime.fromisoformat(client.get("/sandbox/clock").json()["now"])


class TestTheStartPage:
    def test_leads_to_the_demo_sender_first(self, client: Client) -> None:
        body = client.get("/").content.decode()
        main = body[body.index("<main") :]
        assert re.findall(r'href="([^"]+)"', main)[0] == f"{settings.SEGL.demo_url}/"

    def test_offers_no_demo_sender_where_there_is_none(self, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        from segl.sandbox.pages import views

        monkeypatch.setattr(views, "DEMO_SENDER", tmp_path / "absent")
        assert settings.SEGL.demo_url not in client.get("/").content.decode()
        assert "The demo sender lies in Segl’s source code." in words(client, "/")

    def test_leads_nowhere_that_is_not_there(self, client: Client) -> None:
        for path in PAGES:
            body = client.get(path).content.decode()
            for address in re.findall(r'(?:href|action|src)="(/[^"#]*)"', body):
                if address not in {"/language", "/sandbox/clock"}:
                    assert client.get(address).status_code == 200, address
            for anchor in re.findall(r'href="#([^"]+)"', body):
                assert f'id="{anchor}"' in body

    def test_tells_the_addresses_the_folder_and_the_password(self, client: Client, material: SandboxMaterial) -> None:
        text = words(client, "/")
        for value in (f"{settings.SEGL.api_url}/api", settings.SEGL.web_url, str(material.folder), str(material.ca), "segl-sandbox"):
            assert f" {value} " in text

    def test_tells_every_organization_with_its_key_store(self, client: Client, material: SandboxMaterial) -> None:
        text = words(client, "/")
        for organization in read_organizations(material.organizations):
            assert organization.name in text
            assert f" {organization.organization_number.value} " in text
            assert f" {organization.keystore} " in text
            assert (material.folder / organization.keystore).is_file()

    def test_shows_the_first_persons_and_leads_to_all(self, client: Client, material: SandboxMaterial) -> None:
        persons = read_persons(material.persons)
        text = words(client, "/")
        assert [person.name in text for person in persons[:5]] == [True, True, True, True, False]
        assert f"All {len(persons)} test persons" in text
        everybody = words(client, "/sandbox/persons")
        for person in persons:
            assert f" {person.national_identity_number.value} " in everybody

    def test_shows_the_newest_requests(self, client: Client) -> None:
        assert "Nothing has arrived yet." in words(client, "/")
        for number in range(6):
            note(method="GET", path=f"/api/{number}", status=200)
        text = words(client, "/")
        assert [f"GET /api/{number} " in text for number in range(6)] == [False, False, True, True, True, True]

    def test_wears_the_sandboxs_band_and_the_pages_policy(self, client: Client) -> None:
        response = client.get("/")
        body = response.content.decode()
        assert "Nothing you sign here is binding." in words(client, "/")
        assert 'data-size="sm"' in body
        assert "script-src 'self';" in response.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
        assert not re.search(r'<script(?![^>]*src=)|<style|\sstyle="|\son[a-z]+="', body)


class TestWhatAPersonIsGoodFor:
    @pytest.mark.parametrize(
        ("number", "use"),
        [
            ("14830750003", "E-mail and mobile in the register"),
            ("22898410068", "E-mail only"),
            ("02929115077", "Reserved against digital post"),
            ("57887940020", "D-number, no contact information"),
            ("18929600017", "The eID gives no name, mobile only"),
            ("30888500029", "No eID at level 4, e-mail and mobile in the register"),
            ("03827400024", "A very long name, e-mail and mobile in the register"),
            ("27869000065", "Letters outside the usual, e-mail and mobile in the register"),
            ("09916800042", "E-mail and mobile in the register"),
        ],
    )
    def test_is_read_off_the_person(self, client: Client, material: SandboxMaterial, number: str, use: str) -> None:
        from segl.sandbox.pages.goodness import good_for

        person = next(each for each in read_persons(material.persons) if each.national_identity_number.value == number)
        assert good_for(person, Language.ENGLISH) == use


class TestTheClock:
    def test_tells_the_time(self, client: Client) -> None:
        assert abs(now_told(client) - datetime.now(UTC)) < timedelta(minutes=1)

    def test_moves_forward_without_a_token_of_the_form(self, client: Client) -> None:
        before = now_told(client)
        response = Client(enforce_csrf_checks=True).post("/sandbox/clock", {"seconds": "3600"})
        assert response.status_code == 200
        assert datetime.fromisoformat(response.json()["now"]) - before >= timedelta(hours=1)
        assert now_told(client) - before >= timedelta(hours=1)

    @pytest.mark.parametrize("seconds", ["", "-1", "+5", "1.5", " 5", "1_000", "٣", "9" * 13, "9" * 12])
    def test_refuses_everything_but_whole_seconds_forward(self, client: Client, seconds: str) -> None:
        response = client.post("/sandbox/clock", {"seconds": seconds})
        assert response.status_code == 400
        assert response.json()["error"].startswith("The clock moves forward only, by whole seconds and at most thirty years in all.")
        assert abs(now_told(client) - datetime.now(UTC)) < timedelta(minutes=1)

    def test_leads_a_person_back_to_it(self, client: Client) -> None:
        response = client.post("/sandbox/clock", {"seconds": "604800", "back": "start"})
        assert (response.status_code, response.headers["Location"]) == (303, "/#clock")
        assert now_told(client) - datetime.now(UTC) > timedelta(days=6, hours=23)

    def test_tells_a_person_on_the_page_when_it_was_not_moved(self, client: Client) -> None:
        response = client.post("/sandbox/clock", {"seconds": "999999999999", "back": "start"})
        assert response.status_code == 400
        assert 'role="alert"><h3>The clock was not moved</h3>' in response.content.decode()

    def test_shows_the_date_in_oslo(self) -> None:
        from segl.sandbox.pages import catalogue

        assert catalogue.date(AT, EN) == "Monday 23 November 2026, Europe/Oslo"
        assert catalogue.date(AT, NN) == "Måndag 23. november 2026, Europe/Oslo"
        assert catalogue.date(AT, Language.BOKMAL) == "Mandag 23. november 2026, Europe/Oslo"

    def test_has_buttons_for_an_hour_a_day_and_a_week(self, client: Client) -> None:
        buttons = re.findall(r'name="seconds" value="(\d+)">([^<]+)<', client.get("/").content.decode())
        assert buttons == [("3600", "+1 hour"), ("86400", "+1 day"), ("604800", "+1 week")]

    def test_answers_no_other_method(self, client: Client) -> None:
        assert client.put("/sandbox/clock").status_code == 405


class TestTheLatestRequests:
    def test_tell_what_came_from_whom_and_how_it_went(self, client: Client) -> None:
        note(method="POST", path="/api/312845903/direct/signature-jobs", status=403, certificate="CN=Stranger", outcome="NOT_AUTHORIZED")
        text = words(client, "/sandbox/requests")
        assert "2026-11-23 14:32:05 Request POST /api/312845903/direct/signature-jobs Status 403 " in text
        assert "Certificate CN=Stranger Error NOT_AUTHORIZED" in text

    def test_tell_of_refused_handshakes_with_the_reason(self, client: Client) -> None:
        note(certificate="CN=Tidligere Avsender AS", outcome="The certificate is revoked.")
        text = words(client, "/sandbox/requests")
        assert "Refused in the handshake Certificate CN=Tidligere Avsender AS Error The certificate is revoked." in text
        assert "Refused in the handshake" in words(client, "/")

    def test_write_what_a_certificate_says_as_text(self, client: Client) -> None:
        note(certificate="CN=<script>alert(1)</script>", outcome="<b>")
        body = client.get("/sandbox/requests").content.decode()
        assert "CN=&lt;script&gt;alert(1)&lt;/script&gt;" in body
        assert "<b>" not in body

    def test_are_fifty_at_most_newest_first(self, client: Client) -> None:
        for number in range(52):
            note(method="GET", path=f"/api/{number}", status=200)
        rows = client.get("/sandbox/requests.json").json()["requests"]
        assert [row["path"] for row in rows] == [f"/api/{number}" for number in range(51, 1, -1)]
        assert set(rows[0]) == {"at", "method", "path", "status", "certificate", "outcome"}

    def test_say_so_when_nothing_came(self, client: Client) -> None:
        assert "Nothing has arrived yet. Send the curl line on the start page." in words(client, "/sandbox/requests")


class TestTheLanguage:
    @pytest.mark.parametrize(
        ("wish", "tag", "heading"),
        [
            ("en-US,en;q=0.9", "en", "Your sandbox is running"),
            ("nn", "nn", "Sandkassa di køyrer"),
            ("no", "nb", "Sandkassen din kjører"),
            ("de", "nb", "Sandkassen din kjører"),
            ("", "nb", "Sandkassen din kjører"),
        ],
    )
    def test_is_the_browsers_else_bokmal(self, client: Client, wish: str, tag: str, heading: str) -> None:
        response = client.get("/", headers={"Accept-Language": wish})
        assert f'<html lang="{tag}"' in response.content.decode()
        assert response.headers["Content-Language"] == tag
        assert f"<h1>{heading}</h1>" in response.content.decode()

    def test_is_what_was_chosen_in_the_menu(self, client: Client) -> None:
        response = client.post("/language", {"language": "nn", "next": "/sandbox/persons"})
        assert response.headers["Location"] == "/sandbox/persons"
        assert '<html lang="nn"' in client.get("/sandbox/persons").content.decode()


class TestTheTexts:
    @pytest.mark.parametrize("language", [NN, EN])
    def test_are_the_same_in_three_languages(self, language: Language) -> None:
        from segl.sandbox.pages.catalogue import entries

        ours, theirs = entries(Language.BOKMAL), entries(language)
        assert list(theirs) == list(ours)
        for key, sentence in ours.items():
            assert _placeholders(theirs[key]) == _placeholders(sentence), key
            assert theirs[key].count("**") == sentence.count("**"), key
            assert theirs[key].strip() == theirs[key] != "", key

    def test_have_no_bokmal_in_the_nynorsk_and_no_norwegian_in_the_english(self) -> None:
        from segl.sandbox.pages.catalogue import entries

        for key, sentence in entries(NN).items():
            assert not re.search(r"\b(ikke|jeg|noen|hvis|hva|hver|avsenderen|siden|fra|nå|mer|bare|kommet|økt)\b", sentence), key
        for key, sentence in entries(EN).items():
            assert not re.search(r"[æøåÆØÅ]", sentence), key

    def test_are_all_said_somewhere(self) -> None:
        from segl.sandbox.pages import catalogue

        roles = {f"organization.{role}" for role in Role}
        folder = Path(catalogue.__file__).parent
        sources = "\n".join(path.read_text() for pattern in ("*.py", "*.html") for path in folder.rglob(pattern))
        for key in catalogue.entries(Language.BOKMAL):
            # Templates write whole keys; code puts the last part to a section's name.
            assert f'"{key}"' in sources or f'"{key.split(".")[1]}"' in sources or key in roles, key

    def test_put_values_in_as_text(self) -> None:
        from segl.sandbox.pages.catalogue import marked_up

        assert marked_up("code.region", EN, title="<b>{x}") == "Code for &lt;b&gt;{x}"
        assert "<strong>.pem</strong>" in marked_up("organization.pem", EN)


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


class TestProduction:
    def test_has_none_of_these_addresses(self, tmp_path: Path) -> None:
        found = _addresses(tmp_path, "production")
        assert "help" in found["patterns"]
        assert [name for name in found["patterns"] if "sandbox" in name or name == ""] == []
        assert not [app for app in found["apps"] if "sandbox" in app]
        assert not [module for module in found["modules"] if module.startswith("segl.sandbox")]

    def test_differs_from_the_sandbox_in_just_that(self, tmp_path: Path) -> None:
        found = _addresses(tmp_path, "sandbox")
        assert {"", "sandbox/clock", "sandbox/persons", "sandbox/requests", "sandbox/requests.json"} <= set(found["patterns"])


def _addresses(data: Path, environment: str) -> dict[str, list[str]]:
    """What the web process answers in a process of its own, since the settings are read once."""
    program = """
import json, sys, django
django.setup()
from django.conf import settings
from django.urls import get_resolver
def patterns(resolver):
    for each in resolver.url_patterns:
        yield from patterns(each) if hasattr(each, "url_patterns") else [str(each.pattern)]
print(json.dumps({"patterns": list(patterns(get_resolver())), "apps": settings.INSTALLED_APPS, "modules": list(sys.modules)}))
"""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SEGL_")}
    production = {
        "SEGL_WEB_URL": "https://sign.example",
        "SEGL_API_URL": "https://api.example",
        "SEGL_SECRET_KEY": secrets.token_urlsafe(48),
        "SEGL_SERVER_ORGANIZATION_NUMBER": "984661185",
        "SEGL_API_CERTIFICATE": str(data / "server.pem"),
        "SEGL_API_KEY": str(data / "server.key"),
        "SEGL_ENTERPRISE_CA": str(data / "ca"),
        "SEGL_ENTERPRISE_CRL_URLS": "http://crl.example/issuing.crl",
        "SEGL_CRL_URLS": "http://crl.example/root.crl",
        "SEGL_TSA_URLS": "https://tsa.example/",
        "SEGL_IDENTITY_PROVIDERS": str(data / "providers.json"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=own
        | {"SEGL_DATA": str(data), "SEGL_ENVIRONMENT": environment, "DJANGO_SETTINGS_MODULE": "segl.wiring.django_settings"}
        | (production if environment == "production" else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found
