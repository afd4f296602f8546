"""What an operator copies from the pages works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import ROOT, blocks
from segl.adapters.eid import read_provider_settings
from segl.adapters.keys.files import private_pem
from segl.adapters.keys.profiles import new_ec_key
from segl.settings import SETTINGS, load
from segl.values import Level

OPERATING = ROOT / "docs/operating"
SECRET = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6"


def environment_file() -> dict[str, str]:
    """The settings of install.md, as systemd would read them."""
    (text,) = blocks(OPERATING / "install.md", "sh")
    pairs = [line.partition("=")[::2] for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value.strip('"') for name, value in pairs}


class TestTheSettingsOfInstall:
    def test_are_all_that_production_needs(self) -> None:
        settings = load({**environment_file(), "SEGL_SECRET_KEY": SECRET})

        assert not settings.is_sandbox
        assert len(settings.crl_urls) == 3

    def test_name_each_that_must_be_set(self) -> None:
        assert {row.name for row in SETTINGS if row.is_required} - set(environment_file()) == set()


class TestTheKeysOfAFreshMachine:
    def test_are_made_before_anything_else_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "eid.json").write_text("{}")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SEGL_")}
        environ |= {
            **environment_file(),
            "SEGL_SECRET_KEY": SECRET,
            "SEGL_DATA": str(tmp_path),
            "SEGL_TRUST": str(tmp_path / "trust"),
            "SEGL_DATABASE_URL": f"sqlite:///{tmp_path}/segl.sqlite3",
            "SEGL_IDENTITY_PROVIDERS": str(tmp_path / "eid.json"),
        }
        command = [sys.executable, "-m", "segl", "keys", "create", "--organization", "Example County"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

        assert (done.returncode, (tmp_path / "keys/seal.pem").exists()) == (0, True), done.stderr


class TestTheSamplesOfProviders:
    @pytest.fixture
    def keys(self, tmp_path: Path) -> Path:
        (tmp_path / "idporten.key").write_bytes(private_pem(new_ec_key()))
        (tmp_path / "bankid.secret").write_text("secret\n")
        return tmp_path

    @pytest.mark.parametrize(("number", "name"), [(0, "ID-porten"), (1, "BankID")])
    def test_can_be_read(self, keys: Path, number: int, name: str) -> None:
        sample = blocks(OPERATING / "identity-providers.md", "json")[number]

        (provider,) = read_provider_settings(sample, keys=keys, redirect_url="https://sign.example.org/eid/callback")

        assert provider.name == name
        assert provider.reaches is Level.HIGH

    def test_can_stand_in_one_file(self, keys: Path) -> None:
        samples = [one for sample in blocks(OPERATING / "identity-providers.md", "json") for one in json.loads(sample)["providers"]]

        providers = read_provider_settings(
            json.dumps({"providers": samples}), keys=keys, redirect_url="https://sign.example.org/eid/callback"
        )

        assert [provider.id for provider in providers] == ["idporten", "bankid"]

    def test_have_every_field_explained(self) -> None:
        from segl.adapters.eid.settings import KEYS

        page = (OPERATING / "identity-providers.md").read_text()

        assert {field for field in KEYS if not re.search(rf"^\|.*`{field}`.*\|", page, re.MULTILINE)} == set()
