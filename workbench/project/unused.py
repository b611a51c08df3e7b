"""Warn about entries of project.yaml that do nothing: unused triggers and placeholder hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from workbench.project.compiler import PROJECT_FILE
from workbench.project.schema.project import ProjectSpec
from workbench.project.yaml_source import Problem, read_yaml

_OF_NOTHING = hashlib.sha256(b"").hexdigest()


def warnings(directory: Path, project: ProjectSpec) -> Iterator[Problem]:
    """Yield a warning for each trigger without a job and each inbox that nobody can post to."""
    source = read_yaml(directory / PROJECT_FILE)
    used = {name for job in project.jobs.values() for name in job.trigger}
    for name in project.triggers:
        if name not in used:
            message = "No job uses this trigger. Write its name as the `trigger` of a job."
            yield source.problem(("triggers", name), message)
    for name, inbox in project.inboxes.items():
        if any(is_placeholder(digest) for digest in inbox.id_sha256):
            message = (
                "This is a placeholder and not the hash of an id, so no post reaches the inbox of "
                f"a deployed stack. `ofn inbox rotate {name}` adds an id, and then `--finish` "
                "removes this."
            )
            yield source.problem(("inboxes", name, "id_sha256"), message)


def is_placeholder(digest: str) -> bool:
    """Return whether a hash was typed by hand, or is the hash of an empty text.

    >>> is_placeholder("0" * 64)
    True
    """
    return len(set(digest)) == 1 or digest == _OF_NOTHING
