"""Which problems of a log-in are technical, so that the page may offer the way back to the sender."""

from __future__ import annotations

import pytest

from segl.ceremony.sitting import Outcome, Problem
from segl.jobs.job import SignerStatus


class TestAProblem:
    @pytest.mark.parametrize(
        ("problem", "is_technical"),
        [
            (Problem.LOGIN_ABORTED, False),
            (Problem.WRONG_PERSON, False),
            (Problem.LEVEL_TOO_LOW, False),
            (Problem.EID_UNAVAILABLE, True),
            (Problem.NO_TIME_STAMP, True),
            (Problem.LOGIN_REFUSED, True),
        ],
    )
    def test_is_technical_only_when_the_person_did_nothing(self, problem: Problem, is_technical: bool) -> None:
        assert problem.is_technical is is_technical


class TestAnOutcome:
    def test_is_spelled_as_the_signers_status(self) -> None:
        assert {outcome.value for outcome in Outcome} <= {status.value for status in SignerStatus}
