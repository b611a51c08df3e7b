"""What the destinations of a rehearsed job answer, as a test says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from adaptors._runtime.dry_run import Dry, DryRequest, Reply
from workbench.text import count_of

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InTurn:
    """Answers that are given one after the other."""

    answers: tuple[Any, ...]


def in_turn(*answers: Any) -> InTurn:
    """Give one answer after the other, each once."""
    return InTurn(answers)


class Script:
    """A test's answers, and how often each was asked for; the first that fits is given.

    A key is a method and the end of a path (`PUT households/*`), or a part of an SQL statement.
    `*` stands for any text; a key with `?` is compared with the query as well.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._asked: Counter[str] = Counter()

    def answer(self, dry: Dry) -> Any:
        """Give the answer to what is rehearsed, `None` where the test has none."""
        key = next((key for key in self._answers if _fits(key, dry)), None)
        if key is None:
            return None
        self._asked[key] += 1
        given = self._next(key)
        if isinstance(given, BaseException):
            raise given
        return Reply(body=given) if isinstance(dry, DryRequest) and _plain(given) else given

    def unused(self) -> list[str]:
        """Say which answers nobody asked for."""
        told = []
        for key, given in self._answers.items():
            count, asked = _count(given), self._asked[key]
            if asked < count:
                told.append(f"{key!r} has {count_of(count, 'answer')} and was asked for {asked}")
        return told

    def _next(self, key: str) -> Any:
        given, asked = self._answers[key], self._asked[key]
        if not isinstance(given, InTurn):
            return given
        if asked > len(given.answers):
            has = count_of(len(given.answers), "answer")
            raise LookupError(f"{key!r} has {has} and was asked for more")
        return given.answers[asked - 1]


def _count(given: Any) -> int:
    return len(given.answers) if isinstance(given, InTurn) else 1


def _plain(given: Any) -> bool:
    return not isinstance(given, Reply)


def _fits(key: str, dry: Dry) -> bool:
    if not isinstance(dry, DryRequest):
        return _words(key) in _words(dry.sql)
    method, _, pattern = key.partition(" ")
    address, _, query = unquote(dry.url).partition("?")
    whole = f"{address}?{query}" if "?" in pattern else address
    wanted = re.escape(pattern.lstrip("/")).replace(r"\*", ".*")
    return method == dry.method and re.fullmatch(f"(.*/)?{wanted}", whole, re.DOTALL) is not None


def _words(sql: str) -> str:
    return " ".join(sql.lower().split())
