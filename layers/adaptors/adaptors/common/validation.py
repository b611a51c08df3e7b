"""Assertions, and validation against a JSON Schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adaptors._formats import paths
from adaptors.operations import Operation, State, Value, operation, resolve

Validator = Callable[[Any], list[Any]]
"""Returns the errors of a value."""
_MAX_CHARACTERS = 500


@operation
def assert_(state: State, condition: Any, message: str = "The assertion is false.") -> State:
    """Continue if a condition (a value or a function of the state) is true; else fail the run.

    >>> assert_(lambda state: state["data"]["age"] < 120, "too old")({"data": {"age": 7}})
    {'data': {'age': 7}}
    """
    if not condition:
        raise AssertionError(message)
    return state


def validate(
    schema: dict[str, Any] | str | Value = "schema",
    data: Any = "data",
    *,
    raises: bool = False,
) -> Operation:
    """Validate data against a JSON Schema, and add its errors to the state.

    The schema is a dict, a path in the state, or a function of the state. So is the data; it is
    the state's `data` by default. Invalid data is appended to `validation_errors` as `{"data": …,
    "errors": [{"path", "rule", "message"}, …]}`. With `raises=True` it raises a ValueError with
    paths and rules only. A schema must not refer to anything outside itself.

    >>> check = validate({"type": "object", "required": ["name"]})
    >>> check({"data": {"age": 7}})["validation_errors"][0]["errors"]
    [{'path': '', 'rule': 'required', 'message': "'name' is a required property"}]
    >>> check({"data": {"name": "Amina"}})
    {'data': {'name': 'Amina'}}
    """
    for path in (schema, data):
        if isinstance(path, str):
            paths.parse(path)
    ready = _validator(schema) if isinstance(schema, dict) else None

    def operate(state: State) -> State:
        value = _value(state, data)
        validator = ready or _validator(_value(state, schema))
        errors = [_describe(error) for error in validator(value)]
        if not errors:
            return state
        if raises:
            rules = "; ".join(f"{error['path'] or 'the data'}: {error['rule']}" for error in errors)
            raise ValueError(f"The data does not match its schema: {rules}.")
        invalid = [*state.get("validation_errors", []), {"data": value, "errors": errors}]
        return {**state, "validation_errors": invalid}

    return operate


def _value(state: State, source: Any) -> Any:
    return paths.first(state, source) if isinstance(source, str) else resolve(state, source)


def _validator(schema: Any) -> Validator:
    # They take 50 ms to import, which only jobs that validate should pay.
    from jsonschema import Draft202012Validator, SchemaError, validators  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    if not isinstance(schema, dict | bool):
        raise TypeError(f"A schema is a dict, not {type(schema).__name__}. Check its path.")
    kind = validators.validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"The schema is invalid at {error.json_path}: {error.message}.") from None
    # The library's own registry fetches referenced schemas over the network.
    validator = kind(schema, registry=Registry())

    def errors(value: Any) -> list[Any]:
        try:
            return sorted(validator.iter_errors(value), key=lambda error: str(error.json_path))
        except Unresolvable as error:
            raise ValueError(f"The schema refers to {error.ref}, which it lacks.") from None

    return errors


def _describe(error: Any) -> dict[str, str]:
    path = error.json_path.removeprefix("$").removeprefix(".")
    # A message quotes the value, which may be the whole body.
    message = error.message
    if len(message) > _MAX_CHARACTERS:
        message = f"{message[:_MAX_CHARACTERS]}…"
    return {"path": path, "rule": str(error.validator), "message": message}
