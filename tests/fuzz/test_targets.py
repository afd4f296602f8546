"""Every input that fuzzing begins with or has found, and a thousand near them, go through the targets of script/fuzz: only refusals come out."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator

import pytest

from segl_fuzz.seeds import seeds
from segl_fuzz.targets import TARGETS
from support.mutation import mutated

from .found import FOUND

ROUNDS = 1_000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """cryptography warns of certificates that it reads all the same; a running Segl shows no warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_but_refusals_comes_out_of(target: str) -> None:
    begun_with = seeds(target)
    assert len(begun_with) >= 10
    for seed in begun_with:
        TARGETS[target](seed)
    chance = random.Random(20260124)
    for _ in range(ROUNDS):
        TARGETS[target](mutated(chance.choice(begun_with), chance))


@pytest.mark.parametrize(("target", "data"), [pytest.param(target, data, id=what) for what, target, data in FOUND])
def test_what_fuzzing_found_is_mended(target: str, data: bytes) -> None:
    TARGETS[target](data)
