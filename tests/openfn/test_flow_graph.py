"""The jobs whose ids name the run before: those that can run several times for one message."""

from __future__ import annotations

from random import Random

import pytest

from openfn.project.flow_graph import branching_jobs
from openfn.project.triggers import CronTrigger, FlowTrigger, Kind, MessageTrigger

MESSAGE, ALSO = (MessageTrigger(name, None, ({},)) for name in ("m", "n"))
CRON = CronTrigger("c", "* * * * *", 0)


def after(job):
    return FlowTrigger(f"{job}-done", job, Kind.SUCCESS)


def failed(job):
    return FlowTrigger(f"{job}-failed", job, Kind.FAILURE)


@pytest.mark.parametrize(
    ("triggers_of", "expected"),
    [
        ({"a": [MESSAGE]}, ""),
        ({"a": [MESSAGE], "b": [after("a")], "c": [after("b")]}, ""),
        # Several triggers; a message starts one run of it, and so does a minute.
        ({"a": [MESSAGE, ALSO], "b": [after("a")]}, "a"),
        ({"a": [MESSAGE, CRON], "b": [after("a")]}, "a"),
        # A run of `b` for the message, and one after `a`.
        ({"a": [MESSAGE], "b": [MESSAGE, after("a")], "c": [after("b")]}, "bc"),
        ({"a": [CRON], "b": [CRON, failed("a")], "c": [failed("b")], "d": [after("c")]}, "bcd"),
        # A run after each of two jobs.
        ({"a": [MESSAGE], "b": [MESSAGE], "c": [after("a"), after("b")], "d": [after("c")]}, "cd"),
        ({"a": [MESSAGE], "b": [after("a")], "c": [after("b"), after("a")]}, "c"),
        # One job ends in one of two ways.
        ({"a": [MESSAGE], "b": [after("a"), failed("a")], "c": [after("b")]}, "b"),
        # The job before the last one follows a job that can run twice.
        (
            {
                "a": [MESSAGE],
                "b": [MESSAGE, after("a")],
                "c": [failed("b")],
                "d": [after("c"), failed("c")],
                "e": [after("d")],
                "f": [after("a")],
            },
            "bcde",
        ),
        # No trigger leads to these.
        ({"a": [after("a")], "b": [after("z"), MESSAGE]}, "b"),
        ({"a": [MESSAGE, after("b")], "b": [after("a")]}, "ab"),
    ],
)
def test_ids_of_these_jobs_name_the_run_before(triggers_of, expected):
    assert branching_jobs(triggers_of) == set(expected)


JOBS = "abcdefg"


def random_triggers(random):
    """Return up to three triggers for each job; a job only follows jobs before it."""
    return {
        job: random.sample(
            [MESSAGE, ALSO, *map(after, JOBS[:n]), *map(failed, JOBS[:n])],
            random.randint(1, min(3, 2 + 2 * n)),
        )
        for n, job in enumerate(JOBS)
    }


def test_no_two_runs_of_a_message_have_the_same_id():
    random = Random(5)
    for _ in range(200):
        triggers_of = random_triggers(random)
        branching = branching_jobs(triggers_of)
        # A run is its job, with the run before it.
        created = [(job, None) for job in JOBS if MESSAGE in triggers_of[job]]
        created += [(job, None) for job in JOBS if ALSO in triggers_of[job]]
        created, names = list(dict.fromkeys(created)), {}
        for run in created:
            job, before = run
            is_branch = before and job in branching
            names[run] = f"{job}@{names[before]}" if is_branch else job
            upstream_of = {
                follower: {t.job for t in triggers if isinstance(t, FlowTrigger)}
                for follower, triggers in triggers_of.items()
            }
            created += [(follower, run) for follower in JOBS if job in upstream_of[follower]]
        assert len(set(names.values())) == len(names)
