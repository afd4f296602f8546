"""Measures each figure in a process of its own and prints the table; arguments are names of figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measuring import FIGURE, Figure
from support.postgresql import PostgresServer

SQLITE, POSTGRESQL = "sqlite", "postgresql"
FIGURES = {
    "packaging": (SQLITE,),
    "creating": (SQLITE, POSTGRESQL),
    "confirming": (SQLITE, POSTGRESQL),
    "crowded": (SQLITE, POSTGRESQL),
    "sealing": (POSTGRESQL,),
    "load": (POSTGRESQL,),
}
"""By module: on which databases it is measured."""
ROW = "{figure:<22} {what:<34} {measured:>14} {against:<28} {ratio:>6} {bar:>10}  {holds}"


def main(names: list[str]) -> int:
    """Return 0 if every bar holds."""
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"There is no figure {unknown[0]}. Name some of: {', '.join(FIGURES)}.", file=sys.stderr)
        return 2
    holds = True
    with tempfile.TemporaryDirectory(prefix="segl-bench-") as folder:
        results = (
            Path(os.environ["SEGL_DATA"]) / "bench" if "SEGL_DATA" in os.environ else Path(tempfile.mkdtemp(prefix="segl-bench-results-"))
        )
        print(ROW.format(figure="figure", what="", measured="measured", against="against", ratio="ratio", bar="bar", holds="holds"))
        for name in names or FIGURES:
            for database in FIGURES[name]:
                holds &= measure(name, database, Path(folder), results)
    print(f"The profiles are in {results}. Others on the machine: load {os.getloadavg()[2]:.1f} on {os.cpu_count()} cores.")
    return 0 if holds else 1


def measure(name: str, database: str, folder: Path, results: Path) -> bool:
    """Run one figure on one database, print its lines, and return whether its bars hold."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SEGL_", "DJANGO_"))} | {
        "SEGL_DATA": tempfile.mkdtemp(dir=folder),
        "DJANGO_SETTINGS_MODULE": "segl.wiring.django_settings",
        "BENCH_MATERIAL": str(folder / "material"),
        "BENCH_RESULTS": str(results / database),
    }
    server = PostgresServer.start(is_durable=True) if database == POSTGRESQL else None
    holds = True
    try:
        if server is not None:
            environment["SEGL_DATABASE_URL"] = server.url("segl")
            environment["BENCH_POSTGRES"] = str(server.folder / "data" / "postmaster.pid")
        with subprocess.Popen([sys.executable, "-m", f"bench.{name}"], env=environment, stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout or ():
                if not line.startswith(FIGURE):
                    continue
                figure = Figure(**json.loads(line.removeprefix(FIGURE)))
                holds &= figure.holds
                print_row(f"{name}, {database}" if len(FIGURES[name]) > 1 else name, figure)
        return holds and child.returncode == 0
    finally:
        if server is not None:
            server.stop()


def print_row(name: str, figure: Figure) -> None:
    """Print one line of the table."""
    against = f"{figure.against} ({figure.floor:.3g})" if figure.floor is not None else ""
    bar = f"{'≥' if figure.is_least else '≤'} {figure.bar:g}" + ("" if figure.floor is not None else f" {figure.unit}")
    print(
        ROW.format(
            figure=name,
            what=figure.what,
            measured=f"{figure.measured:.3g} {figure.unit}",
            against=against,
            ratio="" if figure.ratio is None else f"{figure.ratio:.2f}",
            bar=bar,
            holds="yes" if figure.holds else "NO",
        ),
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
