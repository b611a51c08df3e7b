"""References between the parts of project.yaml: unknown names and cycles.

They are checked on the file's own content, so that one invalid entry does not hide the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from workbench.errors import CommandError
from workbench.project.yaml_source import Problem, YamlSource

_REFERENCES = (
    ("triggers", "inbox", "inboxes"),
    ("triggers", "success", "jobs"),
    ("triggers", "failure", "jobs"),
    ("jobs", "trigger", "triggers"),
    ("jobs", "credential", "credentials"),
)


def names_in(source: YamlSource, section: str) -> list[str]:
    """Return the names of a section's entries."""
    return [str(name) for name in _section(source, section)]


def texts_at(source: YamlSource, section: str, key: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of each entry that has text at a key."""
    for name, entry in _section(source, section).items():
        if isinstance(entry, dict) and isinstance(entry.get(key), str):
            yield name, entry[key]


def lists_at(source: YamlSource, section: str, key: str) -> Iterator[tuple[str, list[Any]]]:
    """Yield name and list of each entry that has a list at a key."""
    for name, entry in _section(source, section).items():
        if isinstance(entry, dict) and isinstance(entry.get(key), list):
            yield name, entry[key]


def unknown_names(source: YamlSource) -> Iterator[Problem]:
    """Yield a problem for each reference to a name that does not exist."""
    for section, key, target in _REFERENCES:
        known = names_in(source, target)
        for entry, name in texts_at(source, section, key):
            if name not in known:
                kind = "job" if target == "jobs" else key
                yield source.problem((section, entry, key), describe_unknown(kind, name, known))


def describe_unknown(kind: str, name: str, known: Collection[str]) -> str:
    """Return a message about an unknown name, with the names that exist."""
    section = "inboxes" if kind == "inbox" else f"{kind}s"
    exist = f"The project has: {', '.join(known)}." if known else f"Add it below `{section}`."
    return f"There is no {kind} `{name}`. {exist}"


def cycles(source: YamlSource) -> Iterator[Problem]:
    """Yield a problem for each cycle of jobs that wait for each other."""
    trigger_of = dict(texts_at(source, "jobs", "trigger"))
    upstream_of = {
        name: job
        for key in ("success", "failure")
        for name, job in texts_at(source, "triggers", key)
    }
    seen: set[str] = set()
    for first in trigger_of:
        chain: list[str] = []
        job: str | None = first
        while job is not None and job not in seen:
            seen.add(job)
            chain.append(job)
            job = upstream_of.get(trigger_of.get(job, ""))
        if job in chain:
            yield source.problem(
                ("jobs", job, "trigger"), _describe_cycle([*chain[chain.index(job) :], job])
            )


def require_known(kind: str, name: str | None, names: Mapping[str, Any]) -> None:
    """Raise CommandError if `name` is not one of the project's names of this kind."""
    if name is not None and name not in names:
        raise CommandError(
            f"The project has no {kind} {name}. It has: {', '.join(names) or 'none'}."
        )


def _describe_cycle(jobs: list[str]) -> str:
    waits = ", ".join(f"{job} waits for {upstream}" for job, upstream in pairwise(jobs))
    return f"Jobs that wait for each other never run: {waits}. Change the trigger of one of them."


def _section(source: YamlSource, name: str) -> dict[Any, Any]:
    section = source.content.get(name) if isinstance(source.content, dict) else None
    return section if isinstance(section, dict) else {}
