"""What must hold before a job goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adaptors._formats import paths
from adaptors.operations import Operation, State, Value, operation, resolve

Validator = Callable[[Any], list[Any]]
"""Gives each way in which a value does not fit the schema."""
_SHOWN = 500


@operation
def assert_(state: State, condition: Any, message: str = "what the job asserts is not so") -> State:
    """Go on where a condition holds, a value or a function of the state; else fail for good.

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
    """Hold data against a JSON Schema, and put what does not fit on the state.

    The schema is a dict, a path in the state, or a function of the state; so is the data, which
    is the state's unless you say otherwise. What does not fit is appended to `validation_errors`
    as `{"data": …, "errors": [{"path", "rule", "message"}, …]}`; with `raises=True` it is a
    `ValueError` that names paths and rules only. A schema refers to nothing outside of itself.

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
        value = _of(state, data)
        errors = [_said(each) for each in (ready or _validator(_of(state, schema)))(value)]
        if not errors:
            return state
        if raises:
            broken = "; ".join(f"{each['path'] or 'the data'}: {each['rule']}" for each in errors)
            raise ValueError(f"the data does not fit its schema: {broken}")
        found = [*state.get("validation_errors", []), {"data": value, "errors": errors}]
        return {**state, "validation_errors": found}

    return operate


def _of(state: State, given: Any) -> Any:
    return paths.first(state, given) if isinstance(given, str) else resolve(state, given)


def _validator(schema: Any) -> Validator:
    # 50 ms to import, which only the jobs that validate pay for.
    from jsonschema import Draft202012Validator, SchemaError, validators  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    if not isinstance(schema, dict | bool):
        raise TypeError(f"a schema is a dict, not {type(schema).__name__}; is its path right?")
    kind = validators.validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"the schema is none, at {error.json_path}: {error.message}") from None
    # The library's own registry fetches what a schema refers to, over the network.
    validator = kind(schema, registry=Registry())

    def errors(value: Any) -> list[Any]:
        try:
            return sorted(validator.iter_errors(value), key=lambda error: str(error.json_path))
        except Unresolvable as error:
            raise ValueError(f"the schema refers to what it does not hold: {error.ref}") from None

    return errors


def _said(error: Any) -> dict[str, str]:
    path = error.json_path.removeprefix("$").removeprefix(".")
    # A message quotes the value, which may be the whole body.
    message = error.message if len(error.message) <= _SHOWN else f"{error.message[:_SHOWN]}…"
    return {"path": path, "rule": str(error.validator), "message": message}
