"""OpenFn's vocabulary and paths return the values of the cases in tests/cases.

Where OpenFn returns something else, a case of common.json has its answer as `openfn`, and the
reason as `why`. The paths of jsonpath.json follow RFC 9535 or OpenFn's looser spelling.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adaptors import common
from adaptors.common import data_value, source, source_value

CASES = Path(__file__).resolve().parents[1] / "cases"
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
COMMON = json.loads((CASES / "common.json").read_text("utf-8"))
JSONPATH = json.loads((CASES / "jsonpath.json").read_text("utf-8"))


def params(cases):
    return [pytest.param(case, id=case["name"]) for case in cases]


def with_values(argument):
    """Replace `{"$sourceValue": path}` by the value at the path."""
    if isinstance(argument, dict):
        if "$sourceValue" in argument:
            return source_value(argument["$sourceValue"])
        return {key: with_values(part) for key, part in argument.items()}
    return argument


def call(case):
    """Return the result of a case as JSON."""
    function = getattr(common, NAMES.get(case["function"], case["function"]))
    result = function(*map(with_values, case["args"]))
    if "state" in case:
        result = result(case["state"])
    return json.loads(json.dumps(result))  # a tuple is a list in JSON


@pytest.mark.parametrize("case", params(case for case in COMMON if case["function"] != "each"))
def test_common_function_returns_the_value_of_the_case(case):
    if isinstance(case["expected"], dict) and "$error" in case["expected"]:
        with pytest.raises(ValueError, match=case["expected"]["$error"]):
            call(case)
    else:
        assert call(case) == case["expected"]


@pytest.mark.parametrize("case", params(case for case in COMMON if case["function"] == "each"))
def test_each_counts_its_items(case):
    count = common.fn(lambda s: {**s, "references": [*s["references"], common.index()(s)]})
    after = common.each(*case["args"], count)(case["state"])
    assert after["references"] == case["expected"]["references"]


def test_every_difference_from_openfn_has_a_reason():
    assert all(case["why"] for case in COMMON if "openfn" in case)
    assert all(case["openfn"] != case["expected"] for case in COMMON if "openfn" in case)


def load_document(name):
    if name in JSONPATH["documents"]:
        return JSONPATH["documents"][name]
    return json.loads((CASES / "payloads" / name).read_text("utf-8"))


@pytest.mark.parametrize("case", params(JSONPATH["cases"]))
def test_path_finds_the_values_of_the_case(case):
    values = source(case["path"])(load_document(case["document"]))
    expected = case["result"]
    if case.get("unordered"):
        values, expected = (sorted(values, key=json.dumps) for values in (values, expected))
    assert values == expected


@pytest.mark.parametrize(
    "case", params(case for case in JSONPATH["cases"] if not case.get("unordered"))
)
def test_data_value_is_the_first_value_of_the_case(case):
    value = data_value(case["path"])({"data": load_document(case["document"])})
    assert value == (case["result"][0] if case["result"] else None)


@pytest.mark.parametrize("path", ["$.data.village", "$.data[0].village"])
def test_data_value_with_a_path_from_the_state_is_refused(path):
    with pytest.raises(ValueError, match=r"`\$` already is the data"):
        data_value(path)


def test_filter_or_slice_without_a_dollar_sign_is_refused():
    with pytest.raises(ValueError, match=r"which begins with \$"):
        data_value("meals[-1:].meals/hour")
