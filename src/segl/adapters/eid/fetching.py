"""
Asking an eID provider over HTTP, within bounds: no redirects, a few seconds, a limited answer, and JSON or nothing.

The provider's words never reach a message of ours: they may hold tokens or personal data.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from segl.ceremony.identification import ProviderUnavailable

TIMEOUT_SECONDS = 5.0
MAX_ANSWER_BYTES = 262_144

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonAnswer:
    """Status and JSON object of an answer."""

    status: int
    value: Json

    def __repr__(self) -> str:
        return f"JsonAnswer(status={self.status}, …)"


def get_json(client: httpx.Client, url: str) -> Json:
    """:raises ProviderUnavailable: unless a JSON object comes back with status 200."""
    answer = _exchange(client, httpx.Request("GET", url, headers={"Accept": "application/json"}))
    if answer.status != 200:
        raise ProviderUnavailable(f"The eID provider answered {answer.status} where its metadata should be.")
    return answer.value


def post_form(client: httpx.Client, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> JsonAnswer:
    """:raises ProviderUnavailable: on no answer, a server error, too much or no JSON."""
    answer = _exchange(client, httpx.Request("POST", url, data=dict(fields), headers={"Accept": "application/json", **(headers or {})}))
    if answer.status >= 500 or answer.status == 429:
        raise ProviderUnavailable(f"The eID provider answered {answer.status}.")
    return answer


def _exchange(client: httpx.Client, request: httpx.Request) -> JsonAnswer:
    # httpx's timeout counts from one piece to the next; a provider that drips bytes is stopped by the deadline.
    deadline = time.monotonic() + TIMEOUT_SECONDS
    request.extensions = {**request.extensions, "timeout": httpx.Timeout(TIMEOUT_SECONDS).as_dict()}
    try:
        response = client.send(request, stream=True, follow_redirects=False)
        try:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > MAX_ANSWER_BYTES:
                    raise ProviderUnavailable(f"The eID provider's answer is larger than {MAX_ANSWER_BYTES} bytes.")
                if time.monotonic() > deadline:
                    raise ProviderUnavailable(f"The eID provider did not finish its answer in {TIMEOUT_SECONDS:.0f} seconds.")
        finally:
            response.close()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderUnavailable(f"The eID provider did not answer ({type(error).__name__}).") from error
    if response.is_redirect:
        raise ProviderUnavailable("The eID provider answered with a redirect, which is not followed.")
    if response.status_code >= 500:
        return JsonAnswer(status=response.status_code, value={})
    try:
        value = json.loads(bytes(content))
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable("The eID provider's answer is no JSON.") from error
    if not isinstance(value, dict):
        raise ProviderUnavailable("The eID provider's answer is no JSON object.")
    return JsonAnswer(status=response.status_code, value=value)
