"""Ten calls a second, then half a minute's block (reliability.md B-63), for all processes together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography import x509
from django.db import connections

from segl.actions.admit_caller import admit_caller
from segl.actions.limit_rate import RateLimited, limit_rate
from support.direct_jobs import PRIVATE, PUBLIC
from support.neighbours import NOW, Neighbourhood


def call(near: Neighbourhood, times: int = 1, *, organization: str = PUBLIC) -> None:
    for _ in range(times):
        limit_rate(near.ports, organization=organization)


@pytest.mark.requirement("R83")
class TestTheRateLimit:
    def test_lets_ten_calls_a_second_through_for_ever(self, near: Neighbourhood) -> None:
        for _ in range(5):
            call(near, 10)
            near.clock.pass_time(seconds=1)

    def test_blocks_at_the_eleventh_for_half_a_minute_to_the_tenth(self, near: Neighbourhood) -> None:
        call(near, 10)
        with pytest.raises(RateLimited) as refused:
            call(near)
        assert refused.value.blocked_until == NOW + timedelta(seconds=30)
        near.clock.pass_time(seconds=29, milliseconds=900)
        with pytest.raises(RateLimited):
            call(near)
        near.clock.pass_time(milliseconds=100)
        call(near, 10)

    def test_does_not_prolong_a_block_by_the_calls_made_in_it(self, near: Neighbourhood) -> None:
        call(near, 10)
        for _ in range(25):
            with pytest.raises(RateLimited) as refused:
                call(near)
            assert refused.value.blocked_until == NOW + timedelta(seconds=30)
            near.clock.pass_time(seconds=1)

    def test_slides(self, near: Neighbourhood) -> None:
        call(near, 5)
        near.clock.pass_time(milliseconds=600)
        call(near, 5)
        near.clock.pass_time(milliseconds=399)
        with pytest.raises(RateLimited):
            call(near)

    def test_lets_the_oldest_calls_go_after_a_second(self, near: Neighbourhood) -> None:
        call(near, 5)
        near.clock.pass_time(milliseconds=600)
        call(near, 5)
        near.clock.pass_time(milliseconds=400)
        call(near, 5)

    def test_is_each_organizations_own(self, near: Neighbourhood) -> None:
        call(near, 10)
        with pytest.raises(RateLimited):
            call(near)
        call(near, 10, organization=PRIVATE)

    def test_counts_on_real_time(self, near: Neighbourhood) -> None:
        call(near, 10)
        near.clock.move(days=1)
        with pytest.raises(RateLimited):
            call(near)

    def test_is_off_at_zero(self, near: Neighbourhood) -> None:
        near.set_policy(rate_limit=0)
        call(near, 50)

    def test_holds_across_threads(self, near: Neighbourhood) -> None:
        start = threading.Barrier(25)

        def one(_: int) -> bool:
            start.wait()
            try:
                call(near)
            except RateLimited:
                return False
            finally:
                connections.close_all()
            return True

        with ThreadPoolExecutor(25) as pool:
            assert sum(pool.map(one, range(25))) == 10


@pytest.mark.requirement("R83")
class TestABrokerForMany:
    def test_is_also_counted_by_its_own_number(self, near: Neighbourhood) -> None:
        """Five calls for each of two senders are ten of the broker's own."""
        certificate = x509.load_pem_x509_certificate((near.material.folder / "broker.pem").read_bytes())
        for _ in range(5):
            for sender in (PUBLIC, PRIVATE):
                admit_caller(near.ports, certificate=certificate, sender=sender)

        with pytest.raises(RateLimited):
            admit_caller(near.ports, certificate=certificate, sender=PUBLIC)
