"""Enumerate the faults of a scenario, and repeat the scenario with some of them."""

from __future__ import annotations

from tests.faults.network import Fault


def trace(simulation, scenario):
    """Run a scenario without faults and return its calls."""
    run(simulation, scenario)
    return simulation.network.calls


def single_faults(calls, first=0):
    """Return all faults, from a call on, that can differ: pairs of a call's number and a fault."""
    return [
        (number, fault)
        for number in range(first, _last_delivery(calls) + 1)
        if not _is_inside_a_loop(calls, number)
        for fault in Fault
        if calls[number].has_own(fault)
    ]


def differing_faults(calls, kinds):
    """Return the faults of the first call of each kind, except `kinds`, which are added to."""
    faults = []
    for number, fault in single_faults(calls):
        if (kind := (calls[number].kind, fault)) not in kinds:
            kinds.add(kind)
            faults.append((number, fault))
    return faults


def run(simulation, scenario, *faults):
    """Run a scenario with faults and check the promises; a failure names the faults."""
    simulation.begin()
    simulation.network.expect(*faults)
    try:
        scenario(simulation)
        simulation.check()
        assert simulation.network.happened == len(faults)
        # A run that one runner has claimed is not executed by another.
        kinds = {fault for _, fault in faults}
        assert kinds != {Fault.TWICE} or simulation.repeated_deliveries() == []
        assert simulation.count_queued("DeadLetters") == 0
    except Exception as error:
        error.add_note(f"{scenario.__name__}: {describe(simulation.network.calls, faults)}")
        raise


def describe(calls, faults):
    """Return a text that names faults and their calls."""
    names = dict(enumerate(call.name for call in calls))
    return "; ".join(
        f"call {number} ({names.get(number, 'not made')}): {fault}" for number, fault in faults
    )


def _last_delivery(calls):
    return max((number for number, call in enumerate(calls) if call.delivered), default=-1)


def _is_inside_a_loop(calls, number):
    """Return whether the calls before and after are the same query of other partitions.

    Such a loop writes nothing and ends at the first failure, so its first and last call are enough.
    """
    queries = [call.partition for call in calls[max(number - 1, 0) : number + 2]]
    return queries == [calls[number].partition] * 3 and queries[0] != ""
