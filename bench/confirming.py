"""(c) The signer is back from the log-in: CPU time from the provider's answer to the stored signature, without the neighbours' own."""

from __future__ import annotations

from collections.abc import Iterator

from bench.measuring import Figure, Outside, cpu_ms, segl_here, tell, write_profile
from segl.sandbox import time_stamp_authority

ROUNDS = 41


def measure() -> Iterator[Figure]:
    """Measure one signer's confirmation after the other."""
    near = segl_here()
    from support import direct_jobs

    outside = Outside()
    outside.leave_out(time_stamp_authority, "answer")
    outside.leave_out(near._transport, "handle_request")
    returned = []
    for _ in range(ROUNDS + 2 + 20):
        visitor = direct_jobs.visit(near, direct_jobs.create(near))
        returned.append((visitor, visitor.logs_in(visitor.begins())))
    answers = iter(returned)

    def confirm() -> None:
        visitor, answer = next(answers)
        visitor.comes_back(answer)

    yield Figure(what="signer's confirmation", measured=cpu_ms(confirm, rounds=ROUNDS, outside=outside), unit="ms CPU", bar=10)
    write_profile("confirming", confirm, rounds=20)


if __name__ == "__main__":
    tell(measure())
