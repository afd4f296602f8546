"""What the settings promise to whoever runs Segl."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from segl.settings import SETTINGS, SettingRefused, load, reference, refuse_sandbox_keys, unknown_names, with_secret

PRODUCTION = {
    "SEGL_ENVIRONMENT": "production",
    "SEGL_WEB_URL": "https://sign.example.no",
    "SEGL_API_URL": "https://api.sign.example.no",
    "SEGL_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "SEGL_SERVER_ORGANIZATION_NUMBER": "987654321",
    "SEGL_API_CERTIFICATE": "/etc/segl/api.pem",
    "SEGL_API_KEY": "/etc/segl/api.key",
    "SEGL_ENTERPRISE_CA": "/etc/segl/ca",
    "SEGL_ENTERPRISE_CRL_URLS": "http://crl.example.no/a.crl",
    "SEGL_CRL_URLS": "http://crl.example.no/b.crl",
    "SEGL_TSA_URLS": "https://tsa.example.no/tsp https://other.example.no/tsp",
    "SEGL_IDENTITY_PROVIDERS": "/etc/segl/providers.json",
}


class TestTheTable:
    def test_is_what_the_documentation_says(self) -> None:
        page = Path(__file__).parents[1] / "docs/operating/settings.md"
        assert reference() in page.read_text()

    def test_tells_of_a_misspelled_name(self) -> None:
        assert unknown_names({"SEGL_POLL_INTERVALL": "5", "SEGL_DATA": "x", "HOME": "/"}) == ("SEGL_POLL_INTERVALL",)


class TestTheSandbox:
    def test_needs_no_setting_at_all(self) -> None:
        settings = load({})

        assert settings.is_sandbox
        assert settings.data == Path("var").absolute()
        assert settings.web_url == "http://localhost:8000"
        assert settings.api_url == "https://localhost:8443"
        assert settings.demo_url == "http://127.0.0.1:8001"
        assert settings.sandbox_url == "http://127.0.0.1:8002"
        assert settings.poll_interval == 5
        assert settings.poll_lease == 600
        assert settings.rate_limit == 10
        assert settings.server_organization_number == "984661185"
        assert settings.database_url == f"sqlite:///{settings.data}/segl.sqlite3"
        assert settings.enterprise_ca == settings.data / "sandbox/ca"
        assert settings.tsa_urls == ("http://127.0.0.1:8002/tsa",)
        assert settings.identity_providers is None

    def test_follows_moved_ports_and_folders(self) -> None:
        settings = load({"SEGL_WEB_PORT": "9000", "SEGL_SANDBOX_PORT": "9002", "SEGL_DATA": "/srv/segl", "SEGL_RATE_LIMIT": "0"})

        assert settings.web_url == "http://localhost:9000"
        assert settings.crl_urls[0] == "http://127.0.0.1:9002/crl/person-root.crl"
        assert settings.storage_url == "file:/srv/segl/documents"
        assert settings.api_key == Path("/srv/segl/sandbox/server.key")
        assert settings.rate_limit == 0

    def test_makes_a_secret_once_and_keeps_it_from_others(self, tmp_path: Path) -> None:
        settings = load({"SEGL_DATA": str(tmp_path / "var")})
        draws = iter(["first" * 12, "second" * 12])

        once = with_secret(settings, draw=lambda: next(draws))
        again = with_secret(settings, draw=lambda: next(draws))

        assert once.secret_key == again.secret_key == "first" * 12
        assert stat.S_IMODE((tmp_path / "var/secret.key").stat().st_mode) == 0o600
        assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret.key"]

    def test_refuses_a_cut_off_secret(self, tmp_path: Path) -> None:
        (tmp_path / "secret.key").write_text("short")

        with pytest.raises(SettingRefused, match="fewer than 50 characters"):
            with_secret(load({"SEGL_DATA": str(tmp_path)}), draw=lambda: "never drawn")

    def test_does_not_show_its_secret(self) -> None:
        assert "0123456789abc" not in repr(load(PRODUCTION))


class TestProduction:
    def test_starts_with_everything_set(self) -> None:
        settings = load(PRODUCTION)

        assert not settings.is_sandbox
        assert settings.poll_interval == 600
        assert settings.api_host == "0.0.0.0"
        assert settings.tsa_urls == ("https://tsa.example.no/tsp", "https://other.example.no/tsp")
        assert with_secret(settings, draw=lambda: "never drawn") is settings

    @pytest.mark.parametrize("row", [row for row in SETTINGS if row.is_required], ids=lambda row: row.name)
    def test_names_what_is_missing(self, row: object) -> None:
        name = row.name  # type: ignore[attr-defined]
        with pytest.raises(SettingRefused, match=f"Production needs {name}. Set it"):
            load({key: value for key, value in PRODUCTION.items() if key != name})

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("SEGL_DEBUG", "yes", "SEGL_DEBUG may not be on in production"),
            ("SEGL_RATE_LIMIT", "0", "SEGL_RATE_LIMIT may not be 0 in production"),
            ("SEGL_SECRET_KEY", "short", "SEGL_SECRET_KEY is too easy to guess"),
            ("SEGL_SECRET_KEY", "a" * 60, "SEGL_SECRET_KEY is too easy to guess"),
            ("SEGL_WEB_URL", "http://sign.example.no", "SEGL_WEB_URL holds http://sign.example.no, which is not encrypted"),
            ("SEGL_TSA_URLS", "https://a.example http://b.example", "SEGL_TSA_URLS holds http://b.example, which is not encrypted"),
            ("SEGL_API_KEY", "var/sandbox/server.key", "SEGL_API_KEY lies in .*, which holds sandbox material"),
            ("SEGL_ENTERPRISE_CA", "var/sandbox/ca", "SEGL_ENTERPRISE_CA lies in"),
        ],
    )
    def test_refuses_what_only_the_sandbox_may_have(self, name: str, value: str, message: str) -> None:
        with pytest.raises(SettingRefused, match=message):
            load({**PRODUCTION, name: value})

    @pytest.mark.parametrize(("subject", "issuer"), [("Segl Sandbox Seal", "A real CA"), ("A seal", "Segl sandbox root")])
    def test_refuses_a_certificate_that_says_sandbox(self, subject: str, issuer: str) -> None:
        with pytest.raises(SettingRefused, match="is sandbox material and proves nothing"):
            refuse_sandbox_keys(load(PRODUCTION), [_certificate("A real one", "A real CA"), _certificate(subject, issuer)])

    def test_takes_real_certificates(self) -> None:
        refuse_sandbox_keys(load(PRODUCTION), [_certificate("A real one", "A real CA")])

    def test_lets_the_sandbox_keep_its_own(self) -> None:
        refuse_sandbox_keys(load({}), [_certificate("Segl sandbox seal", "Segl sandbox root")])


class TestAnUnreadableSetting:
    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("SEGL_ENVIRONMENT", "test", "SEGL_ENVIRONMENT is 'test'. Write `sandbox` or `production`."),
            ("SEGL_WEB_PORT", "http", "SEGL_WEB_PORT is 'http'. Write a whole number from 1 to 65535."),
            ("SEGL_API_PORT", "70000", "SEGL_API_PORT is 70000. Write a whole number from 1 to 65535."),
            ("SEGL_THREADS", "1", "SEGL_THREADS is 1. Write a whole number from 2 to 512."),
            ("SEGL_DEBUG", "maybe", "SEGL_DEBUG is 'maybe'. Write `yes` or `no`."),
            ("SEGL_SERVER_ORGANIZATION_NUMBER", "98466118", "SEGL_SERVER_ORGANIZATION_NUMBER is '98466118'. Write nine digits."),
            ("SEGL_WEB_URL", "sign.example.no", "SEGL_WEB_URL is 'sign.example.no'. Write an address"),
            ("SEGL_WEB_URL", "https://u:p@sign.example.no", "Write an address that begins with https://"),
            ("SEGL_WEB_URL", "https://sign.example.no:port", "Write an address that begins with https://"),
            ("SEGL_API_URL", "https://sign.example.no/api", "without a path: clients add /api themselves"),
            ("SEGL_API_URL", "http://localhost:8443", "SEGL_API_URL is 'http://localhost:8443'. Write https://"),
            ("SEGL_DATABASE_URL", "mysql://user:hidden@db/segl", "Begin it with sqlite: or postgresql:."),
            ("SEGL_STORAGE_URL", "s3:bucket", "Begin it with file:."),
        ],
    )
    def test_is_refused_by_name_with_what_to_write(self, name: str, value: str, message: str) -> None:
        with pytest.raises(SettingRefused) as refusal:
            load({name: value})

        assert message in str(refusal.value)
        assert "hidden" not in str(refusal.value)


def _certificate(subject: str, issuer: str) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


class TestAProxyThatEndsMutualTls:
    SOCKET: ClassVar = {"SEGL_API_SOCKET": "/run/segl/api.sock", "SEGL_API_PROXY_SECRET": PRODUCTION["SEGL_SECRET_KEY"]}

    @pytest.mark.parametrize("environ", [{}, PRODUCTION], ids=["sandbox", "production"])
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"SEGL_API_SOCKET": ""}, "SEGL_API_PROXY_SECRET is set without SEGL_API_SOCKET: at a TCP port no proxy is believed"),
            ({"SEGL_API_PROXY_SECRET": ""}, "SEGL_API_SOCKET needs SEGL_API_PROXY_SECRET, at least 50 random characters"),
            ({"SEGL_API_PROXY_SECRET": "short"}, "SEGL_API_SOCKET needs SEGL_API_PROXY_SECRET"),
            ({"SEGL_API_PROXY_SECRET": "a" * 60}, "SEGL_API_SOCKET needs SEGL_API_PROXY_SECRET"),
            ({"SEGL_API_SOCKET": "/" + "a" * 107}, "SEGL_API_SOCKET is longer than 107 bytes"),
        ],
    )
    def test_is_believed_wholly_or_not_at_all(self, environ: dict[str, str], changes: dict[str, str], message: str) -> None:
        with pytest.raises(SettingRefused, match=message):
            load({**environ, **self.SOCKET, **changes})

    def test_has_the_certificate_and_key_instead_of_segl(self) -> None:
        settings = load(
            {**{name: value for name, value in PRODUCTION.items() if "SEGL_API_C" not in name and name != "SEGL_API_KEY"}, **self.SOCKET}
        )

        assert settings.api_socket == Path("/run/segl/api.sock")
        assert settings.api_proxy_secret not in repr(settings)
