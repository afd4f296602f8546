"""Whom the client shows itself as and whom it believes, tried on real TLS connections to a server of the test's own; and the command."""

from __future__ import annotations

import json
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID
from segl_client import NoAnswer, NotSendable, SeglClient, SenderCertificate
from segl_client.certificate import organization_number_of
from segl_client.command import main

from .conftest import PDF, SENDER, EnterpriseAuthority
from .test_calls import CREATED

SERVICE = "984661185"


@pytest.fixture
def ca_folder(authority: EnterpriseAuthority, tmp_path: Path) -> Path:
    folder = tmp_path / "ca"
    folder.mkdir()
    (folder / "root.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    (folder / "issuing.cer").write_bytes(authority.issuing.public_bytes(Encoding.DER))
    (folder / "README").write_text("not a certificate")
    return folder


@pytest.fixture
def p12(sender_certificate: SenderCertificate, tmp_path: Path) -> Path:
    file = tmp_path / "sender.p12"
    # The chain stands in the wrong order, as some key stores have it.
    chain = list(reversed(sender_certificate.chain))
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"sender", sender_certificate.key, sender_certificate.certificate, chain, BestAvailableEncryption(b"secret")
        )
    )
    return file


@contextmanager
def service(
    authority: EnterpriseAuthority, folder: Path, organization: str = SERVICE, host: str | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Run a greeting service that demands a client certificate; yields its address and the requests it got."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(CREATED.encode(), "application/xml")

        def do_GET(self) -> None:
            requests.append(self.path)
            if self.path.endswith("/pades"):
                self._answer(b"%PDF-1.7", "application/octet-stream")
                return
            if "signature-jobs" in self.path:
                self.send_response(204)
                self.send_header("X-Next-permitted-poll-time", "2026-05-04T14:10:00.000+02:00")
                self.end_headers()
                return
            shown = self.connection.getpeercert(True)  # type: ignore[attr-defined]  # a TLS socket, see below
            body = f"You are {organization_number_of(x509.load_der_x509_certificate(shown))}".encode()
            self._answer(body, "text/plain")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    certificate, key = authority.certificate_for(organization, host=host)
    pem = folder / "service.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
        + authority.issuing.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.load_verify_locations(cadata=authority.root.public_bytes(Encoding.PEM).decode())
    context.verify_mode = ssl.CERT_REQUIRED

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestAConnection:
    def test_shows_the_senders_certificate_and_believes_the_services_organization(
        self, authority: EnterpriseAuthority, ca_folder: Path, p12: Path, tmp_path: Path
    ) -> None:
        certificate = SenderCertificate.from_pkcs12(p12, "secret")

        with service(authority, tmp_path) as (url, _), SeglClient(url, SENDER, certificate=certificate, ca=ca_folder) as client:
            assert client.greeting() == f"You are {SENDER}"

    def test_sends_nothing_to_a_server_of_another_organization(
        self, authority: EnterpriseAuthority, ca_folder: Path, sender_certificate: SenderCertificate, tmp_path: Path
    ) -> None:
        with (
            service(authority, tmp_path, organization="123123123") as (url, requests),
            SeglClient(url, SENDER, certificate=sender_certificate, ca=ca_folder) as client,
        ):
            with pytest.raises(NoAnswer, match="does not name organization 984661185"):
                client.greeting()

            assert requests == []

    def test_believes_nobody_outside_the_ca_files(
        self, authority: EnterpriseAuthority, sender_certificate: SenderCertificate, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.pem"
        other.write_bytes(EnterpriseAuthority().root.public_bytes(Encoding.PEM))

        with (
            service(authority, tmp_path) as (url, requests),
            SeglClient(url, SENDER, certificate=sender_certificate, ca=other) as client,
        ):
            with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
                client.greeting()

            assert requests == []

    @pytest.mark.parametrize(("host", "is_believed"), [("localhost", True), ("elsewhere.example", False)])
    def test_looks_at_the_host_name_when_no_organization_is_demanded(
        self,
        host: str,
        is_believed: bool,
        authority: EnterpriseAuthority,
        ca_folder: Path,
        sender_certificate: SenderCertificate,
        tmp_path: Path,
    ) -> None:
        with (
            service(authority, tmp_path, organization="123123123", host=host) as (url, _),
            SeglClient(url, SENDER, certificate=sender_certificate, ca=ca_folder, server_organization=None) as client,
        ):
            if is_believed:
                assert client.greeting() == f"You are {SENDER}"
            else:
                with pytest.raises(NoAnswer, match="Hostname mismatch"):
                    client.greeting()


class TestASendersCertificate:
    def test_is_read_from_pkcs12_with_its_chain_in_order(self, p12: Path, sender_certificate: SenderCertificate) -> None:
        read = SenderCertificate.from_pkcs12(p12, "secret")

        assert (read.certificate, read.chain) == (sender_certificate.certificate, sender_certificate.chain)
        assert "RSAPrivateKey" not in repr(read)

    def test_is_read_from_pem(self, sender_certificate: SenderCertificate, tmp_path: Path) -> None:
        certificates, key = tmp_path / "s.pem", tmp_path / "s.key"
        shown = (sender_certificate.certificate, *sender_certificate.chain)
        certificates.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in shown))
        key.write_bytes(sender_certificate.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

        assert SenderCertificate.from_pem(certificates, key).chain == sender_certificate.chain

    def test_is_refused_with_a_wrong_password_or_without_a_file(self, p12: Path, tmp_path: Path) -> None:
        with pytest.raises(NotSendable, match="Check the file and its password"):
            SenderCertificate.from_pkcs12(p12, "wrong")
        with pytest.raises(NotSendable, match=r"none\.p12 cannot be read"):
            SenderCertificate.from_pkcs12(tmp_path / "none.p12", "secret")

    def test_is_refused_when_its_key_is_another_ones(
        self, sender_certificate: SenderCertificate, authority: EnterpriseAuthority, tmp_path: Path
    ) -> None:
        certificates, key = tmp_path / "s.pem", tmp_path / "s.key"
        certificates.write_bytes(sender_certificate.certificate.public_bytes(Encoding.PEM))
        key.write_bytes(authority.certificate_for(SENDER)[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

        with pytest.raises(NotSendable, match="belongs to another key"):
            SenderCertificate.from_pem(certificates, key)

    @pytest.mark.parametrize(
        ("oid", "value", "number"),
        [
            (NameOID.SERIAL_NUMBER, "984661185", "984661185"),
            (NameOID.ORGANIZATION_IDENTIFIER, "NTRNO-984661185", "984661185"),
            (NameOID.COMMON_NAME, "984661185", "984661185"),
            (NameOID.COMMON_NAME, "Bedrift 984661185", None),
            (NameOID.SERIAL_NUMBER, "9846611851", None),
        ],
    )
    def test_tells_its_organization_number_in_any_of_three_places(
        self, oid: x509.ObjectIdentifier, value: str, number: str | None, authority: EnterpriseAuthority
    ) -> None:
        certificate, _ = authority.certificate_for("-", subject=x509.Name([x509.NameAttribute(oid, value)]))

        assert organization_number_of(certificate) == number


@pytest.fixture
def at_the_shell(
    authority: EnterpriseAuthority, ca_folder: Path, p12: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Set the connection in the environment; gives the addresses that the service is asked for."""
    with service(authority, tmp_path) as (url, requests):
        for name, value in (("API_URL", url), ("ORGANIZATION", SENDER), ("P12", p12), ("P12_PASSWORD", "secret"), ("CA", ca_folder)):
            monkeypatch.setenv(f"SEGL_CLIENT_{name}", str(value))
        yield requests


class TestTheCommand:
    def test_greets_with_the_connection_from_the_environment(self, at_the_shell: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["greeting"]) == 0
        assert capsys.readouterr().out == f"greeting: You are {SENDER}\n"
        assert main(["greeting", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"greeting": f"You are {SENDER}"}

    def test_creates_a_job_of_files_and_shows_where_to_send_the_signers(
        self, at_the_shell: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "avtale.pdf").write_bytes(PDF)
        (tmp_path / "vilkår.txt").write_text("Vilkår")
        asked = ["create", "--title", "Avtale", "--document", str(tmp_path / "avtale.pdf"), "--document", str(tmp_path / "vilkår.txt")]
        asked += ["--signer", "01878612345", "--signer-identifier", "bedrift-7", "--signature-type", "advanced", "--level", "4"]
        asked += ["--completion-url", "https://s.example/1", "--rejection-url", "https://s.example/2", "--error-url", "https://s.example/3"]

        assert main(asked) == 0

        shown = capsys.readouterr().out
        assert "job id: 77\n" in shown
        assert "signers 2\n" in shown
        assert "  redirect url: https://web.example/redirect/b\n" in shown
        assert at_the_shell == [f"/api/{SENDER}/direct/signature-jobs"]
        assert main([*asked, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["signers"][1]["redirect_url"] == "https://web.example/redirect/b"

    def test_says_when_to_poll_again(self, at_the_shell: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["poll", "--queue", "a b"]) == 0

        assert "next permitted poll at: 2026-05-04 14:10:00+02:00" in capsys.readouterr().out
        assert at_the_shell == [f"/api/{SENDER}/direct/signature-jobs?polling_queue=a%20b"]

    def test_saves_a_download(self, at_the_shell: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        url = os.environ["SEGL_CLIENT_API_URL"]

        assert main(["download", f"{url}/1/pades", str(tmp_path / "signed.pdf")]) == 0

        assert (tmp_path / "signed.pdf").read_bytes() == b"%PDF-1.7"
        assert "signed.pdf" in capsys.readouterr().out

    def test_says_what_is_missing(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("API_URL", "ORGANIZATION", "CA", "P12", "CERTIFICATE"):
            monkeypatch.delenv(f"SEGL_CLIENT_{name}", raising=False)

        assert main(["poll"]) == 1
        assert "Say where the service is: --api-url" in capsys.readouterr().err

        assert main(["poll", "--api-url", "https://localhost:1", "--organization", SENDER, "--ca", "ca"]) == 1
        assert "Say who you are: --p12" in capsys.readouterr().err

    def test_explains_itself(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["--help"])

        assert ended.value.code == 0
        shown = capsys.readouterr().out
        for word in ("greeting", "create", "redirect-url", "status", "poll", "confirm", "delete", "download", "examples:"):
            assert word in shown
