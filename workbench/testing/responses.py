"""Stub responses of destinations, for the tests of a project's jobs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from adaptors._runtime.dry_run import Dry, DryRequest, Reply
from workbench.text import count_of

Responses = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResponseSequence:
    """Responses that are used one after the other."""

    responses: tuple[Any, ...]


def in_turn(*responses: Any) -> ResponseSequence:
    """Return one response after the other, each once."""
    return ResponseSequence(responses)


class StubResponses:
    """The stub responses of a test, and how often each was used. The first match wins.

    A key is a method and the end of a path (`PUT households/*`), or a part of an SQL statement.
    `*` matches any text. A key with `?` is compared with the query too.
    """

    def __init__(self, responses: Responses) -> None:
        self._responses = responses
        self._used: Counter[str] = Counter()

    def respond(self, request: Dry) -> Any:
        """Return the response to a request or statement, or None if none matches."""
        key = next((key for key in self._responses if _matches(key, request)), None)
        if key is None:
            return None
        self._used[key] += 1
        response = self._next(key)
        if isinstance(response, BaseException):
            raise response
        is_data = not isinstance(response, Reply)
        return Reply(body=response) if isinstance(request, DryRequest) and is_data else response

    def unused(self) -> list[str]:
        """Return a text for each response that was not used."""
        texts = []
        for key, response in self._responses.items():
            count, used = _count(response), self._used[key]
            if used < count:
                answers, times = count_of(count, "answer"), count_of(used, "time")
                texts.append(f"{key!r} has {answers} but was used {times}")
        return texts

    def _next(self, key: str) -> Any:
        response, used = self._responses[key], self._used[key]
        if not isinstance(response, ResponseSequence):
            return response
        if used > len(response.responses):
            count = count_of(len(response.responses), "answer")
            raise LookupError(f"{key!r} has only {count} but was used {used} times")
        return response.responses[used - 1]


def _count(response: Any) -> int:
    return len(response.responses) if isinstance(response, ResponseSequence) else 1


def _matches(key: str, request: Dry) -> bool:
    if not isinstance(request, DryRequest):
        return _normalize(key) in _normalize(request.sql)
    method, _, pattern = key.partition(" ")
    url, _, query = unquote(request.url).partition("?")
    target = f"{url}?{query}" if "?" in pattern else url
    regex = re.escape(pattern.lstrip("/")).replace(r"\*", ".*")
    return (
        method == request.method and re.fullmatch(f"(.*/)?{regex}", target, re.DOTALL) is not None
    )


def _normalize(sql: str) -> str:
    return " ".join(sql.lower().split())
