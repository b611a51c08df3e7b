"""Random walks with faults: nothing is lost or repeated, whatever happens in whatever order."""

from __future__ import annotations

from functools import partial

import pytest

from tests.conftest import FAULTS_TRIED
from tests.faults.random_walk import fails, random_steps, shortest, walk
from tests.faults.simulation import simulate

STEPS = 300


@pytest.fixture
def simulation(tmp_path):
    with simulate(tmp_path) as running:
        yield running


@pytest.mark.parametrize("seed", range(2))
def test_random_walk_loses_and_repeats_nothing(simulation, seed, fault_seed, record_property):
    seed += fault_seed or 0
    steps = random_steps(seed, STEPS)
    try:
        faults = walk(simulation, steps)
    except Exception as error:
        error.add_note(f"seed {seed}, shortened: {shortest(steps, partial(fails, simulation))}")
        raise
    assert faults > 20
    record_property(FAULTS_TRIED, faults)


def test_failing_walk_is_shortened_to_the_steps_it_needs():
    steps = random_steps(1, 300)
    needed = {steps[40], steps[200]}
    assert set(shortest(steps, lambda some_steps: needed <= set(some_steps))) == needed
