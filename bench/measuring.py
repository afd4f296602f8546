"""What all figures share: how time is taken and what is left out of it, the profiles, and a document and a Segl to measure on."""

from __future__ import annotations

import cProfile
import io
import json
import os
import pstats
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import shake_256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pikepdf
from pikepdf import Dictionary, Name

from segl.pdf.text import typeset_text

if TYPE_CHECKING:
    from support.neighbours import Neighbourhood
    from support.running_segl import RunningSegl

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
FIGURE = "figure "
"""What a line with a figure begins with, among the log lines of a process."""
_NOISE = shake_256(b"bench").digest(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    what: str
    measured: float
    unit: str
    bar: float
    """Of the ratio where there is something to compare with, else of what was measured. At most, unless `is_least`."""
    against: str = ""
    floor: float | None = None
    is_least: bool = False

    @property
    def ratio(self) -> float | None:
        """Return how many times the floor it is; None where there is none."""
        return None if self.floor is None else self.measured / self.floor

    @property
    def holds(self) -> bool:
        """Return whether the bar is met."""
        value = self.measured if self.ratio is None else self.ratio
        return value >= self.bar if self.is_least else value <= self.bar


def tell(figures: Iterable[Figure]) -> None:
    """Hand the figures, as they come, to the process that prints the table."""
    for figure in figures:
        print(FIGURE + json.dumps(asdict(figure)), flush=True)


class Outside:
    """CPU time of neighbours that run in this process only because the bench has no others."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def leave_out(self, owner: Any, name: str) -> None:  # Any: a module or an object that has the function
        """Count what the function `name` of `owner` uses from now on as a neighbour's."""
        function = getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return function(*given, **named)
            finally:
                self.seconds += time.process_time() - began

        setattr(owner, name, counted)


def cpu_ms(action: Callable[[], object], *, rounds: int = 21, outside: Outside | None = None) -> float:
    """Return the median CPU time of `action` in milliseconds, without what is `outside`, after two rounds to warm up."""
    outside = outside or Outside()
    taken = []
    for _ in range(rounds + 2):
        left_out, began = outside.seconds, time.process_time()
        action()
        taken.append(time.process_time() - began - (outside.seconds - left_out))
    return statistics.median(taken[2:]) * 1000


def write_profile(name: str, action: Callable[[], object], *, rounds: int = 10) -> None:
    """Write where the CPU time of `action` goes to `name.txt` beside the other results."""
    profile = cProfile.Profile(time.process_time)
    for _ in range(rounds):
        profile.runcall(action)
    text = io.StringIO()
    for order in ("tottime", "cumulative"):
        pstats.Stats(profile, stream=text).strip_dirs().sort_stats(order).print_stats(40)
    write_result(name, text.getvalue())


def write_result(name: str, text: str) -> None:
    """Write `text` to `name.txt` in the folder of results."""
    folder = Path(os.environ["BENCH_RESULTS"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(text)


def document(*, size: int, pages: int = 20) -> bytes:
    """Return a tagged PDF of about `size` bytes: pages full of text in embedded fonts, and a picture on each."""
    lines = [f"{number}. Partene er enige om at leien reguleres hvert år etter konsumprisindeksen." for number in range(1, 41)]
    text = typeset_text("\f".join(["\n".join(lines)] * pages), title="Leieavtale")
    rows = (size - len(text)) // pages // 256
    with pikepdf.open(BytesIO(text)) as pdf:
        for number, page in enumerate(pdf.pages):
            pixels = _NOISE + shake_256(str(number).encode()).digest(rows * 256 - len(_NOISE))
            picture = pdf.make_stream(
                pixels, Type=Name.XObject, Subtype=Name.Image, Width=256, Height=rows, ColorSpace=Name.DeviceGray, BitsPerComponent=8
            )
            page.obj.Resources = Dictionary({**dict(page.obj.Resources.items()), "/XObject": Dictionary(Picture=picture)})
            page.contents_add(b"q 100 0 0 100 450 50 cm /Picture Do Q")
        target = BytesIO()
        pdf.save(target, static_id=True, compress_streams=False)
        return target.getvalue()


def variant(pdf: bytes, number: int) -> bytes:
    """Return `pdf` with other pixels in its pictures, so that no two documents are the same bytes."""
    return pdf.replace(_NOISE, shake_256(f"variant {number}".encode()).digest(len(_NOISE)))


def segl_here() -> Neighbourhood:
    """Return the ports of a Segl in this process, with neighbours that need no network, on the database of the environment."""
    import django

    django.setup()
    from django.core.management import call_command

    from segl.adapters.keys.files import FileKeys
    from segl.database.models import Organization
    from segl.sandbox.material import ensure
    from support.direct_jobs import seed_organizations
    from support.neighbours import NOW, Neighbourhood

    call_command("migrate", verbosity=0)
    material = ensure(Path(os.environ["BENCH_MATERIAL"]), server_organization_number="984661185", now=NOW)
    if not Organization.objects.exists():
        seed_organizations(material)
    near = Neighbourhood(material=material, folder=Path(os.environ["SEGL_DATA"]), keys=FileKeys(material.keys))
    near.set_policy(rate_limit=10_000)
    return near


@contextmanager
def running_segl(**settings: str) -> Iterator[RunningSegl]:
    """Run a whole Segl of its own, in processes, on the database of the environment."""
    from support.running_segl import make

    if "SEGL_DATABASE_URL" in os.environ:
        settings["SEGL_DATABASE_URL"] = os.environ["SEGL_DATABASE_URL"]
    segl = make(Path(os.environ["SEGL_DATA"]), None, behind_nginx=False, SEGL_RATE_LIMIT="10000", **settings)
    try:
        segl.start()
        yield segl
    finally:
        segl.stop()


def processes_under(pid: int) -> list[int]:
    """Return `pid` and all that it has started, and they."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu_seconds_under(pid: int) -> float:
    """Return the CPU time that `pid` and all under it have used, those that have ended included."""
    ticks = 0
    for one in processes_under(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS_A_SECOND


def peak_mebibytes(pid: int) -> float:
    """Return the largest memory (VmHWM) that `pid` or one under it has had."""
    peaks = [0.0]
    for one in processes_under(pid):
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        peaks += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks)
