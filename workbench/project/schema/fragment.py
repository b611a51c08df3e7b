"""The schema of a fragment: YAML, or OpenFn's `criteria` as JSON text."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from workbench.project.schema.base import invalid
from workbench.project.yaml_source import Keys, parse_fraction, parse_integer
from workbench.text import describe_json_error

# A compiled fragment is compared by a recursive function.
_MAX_DEPTH = 50
_NOT_JSON = "Put it in quotes if the form sends it as text."


def parse_criteria(text: Any) -> Any:
    """Parse the JSON text of `criteria` into a fragment."""
    if not isinstance(text, str):
        message = "Write `criteria` as JSON text in quotes, or use `inclusion` without quotes."
        raise invalid(("criteria",), message)
    try:
        value = json.loads(text, parse_float=parse_fraction, parse_int=parse_integer)
        return _parse_fragment(value)
    except PydanticCustomError as error:
        context = error.context or {}
        raise invalid(("criteria", *context["path"]), context["message"]) from None
    except (ValueError, RecursionError) as error:
        message = f"Write a fragment as JSON text. {describe_json_error(error)}"
        raise invalid(("criteria",), message) from None


def _parse_fragment(value: Any) -> Any:
    if value is None:
        example = "Write one, such as {formId: registration}, or {} for any object."
        raise invalid((), f"The fragment is empty. {example}")
    _validate(value, ())
    return value


def _validate(value: Any, path: Keys) -> None:
    if len(path) > _MAX_DEPTH:
        message = f"A fragment can be at most {_MAX_DEPTH} levels deep."
        raise invalid((), message)
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise invalid((*path, key), "A key must be text. Put it in quotes.")
            _validate(part, (*path, key))
    elif isinstance(value, list):
        for position, part in enumerate(value):
            _validate(part, (*path, position))
    elif isinstance(value, Decimal):
        raise invalid(path, "This number has too many digits to be stored exactly. Write fewer.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise invalid(path, f"JSON has no such number. {_NOT_JSON}")
    elif not isinstance(value, str | int | float | None):
        raise invalid(path, f"JSON has no such value. {_NOT_JSON}")


Fragment = Annotated[Any, PlainValidator(_parse_fragment)]
