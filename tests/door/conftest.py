"""The doors that the tests knock at: one for each module, since starting one takes a second."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from demo_walk.ports import free_ports

from door.door_pki import DAY, NOW, ORGANIZATION_IDENTIFIER, Ca, name, rsa_key, write
from door.door_running import Pki, RunningDoor, answers, running_door, serving_lists, wait_until
from support.nginx import SECRET, Nginx


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    root = Ca("Test root")
    issuing = Ca("Test issuing", above=root)
    for label, ca in (("root", root), ("issuing", issuing)):
        (folder / "ca").mkdir(exist_ok=True)
        (folder / f"ca/{label}.pem").write_bytes(ca.certificate.public_bytes(Encoding.PEM))
    stranger = Ca("Another issuing")
    lookalike = Ca("Test issuing")
    seid2 = name((NameOID.ORGANIZATION_NAME, "Kunde AS"), (ORGANIZATION_IDENTIFIER, "NTRNO-123456789"))
    seid1 = name((NameOID.COMMON_NAME, "Kunde AS"), (NameOID.SERIAL_NUMBER, "123456789"))
    revoked = issuing.issue(name((NameOID.COMMON_NAME, "Revoked AS"), (NameOID.SERIAL_NUMBER, "987654321")))
    leaves = {
        "seid1": issuing.issue(seid1),
        "seid2": issuing.issue(seid2, purpose=None),
        "common-name": issuing.issue(name((NameOID.COMMON_NAME, "123456789"))),
        "revoked": revoked,
        "expired": issuing.issue(seid1, starts=NOW - 20 * DAY, ends=NOW - DAY),
        "not-yet-valid": issuing.issue(seid1, starts=NOW + DAY),
        "server-only": issuing.issue(seid1, purpose=ExtendedKeyUsageOID.SERVER_AUTH),
        "wrong-ca": stranger.issue(seid1),
        "lookalike-ca": lookalike.issue(seid1),
    }
    people = {label: write(folder / "people", label, leaf) for label, leaf in leaves.items()}
    people["with-chain"] = write(folder / "people", "with-chain", leaves["seid1"], issuing.certificate, root.certificate)
    server_leaf = issuing.issue(
        name((NameOID.COMMON_NAME, "Not a domain"), (NameOID.SERIAL_NUMBER, "984661185")),
        key=rsa_key(2),
        purpose=ExtendedKeyUsageOID.SERVER_AUTH,
    )
    server = write(folder, "server", server_leaf, issuing.certificate, key=rsa_key(2))
    return Pki(folder=folder, root=root, issuing=issuing, revoked=revoked, people=people, server=server)


@pytest.fixture(scope="module")
def door(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDoor]:
    """An API door whose revocation lists are at hand."""
    with serving_lists() as lists:
        lists.answers = {"issuing.crl": pki.issuing.revocation_list(pki.revoked), "root.crl": pki.root.revocation_list()}
        urls = f"{lists.url('issuing.crl')} {lists.url('root.crl')}"
        with running_door(tmp_path_factory.mktemp("door"), kind="api", pki=pki, SEGL_ENTERPRISE_CRL_URLS=urls) as running:
            wait_until(lambda: len(list((running.data / "crl").glob("*.crl"))) == 2, what="both revocation lists")
            threading.Event().wait(0.2)
            yield running


@dataclass
class ProxiedDoor(RunningDoor):
    """A door at a Unix socket, with nginx in front at `port`."""

    socket: Path
    nginx: Nginx

    def past_nginx(self) -> socket.socket:
        """Connect to the socket itself, as a stranger on the machine might."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20)
        connection.connect(str(self.socket))
        return connection


@contextmanager
def nginx_before(path: Path, *, pki: Pki, folder: Path, web_port: int = 9) -> Iterator[tuple[Nginx, int, int]]:
    """Run nginx in front of the API's socket `path` and the web process at `web_port`; give it with its API port and its web port."""
    web, api = free_ports(2)
    nginx = Nginx.start(
        folder / "nginx",
        web=(web, web_port),
        api_port=api,
        api_socket=path,
        certificate=pki.server[0],
        key=pki.server[1],
        enterprise_ca=pki.folder / "ca",
    )
    try:
        wait_until(lambda: answers(web) and answers(api), what="nginx")
        yield nginx, api, web
    finally:
        nginx.stop()


@pytest.fixture(scope="module")
def proxied_door(pki: Pki, web_door: RunningDoor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedDoor]:
    """An API door behind nginx."""
    folder = tmp_path_factory.mktemp("proxied")
    path = folder / "api.sock"
    with serving_lists() as lists, nginx_before(path, pki=pki, folder=folder, web_port=web_door.port) as (nginx, port, _):
        lists.answers = {"issuing.crl": pki.issuing.revocation_list(pki.revoked), "root.crl": pki.root.revocation_list()}
        settings = {
            "SEGL_ENTERPRISE_CRL_URLS": f"{lists.url('issuing.crl')} {lists.url('root.crl')}",
            "SEGL_API_SOCKET": str(path),
            "SEGL_API_PROXY_SECRET": SECRET,
        }
        with running_door(folder, kind="api", pki=pki, **settings) as door:
            yield ProxiedDoor(port=port, data=folder, pki=pki, process=door.process, log=door.log, socket=path, nginx=nginx)


@pytest.fixture(scope="module")
def web_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDoor]:
    """A web door."""
    settings = {"SEGL_TRUSTED_PROXIES": "127.0.0.1", "SEGL_WEB_URL": "https://sign.example.no"}
    with running_door(tmp_path_factory.mktemp("web"), kind="web", pki=None, **settings) as running:
        yield running
