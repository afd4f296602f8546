"""Fuzz one target with atheris for some seconds: `python -m segl_fuzz TARGET SECONDS FOLDER`. What is found is left in the folder."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["segl"], enable_loader_override=False):
    from segl_fuzz.targets import TARGETS

from segl_fuzz.seeds import MAX_BYTES, seeds

SLOWEST_SECONDS = 5
"""One input may take so long. reliability.md B-32 says one; instrumented code on a busy machine gets five times that."""
MOST_MEBIBYTES = 1024


def main(target: str, seconds: str, folder: str) -> None:
    """Run until the time is over or something is found; libFuzzer ends the process."""
    found, corpus = Path(folder), Path(folder) / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        (corpus / hashlib.sha256(seed).hexdigest()[:32]).write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "max_len": MAX_BYTES,
        "timeout": SLOWEST_SECONDS,
        "rss_limit_mb": MOST_MEBIBYTES,
        "print_final_stats": 1,
        "artifact_prefix": f"{found}/{target}-",
    }
    atheris.Setup([target, *(f"-{name}={value}" for name, value in options.items()), str(corpus)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
