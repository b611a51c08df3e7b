"""Read a filter from YAML text, and write it into project.yaml."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from openfn.project.compiled import parse_triggers
from openfn.project.triggers import MessageTrigger
from workbench.errors import CommandError
from workbench.project import round_trip
from workbench.project.compiler import PROJECT_FILE, check
from workbench.project.references import require_known
from workbench.project.schema.trigger import MessageTriggerSpec
from workbench.project.yaml_source import Problem, ProjectProblems, read_yaml

_FILE = "inclusion"


def parse_filter(text: str, inbox: str = "") -> MessageTrigger:
    """Return the filter of the YAML text of `inclusion`, or raise ProjectProblems."""
    with tempfile.TemporaryDirectory(prefix="openfn-") as folder:
        path = Path(folder) / _FILE
        path.write_text(text, "utf-8", "surrogatepass")
        source = read_yaml(path)
    values = {"inclusion": source.content, **({"inbox": inbox} if inbox else {})}
    try:
        spec = MessageTriggerSpec.model_validate(values)
    except ValidationError as error:
        messages = [str(e.get("ctx", {}).get("message", e["msg"])) for e in error.errors()]
        raise ProjectProblems([Problem(_FILE, 1, message) for message in messages]) from None
    dumped = json.dumps(spec.model_dump(mode="json", by_alias=True))
    (trigger,) = parse_triggers({"filter": json.loads(dumped, parse_float=Decimal)})
    if not isinstance(trigger, MessageTrigger):
        raise TypeError("A filter is a message trigger.")
    return trigger


def replace_inclusion(project: Path, trigger: str, text: str) -> None:
    """Make a filter the only inclusion of a trigger."""
    document = _document_with(project, trigger)
    entry = document["triggers"][trigger]
    entry.pop("criteria", None)
    entry["inclusion"] = round_trip.parse(text)
    _save(project, document)


def add_inclusion(project: Path, trigger: str, text: str) -> None:
    """Add a filter to the inclusions of a trigger, of which one has to match."""
    document = _document_with(project, trigger)
    entry = document["triggers"][trigger]
    added = round_trip.parse(text)
    if "criteria" in entry:
        criteria = json.loads(entry.pop("criteria"))
        before = [criteria]
    else:
        before = _as_list(entry["inclusion"])
    entry["inclusion"] = [*before, *_as_list(added)]
    _save(project, document)


def add_trigger(project: Path, name: str, text: str, inbox: str, job: str) -> None:
    """Add a trigger that starts an existing job, beside the triggers that start it already."""
    spec = check(project)
    require_known("job", job, spec.jobs)
    if name in spec.triggers:
        raise CommandError(f"The project already has a trigger {name}.")
    document = round_trip.load(project)
    entry = {"inbox": inbox} if inbox else {}
    document["triggers"][name] = {**entry, "inclusion": round_trip.parse(text)}
    document["jobs"][job]["trigger"] = [*spec.jobs[job].trigger, name]
    _save(project, document)


def _document_with(project: Path, trigger: str) -> Any:
    filters = {
        name: spec
        for name, spec in check(project).triggers.items()
        if isinstance(spec, MessageTriggerSpec)
    }
    require_known("message trigger", trigger, filters)
    return round_trip.load(project)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _save(project: Path, document: Any) -> None:
    """Write project.yaml; restore it and raise ProjectProblems if it is not valid."""
    path = project / PROJECT_FILE
    before = path.read_bytes()
    round_trip.save(project, document)
    try:
        check(project)
    except ProjectProblems:
        path.write_bytes(before)
        raise
