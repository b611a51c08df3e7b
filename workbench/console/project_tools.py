"""The console's tools: the project's folder on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from console.tools import (
    Change,
    DeadLetter,
    DeadLetters,
    FilterChange,
    JobFile,
    ProjectRefused,
    Trial,
)
from openfn.messages.store import Message
from openfn.project.triggers import MessageTrigger
from workbench.console import trials
from workbench.errors import CommandError
from workbench.project import trigger_edits
from workbench.project.compiler import PROJECT_FILE
from workbench.project.references import texts_at
from workbench.project.yaml_source import ProjectProblems, read_yaml
from workbench.stack import dead_letters

_MAX_TRIALS = 16
Version = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ProjectTools:
    """A project folder, the stack that uses it, and the results of its jobs on messages."""

    project: Path
    stack: str
    _trials: dict[tuple[str, str, Version], Trial] = field(default_factory=dict)

    def parse_filter(self, text: str, inbox: str) -> MessageTrigger:
        """Return the filter of a YAML text."""
        with _refusing():
            return trigger_edits.parse_filter(text, inbox)

    def save_filter(self, change: FilterChange) -> None:
        """Write a filter into project.yaml."""
        with _refusing():
            trigger_edits.parse_filter(change.text)
            if change.kind is Change.REPLACE:
                trigger_edits.replace_inclusion(self.project, change.trigger, change.text)
            elif change.kind is Change.ADD:
                trigger_edits.add_inclusion(self.project, change.trigger, change.text)
            else:
                trigger_edits.add_trigger(
                    self.project, change.trigger, change.text, change.inbox, change.job
                )

    def job_file(self, job: str) -> JobFile:
        """Return the file of a job, also while the project is not valid."""
        with _refusing():
            files = dict(texts_at(read_yaml(self.project / PROJECT_FILE), "jobs", "expression"))
            if job not in files:
                raise CommandError(f"The project has no job {job}.")
            path = (self.project / files[job]).resolve()
            if self.project.resolve() not in path.parents:
                raise CommandError(f"The file of {job} is not in the project.")
            try:
                return JobFile(files[job], path.read_text("utf-8"))
            except (OSError, UnicodeDecodeError) as error:
                raise CommandError(f"{files[job]} cannot be read: {error}.") from None

    def try_job(self, job: str, message: Message) -> Trial:
        """Run a job's file on a message as a dry run, again only after a file was saved."""
        key = (job, message.id, _version(self.project))
        if key not in self._trials:
            with _refusing():
                trial = trials.run(self.project, job, message)
            while len(self._trials) >= _MAX_TRIALS:
                self._trials.pop(next(iter(self._trials)))
            self._trials[key] = trial
        return self._trials[key]

    def dead_letters(self) -> list[DeadLetters]:
        """Return the dead-letter queues of the stack."""
        contents = [dead_letters.peek(queue) for queue in dead_letters.queues(self.stack)]
        return [
            DeadLetters(content.queue.name, content.count, [*map(_letter, content.letters)])
            for content in contents
        ]

    def put_back_dead_letters(self) -> tuple[int, str]:
        """Put all ids back on their queues."""
        moved, reasons = 0, list[str]()
        for queue in dead_letters.queues(self.stack):
            count, why = dead_letters.redrive(queue, lambda _count: None)
            moved += count
            reasons += [f"{queue.name}: {why}"] if why else []
        return moved, "; ".join(reasons)


def _letter(letter: dead_letters.DeadLetter) -> DeadLetter:
    return DeadLetter(letter.id, letter.kind, letter.since, letter.summary)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (ProjectProblems, CommandError) as error:
        raise ProjectRefused(str(error)) from None


def _version(project: Path) -> Version:
    files = []
    for folder, names, file_names in os.walk(project):
        names[:] = [name for name in names if not name.startswith((".", "__pycache__"))]
        paths = [Path(folder, name) for name in file_names]
        files += [(str(path), path.stat().st_mtime_ns) for path in paths if path.is_file()]
    return tuple(sorted(files))
