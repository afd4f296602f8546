"""
Time-stamp authorities over HTTP: an ordered list, asked one after the other until one answers rightly.

Source: RFC 3161, 3.4. Each gets ten seconds and one MiB; redirects are not followed (reliability.md B-56).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta

import httpx
import structlog
from cryptography import x509

from segl.actions.ports import Chance, Clock, TimeStampUnavailable
from segl.signatures import time_stamp_tokens
from segl.signatures.time_stamp_tokens import TimeStampRefused

MAX_ANSWER_BYTES = 1024 * 1024
ANSWER_SECONDS = 10.0
MAX_CLOCK_DIFFERENCE = timedelta(seconds=60)
"""A signer's certificate begins a minute before Segl's now: a token from further off would lie outside it."""
NONCE_BITS = 63

_log = structlog.get_logger("segl.time_stamps")


class HttpTimeStamps:
    """One for each process; may be shared between threads. Makes its connections after the first use, so it may be made before a fork."""

    def __init__(self, *, urls: Sequence[str], roots: Sequence[x509.Certificate], clock: Clock, chance: Chance) -> None:
        """`roots` are those that an authority's certificate may lead to."""
        self._urls = tuple(urls)
        self._roots = tuple(roots)
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

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
            except (TimeStampRefused, httpx.HTTPError, httpx.InvalidURL) as error:
                reason = str(error) if isinstance(error, TimeStampRefused) else type(error).__name__
                _log.warning("time-stamp-not-had", url=url, reason=reason)
                continue
            return token
        raise TimeStampUnavailable("No time-stamp authority answered rightly. Try again shortly; check the addresses in SEGL_TSA_URLS.")

    def _post(self, url: str, request: bytes) -> bytes:
        ends_at = time.monotonic() + ANSWER_SECONDS
        content = bytearray()
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply", "Accept-Encoding": "identity"}
        with self._client().stream("POST", url, content=request, headers=headers) as answer:
            if answer.status_code != 200:
                raise TimeStampRefused(f"The address answered {answer.status_code}.")
            for part in answer.iter_raw(64 * 1024):
                content += part
                if len(content) > MAX_ANSWER_BYTES:
                    raise TimeStampRefused(f"The answer is larger than {MAX_ANSWER_BYTES} bytes.")
                if time.monotonic() > ends_at:
                    raise TimeStampRefused(f"The answer took more than {ANSWER_SECONDS:.0f} seconds.")
        return bytes(content)

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._made is None:
                # One client, since reading the system's roots for TLS costs more than a time-stamp. No connection is kept: an authority
                # that closes idle ones would look broken at the next signature.
                self._made = httpx.Client(
                    timeout=ANSWER_SECONDS / 2,
                    follow_redirects=False,
                    trust_env=False,
                    limits=httpx.Limits(max_keepalive_connections=0),
                )
            return self._made

    def _refuse_wrong_clock(self, token: bytes, imprint: bytes) -> None:
        difference = abs(time_stamp_tokens.read(token, imprint=imprint).generated_at - self._clock.now())
        if difference > MAX_CLOCK_DIFFERENCE:
            raise TimeStampRefused(f"The authority's clock is {difference.total_seconds():.0f} seconds from this server's. Check both.")
