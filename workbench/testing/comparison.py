"""Compare what two jobs do with the same posts: what they send, emit and return."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptors._runtime.dry_run import Dry, DryRequest
from openfn.jobs.state import State
from workbench.credentials import placeholders
from workbench.testing.local_run import LocalRun, run_locally
from workbench.testing.responses import StubResponses

# They depend on the language: where old data goes, the keys of a response, what `each` leaves.
_OF_THE_LANGUAGE = ("references", "response", "request", "index")
_HEADERS = ("authorization", "content-type")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two jobs: its file, and the adaptor that its operations are those of."""

    expression: Path
    dialect: str
    inboxes: Sequence[str] = ()

    @property
    def adaptor(self) -> str:
        """The adaptor without a version."""
        return self.dialect.partition("@")[0]

    def run(self, state: State, responses: StubResponses) -> LocalRun:
        """Execute the job on a state; nothing is sent."""
        return run_locally(
            self.expression.resolve(),
            state,
            {} if self.adaptor == "common" else placeholders.configuration(self.adaptor),
            dry=True,
            inboxes=self.inboxes,
            responder=responses.respond,
            adaptor=self.adaptor,
            dialect=self.dialect,
        )


def differences(old: LocalRun, new: LocalRun, *, same_language: bool) -> list[str]:
    """Return a line for each difference between two runs; empty if they did the same."""
    if old.error or new.error:
        errors = [run.error and f"{run.error.type}: {run.error.message}" for run in (old, new)]
        verdicts = [run.error and run.error.verdict for run in (old, new)]
        if verdicts[0] != verdicts[1]:
            return [f"error: {errors[0] or 'none'} | {errors[1] or 'none'}"]
    ignored = () if same_language else _OF_THE_LANGUAGE
    finals = [
        {k: v for k, v in (run.final or {}).items() if k not in ignored} for run in (old, new)
    ]
    emitted = [[[inbox, json.loads(body)] for inbox, body in run.emitted] for run in (old, new)]
    sent = [[_plain(request) for request in run.requests] for run in (old, new)]
    parts = (("request", sent), ("emitted", emitted), ("state", finals))
    return [line for name, (before, after) in parts for line in _unequal(name, before, after)]


def _plain(request: Dry) -> Any:
    if not isinstance(request, DryRequest):
        return request.as_dict()
    headers = {name.lower(): value for name, value in request.headers.items()}
    text = request.body.decode("utf-8", "replace")
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = text
    known = {name: headers[name] for name in _HEADERS if name in headers}
    return {"method": request.method, "url": request.url, "headers": known, "body": body}


def _unequal(path: str, before: Any, after: Any) -> Iterator[str]:
    """Yield `path: old | new` for each value that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _unequal(f"{path}.{key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            yield from _unequal(f"{path}[{number}]", _at(before, number), _at(after, number))
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield f"{path}: {_text(before)} | {_text(after)}"


def _at(values: Sequence[Any], position: int) -> Any:
    return values[position] if position < len(values) else None


def _text(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)[:200]
