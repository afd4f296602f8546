"""
Asking an eID provider over HTTP: a few seconds, a limited answer, and JSON or nothing.

The provider's words never reach a message of ours: they may hold tokens or personal data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from segl.adapters.bounded_http import Answer, BoundedHttp, NotAnswered
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


def get_json(http: BoundedHttp, url: str) -> Json:
    """:raises ProviderUnavailable: unless a JSON object comes back with status 200."""
    answer = _ask(http, "GET", url)
    if answer.status != 200:
        raise ProviderUnavailable(f"The eID provider answered {answer.status} where its metadata should be.")
    return _object_in(answer)


def post_form(http: BoundedHttp, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> JsonAnswer:
    """:raises ProviderUnavailable: on no answer, a server error, too much or no JSON."""
    answer = _ask(http, "POST", url, form=fields, headers=headers)
    if answer.status >= 500 or answer.status == 429:
        raise ProviderUnavailable(f"The eID provider answered {answer.status}.")
    return JsonAnswer(status=answer.status, value=_object_in(answer))


def read_json(content: bytes) -> object:
    """
    Return what JSON holds.

    :raises ValueError: if it is none, is nested without end, or names something twice: which of the two is meant, is a matter of taste.
    """
    try:
        return json.loads(content, object_pairs_hook=_once_each)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _once_each(pairs: list[tuple[str, object]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _ask(
    http: BoundedHttp, method: str, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    try:
        answer = http.ask(method, url, seconds=TIMEOUT_SECONDS, headers={"Accept": "application/json", **(headers or {})}, form=form)
    except NotAnswered as error:
        raise ProviderUnavailable(f"The eID provider did not answer. {error}") from error
    if 300 <= answer.status < 400:
        raise ProviderUnavailable("The eID provider answered with a redirect, which is not followed.")
    return answer


def _object_in(answer: Answer) -> Json:
    if answer.media_type != "application/json" and not answer.media_type.endswith("+json"):
        raise ProviderUnavailable("The eID provider's answer is no JSON, by what it says of itself.")
    try:
        value = read_json(answer.content)
    except ValueError as error:
        raise ProviderUnavailable("The eID provider's answer is no JSON.") from error
    if not isinstance(value, dict):
        raise ProviderUnavailable("The eID provider's answer is no JSON object.")
    return value
