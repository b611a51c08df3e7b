"""A fragment of JSON as people write it: in YAML, or as OpenFn's `criteria`, which is JSON text."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from workbench.project.schema.base import wrong
from workbench.project.yaml_source import Keys, exact, exact_int

# A compiled fragment is compared by a function that calls itself at each level.
_DEEPEST = 50


def criteria(text: Any) -> Any:
    """Give the fragment of a `criteria`; the error says what is wrong with the text."""
    if not isinstance(text, str):
        raise wrong(
            ("criteria",), "`criteria` is JSON text in quotes; without them write `inclusion`"
        )
    try:
        value = json.loads(text, parse_float=exact, parse_int=exact_int)
        return _fragment(value)
    except PydanticCustomError as error:
        context = error.context or {}
        raise wrong(("criteria", *context["path"]), context["what"]) from None
    except (ValueError, RecursionError) as error:
        raise wrong(("criteria",), f"a fragment as JSON text belongs here: {error}") from None


def _fragment(value: Any) -> Any:
    if value is None:
        what = "the fragment is empty; write one, such as {formId: registration}; {} is any object"
        raise wrong((), what)
    _check(value, ())
    return value


def _check(value: Any, path: Keys) -> None:
    if len(path) > _DEEPEST:
        raise wrong((), f"a fragment may be nested {_DEEPEST} deep at most, and not hold itself")
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise wrong((*path, key), "a key is text; put it in quotes")
            _check(part, (*path, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _check(part, (*path, number))
    elif isinstance(value, Decimal):
        raise wrong(path, "this number has too many digits to be kept exactly; write fewer")
    elif isinstance(value, float) and not math.isfinite(value):
        raise wrong(path, "JSON has no such number; put it in quotes if a form sends it as text")
    elif not isinstance(value, str | int | float | None):
        raise wrong(path, "JSON has no such value; put it in quotes if a form sends it as text")


Fragment = Annotated[Any, PlainValidator(_fragment)]
