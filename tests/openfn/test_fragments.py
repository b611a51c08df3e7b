"""Containment of fragments, as in PostgreSQL's `body::jsonb @> fragment::jsonb`."""

from __future__ import annotations

import pytest

from openfn.messages.bodies import parse_exact
from openfn.project.fragments import contains
from tests.support.containment_cases import case_params, exclusions_of, parse_part


@pytest.mark.parametrize("case", case_params())
def test_matching_agrees_with_postgresql(case):
    message = parse_part(case, "message")
    excluded = any(contains(message, exclusion) for exclusion in exclusions_of(case))
    matches = contains(message, parse_part(case, "fragment")) and not excluded
    assert matches is case["match"]


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ('{"a": 1, "b": {"c": 2, "d": 3}}', '{"b": {"c": 2}}'),
        ('{"a": {}}', "{}"),
        ("{}", "{}"),
        ("[]", "[]"),
        ('{"a": [1, 2, 3]}', '{"a": []}'),
        ('{"a": [1, 2, 3]}', '{"a": [3, 1, 1]}'),
        ('{"a": [{"b": 1, "c": 2}, {"b": 3}]}', '{"a": [{"b": 3}, {"c": 2}]}'),
        ('{"a": [{"x": 1, "y": 2}]}', '{"a": [{"x": 1}, {"y": 2}]}'),
        ('{"a": [[1, 2], [3]]}', '{"a": [[2]]}'),
        ('{"a": null}', '{"a": null}'),
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": 1e0}', '{"a": 1}'),
        ('{"a": 0.10}', '{"a": 0.1}'),
        ('{"a": -0.0}', '{"a": 0}'),
        ('{"a": 12345678901234567890.0}', '{"a": 12345678901234567890}'),
        ('{"a": 1, "a": 2}', '{"a": 2}'),
        ('{"group1/name": 1, "@xmlns": 2, "*m*": 3, "a.b": 4}', '{"a.b": 4, "group1/name": 1}'),
        ("[1, 2]", "1"),
        ('["a", null]', "null"),
        ("[1, 2]", "[2]"),
        ('"text"', '"text"'),
        ("true", "true"),
    ],
)
def test_body_contains_fragment(body, fragment):
    assert contains(parse_exact(body.encode()), parse_exact(fragment.encode())) is True


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ('{"a": 1}', '{"b": 1}'),
        ('{"a": {"b": 1}}', '{"b": 1}'),
        ('{"a": {"b": 1}}', '{"a": {"b": 2}}'),
        ("{}", '{"a": null}'),
        ('{"a": false}', '{"a": null}'),
        ('{"a": 0}', '{"a": null}'),
        ('{"a": 1}', '{"a": true}'),
        ('{"a": true}', '{"a": 1}'),
        ('{"a": 0}', '{"a": false}'),
        ('{"a": "1"}', '{"a": 1}'),
        ('{"a": "Yes"}', '{"a": "yes"}'),
        ('{"a": "x "}', '{"a": "x"}'),
        ('{"a": 9007199254740992}', '{"a": 9007199254740993}'),
        ('{"a": 0.30000000000000004}', '{"a": 0.3}'),
        ('{"a": {"b": 1}}', '{"a.b": 1}'),
        ('{"a": [1]}', '{"a": 1}'),  # an array contains a bare scalar at the top level only
        ("[[1]]", "1"),
        ('{"a": 1}', '{"a": [1]}'),
        ('{"a": [1, [2]]}', '{"a": [2]}'),
        ('{"a": {}}', '{"a": []}'),
        ('{"a": []}', '{"a": {}}'),
        ('{"a": null}', '{"a": {}}'),
        ("[]", "{}"),
        ("{}", "[]"),
        ('[{"a": 1}]', '{"a": 1}'),
        ("1", "[1]"),
        ("1", "{}"),
        ("[]", "null"),
        ('{"a": [{"b": 1}, {"c": 2}]}', '{"a": [{"b": 1, "c": 2}]}'),
        ('{"a": 1, "a": 2}', '{"a": 1}'),
    ],
)
def test_body_does_not_contain_fragment(body, fragment):
    assert contains(parse_exact(body.encode()), parse_exact(fragment.encode())) is False
