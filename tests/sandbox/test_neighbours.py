"""The neighbours behind one address: each path reaches its own, and each list is on its own clock."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from segl.sandbox.material import Role
from segl.sandbox.neighbours import Neighbours

from .browser import BASE_URL, Scene


class TestTheRevocationLists:
    @pytest.mark.parametrize("name", ["person-root", "tsa-root", "seal-root"])
    def test_of_segls_own_chains_follow_segls_clock(self, scene: Scene, name: str) -> None:
        scene.clock.move(days=400)
        response = scene.browser.get(f"/crl/{name}.crl")
        assert response.headers["Content-Type"] == "application/pkix-crl"
        assert x509.load_der_x509_crl(response.content).last_update_utc == scene.clock.now().replace(microsecond=0)

    @pytest.mark.parametrize("name", ["enterprise-root", "enterprise-issuing"])
    def test_of_the_enterprise_ca_stay_on_real_time(self, scene: Scene, name: str) -> None:
        issued = x509.load_der_x509_crl(scene.browser.get(f"/crl/{name}.crl").content)
        assert issued.last_update_utc == scene.clock.real_now().replace(microsecond=0)

    def test_are_where_the_certificates_say(self, scene: Scene) -> None:
        certificate = scene.material.certificate_of(Role.REVOKED)
        (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert point.full_name is not None
        issued = x509.load_der_x509_crl(scene.browser.get(point.full_name[0].value).content)
        assert issued.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None

    @pytest.mark.parametrize("path", ["/crl/other.crl", "/crl/person-root", "/crl/../broker.crl", "/", "/tsa", "/idpx"])
    def test_are_nowhere_else(self, scene: Scene, path: str) -> None:
        assert scene.browser.get(path).status_code == 404


class TestTheTimeStampAuthority:
    def test_answers_a_query_that_openssl_made(self, scene: Scene, tmp_path: Path) -> None:
        (tmp_path / "data").write_bytes(b"a signature value")
        subprocess.run(
            ["openssl", "ts", "-query", "-data", tmp_path / "data", "-sha256", "-cert", "-out", tmp_path / "query"],
            check=True,
            capture_output=True,
        )
        response = scene.browser.post(
            "/tsa", content=(tmp_path / "query").read_bytes(), headers={"Content-Type": "application/timestamp-query"}
        )
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/timestamp-reply")
        (tmp_path / "reply").write_bytes(response.content)
        root = scene.material.trust / "tsa-root.pem"
        verified = subprocess.run(
            ["openssl", "ts", "-verify", "-data", tmp_path / "data", "-in", tmp_path / "reply", "-CAfile", root],
            check=False,
            capture_output=True,
            text=True,
        )
        assert verified.stdout.strip() == "Verification: OK", verified.stderr

    def test_takes_nothing_but_queries(self, scene: Scene) -> None:
        response = scene.browser.post("/tsa", content=b"hello")
        assert (response.status_code, response.text) == (415, "Send application/timestamp-query.\n")


class TestTheHealth:
    def test_is_told(self, scene: Scene) -> None:
        assert scene.browser.get("/health").json() == {"status": "ok", "process": "neighbours"}


class TestAFailure:
    def test_tells_the_caller_nothing(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        def failing(environ: object, start_response: object) -> list[bytes]:
            raise RuntimeError("inside")

        neighbours = Neighbours(material=scene.material, identity_provider=failing, now=scene.clock.now, real_now=scene.clock.real_now)
        with httpx.Client(transport=httpx.WSGITransport(app=neighbours), base_url=BASE_URL) as browser:
            response = browser.get("/idp/jwks")
        assert (response.status_code, response.text) == (500, "The neighbour failed. Its log says why.\n")
        assert "A neighbour failed" in caplog.text
