"""The organization's project as it is deployed: one JSON file and the job files beside it.

`ofn check` and the build of the project layer validate project.yaml and write that JSON file, so
nothing is validated again here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from openfn.project import trigger_index as index
from openfn.project.inboxes import Auth, Inbox
from openfn.project.retry_policy import Retry
from openfn.project.trigger_index import Index
from openfn.project.triggers import CronTrigger, FlowTrigger, Kind, MessageTrigger
from openfn.storage import aws

COMPILED = "project.json"


@dataclass(frozen=True, slots=True)
class Job:
    """A trigger, a credential's name, the path of the expression, and how often it is tried."""

    name: str
    trigger: str
    credential: str | None
    expression: Path
    retry: Retry


@dataclass(frozen=True, slots=True)
class Project:
    """What an organization deploys; `version` is the SHA-256 of all its files."""

    name: str
    version: str
    inboxes: Mapping[str, Inbox]
    """Inboxes by the SHA-256 of each of their ids."""
    jobs: Mapping[str, Job]
    started_by: Mapping[str, Sequence[Job]]
    """The jobs of each trigger, in the project's order."""
    index: Index
    """Of the message filters, by their positions."""
    messages: Sequence[MessageTrigger]
    crons: Sequence[CronTrigger]
    flows: Sequence[FlowTrigger]
    limits: Mapping[str, int]
    """How many runs each credential that has a limit takes at once."""
    adaptors: frozenset[str]
    """The adaptors that the credentials are for."""

    def inbox_of(self, inbox_id: str) -> Inbox | None:
        """Give the inbox with this id, or `None`."""
        digest = hashlib.sha256(inbox_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self.inboxes.get(digest)

    def inbox_named(self, name: str) -> Inbox | None:
        """Give the inbox of this name, or `None`."""
        return next((each for each in self.inboxes.values() if each.name == name), None)

    def group_of(self, inbox: str) -> str | None:
        """Give the group in which an inbox's messages are matched, if they are matched in turn."""
        named = self.inbox_named(inbox)
        return named.group if named else None

    def max_concurrency_of(self, job: str) -> int | None:
        """Give how many runs the credential of a job takes at once; `None` for any number."""
        found = self.jobs.get(job)
        return self.limits.get(found.credential or "") if found else None

    def triggered_by(self, inbox: str, body: Any) -> list[tuple[MessageTrigger, Job]]:
        """Give the jobs a matchable body runs, each with its trigger, in the project's order."""
        matching = [self.messages[each] for each in self.index.matching(inbox, body)]
        return [(trigger, job) for trigger in matching for job in self.started_by[trigger.name]]

    def following(self, job: str, on: Kind) -> list[tuple[FlowTrigger, Job]]:
        """Give the jobs that another's success or failure runs, each with its trigger."""
        flows = [flow for flow in self.flows if (flow.job, flow.on) == (job, on)]
        return [(flow, each) for flow in flows for each in self.started_by[flow.name]]


def current() -> Project:
    """Give the project of this function's project layer."""
    return load(Path(aws.setting(aws.Setting.PROJECT_DIR)))


@cache
def load(directory: Path) -> Project:
    """Read a compiled project."""
    raw = json.loads((directory / COMPILED).read_text("utf-8"), parse_float=Decimal)
    jobs = {name: _job(name, job, directory) for name, job in raw["jobs"].items()}
    started_by: dict[str, list[Job]] = {name: [] for name in raw["triggers"]}
    for job in jobs.values():
        started_by[job.trigger].append(job)
    triggers = parse_triggers(raw["triggers"])
    return Project(
        name=raw["name"],
        version=raw["version"],
        inboxes=_inboxes(raw["inboxes"]),
        jobs=jobs,
        started_by=started_by,
        index=index.load(raw["index"]),
        messages=[each for each in triggers if isinstance(each, MessageTrigger)],
        crons=[each for each in triggers if isinstance(each, CronTrigger)],
        flows=[each for each in triggers if isinstance(each, FlowTrigger)],
        limits={
            name: each["max_concurrency"]
            for name, each in raw["credentials"].items()
            if each["max_concurrency"]
        },
        adaptors=frozenset(each["adaptor"] for each in raw["credentials"].values()),
    )


def parse_triggers(raw: Mapping[str, Any]) -> list[MessageTrigger | CronTrigger | FlowTrigger]:
    """Give the triggers of a compiled project."""
    return [_trigger(name, each) for name, each in raw.items()]


def _trigger(name: str, raw: Mapping[str, Any]) -> MessageTrigger | CronTrigger | FlowTrigger:
    if "cron" in raw:
        return CronTrigger(name, raw["cron"], raw["catch_up"])
    for on in (Kind.SUCCESS, Kind.FAILURE):
        if on in raw:
            return FlowTrigger(name, raw[on], on)
    return MessageTrigger(
        name, raw["inbox"], raw["inclusion"], tuple(raw["exclusion"]), tuple(raw["order_by"])
    )


def _job(name: str, raw: Mapping[str, Any], directory: Path) -> Job:
    expression, retry = directory / raw["expression"], Retry(**raw["retry"])
    return Job(name, raw["trigger"], raw["credential"], expression, retry)


def _inboxes(raw: Mapping[str, Any]) -> dict[str, Inbox]:
    return {
        digest: _inbox(name, inbox) for name, inbox in raw.items() for digest in inbox["id_sha256"]
    }


def _inbox(name: str, raw: Mapping[str, Any]) -> Inbox:
    return Inbox(
        name=name,
        auth=tuple(Auth(**each) for each in raw["auth"]),
        dedupe=tuple(raw["dedupe"]),
        max_bytes=raw["max_bytes"],
        keep=raw["keep"],
        ordered=raw["ordered"],
    )
