"""Free ports of this machine, for a Segl beside others."""

from __future__ import annotations

import socket


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at and that the system gives to nobody else for a minute."""
    return [_free_port() for _ in range(count)]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        # A connection that this side ends first leaves the port in TIME_WAIT: a server may listen there, but it is nobody's free port.
        with socket.create_connection(("127.0.0.1", port)) as caller:
            server.accept()[0].close()
            caller.recv(1)
    return port
