"""
Time-stamp authorities over HTTP: an ordered list, asked one after the other until one answers rightly.

Source: RFC 3161, 3.4. They share ten seconds, and each may answer one MiB; redirects are not followed (reliability.md B-56, B-66).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from cryptography import x509

from segl.actions.ports import Chance, Clock, TimeStampUnavailable
from segl.adapters.bounded_http import BoundedHttp, NotAnswered
from segl.signatures import time_stamp_tokens
from segl.signatures.time_stamp_tokens import TimeStampRefused

MAX_ANSWER_BYTES = 1024 * 1024
ANSWER_SECONDS = 10.0
MAX_CLOCK_DIFFERENCE = timedelta(seconds=60)
"""A signer's certificate begins a minute before Segl's now: a token from further off would lie outside it."""
NONCE_BITS = 63

_log = structlog.get_logger("segl.time_stamps")


class HttpTimeStamps:
    """One for each process; may be shared between threads, and made before a fork."""

    def __init__(self, *, urls: Sequence[str], roots: Sequence[x509.Certificate], clock: Clock, chance: Chance) -> None:
        """`roots` are those that an authority's certificate may lead to."""
        self._urls = tuple(urls)
        self._roots = tuple(roots)
        self._clock = clock
        self._chance = chance
        self._http = BoundedHttp(max_bytes=MAX_ANSWER_BYTES)
        self._is_down = False

    def time_stamp(self, imprint: bytes) -> bytes:
        """
        Return a DER TimeStampToken over the SHA-256 digest `imprint`, verified up to a trusted root.

        :raises TimeStampUnavailable: if no authority of the list gave one.
        """
        for url in self._urls:
            nonce = self._chance.bits(NONCE_BITS)
            try:
                answer = self._post(url, time_stamp_tokens.request(imprint, nonce=nonce))
                token = time_stamp_tokens.token_in_response(answer, imprint=imprint, nonce=nonce, roots=self._roots)
                self._refuse_wrong_clock(token, imprint)
            except (TimeStampRefused, NotAnswered) as error:
                _log.warning("time-stamp-not-had", url=url, reason=str(error))
                continue
            self._is_down = False
            return token
        self._is_down = True
        raise TimeStampUnavailable("No time-stamp authority answered rightly. Try again shortly; check the addresses in SEGL_TSA_URLS.")

    def is_down(self) -> bool:
        """Return whether no authority answered rightly when this process last asked."""
        return self._is_down

    def _post(self, url: str, request: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        answer = self._http.ask("POST", url, seconds=ANSWER_SECONDS / len(self._urls), headers=headers, content=request)
        if answer.status != 200:
            raise TimeStampRefused(f"The address answered {answer.status}.")
        return answer.content

    def _refuse_wrong_clock(self, token: bytes, imprint: bytes) -> None:
        difference = abs(time_stamp_tokens.read(token, imprint=imprint).generated_at - self._clock.now())
        if difference > MAX_CLOCK_DIFFERENCE:
            raise TimeStampRefused(f"The authority's clock is {difference.total_seconds():.0f} seconds from this server's. Check both.")
