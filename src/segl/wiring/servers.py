"""
The two doors as servers: the API over mutual TLS (its own, or a proxy's) and the signers' pages over plain HTTP, each a gunicorn of its own.

One gunicorn with both doors fails (stack.md): its URL scheme and its socket handling know one kind only.
"""

from __future__ import annotations

import html
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication

from segl.adapters.trust.enterprise import EnterpriseTrust
from segl.entrypoints.api.door.context import DoorContext
from segl.entrypoints.api.door.proxy import BehindApiProxy, WsgiApplication
from segl.entrypoints.api.door.refusals import RefusedHandshake, refused
from segl.settings import Settings
from segl.wire.errors import ErrorCode, error_xml
from segl.wiring.bounded_worker import BoundedWorker, Door, ErrorAnswer
from segl.wiring.server_log import JsonLogger, configure_if_unset

KEEP_ALIVE_SECONDS = 30
"""Java keeps ten connections a client in its pool; at least five seconds (wire-spec.md 3)."""

DRAIN_SECONDS = 25
"""Less than the supervisor's thirty."""

FIRST_LISTS_SECONDS = 10.0
"""How long callers wait in the port's queue while a first start fetches the revocation lists. Without them each would be answered 503."""

MAX_CONNECTIONS = 1500
"""Of one worker: idle ones cost a descriptor, not a thread."""

SOCKET_UMASK = 0o117
"""The API's Unix socket is for its own user and group: the proxy is in the group."""

API_ERRORS: Mapping[int, tuple[ErrorCode, str]] = {
    400: (ErrorCode.MALFORMED_REQUEST, "The request is not valid HTTP. Check its request line, headers and framing."),
    414: (ErrorCode.URI_TOO_LONG, "The address is longer than 8190 bytes. Shorten it."),
    431: (ErrorCode.HEADERS_TOO_LARGE, "The request has more than 100 headers, or one longer than 8190 bytes. Send fewer or shorter ones."),
}

_log = structlog.get_logger("segl.door")


def serve_api(
    *,
    settings: Settings,
    load: Callable[[], WsgiApplication],
    trust: EnterpriseTrust,
    record: Callable[[RefusedHandshake], None] | None = None,
) -> None:
    """
    Serve the API until SIGTERM, which drains; does not return otherwise. With `settings.api_socket` a proxy ends TLS (door/proxy.py).

    `load` makes the application, once in each worker process. `record` keeps a refused handshake for the sandbox's request page; it is called in a
    worker's thread, after the line in the log.
    """

    def error_answer(status: int, incident: str) -> ErrorAnswer:
        code, message = API_ERRORS.get(status, (ErrorCode.INTERNAL_ERROR, f"Segl failed; incident {incident}. Try again later."))
        return ErrorAnswer(content_type="application/xml", body=error_xml(code, message))

    def tell(error: OSError, address: str, presented: bytes | None) -> None:
        refusal = refused(error, address=address, presented=presented)
        _log.warning(
            "handshake-refused",
            refusal=refusal.refusal.value,
            message=refusal.message,
            address=refusal.address,
            subject=refusal.subject,
            issuer=refusal.issuer,
            serial_number=refusal.serial_number,
            organization=refusal.organization,
            detail=getattr(error, "verify_message", None) or getattr(error, "reason", None),
        )
        if record is not None:
            record(refusal)

    def begin() -> None:
        trust.start()
        trust.wait_for_lists(FIRST_LISTS_SECONDS)

    if settings.api_socket is not None:
        door = Door(error_answer=error_answer, context=None, handshake_refused=_without_handshake, begin=begin)
        options: dict[str, object] = {"bind": f"unix:{settings.api_socket}", "umask": SOCKET_UMASK}
    else:
        context = DoorContext(certificate=settings.api_certificate, key=settings.api_key, trust=trust.snapshot)
        # Here too, so that a certificate or key that does not fit ends the start and not each connection.
        context.current()
        door = Door(error_answer=error_answer, context=context.current, handshake_refused=tell, begin=begin)
        options = {
            "bind": _bind(settings.api_host, settings.api_port),
            "certfile": str(settings.api_certificate),
            "keyfile": str(settings.api_key),
        }

    def load_behind_proxy() -> WsgiApplication:
        return load() if settings.api_socket is None else BehindApiProxy(load(), secret=settings.api_proxy_secret)

    options["proc_name"] = "segl-api"
    _Server(door=door, load=load_behind_proxy, workers=settings.workers, threads=settings.threads, options=options).run()


