"""What the parts of a project.yaml say of each other: names that lead nowhere, or in a circle.

A file is read as it was written: where one entry is wrong, the others are judged all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import CommandError
from workbench.project.yaml_source import Mistake, Source

_REFERENCES = (
    ("triggers", "inbox", "inboxes"),
    ("triggers", "success", "jobs"),
    ("triggers", "failure", "jobs"),
    ("jobs", "trigger", "triggers"),
    ("jobs", "credential", "credentials"),
)


def names(source: Source, section: str) -> list[str]:
    """Give the names of a section's entries."""
    return [str(name) for name in _section(source, section)]


def entries(source: Source, section: str, key: str) -> Iterator[tuple[str, str]]:
    """Give the name of each entry of a section that has a text at a key, and the text."""
    for name, entry in _section(source, section).items():
        if isinstance(entry, dict) and isinstance(entry.get(key), str):
            yield name, entry[key]


def dangling(source: Source) -> Iterator[Mistake]:
    """Give the names that lead nowhere."""
    for section, key, target in _REFERENCES:
        known = names(source, target)
        for name, wanted in entries(source, section, key):
            if wanted not in known:
                there = ", ".join(known) or f"none yet: add it below `{target}`"
                kind = "job" if target == "jobs" else key
                yield source.mistake(
                    (section, name, key), f"there is no {kind} `{wanted}`; there is {there}"
                )


def circles(source: Source) -> Iterator[Mistake]:
    """Give the jobs that wait for each other, each circle once."""
    trigger_of = dict(entries(source, "jobs", "trigger"))
    waits_for = {
        name: job
        for key in ("success", "failure")
        for name, job in entries(source, "triggers", key)
    }
    seen: set[str] = set()
    for first in trigger_of:
        chain: list[str] = []
        job: str | None = first
        while job is not None and job not in seen:
            seen.add(job)
            chain.append(job)
            job = waits_for.get(trigger_of.get(job, ""))
        if job in chain:
            circle = [*chain[chain.index(job) :], job]
            what = f"{' waits for '.join(circle)}: none would ever run; give one another trigger"
            yield source.mistake(("jobs", job, "trigger"), what)


def _section(source: Source, name: str) -> dict[Any, Any]:
    section = source.written.get(name) if isinstance(source.written, dict) else None
    return section if isinstance(section, dict) else {}


def require_known(kind: str, name: str | None, names: Mapping[str, Any]) -> None:
    """Raise CommandError if `name` is not one of the project's names of this kind."""
    if name is not None and name not in names:
        raise CommandError(
            f"The project has no {kind} {name}. It has: {', '.join(names) or 'none'}."
        )
