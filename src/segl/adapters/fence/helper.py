"""
The program behind the fence: it has loaded the room `pdf`, has one thread, and forks a child for each connection that it is handed.

The child puts limits on itself, does its one piece of work, answers and ends. Run as `python -m segl.adapters.fence.helper`, with the socket of
`caller.py` as standard input; when that closes, helper and children end. Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import encodings.cp1252  # noqa: F401 — for the letters of form fields; see _load
import gc
import os
import pickle
import resource
import signal
import socket
from io import BytesIO

import pikepdf
from pikepdf import Dictionary, Name

from segl.pdf.body import compose_body
from segl.pdf.inspection import inspect
from segl.pdf.text import extract_text

_PR_SET_PDEATHSIG = 1
_PAGE_BYTES = resource.getpagesize()
_prctl = ctypes.CDLL(None).prctl


def _address_space_bytes() -> int:
    with open("/proc/self/statm") as sizes:  # noqa: PTH123 — read before every fork's limits; a Path adds nothing
        return int(sizes.read().split()[0]) * _PAGE_BYTES


def _load() -> None:
    """Do everything once: a child may open no file, so what is loaded at first use must be loaded before."""
    page = BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        document.pages[0].obj.Resources = Dictionary(Font=Dictionary(F=font))
        document.pages[0].contents_add(b"BT /F 9 Tf 9 9 Td (Segl) Tj ET")
        document.save(page, force_version="1.7")
    inspect(page.getvalue())
    extract_text(compose_body([page.getvalue()]))


def main() -> None:
    """Fork a child for each connection until the caller is gone."""
    control = socket.socket(fileno=os.dup(0))
    # The caller drains at SIGTERM, and needs its documents read for that; a terminal's and systemd's signals reach the whole group.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the children, so there is never a zombie
    _load()
    gc.disable()
    gc.freeze()  # children then share these pages for as long as they live
    helper, own_bytes = os.getpid(), _address_space_bytes()
    # What libraries complain of is a stranger's text. Whatever ends this process before here is told on the caller's standard error.
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        if os.fork() == 0:
            control.close()
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == helper:
                with contextlib.suppress(MemoryError, OSError):
                    _work(socket.socket(fileno=descriptors[0]), own_bytes)
            os._exit(0)
        os.close(descriptors[0])


def _work(connection: socket.socket, own_bytes: int) -> None:
    request = bytearray()
    while part := connection.recv(1 << 20):
        request += part
    memory_bytes, cpu_seconds, seconds, work, given = pickle.loads(request)  # noqa: S301 — from the process that started this one
    del request
    for kind, most in (
        (resource.RLIMIT_AS, own_bytes + memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_NOFILE, 0),  # no file, no socket: whatever the document asks for, it fetches nothing
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends the process, also in the middle of a library
    connection.sendall(b"w")  # from here on, what befalls this process is the document's doing
    try:
        answer = (True, work(*given))
    except MemoryError:
        raise
    except Exception as error:
        answer = (False, error)
    connection.sendall(pickle.dumps(answer, protocol=5))


if __name__ == "__main__":
    main()
