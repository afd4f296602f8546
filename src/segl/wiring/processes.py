"""
Segl's processes, and the one command that starts them all: `segl serve`.

web, api and worker are the product; in the sandbox the neighbours (identity provider, time-stamp authority, revocation lists) and the demo
sender run beside it. Before any starts: the data folder, the sandbox's material, the migrations.
"""

from __future__ import annotations

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segl.actions.ports import KeyUnusable
from segl.adapters.document_store import StorageUnknown
from segl.adapters.eid.settings import EidSettingsRefused
from segl.adapters.trust.enterprise import TrustUnreadable
from segl.adapters.trust.validation_material import MaterialUnreadable
from segl.settings import Settings, load, refuse_sandbox_keys, unknown_names, with_secret
from segl.wiring.supervisor import AlreadyRunning, Child, PortTaken, Supervisor

START_REFUSED = (KeyUnusable, TrustUnreadable, MaterialUnreadable, EidSettingsRefused, StorageUnknown)
"""What is wrong with the files a setting names: told to the operator in one line."""
LOOPBACK = "127.0.0.1"
DEMO = Path(__file__).resolve().parents[3] / "examples" / "demo-sender"
"""Beside the package in a checkout; an installed Segl has no demo sender."""


def add_commands(commands: Any) -> None:  # Any: argparse's subparsers have no public type
    """Add `serve`, `prepare` and `run` to the parser."""
    serve_parser = commands.add_parser("serve", help="Start everything in the foreground; Ctrl-C stops it.")
    serve_parser.set_defaults(run=lambda _: serve())
    prepare_parser = commands.add_parser("prepare", help="Data folder, sandbox material and migrations, without starting anything.")
    prepare_parser.set_defaults(run=lambda _: prepare(current_settings()))
    run_parser = commands.add_parser("run", help="Run one process, for a supervisor of your own.")
    run_parser.add_argument("process", choices=sorted(RUNNERS))
    run_parser.set_defaults(run=lambda given: RUNNERS[given.process]())


def current_settings() -> Settings:
    """Return the settings of this environment, secret included."""
    return with_secret(load(os.environ), draw=lambda: secrets.token_urlsafe(48))


def prepare(settings: Settings) -> int:
    """Make everything that must be there before the first process starts. Doing it again changes nothing."""
    settings.data.mkdir(parents=True, exist_ok=True)
    if settings.is_sandbox:
        from segl.sandbox.material import ensure

        material = ensure(
            settings.data,
            server_organization_number=settings.server_organization_number,
            now=datetime.now(UTC),
            neighbours_url=settings.sandbox_url,
        )
    else:
        _refuse_sandbox_material(settings)
    _django("supervisor")
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    if settings.is_sandbox:
        from segl.sandbox.seeding import seed

        seed(material, neighbours_url=settings.sandbox_url)
    return 0


def serve() -> int:
    """Start everything under the supervisor."""
    settings = current_settings()
    for name in unknown_names(os.environ):
        print(f"segl: {name} is not a setting. See docs/operating/settings.md.", file=sys.stderr)
    prepare(settings)
    children = [
        _api_child(settings),
        _child("web", settings.web_host, settings.web_port, "SEGL_WEB_PORT"),
        Child(name="worker", argv=_argv("worker")),
    ]
    if settings.is_sandbox:
        children.insert(0, _child("neighbours", LOOPBACK, settings.sandbox_port, "SEGL_SANDBOX_PORT"))
        if DEMO.is_dir():
            children.append(_child("demo", LOOPBACK, settings.demo_port, "SEGL_DEMO_PORT"))
    try:
        return Supervisor(children, data=settings.data, on_ready=lambda: _tell_addresses(settings)).run()
    except (AlreadyRunning, PortTaken) as refused:
        print(f"segl: {refused}", file=sys.stderr)
        return 2


def _argv(process: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "segl", "run", process)


def _child(process: str, host: str, port: int, port_setting: str) -> Child:
    return Child(name=process, argv=_argv(process), host=host, port=port, setting=port_setting)


