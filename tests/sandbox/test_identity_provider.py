"""The sandbox's identity provider refuses what ID-porten refuses, so that a mistake in Segl shows before it meets the real one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from segl.adapters.keys.files import read_private_key
from segl.sandbox.identity_provider.state import Kind, State
from segl.sandbox.identity_provider.tokens import challenge_of

from .browser import BASE_URL, CALLBACK, INGRID, NONCE, STATE, Scene, answer_of

ISSUER = f"{BASE_URL}/idp"
VERIFIER = "v" * 43
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

REQUEST = {
    "response_type": "code",
    "client_id": "segl",
    "redirect_uri": CALLBACK,
    "scope": "openid profile",
    "state": STATE,
    "nonce": NONCE,
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
    "acr_values": "idporten-loa-high",
}


def assertion(scene: Scene, *, key: RSAKey | None = None, **changes: Any) -> str:
    """Sign a client assertion as Segl does, with some claims changed."""
    now = int(scene.clock.now().timestamp())
    claims = {"iss": "segl", "sub": "segl", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(8), **changes}
    private_key = key or RSAKey.import_key(read_private_key(scene.material.eid_client_key))  # type: ignore[arg-type] - RSA, as made
    return jws.serialize_compact({"alg": "RS256"}, json.dumps(claims).encode(), private_key, algorithms=["RS256"])


def proof(scene: Scene, **changes: Any) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(scene, **changes)}


def code_for(scene: Scene) -> str:
    page = scene.open(f"{ISSUER}/authorize?{httpx.QueryParams(REQUEST)}")
    return answer_of(scene.choose(page, person=INGRID))["code"]


def spend(scene: Scene, **changes: str) -> httpx.Response:
    fields = {"grant_type": "authorization_code", "code": "", "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **changes}
    return scene.browser.post("/idp/token", data={**fields, **({} if "client_assertion" in changes else proof(scene))})


class TestTheMetadata:
    def test_name_every_address_below_the_issuer(self, scene: Scene) -> None:
        metadata = scene.browser.get("/idp/.well-known/openid-configuration").json()
        assert metadata["issuer"] == ISSUER
        addresses = [value for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))]
        assert len(addresses) == 5
        assert all(address.startswith(f"{ISSUER}/") for address in addresses)

    def test_publish_no_private_key(self, scene: Scene) -> None:
        (key,) = scene.browser.get("/idp/jwks").json()["keys"]
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


class TestAnAuthorizationRequest:
    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"response_type": "id_token"}, "unsupported_response_type"),
            ({"scope": "profile"}, "invalid_scope"),
            ({"state": ""}, "invalid_request"),
            ({"nonce": ""}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"acr_values": "Level4"}, "invalid_request"),
            ({"prompt": "none login"}, "invalid_request"),
            ({"prompt": "perhaps"}, "invalid_request"),
            ({"max_age": "-1"}, "invalid_request"),
            ({"response_mode": "fragment"}, "invalid_request"),
            ({"request": "a.b.c"}, "request_not_supported"),
            ({"prompt": "none"}, "login_required"),
        ],
    )
    def test_is_sent_back_with_the_error(self, scene: Scene, change: dict[str, str], error: str) -> None:
        answer = answer_of(scene.browser.get("/idp/authorize", params={**REQUEST, **change}))
        assert (answer["error"], answer["iss"]) == (error, ISSUER)
        assert "code" not in answer

    @pytest.mark.parametrize(
        "change",
        [
            {"client_id": "other"},
            {"redirect_uri": "https://attacker.example/"},
            {"redirect_uri": CALLBACK + "/more"},
            {"request_uri": "urn:ietf:params:oauth:request_uri:unknown"},
        ],
    )
    def test_is_sent_nowhere_when_the_client_is_not_known(self, scene: Scene, change: dict[str, str]) -> None:
        response = scene.browser.get("/idp/authorize", params={**REQUEST, **change})
        assert response.status_code == 400
        assert "Location" not in response.headers

    def test_is_refused_when_a_field_comes_twice(self, scene: Scene) -> None:
        response = scene.browser.get(f"{ISSUER}/authorize?{httpx.QueryParams(REQUEST)}&state=another")
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")

    def test_that_was_pushed_works_once(self, scene: Scene) -> None:
        url = scene.begin().url
        assert scene.open(url).status_code == 200
        assert scene.open(url).status_code == 400

    def test_that_was_pushed_is_forgotten_after_90_seconds(self, scene: Scene) -> None:
        url = scene.begin().url
        scene.clock.move(seconds=90)
        assert scene.open(url).status_code == 400

    def test_with_max_age_does_not_take_an_older_session(self, scene: Scene) -> None:
        scene.log_in()
        scene.clock.move(seconds=30)
        assert answer_of(scene.browser.get("/idp/authorize", params={**REQUEST, "max_age": "60"}))["code"]
        assert "login=" in scene.browser.get("/idp/authorize", params={**REQUEST, "max_age": "10"}).headers["Location"]

    @pytest.mark.parametrize("change", [{"redirect_uri": "https://attacker.example/"}, {"nonce": ""}, {"request_uri": "urn:x"}])
    def test_is_not_taken_when_pushed_wrongly(self, scene: Scene, change: dict[str, str]) -> None:
        response = scene.browser.post("/idp/par", data={**REQUEST, **proof(scene), **change})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


BAD_PROOFS: dict[str, Callable[[Scene], dict[str, str]]] = {
    "none": lambda scene: {"client_assertion": ""},
    "another type": lambda scene: {**proof(scene), "client_assertion_type": "saml"},
    "another's key": lambda scene: proof(scene, key=RSAKey.generate_key(2048)),
    "no token": lambda scene: {"client_assertion_type": ASSERTION_TYPE, "client_assertion": "a.b"},
    "another iss": lambda scene: proof(scene, iss="other"),
    "another sub": lambda scene: proof(scene, sub="other"),
    "another client_id": lambda scene: {**proof(scene), "client_id": "other"},
    "another aud": lambda scene: proof(scene, aud="https://other.example"),
    "expired": lambda scene: proof(scene, exp=int(scene.clock.now().timestamp()) - 11),
    "good for a year": lambda scene: proof(scene, exp=int(scene.clock.now().timestamp()) + 31_536_000),
    "no exp": lambda scene: proof(scene, exp=None),
    "exp without end": lambda scene: proof(scene, exp=1e300),
    "no jti": lambda scene: proof(scene, jti=""),
}


class TestTheClient:
    @pytest.mark.parametrize("case", list(BAD_PROOFS))
    @pytest.mark.parametrize("endpoint", ["/idp/token", "/idp/par"])
    def test_is_refused_without_a_right_proof(self, scene: Scene, case: str, endpoint: str) -> None:
        response = scene.browser.post(endpoint, data=BAD_PROOFS[case](scene))
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")

    def test_cannot_use_a_proof_twice(self, scene: Scene) -> None:
        same = proof(scene, jti="once")
        assert scene.browser.post("/idp/par", data={**REQUEST, **same}).status_code == 201
        again = scene.browser.post("/idp/par", data={**REQUEST, **same})
        assert (again.status_code, again.json()["error_description"]) == (401, "This client_assertion was used before.")


class TestACode:
    def test_gives_an_id_token_that_nobody_may_store(self, scene: Scene) -> None:
        response = spend(scene, code=code_for(scene))
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert response.json()["id_token"].count(".") == 2

    @pytest.mark.parametrize(
        ("change", "description"),
        [
            ({"code_verifier": "w" * 43}, "The code_verifier does not belong to the code_challenge."),
            ({"code_verifier": ""}, "The code_verifier does not belong to the code_challenge."),
            ({"redirect_uri": "http://localhost:8000/other"}, "The redirect_uri is another than in the authorization request."),
        ],
    )
    def test_is_lost_when_it_is_tried_wrongly(self, scene: Scene, change: dict[str, str], description: str) -> None:
        code = code_for(scene)
        wrong = spend(scene, code=code, **change)
        assert (wrong.status_code, wrong.json()) == (400, {"error": "invalid_grant", "error_description": description})
        assert spend(scene, code=code).json()["error"] == "invalid_grant"

    def test_is_given_to_one_of_many_who_ask_at_once(self, scene: Scene) -> None:
        now = scene.clock.now()
        state = State(scene.material.identity_provider_state)
        code = state.put(Kind.CODE, {"nonce": NONCE}, expires_at=now + timedelta(seconds=60), now=now)
        with ThreadPoolExecutor(8) as threads:
            taken = list(threads.map(lambda _: state.take(Kind.CODE, code, now=now), range(24)))
        assert [value for value in taken if value is not None] == [{"nonce": NONCE}]

    def test_is_not_stored_in_clear(self, scene: Scene) -> None:
        code = code_for(scene)
        assert code.encode() not in scene.material.identity_provider_state.read_bytes()

    def test_is_the_only_grant(self, scene: Scene) -> None:
        response = spend(scene, grant_type="refresh_token")
        assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")


class TestAnOddRequest:
    def test_with_json_instead_of_a_form_is_refused(self, scene: Scene) -> None:
        assert scene.browser.post("/idp/token", json={}).status_code == 400

    def test_with_a_huge_body_is_refused(self, scene: Scene) -> None:
        response = scene.browser.post("/idp/token", data={"code": "x" * 70_000})
        assert response.json()["error_description"] == "The body is larger than 65536 bytes."

    def test_for_an_unknown_address_finds_nothing(self, scene: Scene) -> None:
        assert scene.browser.get("/idp/userinfo").status_code == 404
        assert scene.browser.get("/idp/token").status_code == 404
