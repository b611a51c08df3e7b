"""Random walks with faults: whatever happens in whatever order, nothing is lost or double."""

from __future__ import annotations

from functools import partial

import pytest

from tests.conftest import FAULTS_TRIED
from tests.faults.walks import fails, shortest, steps_of, walk
from tests.faults.world import around

STEPS = 300


@pytest.fixture
def world(tmp_path):
    with around(tmp_path) as made:
        yield made


@pytest.mark.parametrize("seed", range(2))
def test_a_random_walk_loses_and_doubles_nothing(world, seed, record_property):
    steps = steps_of(seed, STEPS)
    try:
        struck = walk(world, steps)
    except Exception as error:
        error.add_note(f"seed {seed}, in short: {shortest(steps, partial(fails, world))}")
        raise
    assert struck > 20
    record_property(FAULTS_TRIED, struck)


def test_a_failing_walk_is_cut_to_what_it_needs():
    steps = steps_of(1, 300)
    wanted = {steps[40], steps[200]}
    assert set(shortest(steps, lambda each: wanted <= set(each))) == wanted
