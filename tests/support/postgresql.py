"""A real PostgreSQL server for the tests, in a folder of its own and on a Unix socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL's server is not installed. Run script/test, or install the package postgresql.")
    return Path(on_path).parent


@dataclass
class PostgresServer:
    """One running server."""

    folder: Path
    binaries: Path

    @classmethod
    def start(cls) -> PostgresServer:
        folder = Path(tempfile.mkdtemp(prefix="segl-postgres-"))
        server = cls(folder=folder, binaries=_binaries())
        if os.getuid() == 0:  # initdb refuses root
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        server._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "segl", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        # fsync guards against a power cut, which no test makes; each test empties all tables.
        options = f"-k {folder} -c listen_addresses='' -c max_connections=300 -c fsync=off -c full_page_writes=off"
        server._run("pg_ctl", "-D", str(folder / "data"), "-l", str(folder / "log"), "-o", options, "-w", "start")
        server.create("segl")
        return server

    def create(self, name: str) -> str:
        """Create an empty database and return its address."""
        self._run("createdb", "-h", str(self.folder), "-U", "segl", name)
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://segl@/{name}?host={self.folder}"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run(command, check=True, capture_output=True, cwd="/")
