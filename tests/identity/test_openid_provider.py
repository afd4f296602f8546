"""Segl's relying party against an OpenID provider that others have written: the npm package `oidc-provider`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import override_settings
from structlog.testing import capture_logs

from segl.adapters.chance import SystemChance
from segl.adapters.eid import ClientKey, EidProviders, ProviderSettings
from segl.ceremony.intent import nonce_of
from segl.database.models import Signature, Signer, SigningAttempt
from segl.entrypoints.signing import visits
from segl.values import Level, SignatureType
from support.direct_jobs import INGRID, JONAS, Asked, create
from support.neighbours import Neighbourhood

from .browsing import NOTHING_SIGNED, Tab, open_link
from .openid_provider import Person, running, settings

HIGH = {"person": INGRID, "acr": "loa-high"}
ADVANCED = SignatureType.ADVANCED
Someone = Callable[[], Person]

pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running() as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def now(near: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider has the system's clock, so Segl has it too."""
    near.clock.segl = datetime.now(UTC)
    monkeypatch.setattr(visits, "PATIENCE_SECONDS", 0.0)


@pytest.fixture
def someone() -> Iterator[Someone]:
    """Each call is another person, with a browser of their own."""
    with ExitStack() as browsers:
        yield lambda: Person(browser=browsers.enter_context(httpx.Client(trust_env=False)))


@contextmanager
def with_provider(near: Neighbourhood, provider: ProviderSettings) -> Iterator[EidProviders]:
    parties = EidProviders([provider], clock=near.clock, chance=SystemChance())
    with override_settings(SEGL_PORTS=replace(near.ports, identity_providers=parties), SEGL_EID_ORIGINS=(provider.issuer,)):
        yield parties


def claims_of(signature: Signature) -> dict[str, object]:
    encoded = signature.id_token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return found


def goes_to(tab: Tab, visitor: Person, **answer: str) -> dict[str, str]:
    """Say yes, and return what the provider sends back."""
    return visitor.goes(tab.says_yes("example").headers["Location"], **answer)


class TestALogIn:
    @pytest.mark.parametrize("client_id", ["segl", "segl-by-secret", "segl-es256"])
    @pytest.mark.parametrize("uses_par", [True, False], ids=["pushed", "through the browser"])
    def test_signs(self, near: Neighbourhood, issuer: str, someone: Someone, client_id: str, uses_par: bool) -> None:
        person = someone()
        with with_provider(near, replace(settings(issuer, client_id), uses_par=uses_par)):
            tab = open_link(create(near))
            answer = tab.browser.get("/eid/callback", goes_to(tab, person, **HIGH))
        assert answer.headers["Location"] == f"/sign/{tab.sitting_id}/progress"
        signature = Signature.objects.get()
        assert (signature.name, signature.level, signature.eid, signature.issuer) == ("Ingrid Solvang", 4, "BankID", issuer)
        (asked,) = person.asked
        assert (asked["params"]["acr_values"], asked["params"]["code_challenge_method"]) == ("loa-high", "S256")
        assert asked["params"]["nonce"] == claims_of(signature)["nonce"] == nonce_of(bytes(signature.attempt.intent))

    def test_that_still_runs_serves_an_authenticated_signature_and_not_an_advanced_one(
        self, near: Neighbourhood, issuer: str, someone: Someone
    ) -> None:
        person = someone()
        with with_provider(near, settings(issuer)):
            for signature_type, log_ins in ((None, 1), (None, 1), (ADVANCED, 2)):
                near.clock.segl = max(near.clock.segl, datetime.now(UTC))
                tab = open_link(create(near, Asked(signature_type=signature_type)))
                tab.browser.get("/eid/callback", goes_to(tab, person, **HIGH))
                assert len(person.asked) == log_ins
        assert person.asked[-1]["prompt"]["reasons"] == ["login_prompt"]
        first, second, advanced = Signature.objects.order_by("pk")
        assert claims_of(first)["auth_time"] == claims_of(second)["auth_time"]
        assert datetime.fromtimestamp(int(str(claims_of(advanced)["auth_time"])), UTC) >= advanced.attempt.begun_at.replace(microsecond=0)

    def test_ends_where_the_provider_lets_it(self, near: Neighbourhood, issuer: str, someone: Someone) -> None:
        person = someone()
        with with_provider(near, settings(issuer)) as parties:
            tab = open_link(create(near))
            tab.browser.get("/eid/callback", goes_to(tab, person, **HIGH))
            url = parties.logout_url(provider="example", id_token_hint=Signature.objects.get().id_token)
        assert url is not None
        assert person.browser.get(url).status_code == 200


def changed(answer: dict[str, str], **changes: str) -> dict[str, str]:
    return {**answer, **changes}


