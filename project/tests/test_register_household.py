"""Kobo household form → the registry."""

import pytest

from workbench.testing import Reply, event, run_job

HOUSEHOLD = event("kobo_household.json")


def test_household_is_sent_to_a_path_with_its_id():
    (request,) = run_job("register-household", HOUSEHOLD).requests
    assert (request.method, request.path) == ("PUT", f"/households/{HOUSEHOLD['_id']}")


def test_edited_household_is_sent_to_the_same_path():
    household = {**HOUSEHOLD, "meta/rootUuid": "uuid:1"}
    paths = [
        run_job("register-household", {**household, "_uuid": version}).requests[0].path
        for version in ("1", "2")
    ]
    assert paths == ["/households/uuid:1"] * 2


def test_record_has_selected_fields_and_all_answers():
    (request,) = run_job("register-household", HOUSEHOLD).requests
    assert request.json == {
        "head": "twenty",
        "age": 19,
        "submitted": "2016-04-22T06:38:20",
        "location": [None, None],
        "answers": HOUSEHOLD,
    }


@pytest.mark.parametrize("age", ["", "about 20", None])
def test_invalid_age_is_left_empty(age):
    (request,) = run_job("register-household", {**HOUSEHOLD, "group1/age": age}).requests
    assert request.json["age"] is None


def test_run_is_tried_again_when_the_registry_is_down():
    answers = {"PUT households/*": Reply(503, headers={"Retry-After": "60"})}
    result = run_job("register-household", HOUSEHOLD, answers=answers, fails=True)
    assert (result.error.verdict, result.error.retry_after) == ("remote-for-now", 60)
