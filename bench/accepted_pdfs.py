"""
What share of the PDFs in a folder Segl would take, and why it would not take the others.

    python bench/accepted_pdfs.py FOLDER [REASON]

Each file is inspected as at creation, behind the fence. With a REASON, as the table names it, the files refused for it are listed too.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

from segl.actions.ports import INSPECTION, FencedOut
from segl.adapters.fence.caller import ProcessFence
from segl.pdf.inspection import inspect
from segl.pdf.refusal import PdfRefused, Reason

ACCEPTED = "accepted"


def main(folder: Path, listed: str) -> None:
    """Print the table."""
    fence = ProcessFence()
    files: dict[str, list[str]] = defaultdict(list)
    for file in sorted({found.resolve() for found in folder.rglob("*") if found.suffix.lower() == ".pdf" and found.is_file()}):
        verdict, where = ACCEPTED, ""
        try:
            fence.run(inspect, file.read_bytes(), within=INSPECTION)
        except PdfRefused as refused:
            verdict, where = refused.reason.name, str(refused)
        except FencedOut:
            verdict = Reason.TOO_COSTLY.name
        files[verdict].append(f"{file.relative_to(folder.resolve())}: {where}")
    fence.close()
    total = sum(len(names) for names in files.values())
    for verdict, count in Counter({verdict: len(names) for verdict, names in files.items()}).most_common():
        print(f"{verdict:20} {count:6} {count / total:8.2%}")
    print(f"{'all':20} {total:6}")
    for line in files[listed]:
        print(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
