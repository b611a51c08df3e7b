"""OpenFn's own answers, recorded: the vocabulary gives the same, but where it is meant not to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adaptors import common
from adaptors.common import data_value, source, source_value

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
NAMES = {
    "jsonValue": "json_value",
    "sourceValue": "source_value",
    "dataPath": "data_path",
    "dataValue": "data_value",
    "referencePath": "reference_path",
    "lastReferenceValue": "last_reference_value",
    "arrayToString": "array_to_string",
    "toArray": "to_array",
    "splitKeys": "split_keys",
    "scrubEmojis": "scrub_emojis",
    "humanProper": "human_proper",
    "composeNextState": "next_state",
}
DOVE = "This is a dove🕊️"
# Where ours is another answer: the function and its last argument, the answer, and why.
OTHERWISE = {
    ("toArray", None): ([], "nothing is no item, so that each goes over none"),
    ("dataPath", "$.data.hello"): (ValueError, "mostly a mistake that ends in a silent None"),
    ("dataPath", "[0].foo"): ("$.data[0].foo", "the same place, as RFC 9535 writes it"),
    ("scrubEmojis", f"{DOVE}⭐_29 Jul 2021"): (
        "This is a dove\ufffd\ufffd_29 Jul 2021",
        "one for each",
    ),
    ("scrubEmojis", f"{DOVE}_29 Jul 2021"): ("This is a dove\ufffd_29 Jul 2021", "one for each"),
    ("composeNextState", '{"b": 2}'): (
        {"data": {"b": 2}, "references": [{"a": 1}, {"r": 0}], "x": 1},
        "references are newest first, as last_reference_value reads them",
    ),
}
REFUSED = {
    "$.data.first_q": r"`\$` is the data itself",
    "info_consumption_history[-1:].info_consumption_history/date": r"which begins with \$",
}


def recorded(name):
    file = SHARED / "cases" / name
    if not file.exists():
        reason = "OpenFn's own answers lie beside the project, and not here"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    cases = json.loads(file.read_text("utf-8"))
    return [pytest.param(case, id=f"{at}") for at, case in enumerate(cases)]


def spelled(value):
    """Read `{"$sourceValue": path}` as the function it stands for."""
    if isinstance(value, dict):
        if "$sourceValue" in value:
            return source_value(value["$sourceValue"])
        return {key: spelled(part) for key, part in value.items()}
    return value


def plain(value):
    if value == {"$undefined": True}:
        return None
    return json.loads(json.dumps(value))  # a tuple is a list in JSON


def last(case):
    (*_, value) = case["args"]
    return json.dumps(value) if isinstance(value, dict | list) else value


@pytest.mark.parametrize("case", recorded("common_cases.json"))
def test_the_vocabulary_answers_as_openfn_does(case):
    name = case["fn"]
    if name == "each":
        count = common.fn(lambda s: {**s, "references": [*s["references"], common.index()(s)]})
        after = common.each(case["args"][0], count)(case["state"])
        assert after["references"] == case["expected"]["references"]
        return
    offered = getattr(common, NAMES.get(name, name))
    expected, _why = OTHERWISE.get((name, last(case)), (plain(case["expected"]), ""))
    if expected is ValueError:
        with pytest.raises(ValueError, match="is the data itself already"):
            offered(*case["args"])
        return
    found = offered(*spelled_all(case["args"]))
    assert plain(found(case["state"]) if "state" in case else found) == expected


def spelled_all(args):
    return [spelled(each) for each in args]


@pytest.mark.parametrize("case", recorded("jsonpath_cases.json"))
def test_a_path_finds_in_real_payloads_what_openfn_finds(case):
    payload = json.loads((SHARED / "payloads" / case["payload"]).read_text("utf-8"))
    path, state = case["data_value_arg"], {"data": payload}
    if path == "[0].county":  # recorded with the form as the state: its own `data` is the list
        state = payload
    assert source(case["path"])(state) == case["result_list"]
    if path in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[path]):
            data_value(path)
        path = f"$.{path}" if not path.startswith("$") else None
    if path:
        assert data_value(path)(state) == case.get("data_value")


def test_what_is_meant_to_be_otherwise_was_recorded():
    if not (SHARED / "cases").exists():
        pytest.skip("OpenFn's own answers lie beside the project, and not here")
    cases = json.loads((SHARED / "cases/common_cases.json").read_text("utf-8"))
    assert set(OTHERWISE) <= {(case["fn"], last(case)) for case in cases}
    paths = json.loads((SHARED / "cases/jsonpath_cases.json").read_text("utf-8"))
    assert set(REFUSED) <= {case["data_value_arg"] for case in paths}
