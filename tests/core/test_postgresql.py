"""PostgreSQL itself is asked what a body contains: thousands of pairs that match, or nearly so."""

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
ASK = """
    select body::jsonb @> fragment::jsonb
    from unnest(%s::text[], %s::text[]) with ordinality as pair(body, fragment, number)
    order by number
"""


@pytest.fixture(scope="module")
def pairs():
    random = Random(20)
    return [tuple(map(json_text, body_and_fragment(random))) for _ in range(PAIRS)]


@pytest.fixture(scope="module")
def answers(pairs, postgresql_uri):
    with psycopg.connect(postgresql_uri) as connection:
        columns = [list(column) for column in zip(*pairs, strict=True)]
        return [answer for (answer,) in connection.execute(ASK, columns)]


def read(text):
    return parse_exact(text.encode())


def test_the_pairs_are_near_misses_and_near_matches(pairs, answers):
    assert len(answers) == PAIRS
    assert 0.3 < sum(answers) / PAIRS < 0.7
    assert len(set(pairs)) > PAIRS / 2


def test_contains_says_what_postgresql_says(pairs, answers):
    ours = [contains(read(body), read(fragment)) for body, fragment in pairs]
    differences = [
        (*each, theirs)
        for each, own, theirs in zip(pairs, ours, answers, strict=True)
        if own is not theirs
    ]
    assert differences == []


def test_the_index_of_all_fragments_finds_what_postgresql_finds(pairs, answers):
    triggers = [
        MessageTrigger(f"t{i}", None, read(fragment)) for i, (_, fragment) in enumerate(pairs)
    ]
    made = trigger_index.load(index_builder.build_index(triggers))
    differences = [
        (*each, theirs)
        for number, (each, theirs) in enumerate(zip(pairs, answers, strict=True))
        if (number in made.matching("any", read(each[0]))) is not theirs
    ]
    assert differences == []


def test_the_containment_cases_hold_what_postgresql_answers(postgresql_uri):
    with psycopg.connect(postgresql_uri) as connection:

        def contains_in_postgresql(body, fragment):
            ((answer,),) = connection.execute(ASK, [[body], [fragment]])
            return answer

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