def serve_web(
    *,
    settings: Settings,
    load: Callable[[], WsgiApplication],
    error_page: Callable[[int, str], bytes] | None = None,
    begin: Callable[[], None] | None = None,
) -> None:
    """
    Serve the signers' pages until SIGTERM, which drains; does not return otherwise.

    `load` makes the application, once in each worker process. `error_page` writes HTML for a status and an incident number ("" below 500); it may load
    nothing, since none of its addresses would be answered. `begin` is called in each worker before it serves.
    """

    def load_behind_proxy() -> WsgiApplication:
        return BehindProxy(load(), scheme=settings.web_url.partition(":")[0], proxies=settings.trusted_proxies)

    door = _plain_door(error_page=error_page or plain_page, begin=begin or (lambda: None))
    options = {"bind": _bind(settings.web_host, settings.web_port), "proc_name": "segl-web"}
    _Server(door=door, load=load_behind_proxy, workers=settings.workers, threads=settings.threads, options=options).run()


def serve_plain(*, name: str, port: int, load: Callable[[], WsgiApplication], threads: int = 16) -> None:
    """Serve the sandbox's neighbours: one process, plain HTTP, on this machine only, until SIGTERM; does not return otherwise."""
    door = _plain_door(error_page=plain_page, begin=lambda: None)
    options = {"bind": _bind("127.0.0.1", port), "proc_name": f"segl-{name}"}
    _Server(door=door, load=load, workers=1, threads=threads, options=options).run()


def _plain_door(*, error_page: Callable[[int, str], bytes], begin: Callable[[], None]) -> Door:
    def error_answer(status: int, incident: str) -> ErrorAnswer:
        return ErrorAnswer(content_type="text/html; charset=utf-8", body=error_page(status, incident), headers=PAGE_HEADERS)

    return Door(error_answer=error_answer, context=None, handshake_refused=_without_handshake, begin=begin)


def _without_handshake(error: OSError, address: str, presented: bytes | None) -> None:
    """There is no handshake on a plain connection."""


PAGE_HEADERS: tuple[tuple[str, str], ...] = (
    ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


def plain_page(status: int, incident: str) -> bytes:
    """Return a small page in Bokmål and English for an error of the server itself."""
    title = f"{status} {HTTPStatus(status).phrase}"
    norwegian = (
        "Noe gikk galt hos oss. Prøv igjen om litt."
        if status >= 500
        else "Adressen eller forespørselen kunne ikke leses. Gå tilbake og prøv igjen."
    )
    english = (
        "Something went wrong here. Try again shortly."
        if status >= 500
        else "The address or request could not be read. Go back and try again."
    )
    number = f"<p>{html.escape(incident)}</p>" if incident else ""
    return (
        f'<!doctype html><html lang="nb"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>'
        f'<body><main><h1>{title}</h1><p>{norwegian}</p><p lang="en">{english}</p>{number}</main></body></html>'
    ).encode()


class BehindProxy:
    """
    Gives the application the public address's scheme, and the client's own address when a trusted proxy tells it.

    No other header of a proxy is believed (reliability.md B-26): the scheme comes from the settings.
    """

    def __init__(self, application: WsgiApplication, *, scheme: str, proxies: Sequence[str]) -> None:
        self._application = application
        self._scheme = scheme
        self._proxies = tuple(ipaddress.ip_network(proxy) for proxy in proxies)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.url_scheme"] = self._scheme
        environ["REMOTE_ADDR"] = self._client(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""))
        return self._application(environ, start_response)

    def _client(self, peer: str, forwarded_for: str) -> str:
        client = peer
        # From the right: each trusted proxy has added the address it saw; what stands left of the first stranger anybody may have written.
        for told in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
            if not self._is_trusted(client) or not _is_address(told):
                break
            client = told
        return client

    def _is_trusted(self, address: str) -> bool:
        return _is_address(address) and any(ipaddress.ip_address(address) in network for network in self._proxies)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """A gunicorn with the settings of this module, which reads neither files nor arguments."""

    def __init__(
        self, *, door: Door, load: Callable[[], WsgiApplication], workers: int, threads: int, options: Mapping[str, object]
    ) -> None:
        configure_if_unset()
        self.door = door
        self._load = load
        self._options = {
            "worker_class": BoundedWorker,
            "workers": workers,
            "threads": threads,
            "worker_connections": MAX_CONNECTIONS,
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": DRAIN_SECONDS,
            "timeout": 60,
            "limit_request_line": 8190,
            "limit_request_fields": 100,
            "limit_request_field_size": 8190,
            # gunicorn 27 opens a control socket by itself; whoever reaches it stops the server.
            "control_socket_disable": True,
            "logger_class": JsonLogger,
            "sendfile": False,
            # gunicorn believes no header of a proxy: see BehindProxy, and door/proxy.py for certificates.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            **options,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> WsgiApplication:
        return self._load()


def _bind(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
