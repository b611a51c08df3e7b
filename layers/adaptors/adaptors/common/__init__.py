"""Operations and values for every job: OpenFn's names in Python's spelling.

An *operation* takes the state and returns it: `fn`, `fn_if`, `combine`, `each`, `map`, `group`,
`as_`, `parse_csv`, `cursor`, `validate`, `assert_`, `log`, `emit`, and those of `http`. A *value*
is a function of the state, which may replace any argument of an operation: `data_value`,
`source_value`, `source`, `last_reference_value`, `values`, `index`, `merge`, `join`.
A job raises `RemoteUnavailable("…", retry_after=600)` for a failure that is tried again later, and
`RemoteRefused` for one that is the destination's and final.
The others are plain functions. Those for lists, texts and XML return their result at once; with a
function of the state as an argument (`human_proper(data_value("name"))`) they return a value.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from adaptors.common.csv_rows import parse_csv
from adaptors.common.cursor import cursor
from adaptors.common.emit_and_log import emit, log
from adaptors.common.flow import as_, combine, fn, fn_if
from adaptors.common.iteration import (
    each,
    group,
    map,  # noqa: A004 - OpenFn's name for it
)
from adaptors.common.lists import array_to_string, chunk, split_keys, to_array
from adaptors.common.text import human_proper, scrub_emojis
from adaptors.common.validation import assert_, validate
from adaptors.common.values import (
    data_path,
    data_value,
    field,
    fields,
    index,
    join,
    json_value,
    last_reference_value,
    merge,
    reference_path,
    source,
    source_value,
    values,
)
from adaptors.common.xml import parse_xml, to_xml
from adaptors.errors import RemoteRefused, RemoteUnavailable
from adaptors.operations import Operation, State, Value, next_state, operation, resolve

__all__ = [
    "Operation",
    "RemoteRefused",
    "RemoteUnavailable",
    "State",
    "Value",
    "array_to_string",
    "as_",
    "assert_",
    "chunk",
    "combine",
    "cursor",
    "data_path",
    "data_value",
    "each",
    "emit",
    "field",
    "fields",
    "fn",
    "fn_if",
    "group",
    "human_proper",
    "index",
    "join",
    "json_value",
    "last_reference_value",
    "log",
    "map",
    "merge",
    "next_state",
    "operation",
    "parse_csv",
    "parse_xml",
    "reference_path",
    "resolve",
    "scrub_emojis",
    "source",
    "source_value",
    "split_keys",
    "to_array",
    "to_xml",
    "validate",
    "values",
]


def __getattr__(name: str) -> Any:
    # The HTTP client takes 100 ms to import, which only jobs that use it should pay.
    if name == "http":
        return import_module("adaptors.http")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
