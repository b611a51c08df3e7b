"""The lines of a job around an error."""

from __future__ import annotations

from dataclasses import dataclass

from openfn.project import compiled

_AROUND = 4


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a job; `failed` is the one of the error."""

    number: int
    text: str
    failed: bool


def load(job: str, line: int) -> list[SourceLine]:
    """Return the lines around a line of a job as it is deployed; none if it has no such line."""
    deployed = compiled.current().jobs.get(job)
    if deployed is None or line < 1:
        return []
    lines = deployed.expression.read_text("utf-8").splitlines()
    first = max(1, line - _AROUND)
    shown = lines[first - 1 : line + _AROUND]
    return [SourceLine(number, text, number == line) for number, text in enumerate(shown, first)]
