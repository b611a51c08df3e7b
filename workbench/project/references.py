"""References between the parts of project.yaml: unknown names and cycles.

They are checked on the file's own content, so that one invalid entry does not hide the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from workbench.errors import CommandError
from workbench.project.schema.project import ProjectSpec
from workbench.project.schema.trigger import MessageTriggerSpec
from workbench.project.yaml_source import Keys, Problem, YamlSource

# `trigger` has one name or a list. Some people write `triggers` for a list.
_TRIGGER_KEYS = ("trigger", "triggers")
_REFERENCES = (
    ("triggers", "inbox", "inboxes"),
    ("triggers", "success", "jobs"),
    ("triggers", "failure", "jobs"),
    *(("jobs", key, "triggers") for key in _TRIGGER_KEYS),
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
        for _, path, name in _names_at(source, section, key):
            if name not in known:
                kind = {"jobs": "job", "triggers": "trigger"}.get(target, key)
                yield source.problem(path, describe_unknown(kind, name, known))


def describe_unknown(kind: str, name: str, known: Collection[str]) -> str:
    """Return a message about an unknown name, with the names that exist."""
    section = "inboxes" if kind == "inbox" else f"{kind}s"
    exist = f"The project has: {', '.join(known)}." if known else f"Add it below `{section}`."
    return f"There is no {kind} `{name}`. {exist}"


def cycles(source: YamlSource) -> Iterator[Problem]:
    """Yield a problem for each cycle of jobs that wait for each other."""
    jobs_before = _jobs_before(source)
    done: set[str] = set()
    for first in jobs_before:
        # Depth first, without recursion: a chain can be long.
        chain, branches = [first], [iter(jobs_before[first])]
        while chain and first not in done:
            job = next(branches[-1], None)
            if job is None:
                done.add(chain.pop())
                branches.pop()
            elif job in chain:
                cycle = [*chain[chain.index(job) :], job]
                yield source.problem(("jobs", job, "trigger"), _describe_cycle(cycle))
            elif job in jobs_before and job not in done:
                chain.append(job)
                branches.append(iter(jobs_before[job]))


def order_conflicts(source: YamlSource, project: ProjectSpec) -> Iterator[Problem]:
    """Yield a problem for each job whose message triggers have different `order_by`."""
    for name, job in project.jobs.items():
        orders: dict[tuple[str | int, ...], str] = {}
        for trigger_name in job.trigger:
            trigger = project.triggers.get(trigger_name)
            if isinstance(trigger, MessageTriggerSpec):
                orders.setdefault(tuple(trigger.order_by), trigger_name)
        if len(orders) > 1:
            names = " and ".join(orders.values())
            message = (
                f"The triggers {names} have different `order_by`. A message that matches several "
                "triggers of a job starts one run, so write the same `order_by` in all of them."
            )
            yield source.problem(("jobs", name, "trigger"), message)


def require_known(kind: str, name: str | None, names: Mapping[str, Any]) -> None:
    """Raise CommandError if `name` is not one of the project's names of this kind."""
    if name is not None and name not in names:
        raise CommandError(
            f"The project has no {kind} {name}. It has: {', '.join(names) or 'none'}."
        )


def _describe_cycle(jobs: list[str]) -> str:
    waits = ", ".join(f"{job} waits for {upstream}" for job, upstream in pairwise(jobs))
    return f"Jobs that wait for each other never run: {waits}. Change the trigger of one of them."


def _jobs_before(source: YamlSource) -> dict[str, list[str]]:
    """Return the upstream jobs of each job."""
    upstream_of = {
        name: job
        for key in ("success", "failure")
        for name, job in texts_at(source, "triggers", key)
    }
    jobs_before: dict[str, list[str]] = {}
    for key in _TRIGGER_KEYS:
        for job, _, trigger in _names_at(source, "jobs", key):
            upstream = [upstream_of[trigger]] if trigger in upstream_of else []
            jobs_before[job] = list(dict.fromkeys(jobs_before.get(job, []) + upstream))
    return jobs_before


def _names_at(source: YamlSource, section: str, key: str) -> Iterator[tuple[str, Keys, str]]:
    """Yield the entry, the path and the text of each name at a key: one name or a list."""
    for entry, name in texts_at(source, section, key):
        yield entry, (section, entry, key), name
    for entry, names in lists_at(source, section, key):
        for position, name in enumerate(names):
            if isinstance(name, str):
                yield entry, (section, entry, key, position), name


def _section(source: YamlSource, name: str) -> dict[Any, Any]:
    section = source.content.get(name) if isinstance(source.content, dict) else None
    return section if isinstance(section, dict) else {}
