"""docs/state-machine.md shows exactly the arrows that the code has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from segl.jobs.job import JobAlreadyEnded, SignatureJob, SignerNotWaiting, SignerStatus

from .machine import DEADLINE, SIGNER_EVENTS, WAITING, event, job, statuses

PAGE = Path(__file__).resolve().parents[2] / "docs" / "state-machine.md"
Arrow = tuple[str, str, str]


def _pictures() -> list[set[Arrow]]:
    blocks = re.findall(r"```mermaid\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [set(re.findall(r"^\s+(\w+) --> (\w+): (.+)$", block, re.MULTILINE)) for block in blocks]


def _steps() -> Iterator[tuple[SignatureJob, str, int, SignatureJob]]:
    """Yield each step that two signers can take from where they can be."""
    seen, waiting = set(), [job(WAITING, WAITING)]
    while waiting:
        before = waiting.pop()
        if statuses(before) in seen:
            continue
        seen.add(statuses(before))
        for name, signer in [*product(SIGNER_EVENTS, (1, 2)), (DEADLINE, 0)]:
            try:
                after = before.after(event(name, signer=signer or 1))
            except (JobAlreadyEnded, SignerNotWaiting):
                continue
            waiting.append(after)
            yield before, name, signer, after


class TestThePictures:
    def test_of_the_signer_has_the_codes_arrows(self) -> None:
        arrows = set()
        for before, name, signer, after in _steps():
            for old, new in zip(before.signers, after.signers, strict=True):
                if old.status is not new.status:
                    whose = "" if name == DEADLINE or new.position == signer else "another's "
                    arrows.add((str(old.status), str(new.status), whose + name))
        assert _pictures()[0] == arrows
        assert {status for arrow in arrows for status in arrow[:2]} == set(SignerStatus)

    def test_of_the_job_has_the_codes_arrows(self) -> None:
        arrows = {(str(before.status), str(after.status), name) for before, name, _, after in _steps() if before.status is not after.status}
        assert _pictures()[1] == arrows