REFUSED: dict[str, tuple[str, dict[str, str], Callable[[dict[str, str]], dict[str, str]], str, str, str]] = {
    "turned back": ("segl", {"error": "access_denied"}, changed, "confirm", "Du logget ikke inn", "turned back"),
    "an error of its own": ("segl", {"error": "server_error"}, changed, "confirm", "svarer ikke nå", "out of order"),
    "level 3": ("segl", {**HIGH, "acr": "loa-substantial"}, changed, "confirm", "sikrere innlogging", "lower level"),
    "a level nobody knows": ("segl", {**HIGH, "acr": "loa-none"}, changed, "problem", "ikke godta innloggingen", "acr:"),
    "another person": ("segl", {**HIGH, "person": JONAS}, changed, "confirm", "en annen enn den", ""),
    "somebody without a number": ("segl", {**HIGH, "person": "someone"}, changed, "problem", "ikke godta innloggingen", "pid:"),
    "a forged code": (
        "segl",
        HIGH,
        lambda found: changed(found, code="forged"),
        "problem",
        "ikke godta innloggingen",
        "code: the provider",
    ),
    "another provider's name": (
        "segl",
        HIGH,
        lambda found: changed(found, iss="https://other.example"),
        "problem",
        "ikke godta innloggingen",
        "iss: the answer comes from another",
    ),
    "no name of the provider": (
        "segl",
        HIGH,
        lambda found: {name: value for name, value in found.items() if name != "iss"},
        "problem",
        "ikke godta innloggingen",
        "iss: the provider always names itself",
    ),
    "a token signed with the shared secret": ("signed-with-the-secret", HIGH, changed, "problem", "ikke godta innloggingen", "alg:"),
    "a token signed with Ed25519": ("signed-with-ed25519", HIGH, changed, "problem", "ikke godta innloggingen", "alg:"),
    "an encrypted token": ("encrypted", HIGH, changed, "problem", "ikke godta innloggingen", "form:"),
}


class TestALogInThatIsNotRight:
    @pytest.mark.parametrize("case", list(REFUSED))
    def test_signs_nothing_and_the_right_one_still_does(self, near: Neighbourhood, issuer: str, someone: Someone, case: str) -> None:
        client_id, answer, change, page, heading, reason = REFUSED[case]
        with with_provider(near, settings(issuer, client_id)):
            tab = open_link(create(near))
            with capture_logs() as lines:
                back = tab.browser.get("/eid/callback", change(goes_to(tab, someone(), **answer)))
            assert back.headers["Location"] == f"/sign/{tab.sitting_id}/{page}"
            shown = tab.get(page).content.decode()
        assert heading in shown
        assert NOTHING_SIGNED in shown
        assert [reason in line["reason"] for line in lines if line["event"] == "log-in-not-completed"] == ([True] if reason else [])
        assert Signer.objects.get().status == "WAITING"
        assert not Signature.objects.exists()

        with with_provider(near, settings(issuer)):
            tab.browser.get("/eid/callback", goes_to(tab, someone(), **HIGH))
        assert Signature.objects.count() == 1

    def test_is_another_browsers_code_which_the_provider_knows_by_pkce(self, near: Neighbourhood, issuer: str, someone: Someone) -> None:
        with with_provider(near, settings(issuer)):
            mine, theirs = open_link(create(near)), open_link(create(near))
            stolen, own = goes_to(theirs, someone(), **HIGH), goes_to(mine, someone(), **{**HIGH, "person": JONAS})
            back = mine.browser.get("/eid/callback", {**own, "code": stolen["code"]})
        assert back.headers["Location"] == f"/sign/{mine.sitting_id}/problem"
        assert not Signature.objects.exists()

    def test_is_a_code_that_was_spent(self, near: Neighbourhood, issuer: str, someone: Someone) -> None:
        with with_provider(near, settings(issuer)) as parties:
            tab = open_link(create(near))
            found = goes_to(tab, someone(), **HIGH)
            tab.browser.get("/eid/callback", found)
            attempt = SigningAttempt.objects.get()
            with capture_logs() as lines, pytest.raises(Exception, match="does not take the code"):
                parties.finish(
                    provider="example",
                    parameters=found,
                    state=found["state"],
                    nonce=nonce_of(bytes(attempt.intent)),
                    code_verifier=attempt.code_verifier,
                    level=Level.HIGH,
                    fresh_since=None,
                )
        assert [line["outcome"] for line in lines] == ["LoginAnswerRefused"]

    def test_is_none_when_the_client_is_not_who_it_says(self, near: Neighbourhood, issuer: str, someone: Someone) -> None:
        stranger = ClientKey(private_key=ec.generate_private_key(ec.SECP256R1()), key_id="client-key-1")
        with with_provider(near, replace(settings(issuer), client_authentication=stranger)):
            tab = open_link(create(near))
            with capture_logs() as lines:
                back = tab.says_yes("example")
            assert "svarer ikke nå" in tab.get("confirm").content.decode()
        assert back.headers["Location"] == f"/sign/{tab.sitting_id}/"
        assert ["did not take the pushed request (status 401)" in line["reason"] for line in lines] == [True]
        assert not SigningAttempt.objects.exists()
