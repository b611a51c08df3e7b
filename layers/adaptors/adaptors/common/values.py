"""Functions of the state that stand for values, and the dicts that are made of them.

`adaptors._formats.paths` defines paths. Where a value looks into the data, `$` is the data; where
it looks into the whole state, `$` is the state. A path may be a function of the state itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from adaptors._formats import paths
from adaptors.common.items import Source, checked, items
from adaptors.operations import State, Value, resolve

Path = str | Callable[[State], str]
_DATA_AGAIN = re.compile(r"\$\.data(?![^.\[])")


def data_value(path: Path) -> Value:
    """Stand for the first value at a path in the data, `None` where there is none.

    `$` is the data: `$.form.case` is `form.case`. `$.data…`, which OpenFn reads as the key `data`
    of the data, is refused, as it is mostly a mistake and then a silent `None`.

    >>> data_value("form.case.@case_id")({"data": {"form": {"case": {"@case_id": "7"}}}})
    '7'
    """
    return _first(lambda state: state.get("data"), _of_data(path))


def source_value(path: Path) -> Value:
    """Stand for the first value at a path in the whole state, `None` where there is none.

    >>> source_value("request.query_params.site")({"request": {"query_params": {"site": "A"}}})
    'A'
    """
    return _first(lambda state: state, path)


def source(path: Path) -> Value:
    """Stand for the list of all values at a path in the whole state.

    >>> source("$.data.visits[*].date")({"data": {"visits": [{"date": "1 May"}, {}]}})
    ['1 May']
    """
    given = _checked(path)
    return lambda state: paths.find(state, resolve(state, given))


def last_reference_value(path: Path) -> Value:
    """Stand for the first value at a path in the newest of `references`.

    Here the newest is always the first of them; in OpenFn that depends on the adaptor's age.

    >>> last_reference_value("id")({"references": [{"id": 2}, {"id": 1}]})
    2
    """
    return _first(lambda state: paths.first(state, "references[0]"), path)


def data_path(path: str) -> str:
    """Give the path from the whole state to a path in the data.

    >>> data_path("form.case")
    '$.data.form.case'
    """
    return _rooted("data", _of_data(path))


def reference_path(path: str) -> str:
    """Give the path from the whole state to a path in `references`, which is a list.

    >>> reference_path("[0].id")
    '$.references[0].id'
    """
    if not path.removeprefix("$").startswith("["):
        raise ValueError(f"`references` is a list: write reference_path('[0].{path}')")
    return _rooted("references", path)


def index() -> Value:
    """Stand for the place, from 0, of the item that `each` or `map` has come to.

    >>> index()({"index": 3})
    3
    """
    return lambda state: state.get("index")


def json_value(value: Any, path: str) -> Any:
    """Give the first value at a path in a value, `None` where there is none.

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
    """Make a dict of pairs; of two with the same key the later wins.

    >>> fields(field("name", "Amina"), field("age", 7))
    {'name': 'Amina', 'age': 7}
    """
    return dict(pairs)


def merge(source: Source, fields: dict[str, Any] | Value) -> Value:
    """Stand for the items of a source, each with more fields; a field of these replaces its own.

    The fields' values are those of the state, not of the item.

    >>> state = {"data": {"village": "Kolo", "children": [{"name": "Amina"}]}}
    >>> merge("children[*]", {"village": data_value("village")})(state)
    [{'name': 'Amina', 'village': 'Kolo'}]
    """
    given = checked(source)

    def value(state: State) -> list[Any]:
        more = resolve(state, fields)
        return [{**item, **more} for item in items(state, given)]

    return value


def join(target: Source, source: Path, key: str) -> Value:
    """Stand for the items of a target, each with one value more; a key of its own stays.

    `source` is the value's path, in the data or from the whole state (`$.request…`), or a function
    of the state that gives the value.

    >>> state = {"data": {"village": "Kolo", "children": [{"name": "Amina"}]}}
    >>> join("children[*]", "village", "village")(state)
    [{'village': 'Kolo', 'name': 'Amina'}]
    """
    given = checked(target)
    one = source if callable(source) else _anywhere(source)

    def value(state: State) -> list[Any]:
        more = {key: resolve(state, one)}
        return [{**more, **item} for item in items(state, given)]

    return value


def _anywhere(path: str) -> Value:
    return source_value(path) if path.startswith("$") else data_value(path)


def _first(root: Callable[[State], Any], path: Path) -> Value:
    given = _checked(path)
    return lambda state: paths.first(root(state), resolve(state, given))


def _checked(path: Path) -> Path:
    if isinstance(path, str):
        paths.parse(path)  # a mistake shows where the job says it
    return path


def _of_data(path: Any) -> Any:
    if isinstance(path, str) and _DATA_AGAIN.match(path):
        rest = _DATA_AGAIN.sub("", path).removeprefix(".")
        raise ValueError(
            f"in {path!r} `$` is the data itself already: write {rest!r}, "
            f"or {path.lstrip('$.')!r} for a key `data` in it"
        )
    return path


def _rooted(root: str, path: str) -> str:
    inner = path.removeprefix("$").removeprefix(".")
    whole = f"$.{root}{'' if inner.startswith('[') or not inner else '.'}{inner}"
    paths.parse(whole)
    return whole
