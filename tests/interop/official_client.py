"""One run of interop/: the unmodified official Java client against a real Segl, and what was left behind for the judges."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from support.running_segl import RunningSegl

INTEROP = Path(__file__).parents[2] / "interop"
FIRST_RUN_SECONDS = 900
"""Maven fetches the client, JUnit and EU DSS when a machine runs this for the first time."""


@dataclass(frozen=True)
class Scenario:
    """What became of one scenario."""

    name: str
    trouble: str
    """Empty when it passed; else how it failed, or that it was skipped."""


@dataclass(frozen=True)
class Run:
    """The scenarios by `Class.name`, and the folder of results."""

    scenarios: dict[str, Scenario]
    results: Path
    roots: Path
    output: str

    def sealed_pdfs(self) -> list[Path]:
        return sorted(self.results.glob("*/sealed*.pdf"))

    def xades_files(self) -> list[Path]:
        return sorted(self.results.glob("*/signer-*.xml"))

    def originals_of(self, folder: Path) -> list[Path]:
        return sorted(set(folder.iterdir()) - set(self.sealed_pdfs()) - set(self.xades_files()))

    def name_of(self, file: Path) -> str:
        return str(file.relative_to(self.results))


def run(segl: RunningSegl, folder: Path, *, poll_interval: int) -> Run:
    """Build both modules in one go, run all scenarios against `segl` and read the reports."""
    folder.mkdir(parents=True, exist_ok=True)
    reports, results = folder / "reports", folder / "results"
    # A failed scenario must not keep the judge from being built.
    command = ["mvn", "-B", "-q", "-fae", "-Dstyle.color=never", "-f", INTEROP / "pom.xml", "package"]
    given = {
        "api": segl.api_url,
        "web": segl.web_url,
        "sandbox": segl.sandbox,
        "poll-interval": poll_interval,
        "results": results,
        "reports": reports,
    }
    built = subprocess.run(
        [*command, *(f"-Dsegl.{name}={value}" for name, value in given.items())],
        capture_output=True,
        text=True,
        timeout=FIRST_RUN_SECONDS,
        check=False,
    )
    scenarios = {scenario.name: scenario for report in sorted(reports.glob("TEST-*.xml")) for scenario in _scenarios(report)}
    return Run(scenarios=scenarios, results=results, roots=segl.sandbox / "trust", output=(built.stdout + built.stderr)[-8000:])


def _scenarios(report: Path) -> list[Scenario]:
    found = []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.attrib['classname'].rpartition('.')[2]}.{case.attrib['name']}"
        troubles = [child for child in case if child.tag in {"failure", "error", "skipped"}]
        found.append(Scenario(name=name, trouble="\n".join(f"{child.tag}: {child.text or child.get('message')}" for child in troubles)))
    return found


@dataclass(frozen=True)
class Verdict:
    """EU DSS's table, as lines for people and as rows."""

    table: str
    passed: bool
    rows: list[tuple[str, str, str, str]]
    """File, clock, level, indication."""


def judged_by_dss(run: Run) -> Verdict:
    """Let EU DSS judge every sealed PDF and XAdES, trusting the sandbox's roots and nothing else."""
    command = ["java", "-jar", INTEROP / "dss/target/dss-1.jar", run.results, run.roots]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    lines = seen.stdout.splitlines()
    rows = []
    for line in lines[1:-1]:
        file, clock, level, indication = line[:44].strip(), line[45:51].strip(), line[52:72].strip(), line[73:95].strip()
        rows.append((file, clock, level, indication))
    return Verdict(table=seen.stdout + seen.stderr, passed=seen.returncode == 0, rows=rows)


def missing_tools() -> list[str]:
    """Return what is not installed of what this needs."""
    return [tool for tool in ("javac", "mvn", "pdfsig", "pdftotext", "qpdf", "xmlsec1") if shutil.which(tool) is None]
