"""Kobo household form → the registry."""

import pytest

from workbench.jobtests import Reply, event, run_job

HOUSEHOLD = event("kobo_household.json")


def test_a_household_is_put_below_its_own_id_so_that_sending_twice_makes_one():
    (sent,) = run_job("register-household", HOUSEHOLD).requests
    assert (sent.method, sent.path) == ("PUT", f"/households/{HOUSEHOLD['_uuid']}")


def test_the_fields_we_name_stand_beside_the_whole_answer():
    (sent,) = run_job("register-household", HOUSEHOLD).requests
    assert sent.json == {
        "head": "twenty",
        "age": 19,
        "submitted": "2016-04-22T06:38:20",
        "location": [None, None],
        "answers": HOUSEHOLD,
    }


@pytest.mark.parametrize("age", ["", "about 20", None])
def test_an_age_that_is_no_number_is_left_empty(age):
    (sent,) = run_job("register-household", {**HOUSEHOLD, "group1/age": age}).requests
    assert sent.json["age"] is None


def test_a_registry_that_is_down_is_tried_again_later():
    down = {"PUT households/*": Reply(503, headers={"Retry-After": "60"})}
    done = run_job("register-household", HOUSEHOLD, answers=down, fails=True)
    assert (done.error.verdict, done.error.retry_after) == ("remote-for-now", 60)
