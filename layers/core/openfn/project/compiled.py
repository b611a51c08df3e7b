"""Load the compiled project: one JSON file, with the job files beside it.

`ofn check` and the build of the project layer validate project.yaml and write the JSON file, so
nothing is validated again here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from openfn.project import flow_graph
from openfn.project import trigger_index as index
from openfn.project.inboxes import STRIPE_HEADER, Auth, Challenge, FixedResponse, Inbox
from openfn.project.retry_policy import Retry
from openfn.project.trigger_index import Index
from openfn.project.triggers import CronTrigger, FlowTrigger, Kind, MessageTrigger, Trigger
from openfn.storage import aws

COMPILED = "project.json"
_Trigger = TypeVar("_Trigger", MessageTrigger, FlowTrigger)


@dataclass(frozen=True, slots=True)
class Job:
    """A job: its triggers and credential by name, the path of its expression, its retries.

    `dialect` is the adaptor of a JavaScript job, with the version it was written for: `http@6`.
    """

    name: str
    triggers: tuple[str, ...]
    credential: str | None
    expression: Path
    retry: Retry
    dialect: str = "common"


@dataclass(frozen=True, slots=True)
class Project:
    """A compiled project; `version` is the SHA-256 of all its files."""

    name: str
    version: str
    inboxes: Mapping[str, Inbox]
    """The inboxes by the SHA-256 of each of their ids."""
    jobs: Mapping[str, Job]
    jobs_by_trigger: Mapping[str, Sequence[Job]]
    """The jobs of each trigger, in the order of project.yaml."""
    index: Index
    """The index of `message_triggers`, by their positions."""
    message_triggers: Sequence[MessageTrigger]
    cron_triggers: Sequence[CronTrigger]
    flow_triggers: Sequence[FlowTrigger]
    max_concurrency: Mapping[str, int]
    """The limit of concurrent runs, by the credentials that have one."""
    adaptor_by_credential: Mapping[str, str]
    refreshed: frozenset[str]
    """The credentials whose refresh token may be replaced: `refresh: true`."""
    secret_fields: Mapping[str, tuple[tuple[str, ...], ...]]
    """The paths of the secret fields of each credential; none if an earlier release compiled it."""
    timezone: str
    """The time zone of cron triggers and cursors that name none."""
    missing_is_null: bool
    """Whether a path that finds nothing is null for an operation, and not absent."""
    branching_jobs: frozenset[str]
    """The jobs for which the id of a following run names the run before it."""

    def inbox_by_id(self, inbox_id: str) -> Inbox | None:
        """Return the inbox with this id, or `None`."""
        digest = hashlib.sha256(inbox_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self.inboxes.get(digest)

    def inbox_by_name(self, name: str) -> Inbox | None:
        """Return the inbox of this name, or `None`."""
        return next((inbox for inbox in self.inboxes.values() if inbox.name == name), None)

    def group_of(self, inbox_name: str) -> str | None:
        """Return the queue group of an inbox's messages, if they are matched in order."""
        inbox = self.inbox_by_name(inbox_name)
        return inbox.group if inbox else None

    def max_concurrency_of(self, job_name: str) -> int | None:
        """Return the limit of concurrent runs of a job's credential; `None` for no limit."""
        job = self.jobs.get(job_name)
        return self.max_concurrency.get(job.credential or "") if job else None

    def secret_fields_of(self, job_name: str) -> tuple[tuple[str, ...], ...]:
        """Return the paths of the secret fields of a job's credential."""
        job = self.jobs.get(job_name)
        return self.secret_fields.get(job.credential or "", ()) if job else ()

    def adaptor_of(self, job_name: str) -> str:
        """Return the adaptor of a job's credential, or "" without one."""
        job = self.jobs.get(job_name)
        return self.adaptor_by_credential.get(job.credential or "", "") if job else ""

    def jobs_with(self, credential: str) -> set[str]:
        """Return the names of the jobs that use a credential."""
        return {name for name, job in self.jobs.items() if job.credential == credential}

    def jobs_for_message(self, inbox: str, body: Any) -> list[tuple[MessageTrigger, Job]]:
        """Return the jobs that a message starts, each with its first trigger that matches."""
        return self._jobs_of([self.message_triggers[n] for n in self.index.matching(inbox, body)])

    def follow_up_jobs(self, job: str, on: Kind) -> list[tuple[FlowTrigger, Job]]:
        """Return the jobs that a job's success or failure starts, each with its first trigger."""
        return self._jobs_of([t for t in self.flow_triggers if (t.job, t.on) == (job, on)])

    def _jobs_of(self, triggers: Iterable[_Trigger]) -> list[tuple[_Trigger, Job]]:
        by_job: dict[str, tuple[_Trigger, Job]] = {}
        for trigger in triggers:
            for job in self.jobs_by_trigger[trigger.name]:
                by_job.setdefault(job.name, (trigger, job))
        return list(by_job.values())


def current() -> Project:
    """Return the project in this function's project layer."""
    return load(aws.setting(aws.Setting.PROJECT_DIR))


