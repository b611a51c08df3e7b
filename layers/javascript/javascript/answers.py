"""Answer what a job in JavaScript asks for: apply an operation of a Python adaptor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from importlib import import_module
from typing import Any

State = dict[str, Any]


def answer(name: str, values: list[Any]) -> Any:
    """Return the answer to a question.

    `values` are the positional and named arguments of an operation, and the configuration; the
    answer is the state's `data` and `response` after it.
    """
    if own := _OWN.get(name):
        return own(*values)
    system, _, operation = name.partition(".")
    arguments, options, configuration = values
    module = import_module(f"adaptors.{system}")
    state = {"configuration": configuration, "data": None, "references": []}
    after: State = getattr(module, operation)(*arguments, **options)(state)
    return {"data": after.get("data"), "response": after.get("response")}


def describe(error: Exception) -> dict[str, Any]:
    """Return what the job sees of an error."""
    status = getattr(error, "status", None)
    details = {} if status is None else {"statusCode": status}
    return {"name": type(error).__name__, "message": str(error), "details": details}


def to_plain(value: Any) -> Any:
    """Return a value of a database as JSON has it."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def _validate(schema: Any, data: Any) -> list[dict[str, Any]]:
    """Return the first error of data against a JSON Schema, with the keys that ajv gives it."""
    validators = import_module("jsonschema.validators")
    validator = validators.validator_for(schema)(schema)
    for error in validator.iter_errors(data):
        instance_path = "".join(f"/{step}" for step in error.absolute_path)
        schema_path = "/".join(map(str, ("#", *error.absolute_schema_path)))
        keyword = {"keyword": error.validator, "message": error.message}
        return [{"instancePath": instance_path, "schemaPath": schema_path, **keyword}]
    return []


def _find_value(arguments: list[Any], options: State, configuration: State) -> Any:
    """Return a value of a row, which is no operation in Python."""
    find = import_module("adaptors.postgresql").find_value(*arguments, **options)
    return find({"configuration": configuration, "data": None})


_OWN: dict[str, Callable[..., Any]] = {"validate": _validate, "find_value": _find_value}
