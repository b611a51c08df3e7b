"""Values: functions of the state that an operation accepts as arguments.

`adaptors._formats.paths` defines paths. `$` is the data for a value of the data, and the state for
a value of the state. A path may be a function of the state itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from adaptors._formats import paths
from adaptors.absent import Absent, optional_value
from adaptors.common.items import Source, check_dicts, check_source, find_source, items
from adaptors.operations import State, Value, resolve

Path = str | Callable[[State], str]
_DATA_IN_DATA = re.compile(r"\$\.data(?![^.\[])")
_DOLLAR_BEFORE_KEY = re.compile(r"\A\$(?=[^.\[\s])")


def data_value(path: Path) -> Value:
    """Return the first value at a path in the data, or `None`.

    As the value of a key, a path that finds nothing is absent: the operation leaves the key out,
    and the run's log names the path. An explicit null stays null.

    `$` is the data: `$.form.case` is `form.case`, and so is `$form.case`. `$.data…`, in OpenFn the
    key `data` of the data, is an error: it is usually a mistake, and would silently return `None`.

    >>> data_value("form.case.@case_id")({"data": {"form": {"case": {"@case_id": "7"}}}})
    '7'
    """
    if callable(path):
        return _first(_data, lambda state: _without_dollar(resolve(state, path)))
    return _first(_data, _without_dollar(_check_data_path(path)))


def source_value(path: Path) -> Value:
    """Return the first value at a path in the state, or `None`.

    >>> source_value("request.query_params.site")({"request": {"query_params": {"site": "A"}}})
    'A'
    """
    return _first(lambda state: state, path)


def source(path: Path) -> Value:
    """Return the list of all values at a path in the state.

    >>> source("$.data.visits[*].date")({"data": {"visits": [{"date": "1 May"}, {}]}})
    ['1 May']
    """
    checked = _check_path(path)
    return lambda state: paths.find(state, resolve(state, checked))


def values(source: Source = "") -> Value:
    """Return the list of the values of a dict, such as the one that `group` makes.

    `source` is a path in the data, a path from the state (`$.data.villages`), a function of the
    state, or the dict itself; the data by default. A missing dict has no values.

    >>> values("villages")({"data": {"villages": {"Kolo": ["Amina"], "Bana": ["Kofi", "Ada"]}}})
    [['Amina'], ['Kofi', 'Ada']]
    """
    checked = check_source(source)

    def value(state: State) -> list[Any]:
        groups = find_source(state, checked)
        if not isinstance(groups, dict | None):
            raise TypeError(f"values is for a dict, not for {type(groups).__name__}.")
        return list((groups or {}).values())

    return value


def last_reference_value(path: Path) -> Value:
    """Return the first value at a path in the newest of `references`.

    The newest is always the first; in OpenFn that depends on the adaptor's version.

    >>> last_reference_value("id")({"references": [{"id": 2}, {"id": 1}]})
    2
    """
    return _first(lambda state: paths.first(state, "references[0]"), path)


def data_path(path: str) -> str:
    """Return the path from the state to a path in the data.

    >>> data_path("form.case")
    '$.data.form.case'
    """
    return _path_from_state("data", _check_data_path(path))


def reference_path(path: str) -> str:
    """Return the path from the state to a path in `references`, which is a list.

    >>> reference_path("[0].id")
    '$.references[0].id'
    """
    if not path.removeprefix("$").startswith("["):
        raise ValueError(f"`references` is a list. Write reference_path('[0].{path}').")
    return _path_from_state("references", path)


def index() -> Value:
    """Return the number, from 0, of the current item of `each` or `map`.

    >>> index()({"index": 3})
    3
    """
    return lambda state: state.get("index")


def json_value(value: Any, path: str) -> Any:
    """Return the first value at a path in a value, or `None`.

    >>> json_value({"form": {"case": {"@case_id": "7"}}}, "form.case.@case_id")
    '7'
    """
    return paths.first(value, path)


def field(key: str, value: Any) -> tuple[str, Any]:
    """Pair a key with a value, for `fields`.

    >>> field("age", 7)
    ('age', 7)
    """
    return (key, value)


def fields(*pairs: tuple[str, Any]) -> dict[str, Any]:
    """Make a dict of pairs; the last one with a key wins.

    >>> fields(field("name", "Amina"), field("age", 7))
    {'name': 'Amina', 'age': 7}
    """
    return dict(pairs)


def merge(source: Source, fields: dict[str, Any] | Value) -> Value:
    """Return the items of a source, each with more fields, which replace its own.

    The fields are resolved with the state, not with the item.

    >>> state = {"data": {"village": "Kolo", "children": [{"name": "Amina"}]}}
    >>> merge("children[*]", {"village": data_value("village")})(state)
    [{'name': 'Amina', 'village': 'Kolo'}]
    """
    checked = check_source(source)

    def value(state: State) -> list[Any]:
        more = resolve(state, fields)
        return [{**item, **more} for item in check_dicts(items(state, checked), "merge")]

    return value


def join(target: Source, source: Path, key: str) -> Value:
    """Return the items of a target, each with one more value; its own key wins.

    `source` is the value's path in the data or from the state (`$.request…`), or a function of the
    state that returns the value.

    >>> state = {"data": {"village": "Kolo", "children": [{"name": "Amina"}]}}
    >>> join("children[*]", "village", "village")(state)
    [{'village': 'Kolo', 'name': 'Amina'}]
    """
    checked = check_source(target)
    joined = source if callable(source) else _value_at(source)

    def value(state: State) -> list[Any]:
        more = resolve(state, {key: joined})
        return [{**more, **item} for item in check_dicts(items(state, checked), "join")]

    return value


def _value_at(path: str) -> Value:
    return source_value(path) if path.startswith("$") else data_value(path)


def _first(root: Callable[[State], Any], path: Path) -> Value:
    checked = _check_path(path)

    def find(state: State) -> Any:
        resolved = resolve(state, checked)
        return next(iter(paths.find(root(state), resolved)), Absent(resolved))

    return optional_value(find)


def _check_path(path: Path) -> Path:
    if isinstance(path, str):
        paths.parse(path)  # a mistake fails at the job's own line
    return path


def _check_data_path(path: Any) -> Any:
    if isinstance(path, str) and _DATA_IN_DATA.match(path):
        rest = _DATA_IN_DATA.sub("", path).removeprefix(".")
        raise ValueError(
            f"In {path!r}, `$` already is the data. Write {rest!r}, or {path.lstrip('$.')!r} for "
            "a key `data` in it."
        )
    return path


def _data(state: State) -> Any:
    return state.get("data")


def _without_dollar(path: Any) -> Any:
    # OpenFn's dataValue adds the dot that `$form.case` lacks.
    return _DOLLAR_BEFORE_KEY.sub("", path, count=1) if isinstance(path, str) else path


def _path_from_state(root: str, path: str) -> str:
    inner = path.removeprefix("$").removeprefix(".")
    full_path = f"$.{root}{'' if inner.startswith('[') or not inner else '.'}{inner}"
    paths.parse(full_path)
    return full_path
