"""The settings of eID providers: what ID-porten and BankID need can be said, and a mistake is told by provider and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from segl.adapters.eid import ClientKey, ClientSecret, EidSettingsRefused, ProviderSettings, read_provider_settings
from segl.adapters.keys.files import private_pem
from segl.adapters.keys.profiles import new_ec_key, new_rsa_key
from segl.values import Level

CALLBACK = "https://segl.example/eid/callback"

ID_PORTEN: dict[str, Any] = {
    "id": "idporten",
    "name": "ID-porten",
    "issuer": "https://test.idporten.no",
    "client_id": "11111111-2222-3333-4444-555555555555",
    "client_key": "client.key",
    "client_key_id": "segl-2026",
    "scopes": ["openid", "profile"],
    "par": True,
    "levels": {"idporten-loa-substantial": 3, "idporten-loa-high": 4},
    "ask": {"3": "idporten-loa-substantial", "4": "idporten-loa-high"},
    "pid_claim": "pid",
    "eids": {"BankID": "BankID", "Minid-OTC": "MinID"},
}

BANKID: dict[str, Any] = {
    "id": "bankid",
    "name": "BankID",
    "issuer": "https://auth.bankid.no/auth/realms/prod",
    "client_id": "segl",
    "client_secret_file": "bankid.secret",
    "scopes": ["openid", "profile", "nnin_altsub"],
    "levels": {"urn:bankid:bid;LOA=4": 4, "urn:bankid:bis;LOA=3": 3},
    "pid_claim": "nnin_altsub",
    "name_claims": ["given_name", "family_name"],
    "parameters": {"max_age": "7200"},
    "fresh_parameters": {"prompt": "login", "max_age": "0"},
    "level_parameters": {"4": {"login_hint": "BID"}, "3": {"login_hint": "BIS"}},
    "eids": {"BID": "BankID", "BIS": "BankID med biometri"},
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "client.key").write_bytes(private_pem(new_rsa_key(2048)))
    (folder / "ec.key").write_bytes(private_pem(new_ec_key()))
    (folder / "p384.key").write_bytes(private_pem(ec.generate_private_key(ec.SECP384R1())))
    ed = ed25519.Ed25519PrivateKey.generate()
    (folder / "ed.key").write_bytes(ed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "no.key").write_text("no key")
    (folder / "bankid.secret").write_text("s3cret\n")
    (folder / "empty.secret").write_text("\n")
    return folder


def read(keys: Path, *rows: dict[str, Any]) -> tuple[ProviderSettings, ...]:
    return read_provider_settings(json.dumps({"providers": rows}), keys=keys, redirect_url=CALLBACK)


class TestSettings:
    def test_can_say_what_idporten_needs(self, keys: Path) -> None:
        (provider,) = read(keys, ID_PORTEN)
        assert isinstance(provider.client_authentication, ClientKey)
        assert isinstance(provider.client_authentication.private_key, rsa.RSAPrivateKey)
        assert provider.client_authentication.key_id == "segl-2026"
        assert provider.uses_par
        assert provider.acr_map == {"idporten-loa-substantial": Level.SUBSTANTIAL, "idporten-loa-high": Level.HIGH}
        assert provider.acr_request[Level.HIGH] == "idporten-loa-high"
        assert provider.name_claims == ("name",)
        assert provider.fresh_parameters == {"prompt": "login"}
        assert provider.redirect_url == CALLBACK
        assert (provider.reaches, provider.is_loopback) == (Level.HIGH, False)

    def test_can_say_what_bankid_needs(self, keys: Path) -> None:
        (provider,) = read(keys, BANKID)
        assert provider.client_authentication == ClientSecret(secret="s3cret")
        assert not provider.uses_par
        assert not provider.acr_request
        assert provider.pid_claim == "nnin_altsub"
        assert provider.level_parameters == {Level.HIGH: {"login_hint": "BID"}, Level.SUBSTANTIAL: {"login_hint": "BIS"}}
        assert provider.extra_parameters == {"max_age": "7200"}

    def test_keep_the_order_in_which_they_are_offered(self, keys: Path) -> None:
        assert [provider.id for provider in read(keys, BANKID, ID_PORTEN)] == ["bankid", "idporten"]

    def test_take_an_elliptic_client_key(self, keys: Path) -> None:
        (provider,) = read(keys, {**ID_PORTEN, "client_key": "ec.key"})
        assert isinstance(provider.client_authentication, ClientKey)
        assert isinstance(provider.client_authentication.private_key, ec.EllipticCurvePrivateKey)

    def test_take_plain_http_on_this_machine(self, keys: Path) -> None:
        (provider,) = read(keys, {**ID_PORTEN, "issuer": "http://127.0.0.1:8002/idp"})
        assert provider.is_loopback


class TestAMistake:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"issuer": "http://test.idporten.no"}, "issuer must be an https address"),
            ({"issuer": "https://"}, "issuer must be an https address"),
            ({"issuer": None}, "issuer is missing"),
            ({"client_id": " "}, "client_id must be a text that is not empty"),
            ({"name": 7}, "name must be a text"),
            ({"id": "ID porten"}, "id must be small letters, digits and hyphens"),
            ({"levels": {}}, "levels must say what level each acr means"),
            ({"levels": {"low": 2}}, "levels must speak of level 3 or 4"),
            ({"levels": {"high": "4"}}, "levels must have values of type int"),
            ({"levels": {"high": True}}, "levels must have values of type int"),
            ({"levels": ["high"]}, "levels must be a JSON object"),
            ({"ask": {"5": "high"}}, "ask must speak of level 3 or 4"),
            ({"ask": {"four": "high"}}, "ask must speak of level 3 or 4"),
            ({"scopes": ["profile"]}, "scopes must hold openid"),
            ({"scopes": "openid"}, "scopes must be a list of texts"),
            ({"par": "yes"}, "par must be true or false"),
            ({"pid_claim": None}, "pid_claim is missing"),
            ({"parameters": {"nonce": "mine"}}, "parameters must not set nonce: Segl sets it itself"),
            ({"fresh_parameters": {"redirect_uri": "x"}}, "fresh_parameters must not set redirect_uri"),
            ({"level_parameters": {"4": {"state": "x"}}}, "level_parameters must not set state"),
            ({"level_parameters": {"4": "BID"}}, "level_parameters must have values of type dict"),
            ({"client_key": None}, "client_key or client_secret_file must be given, one of them"),
            ({"client_secret_file": "bankid.secret"}, "client_key or client_secret_file must be given, one of them"),
            ({"client_key": "missing.key"}, "client_key names a file that cannot be read"),
            ({"client_key": "no.key"}, "client_key names a file that holds no unencrypted private key"),
            ({"client_key": "p384.key"}, "client_key must be an RSA key or an EC key on P-256"),
            ({"client_key": "ed.key"}, "client_key must be an RSA key or an EC key on P-256"),
            ({"client_key": None, "client_secret_file": "empty.secret"}, "client_secret_file names an empty file"),
            ({"secret": "s3cret"}, "secret is no setting. The settings are: ask, client_id"),
            ({"name": "x" * 61}, "'idporten': name is longer than 60 characters"),
            ({"eids": {"BankID": "x" * 61}}, "'idporten': eids is longer than 60 characters"),
            ({"issuer": "https://" + "x" * 193}, "'idporten': issuer is longer than 200 characters"),
        ],
    )
    def test_is_told_by_provider_and_field(self, keys: Path, change: dict[str, Any], message: str) -> None:
        with pytest.raises(EidSettingsRefused, match=message) as caught:
            read(keys, {**ID_PORTEN, **change})
        assert str(caught.value).startswith("eID provider '")
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "no JSON"),
            ("[]", "at least one provider"),
            ('{"providers": []}', "at least one provider"),
            ('{"providers": ["idporten"]}', "eID provider number 1 is no JSON object"),
            ('{"providers": [{}]}', "eID provider number 1: issuer is missing"),
        ],
    )
    def test_of_the_whole_file_is_told(self, keys: Path, text: str, message: str) -> None:
        with pytest.raises(EidSettingsRefused, match=message):
            read_provider_settings(text, keys=keys, redirect_url=CALLBACK)

    def test_of_two_providers_with_one_id_is_told(self, keys: Path) -> None:
        with pytest.raises(EidSettingsRefused, match="Two eID providers have the same id"):
            read(keys, ID_PORTEN, {**BANKID, "id": "idporten"})
