"""Convert, join and split lists and dicts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from adaptors.common.lazy import accepts_state_functions


@partial(accepts_state_functions, absent_is_none=True)
def to_array(value: Any) -> list[Any]:
    """Return a list unchanged, None as an empty list, and anything else as a list of one.

    CommCare sends a repeat with one entry as an object, and with more as an array. (In OpenFn,
    `null` becomes a list of one `null`.)

    >>> to_array({"name": "Amina"})
    [{'name': 'Amina'}]
    """
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@accepts_state_functions
def array_to_string(values: Iterable[Any], separator: str = ",") -> str:
    """Join values to a text; `None` is an empty text.

    >>> array_to_string(["a", 1, None, "b"], ", ")
    'a, 1, , b'
    """
    return separator.join("" if value is None else str(value) for value in values)


@accepts_state_functions
def chunk(values: list[Any], size: int) -> list[list[Any]]:
    """Split a list into lists of at most `size` members; raise ValueError for a size below 1.

    >>> chunk([1, 2, 3, 4, 5], 2)
    [[1, 2], [3, 4], [5]]
    """
    if size < 1:
        raise ValueError(f"A chunk has at least one member, not {size}.")
    return [values[start : start + size] for start in range(0, len(values), size)]


@accepts_state_functions
def split_keys(value: dict[str, Any], keys: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a dict in two: the part without the keys, and the part with them.

    >>> split_keys({"name": "Amina", "age": 7}, ["age"])
    ({'name': 'Amina'}, {'age': 7})
    """
    picked = set(keys)
    rest = {key: item for key, item in value.items() if key not in picked}
    return rest, {key: item for key, item in value.items() if key in picked}
