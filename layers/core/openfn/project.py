"""The organization's project as it is deployed: one JSON file and the job files beside it.

`ofn check` and the build of the project layer validate project.yaml and write that JSON file, so
nothing is validated again here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from openfn import aws
from openfn.inboxes import Auth, Inbox
from openfn.triggers import Trigger, matches

COMPILED = "project.json"


@dataclass(frozen=True, slots=True)
class Job:
    """A trigger, a credential's name and the path of the expression."""

    name: str
    trigger: str
    credential: str | None
    expression: Path


@dataclass(frozen=True, slots=True)
class Project:
    """What an organization deploys; `version` is the SHA-256 of all its files."""

    name: str
    version: str
    inboxes: Mapping[str, Inbox]
    """Inboxes by the SHA-256 of each of their ids."""
    triggers: tuple[Trigger, ...]
    jobs: Mapping[str, Job]

    def inbox_of(self, inbox_id: str) -> Inbox | None:
        """Give the inbox with this id, or `None`."""
        digest = hashlib.sha256(inbox_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self.inboxes.get(digest)

    def triggered_by(self, inbox: str, body: Any) -> list[tuple[Trigger, Job]]:
        """Give the jobs a matchable body runs, each with its trigger, in the project's order."""
        matching = [trigger for trigger in self.triggers if matches(trigger, inbox, body)]
        return [(t, job) for t in matching for job in self.jobs.values() if job.trigger == t.name]


def current() -> Project:
    """Give the project of this function's project layer."""
    return load(Path(aws.setting(aws.Setting.PROJECT_DIR)))


@cache
def load(directory: Path) -> Project:
    """Read a compiled project."""
    text = (directory / COMPILED).read_text("utf-8")
    raw = json.loads(text, parse_float=Decimal)
    return Project(
        name=raw["name"],
        version=raw["version"],
        inboxes={
            digest: _inbox(name, inbox)
            for name, inbox in raw["inboxes"].items()
            for digest in inbox["id_sha256"]
        },
        triggers=tuple(parse_triggers(raw["triggers"])),
        jobs={
            name: Job(name, job["trigger"], job["credential"], directory / job["expression"])
            for name, job in raw["jobs"].items()
        },
    )


def parse_triggers(raw: Mapping[str, Any]) -> list[Trigger]:
    """Give the triggers of a compiled project."""
    return [
        Trigger(name, each["inbox"], each["inclusion"], tuple(each["exclusion"]))
        for name, each in raw.items()
    ]


def _inbox(name: str, raw: Mapping[str, Any]) -> Inbox:
    auth = tuple(Auth(**each) for each in raw.get("auth", ()))
    return Inbox(name, auth, tuple(raw.get("dedupe", ())), raw.get("max_bytes"))
