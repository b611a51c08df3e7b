"""Pull from KoboToolbox, deliver each."""

import pytest

from workbench.jobtests import Reply, event, run_job


@pytest.fixture
def submission():
    return event("water_point.json")


def pulled(found, state, **more):
    page = {"count": len(found), "next": None, "previous": None, "results": found}
    return run_job("pull", state=state, answers={"GET data/": page}, **more)


def test_what_is_new_is_emitted_and_the_place_moves_on(submission):
    first = pulled([submission], {})
    assert first.emitted == [("submissions", submission)]
    assert list(first.final) == ["pulled"]
    assert "2026-01-01" in first.requests[0].url
    again = pulled([submission], first.final)
    assert again.emitted == []
    assert "2026-03-09T09%3A25%3A00" in again.requests[0].url


def test_a_pull_that_fails_emits_nothing():
    down = {"GET data/": Reply(503)}
    done = run_job("pull", state={}, answers=down, fails=True)
    assert done.emitted == []


def test_a_submission_is_put_below_its_own_id(submission):
    (sent,) = run_job("deliver", submission).requests
    assert sent.path == "/water-points/9a1f7c44-2f0b-4b7e-b6d5-6c1d3d3f7a04"
    assert sent.json == {"name": "Borehole 7", "works": True, "seen": "2026-03-09T09:30:00"}