def _api_child(settings: Settings) -> Child:
    if settings.api_socket is not None:
        return Child(name="api", argv=_argv("api"), path=settings.api_socket, setting="SEGL_API_SOCKET")
    return _child("api", settings.api_host, settings.api_port, "SEGL_API_PORT")


def _tell_addresses(settings: Settings) -> None:
    print(f"\n  Segl is running ({settings.environment.value}). Ctrl-C stops it.\n")
    print(f"    Start here       {settings.web_url}/")
    print(f"    API (mutual TLS) {settings.api_url}/api")
    if settings.is_sandbox:
        print(f"    Demo sender      {settings.demo_url}/")
        print(f"    Certificates     {settings.sandbox_folder}")
    print(flush=True)


def _refuse_sandbox_material(settings: Settings) -> None:
    from segl.adapters.keys.files import read_certificates
    from segl.adapters.trust.enterprise import read_certificates as read_folder

    files = [
        *(() if settings.api_socket is not None else (settings.api_certificate,)),
        settings.keys / "person-ca.pem",
        settings.keys / "seal.pem",
    ]
    certificates = [certificate for file in files for certificate in read_certificates(file)]
    refuse_sandbox_keys(settings, [*certificates, *read_folder(settings.enterprise_ca), *read_folder(settings.trust)])


def _django(door: str) -> None:
    os.environ["SEGL_DOOR"] = door
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "segl.wiring.django_settings")
    import django

    django.setup()


def _wsgi() -> Any:  # Any: a WSGI application
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    settings.SEGL_PORTS.fence.start()
    return get_wsgi_application()


def run_web() -> int:
    """The signer's pages."""
    _django("web")
    from django.conf import settings

    from segl.wiring.servers import serve_web

    serve_web(settings=settings.SEGL, load=_wsgi)
    return 0


def run_api() -> int:
    """The API."""
    _django("api")
    from django.conf import settings

    from segl.adapters.trust.enterprise import EnterpriseTrust
    from segl.wiring.servers import serve_api

    trust = settings.SEGL_PORTS.enterprise
    assert isinstance(trust, EnterpriseTrust)  # build_ports puts no other there; the door also needs its revocation lists
    serve_api(settings=settings.SEGL, load=_wsgi, trust=trust, record=_record_refused)
    return 0


def _record_refused(refusal: Any) -> None:  # Any: door.refusals.RefusedHandshake, imported by the process that needs it
    from django.conf import settings
    from django.db import close_old_connections

    settings.SEGL_NOTE_REQUEST(certificate=refusal.subject or "", outcome=refusal.message)
    close_old_connections()


def run_worker() -> int:
    """Background work."""
    _django("worker")
    from django.conf import settings

    from segl.entrypoints.worker.loop import run

    settings.SEGL_PORTS.fence.start()
    run(settings.SEGL_PORTS)
    return 0


def run_neighbours() -> int:
    """Sandbox: identity provider, time-stamp authority, revocation lists."""
    _django("neighbours")
    from django.conf import settings
    from django.db import close_old_connections

    from segl.sandbox.neighbours import create_application
    from segl.wiring.servers import serve_plain

    clock = settings.SEGL_PORTS.clock

    def now() -> datetime:
        # No request of Django's ends here and closes the connection.
        try:
            moment: datetime = clock.now()
            return moment
        finally:
            close_old_connections()

    serve_plain(
        name="neighbours",
        port=settings.SEGL.sandbox_port,
        load=lambda: create_application(
            data=settings.SEGL.data,
            base_url=settings.SEGL.sandbox_url,
            web_url=settings.SEGL.web_url,
            now=now,
            real_now=clock.real_now,
        ),
    )
    return 0


def run_demo() -> int:
    """Sandbox: the demo sender, which knows Segl by its API alone."""
    settings = current_settings()
    os.environ["SEGL_DATA"] = str(settings.data)
    os.environ["PYTHONPATH"] = str(DEMO)
    os.execv(sys.executable, [sys.executable, "-m", "demo_sender"])  # noqa: S606 — replaces this process


RUNNERS = {"web": run_web, "api": run_api, "worker": run_worker, "neighbours": run_neighbours, "demo": run_demo}
