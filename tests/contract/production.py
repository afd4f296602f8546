"""The API process of a production Segl: its CA, keys and organizations are its own, and no sandbox material is anywhere."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from demo_walk.ports import free_ports

from door.door_pki import Ca, name, write
from support.postgresql import PostgresServer

from .speaking import Connection, Party, tls

NUMBER = "987654321"
PROVIDER = {
    "id": "eid",
    "name": "eID",
    "issuer": "https://eid.example",
    "client_id": "segl",
    "client_secret_file": "secret",
    "scopes": ["openid", "profile"],
    "levels": {"high": 4},
    "ask": {"4": "high"},
    "pid_claim": "pid",
    "name_claims": ["name"],
}
"""Never asked: nobody signs here."""


@contextlib.contextmanager
def production_api(folder: Path, postgres: PostgresServer | None) -> Iterator[Connection]:
    """Give a connection to it, made with the certificate of an organization that has access."""
    ca = Ca("Drift CA")
    write(folder / "made", "root", ca.certificate)
    (folder / "ca").mkdir()
    (folder / "made/root.pem").rename(folder / "ca/root.pem")
    subject = name((NameOID.ORGANIZATION_NAME, "Drift AS"), (NameOID.SERIAL_NUMBER, "984661185"))
    server = write(folder, "server", ca.issue(subject, purpose=ExtendedKeyUsageOID.SERVER_AUTH), ca.certificate)
    client = write(folder, "client", ca.issue(name((NameOID.SERIAL_NUMBER, NUMBER))), ca.certificate)
    [port] = free_ports(1)
    with _revocation_list(ca) as lists:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("SEGL_", "DJANGO_"))} | {
            "SEGL_ENVIRONMENT": "production",
            "SEGL_DATA": str(folder / "data"),
            "SEGL_API_PORT": str(port),
            "SEGL_WEB_URL": "https://sign.example",
            "SEGL_API_URL": "https://localhost",
            "SEGL_SECRET_KEY": "abcdefghijklmnopqrstuvwxyz" * 3,
            "SEGL_API_CERTIFICATE": str(server[0]),
            "SEGL_API_KEY": str(server[1]),
            "SEGL_ENTERPRISE_CA": str(folder / "ca"),
            "SEGL_ENTERPRISE_CRL_URLS": lists,
            "SEGL_CRL_URLS": lists,
            "SEGL_TRUST": str(folder / "ca"),
            "SEGL_TSA_URLS": "https://tsa.example/tsa",
            "SEGL_KEYS": str(folder / "keys"),
            "SEGL_SERVER_ORGANIZATION_NUMBER": "984661185",
            "SEGL_IDENTITY_PROVIDERS": str(folder / "providers.json"),
            "SEGL_WORKERS": "1",
        }
        (folder / "keys").mkdir()
        (folder / "keys/secret").write_text("a secret of the provider's that is long enough")
        (folder / "providers.json").write_text(json.dumps({"providers": [PROVIDER]}))
        if postgres is not None:
            environment["SEGL_DATABASE_URL"] = postgres.create(f"production_{port}")
        for command in (
            ["keys", "create", "--organization", "Drift AS"],
            ["prepare"],
            ["organization", "add", NUMBER, "Kunde AS", "--sector", "public"],
        ):
            done = subprocess.run([sys.executable, "-m", "segl", *command], env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"segl {' '.join(command)}: {done.stdout}{done.stderr}"
        with (folder / "api.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "segl", "run", "api"], env=environment, stdout=log, stderr=log)
        try:
            with _connected(port, folder, Party(number=NUMBER, pem=client[0], key_file=client[1]), process) as connection:
                yield connection
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _connected(port: int, folder: Path, party: Party, process: subprocess.Popen[bytes]) -> Connection:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "api.log").read_text()
        try:
            return Connection(port, tls(party, [folder / "ca/root.pem"]))
        except OSError:
            time.sleep(0.1)
    raise AssertionError((folder / "api.log").read_text())


@contextlib.contextmanager
def _revocation_list(ca: Ca) -> Iterator[str]:
    content = ca.revocation_list()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/root.crl"
        finally:
            server.shutdown()
            thread.join()