@cache
def load(folder: str | Path) -> Project:
    """Load a compiled project from its folder."""
    directory = Path(folder)  # whose hash takes longer than that of a text
    raw = json.loads((directory / COMPILED).read_text("utf-8"), parse_float=Decimal)
    adaptors = {name: credential["adaptor"] for name, credential in raw["credentials"].items()}
    jobs = {name: _job(name, job, directory, adaptors) for name, job in raw["jobs"].items()}
    triggers = parse_triggers(raw["triggers"], raw.get("timezone", "UTC"))
    return Project(
        name=raw["name"],
        version=raw["version"],
        inboxes=_inboxes(raw["inboxes"]),
        jobs=jobs,
        jobs_by_trigger=_jobs_by_trigger(triggers, jobs.values()),
        index=index.load(raw["index"]),
        message_triggers=[t for t in triggers if isinstance(t, MessageTrigger)],
        cron_triggers=[t for t in triggers if isinstance(t, CronTrigger)],
        flow_triggers=[t for t in triggers if isinstance(t, FlowTrigger)],
        max_concurrency=_max_concurrency(raw["credentials"]),
        adaptor_by_credential={name: body["adaptor"] for name, body in raw["credentials"].items()},
        refreshed=frozenset(n for n, body in raw["credentials"].items() if body.get("refresh")),
        secret_fields=_secret_fields(raw["credentials"]),
        # Projects of the first release have no such key.
        timezone=raw.get("timezone", "UTC"),
        missing_is_null=raw.get("missing", "absent") is None,
        branching_jobs=_branching_jobs(triggers, jobs.values()),
    )


def parse_triggers(raw: Mapping[str, Any], timezone: str = "UTC") -> list[Trigger]:
    """Return the triggers of a compiled project in its time zone."""
    return [_trigger(name, trigger, timezone) for name, trigger in raw.items()]


def _jobs_by_trigger(triggers: Iterable[Trigger], jobs: Iterable[Job]) -> dict[str, list[Job]]:
    jobs_by_trigger: dict[str, list[Job]] = {trigger.name: [] for trigger in triggers}
    for job in jobs:
        for name in job.triggers:
            jobs_by_trigger[name].append(job)
    return jobs_by_trigger


def _branching_jobs(triggers: Iterable[Trigger], jobs: Iterable[Job]) -> frozenset[str]:
    by_name = {trigger.name: trigger for trigger in triggers}
    return flow_graph.branching_jobs(
        {job.name: [by_name[name] for name in job.triggers] for job in jobs}
    )


def _secret_fields(raw: Mapping[str, Any]) -> dict[str, tuple[tuple[str, ...], ...]]:
    fields = {name: credential.get("secret_fields", ()) for name, credential in raw.items()}
    return {name: tuple(map(tuple, paths)) for name, paths in fields.items()}


def _max_concurrency(raw: Mapping[str, Any]) -> dict[str, int]:
    limits = {name: credential["max_concurrency"] for name, credential in raw.items()}
    return {name: limit for name, limit in limits.items() if limit}


def _trigger(name: str, raw: Mapping[str, Any], timezone: str) -> Trigger:
    if "cron" in raw:
        return CronTrigger(name, raw["cron"], raw["catch_up"], raw.get("timezone") or timezone)
    for on in (Kind.SUCCESS, Kind.FAILURE):
        if on in raw:
            return FlowTrigger(name, raw[on], on)
    # Projects of the first release have one fragment, which may be a list, as `inclusion`.
    inclusions = raw["inclusions"] if "inclusions" in raw else [raw["inclusion"]]
    return MessageTrigger(
        name, raw["inbox"], tuple(inclusions), tuple(raw["exclusion"]), tuple(raw["order_by"])
    )


def _job(name: str, raw: Mapping[str, Any], directory: Path, adaptors: Mapping[str, str]) -> Job:
    expression, retry = directory / raw["expression"], Retry(**raw["retry"])
    # Projects of the first release have one trigger, and no adaptor of a job.
    triggers = [raw["trigger"]] if isinstance(raw["trigger"], str) else raw["trigger"]
    dialect = raw.get("adaptor") or adaptors.get(raw["credential"] or "", "common")
    return Job(name, tuple(triggers), raw["credential"], expression, retry, dialect)


def _inboxes(raw: Mapping[str, Any]) -> dict[str, Inbox]:
    return {
        digest: _inbox(name, inbox) for name, inbox in raw.items() for digest in inbox["id_sha256"]
    }


def _inbox(name: str, raw: Mapping[str, Any]) -> Inbox:
    challenge, response = raw.get("challenge"), raw.get("response")
    return Inbox(
        name=name,
        auth=tuple(_auth(**auth) for auth in raw["auth"]),
        accept=frozenset(raw.get("accept", ())),
        challenge=Challenge(**challenge) if challenge else None,
        response=FixedResponse(**response) if response else None,
        dedupe=tuple(raw["dedupe"]),
        max_bytes=raw["max_bytes"],
        keep=raw["keep"],
        ordered=raw["ordered"],
    )


def _auth(way: str, **options: str) -> Auth:
    # Projects of the first release have Stripe's scheme as `hmac` with Stripe's header.
    if way == "hmac" and options.get("header") == STRIPE_HEADER:
        way = "stripe"
    return Auth(way, **options)
