"""Containment compared with PostgreSQL itself, on thousands of near matches and misses."""

from __future__ import annotations

import json
from random import Random

import psycopg
import pytest

from openfn.messages.bodies import parse_exact
from openfn.project import trigger_index
from openfn.project.fragments import contains
from openfn.project.triggers import MessageTrigger
from tests.support.containment_cases import CASES, exclusions_of, json_part
from tests.support.near_misses import body_and_fragment, json_text
from workbench.project import index_builder

PAIRS = 6_000
QUERY = """
    select body::jsonb @> fragment::jsonb
    from unnest(%s::text[], %s::text[]) with ordinality as pair(body, fragment, number)
    order by number
"""


@pytest.fixture(scope="module")
def pairs():
    random = Random(20)
    return [tuple(map(json_text, body_and_fragment(random))) for _ in range(PAIRS)]


@pytest.fixture(scope="module")
def expected_results(pairs, postgresql_uri):
    with psycopg.connect(postgresql_uri) as connection:
        columns = [list(column) for column in zip(*pairs, strict=True)]
        return [result for (result,) in connection.execute(QUERY, columns)]


def parse(text):
    return parse_exact(text.encode())


def test_about_half_of_the_pairs_match(pairs, expected_results):
    assert len(expected_results) == PAIRS
    assert 0.3 < sum(expected_results) / PAIRS < 0.7
    assert len(set(pairs)) > PAIRS / 2


def test_contains_agrees_with_postgresql(pairs, expected_results):
    actual = [contains(parse(body), parse(fragment)) for body, fragment in pairs]
    differences = [
        (*pair, expected)
        for pair, ours, expected in zip(pairs, actual, expected_results, strict=True)
        if ours is not expected
    ]
    assert differences == []


def test_index_of_all_fragments_agrees_with_postgresql(pairs, expected_results):
    triggers = [
        MessageTrigger(f"t{i}", None, (parse(fragment),)) for i, (_, fragment) in enumerate(pairs)
    ]
    index = trigger_index.load(index_builder.build_index(triggers))
    differences = [
        (*pair, expected)
        for number, (pair, expected) in enumerate(zip(pairs, expected_results, strict=True))
        if (number in index.matching("any", parse(pair[0]))) is not expected
    ]
    assert differences == []


def test_containment_cases_agree_with_postgresql(postgresql_uri):
    with psycopg.connect(postgresql_uri) as connection:

        def contains_in_postgresql(body, fragment):
            ((result,),) = connection.execute(QUERY, [[body], [fragment]])
            return result

        wrong = []
        for case in CASES:
            body = json_part(case, "message")
            exclusions = map(json.dumps, exclusions_of(case))
            match = contains_in_postgresql(body, json_part(case, "fragment")) and not any(
                contains_in_postgresql(body, exclusion) for exclusion in exclusions
            )
            if match is not case["match"]:
                wrong.append(case["name"])
    assert wrong == []
