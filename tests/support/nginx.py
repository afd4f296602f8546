"""nginx as an operator runs it: the very file of docs/operating, with this test's ports and paths in place of the examples."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = Path(__file__).resolve().parents[2] / "docs/operating/nginx.conf"
SECRET = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6"


@dataclass
class Nginx:
    """One nginx, in a folder of its own."""

    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, folder: Path, *, web: tuple[int, int], api_port: int, api_socket: Path, certificate: Path, key: Path, enterprise_ca: Path
    ) -> Nginx:
        """Start it. `web` is its own port and the web process's; `certificate` and `key` serve both addresses, `enterprise_ca` is a folder."""
        folder.mkdir()
        (folder / "ca.pem").write_bytes(b"".join(path.read_bytes() for path in sorted(enterprise_ca.iterdir())))
        (folder / "secret.conf").write_text(f'proxy_set_header X-Segl-Proxy-Secret "{SECRET}";\n')
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = _replaced(
            CONFIGURATION.read_text(),
            {
                "user www-data;": "user root;",
                "/run/nginx.pid": f"{folder}/nginx.pid",
                "/var/log/nginx/": f"{folder}/",
                "http {": "http {" + temporary,
                "listen 443 ssl": f"listen 127.0.0.1:{web[0]} ssl",
                "listen 8443 ssl": f"listen 127.0.0.1:{api_port} ssl",
                "http://127.0.0.1:8000": f"http://127.0.0.1:{web[1]}",
                "/run/segl/api.sock": str(api_socket),
                "/etc/ssl/sign.pem": str(certificate),
                "/etc/ssl/sign.key": str(key),
                "/etc/segl/api.pem": str(certificate),
                "/etc/segl/api.key": str(key),
                "/etc/segl/enterprise-ca.pem": f"{folder}/ca.pem",
                "/etc/nginx/segl-secret.conf": f"{folder}/secret.conf",
            },
        )
        (folder / "nginx.conf").write_text(text)
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None, "nginx is not installed. Run script/test, or install the package nginx-light."
        command = [program, "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        with (folder / "output").open("wb") as output:
            return cls(folder, subprocess.Popen(command, stdout=output, stderr=output))

    @property
    def logs(self) -> str:
        """Everything that it has written."""
        return "".join((self.folder / name).read_text() for name in ("segl.log", "segl-api.log", "error.log", "output"))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def _replaced(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"{CONFIGURATION.name} holds no {old!r}"
        text = text.replace(old, new)
    return text
