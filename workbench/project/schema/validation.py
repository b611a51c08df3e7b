"""Validate project.yaml and describe each problem with its fix."""

from __future__ import annotations

from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workbench.project.schema.base import Spec
from workbench.project.schema.inbox import AUTH_SCHEMES, InboxSpec
from workbench.project.schema.project import CredentialSpec, JobSpec, ProjectSpec, RetrySpec
from workbench.project.schema.trigger import TRIGGER_SPECS
from workbench.project.yaml_source import Keys, Problem, YamlSource

_MISSING = {
    "name": "Write `name: community-health`.",
    "id_sha256": "Write the SHA-256 of the inbox's id.",
    "triggers": "Write `triggers: {registration: {inclusion: {formId: registration}}}`.",
    "inclusion": "Write `inclusion: {formId: registration}`, or `{}` for every message. "
    "Other triggers have `cron`, `success` or `failure`.",
    "adaptor": "Write `adaptor: http`.",
    "jobs": "Write `jobs: {register: {trigger: …, expression: jobs/register.py}}`.",
    "trigger": "Write the name of a trigger, or a list of names.",
    "expression": "Write `expression: jobs/register.py`.",
}
_FIXES = {
    "string_pattern_mismatch": "Begin with a letter or digit, then use only letters, digits, "
    "- and _ (at most 64).",
    "string_type": "Text is expected here. Put the value in quotes.",
    "too_short": "At least one is needed.",
    "invalid_key": "A key must be text. Put it in quotes.",
    "bool_type": "Write true or false.",
    "bool_parsing": "Write true or false.",
    "int_type": "Write a whole number.",
    "int_parsing": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "greater_than": "Write a number greater than {gt}.",
    "greater_than_equal": "Write {ge} or more.",
    "less_than_equal": "Write {le} or less.",
}
_SECTIONS: dict[str, type[Spec]] = {
    "inboxes": InboxSpec,
    "credentials": CredentialSpec,
    "jobs": JobSpec,
}
_NESTED_KEYS = {
    "retry": list(RetrySpec.model_fields),
    "auth": [*AUTH_SCHEMES, "header", "algorithm"],
}
_ENTRY_DEPTH = 2  # section and name


def validate_project(source: YamlSource) -> tuple[ProjectSpec | None, list[Problem]]:
    """Return the project of a YAML file, or None and its problems."""
    if source.content is None:
        keys = ", ".join(ProjectSpec.model_fields)
        return None, [source.problem((), f"The file is empty. Write the keys {keys}.")]
    try:
        return ProjectSpec.model_validate(source.content), []
    except ValidationError as error:
        return None, [_problem_of(source, details) for details in error.errors()]


def _problem_of(source: YamlSource, error: ErrorDetails) -> Problem:
    path: Keys = tuple(step for step in error["loc"] if step != "[key]")
    spec = _SECTIONS.get(path[0]) if path else ProjectSpec
    if path[:1] == ("triggers",) and len(path) > _ENTRY_DEPTH and path[2] in TRIGGER_SPECS:
        spec, path = TRIGGER_SPECS[path[2]], (*path[:2], *path[3:])
    if error["type"] == "invalid":
        return source.problem((*path, *error["ctx"]["path"]), error["ctx"]["message"])
    if error["type"] == "missing":
        message = f"The key `{path[-1]}` is missing. {_MISSING[path[-1]]}"
        return source.problem(path[:-1], message)
    return source.problem(path, _message_of(path, error, spec))


def _message_of(path: Keys, error: ErrorDetails, spec: type[Spec] | None) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown_key(path[-1], _keys_at(path[:-1], spec))
    if error["type"] in ("model_type", "dict_type"):
        return f"Write keys below it: {', '.join(_keys_at(path, spec))}."
    return _fix_of(path, error)


def _fix_of(path: Keys, error: ErrorDetails) -> str:
    if "id_sha256" in path:
        return "Write the SHA-256 of the inbox's id: 64 characters, 0-9 and a-f."
    if error["input"] is None:
        return "A value is missing."
    if path[-1] == "header":
        return "Write the name of a header: letters, digits and - only."
    if error["type"] == "string_type" and isinstance(error["input"], list | dict):
        return "Write one text, not a list or keys."
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return f"Write {context['expected'].replace(chr(39), '')}."
    return _FIXES.get(error["type"], f"{error['msg']}.").format_map(context)


def _unknown_key(key: object, keys: list[str]) -> str:
    similar = get_close_matches(str(key), keys, 1)
    fix = f"Did you mean `{similar[0]}`?" if similar else f"The keys are: {', '.join(keys)}."
    return f"There is no such key. {fix}"


def _keys_at(path: Keys, spec: type[Spec] | None) -> list[str]:
    if not path:
        return list(ProjectSpec.model_fields)
    if len(path) < _ENTRY_DEPTH or spec is None:
        return ["a name for each entry, with its own keys"]
    nested = _NESTED_KEYS.get(path[_ENTRY_DEPTH]) if len(path) > _ENTRY_DEPTH else None
    return nested or list(spec.model_fields)
