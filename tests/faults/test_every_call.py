"""AWS calls of the functions fail, in every way, and nothing is lost, repeated or left.

These tests choose one call of each kind; `make torture` lets all calls fail, and pairs of calls.
"""

from __future__ import annotations

import random

import pytest

from tests.conftest import FAULTS_TRIED
from tests.faults import enumeration
from tests.faults.network import Fault
from tests.faults.scenarios import LONG, SCENARIOS, SHORTEST
from tests.faults.simulation import simulate


@pytest.fixture(scope="module")
def simulation(tmp_path_factory, fault_seed):
    with simulate(tmp_path_factory.mktemp("project"), fault_seed) as running:
        yield running


@pytest.fixture(scope="module")
def faults(simulation):
    """For each scenario, the faults of the calls that no earlier scenario makes."""
    kinds = set()
    return {
        scenario: enumeration.differing_faults(enumeration.trace(simulation, scenario), kinds)
        for scenario in SCENARIOS
        if scenario not in LONG
    }


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_nothing_is_lost_or_repeated_whichever_call_fails(
    simulation, faults, fault, record_property
):
    chosen = [
        (scenario, number)
        for scenario, own in faults.items()
        for number, kind in own
        if kind == fault
    ]
    for scenario, number in chosen:
        enumeration.run(simulation, scenario, (number, fault))
    assert len(chosen) > 10
    record_property(FAULTS_TRIED, len(chosen))


@pytest.mark.parametrize("scenario", LONG, ids=lambda scenario: scenario.__name__)
def test_nothing_is_lost_or_repeated_if_a_call_of_a_long_scenario_fails(
    simulation, scenario, fault_seed, record_property
):
    calls = enumeration.trace(simulation, scenario)
    chosen = random.Random(fault_seed or 0).sample(enumeration.single_faults(calls), 4)
    for fault in chosen:
        enumeration.run(simulation, scenario, fault)
    record_property(FAULTS_TRIED, len(chosen))


@pytest.mark.parametrize("scenario", SHORTEST, ids=lambda scenario: scenario.__name__)
def test_nothing_is_lost_or_repeated_if_two_calls_fail(
    simulation, scenario, fault_seed, record_property
):
    generator = random.Random(fault_seed or 0)
    first = generator.sample(enumeration.single_faults(enumeration.trace(simulation, scenario)), 6)
    for fault in first:
        enumeration.run(simulation, scenario, fault)
        if second := enumeration.single_faults(simulation.network.calls, fault[0] + 1):
            enumeration.run(simulation, scenario, fault, generator.choice(second))
    record_property(FAULTS_TRIED, 2 * len(first))
