"""What a replay would do, and the replay of exactly that.

The preview's form has the id, status and attempt of each run. A run that has changed since is
refused: a second click on the same form replays nothing again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from console import reads
from console.list_filters import RunFilter
from openfn import ids
from openfn.history import details, replay, replay_selection
from openfn.history.replay_selection import ReplayTarget
from openfn.runs import store
from openfn.runs.model import RunStatus

MAX_RUNS = 1000
"""How many runs one form replays, the oldest first."""
_MAX_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """A run as the preview has seen it."""

    id: str
    job: str
    status: RunStatus
    attempt: int

    def __str__(self) -> str:
        return f"{self.id} {self.status} {self.attempt}"


@dataclass(frozen=True, slots=True)
class Preview:
    """The runs and messages that a form would replay, in the order received."""

    runs: Sequence[Target]
    messages: Sequence[str]
    left_out: int
    """How many runs are too many for one form."""

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """The number of runs by job and status."""
        counted = Counter((run.job, str(run.status)) for run in self.runs)
        return sorted((job, status, count) for (job, status), count in counted.items())

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """When the first and the last of them were received."""
        names = sorted([*(run.id for run in self.runs), *self.messages])
        return (ids.received_at(names[0]), ids.received_at(names[-1])) if names else None


@dataclass(frozen=True, slots=True)
class Result:
    """How many runs and messages were queued, and why the others were not, by id."""

    queued: int
    refused: Mapping[str, str]


def preview_ids(identifiers: Sequence[str]) -> Preview:
    """Return what the replay of runs and messages would do; raise NotFound or NotReplayed."""
    targets, messages = replay_selection.by_ids(identifiers)
    return _preview(targets, [message.id for message in messages])


def preview_list(selection: RunFilter) -> Preview:
    """Return what the replay of all ended runs of a list would do."""
    runs = sorted(reads.all_runs(selection, _MAX_LISTED), key=lambda run: run.id)
    return _preview([ReplayTarget(run.id, run.job, run.status) for run in runs], [])


def replay_all(targets: Sequence[str], messages: Sequence[str], *, restart: bool) -> Result:
    """Replay the targets of a form that have not changed since it was shown."""
    expected = [_parse(text) for text in targets]
    stored = store.load_all(target.id for target in expected)
    refused: dict[str, str] = {}
    selected: list[ReplayTarget] = []
    for target in expected:
        run = stored.get(target.id)
        if run and (run.status, run.attempt) != (target.status, target.attempt):
            refused[target.id] = f"It has changed since this page was shown: it is {run.status}."
        else:
            selected.append(ReplayTarget(target.id, target.job, target.status))
    refused |= replay.replay_runs(selected, restart=restart, on_progress=lambda _count: None)
    read = details.messages_by_id(messages)
    readable = [read[name].message for name in sorted(messages) if name in read]
    refused |= replay.replay_messages(readable)
    return Result(len(expected) + len(readable) - len(refused), refused)


def _preview(targets: Sequence[ReplayTarget], messages: Sequence[str]) -> Preview:
    shown = targets[:MAX_RUNS]
    stored = store.load_all(target.id for target in shown)
    runs = [
        Target(target.id, target.job, target.status, stored[target.id].attempt)
        for target in shown
        if target.id in stored
    ]
    return Preview(runs, messages, len(targets) - len(shown))


def _parse(text: str) -> Target:
    identifier, status, attempt = text.rsplit(" ", 2)
    return Target(identifier, ids.job_of(identifier), RunStatus(status), int(attempt))
