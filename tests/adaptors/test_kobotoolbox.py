"""KoboToolbox, against a small server of it: what is read, pulled, changed, and what goes wrong."""

from __future__ import annotations

import json

import pytest

from adaptors.common import data_value, each, emit, fn
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.kobotoolbox import (
    delete,
    get,
    get_deployment_info,
    get_forms,
    get_new_submissions,
    get_submissions,
    patch,
    post,
    put,
    update_submissions,
)
from tests.adaptors.kobotoolbox_server import FORM, PASSWORD, TOKEN, USER, Kobo
from tests.adaptors.serving import served, status
from tests.adaptors.troubles import (
    as_kept,
    assert_judged,
    assert_silence_is_waited_for_no_longer,
    assert_untold,
    each_trouble,
    emitting,
    error_of,
    rehearsed,
)

SECRETS = [PASSWORD, TOKEN, f"{USER}:{PASSWORD}"]
BASIC = {"username": USER, "password": PASSWORD}
BOTH = pytest.mark.parametrize("credential", [BASIC, {"token": TOKEN}], ids=["basic", "token"])
OPERATIONS = {
    "get_forms": get_forms,
    "get_submissions": lambda **more: get_submissions(FORM, **more),
    "get_new_submissions": lambda **more: get_new_submissions(FORM, **more),
    "get_deployment_info": lambda **more: get_deployment_info(FORM, **more),
    "update_submissions": lambda **more: update_submissions(FORM, [1], {"name": "Amina"}, **more),
    "get": lambda **more: get("assets", **more),
    "post": lambda **more: post("assets", {"name": "Amina"}, **more),
    "put": lambda **more: put(f"assets/{FORM}", {"name": "Amina"}, **more),
    "patch": lambda **more: patch(f"assets/{FORM}", {"name": "Amina"}, **more),
    "delete": lambda **more: delete(f"assets/{FORM}/data/1", **more),
}
each_operation = pytest.mark.parametrize("make", OPERATIONS.values(), ids=OPERATIONS)


@pytest.fixture(scope="module")
def _server():
    kobo = Kobo()
    with served(kobo.app) as there:
        kobo.served, kobo.url = there, there.url
        yield kobo


@pytest.fixture
def kobo(_server):
    _server.begin()
    _server.served.received.clear()
    _server.served.troubles.clear()
    return _server


def state_for(kobo, data=None, **credential):
    return {"configuration": {"baseUrl": kobo.url, **(credential or BASIC)}, "data": data}


def filled(kobo, number):
    for each_number in range(number):
        kobo.submit("2026-03-09T10:00:00", name=f"n{each_number}")
    return kobo.submissions[FORM]


# What is read


@BOTH
def test_forms_are_listed(kobo, credential):
    after = get_forms()(state_for(kobo, "before", **credential))
    assert [form["name"] for form in after["data"]] == ["Households"]
    assert after["references"] == ["before"]
    assert after["response"]["status"] == 200


def test_forms_are_listed_over_all_pages_and_without_what_is_no_form(kobo):
    for number in range(250):
        kobo.assets[f"a{number}"] = {"uid": f"a{number}", "asset_type": "survey"}
    kobo.assets["block"] = {"uid": "block", "asset_type": "block"}
    assert len(get_forms()(state_for(kobo))["data"]) == 251


@BOTH
def test_all_submissions_come_however_many_pages_they_are(kobo, credential):
    there = filled(kobo, 2500)
    after = get_submissions(FORM)(state_for(kobo, **credential))
    assert after["data"] == there
    assert len(kobo.served.received) == 3


def test_a_page_smaller_than_asked_for_loses_nothing(kobo):
    there = filled(kobo, 25)
    kobo.most = 10
    after = get_submissions(FORM, page_size=30000)(state_for(kobo))
    assert after["data"] == there


@pytest.mark.parametrize(
    ("more", "wanted", "requests"),
    [
        ({"limit": 7}, slice(0, 7), 1),
        ({"limit": 7, "page_size": 3}, slice(0, 7), 3),
        ({"start": 20}, slice(20, 25), 1),
        ({"start": 20, "limit": 2, "page_size": 1}, slice(20, 22), 2),
        ({"page_size": 10}, slice(0, 25), 3),
    ],
    ids=str,
)
def test_start_and_limit_choose_submissions(kobo, more, wanted, requests):
    there = filled(kobo, 25)
    after = get_submissions(FORM, **more)(state_for(kobo))
    assert after["data"] == there[wanted]
    assert len(kobo.served.received) == requests


def test_a_query_and_a_sort_hold_on_every_page(kobo):
    for number in range(5):
        kobo.submit(f"2026-03-0{number + 1}T10:00:00")
    after = get_submissions(
        FORM,
        query={"_submission_time": {"$gte": data_value("since")}},
        sort={"_id": -1},
        page_size=2,
    )(state_for(kobo, {"since": "2026-03-03"}))
    assert [submission["_id"] for submission in after["data"]] == [5, 4, 3]
    assert len(kobo.served.received) == 2


def test_a_query_may_be_json_already(kobo):
    filled(kobo, 3)
    after = get_submissions(FORM, query='{"name": "n1"}')(state_for(kobo))
    assert [submission["_id"] for submission in after["data"]] == [2]


def test_more_pages_than_are_thought_of_are_an_error_and_not_a_list_cut_short(kobo):
    filled(kobo, 4)
    error = error_of(get_submissions(FORM, page_size=1, max_pages=3), state_for(kobo))
    assert isinstance(error, ConfigurationError)
    assert "more than 3 pages" in str(error)
    assert len(get_submissions(FORM, page_size=1, max_pages=4)(state_for(kobo))["data"]) == 4


def test_a_next_page_at_another_origin_is_refused_and_never_asked_for(kobo, elsewhere):
    filled(kobo, 2)
    kobo.public_url = elsewhere.url
    error = error_of(get_submissions(FORM, page_size=1), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert elsewhere.url in str(error)
    assert elsewhere.received == []


def test_a_next_page_that_leads_in_a_circle_is_refused(kobo):
    page = json.dumps({"results": [1], "next": f"{kobo.url}/api/v2/assets/x/data/?start=1"})
    kobo.served.troubles += [status(200, page.encode())] * 2
    error = error_of(get_submissions("x"), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert "fetched already" in str(error)
    assert not kobo.served.troubles


@pytest.mark.parametrize("body", [b"[]", b'{"results": null}', b"null", b'"a"'])
def test_json_that_is_no_page_is_refused(kobo, body):
    kobo.served.troubles.append(status(200, body))
    assert isinstance(error_of(get_submissions(FORM), state_for(kobo)), RemoteRefused)


def test_deployment_info_is_read(kobo):
    after = get_deployment_info(FORM)(state_for(kobo))
    assert after["data"]["identifier"] == FORM


def test_a_form_that_is_not_there_is_refused(kobo):
    error = error_of(get_submissions("no/such form"), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert "404" in str(error)
    assert (
        kobo.served.received[0]
        .environ["RAW_URI"]
        .startswith("/api/v2/assets/no%2Fsuch%20form/data/?")
    )


# Pulled by a cron job


def pull(state):
    """One tick: what is new is emitted, each as a message of its own."""
    with emitting() as taken:
        for operate in (
            get_new_submissions(FORM, since="2026-01-01T00:00:00"),
            each("[*]", emit("kobo-records")),
            fn(lambda state: {**state, "data": None}),
        ):
            state = operate(state)
    return as_kept(state), [body["_id"] for inbox, body in taken if inbox == "kobo-records"]


def test_each_submission_is_emitted_once_over_many_ticks(kobo):
    state, emitted = state_for(kobo), []
    kobo.submit("2025-12-31T23:59:59")  # before `since`
    for tick in range(12):
        kobo.submit(f"2026-03-09T10:{tick * 2:02}:00")
        if (
            tick % 3 == 2
        ):  # two of the same second, and one that was stamped earlier than it is seen
            kobo.submit(f"2026-03-09T10:{tick * 2:02}:00")
            kobo.submit(f"2026-03-09T10:{tick * 2 - 3:02}:30")
        kept, new = pull({**state, **state_for(kobo)})
        state, emitted = kept, emitted + new
    assert sorted(emitted) == list(range(2, 22))
    assert len(emitted) == len(set(emitted))
    assert state["data"] is None


def test_a_tick_with_nothing_new_emits_nothing_and_keeps_the_place(kobo):
    kobo.submit("2026-03-09T10:00:00")
    kept, first = pull(state_for(kobo))
    again, second = pull({**kept, **state_for(kobo)})
    assert (first, second) == ([1], [])
    assert again["pulled"] == kept["pulled"] == {FORM: {"from": "2026-03-09T09:55:00", "met": [1]}}


def test_a_run_that_failed_is_made_good_by_the_next(kobo):
    kobo.submit("2026-03-09T10:00:00")
    kept, _ = pull(state_for(kobo))
    kobo.submit("2026-03-09T10:01:00")
    kobo.served.troubles.append(status(503))
    error_of(get_new_submissions(FORM), {**kept, **state_for(kobo)})
    assert pull({**kept, **state_for(kobo)})[1] == [2]


def test_what_is_kept_of_a_place_does_not_grow(kobo):
    state = state_for(kobo)
    for hour in range(10, 20):
        kobo.submit(f"2026-03-09T{hour}:00:00")
        state = {**pull(state)[0], **state_for(kobo)}
    assert state["pulled"][FORM]["met"] == [10]


def test_a_source_may_begin_to_write_its_times_otherwise(kobo):
    kobo.submit("2026-03-09T10:00:00")
    kept, _ = pull(state_for(kobo))
    kobo.submit("2026-03-09T10:06:00Z")
    kept, new = pull({**kept, **state_for(kobo)})
    assert new == [2]
    assert kept["pulled"][FORM] == {"from": "2026-03-09T10:01:00Z", "met": [2]}


def test_two_forms_are_pulled_each_from_its_own_place(kobo):
    kobo.assets["other"], kobo.submissions["other"] = {"uid": "other", "asset_type": "survey"}, []
    kobo.submit("2026-03-09T10:00:00")
    kobo.submit("2020-03-09T10:00:00", form="other")
    state = get_new_submissions(FORM)(state_for(kobo))
    state = get_new_submissions("other")(state)
    assert [submission["_id"] for submission in state["data"]] == [1]
    assert state["pulled"].keys() == {FORM, "other"}


def test_a_query_of_the_job_narrows_what_is_pulled(kobo):
    kobo.submit("2026-03-09T10:00:00", region="A")
    kobo.submit("2026-03-09T10:00:00", region="B")
    after = get_new_submissions(FORM, query={"region": "B"})(state_for(kobo))
    assert [submission["_id"] for submission in after["data"]] == [2]


def test_a_submission_without_a_time_is_refused(kobo):
    kobo.submit(None)
    error = error_of(get_new_submissions(FORM), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert "time" in str(error)


# What is written


def test_submissions_are_changed_together(kobo):
    filled(kobo, 3)
    after = update_submissions(FORM, [1, 3], {"group1/status": data_value("s")})(
        state_for(kobo, {"s": "seen"})
    )
    assert [each.get("group1/status") for each in kobo.submissions[FORM]] == ["seen", None, "seen"]
    assert after["data"]["successes"] == 2


def test_a_submission_that_was_not_changed_fails_the_run_and_its_reason_is_in_the_log(kobo, capsys):
    filled(kobo, 3)
    kobo.locked = {2}
    error = error_of(update_submissions(FORM, [1, 2], {"a": "b"}), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert "1 of 2 submissions" in str(error)
    assert "Something went wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("operate", "data"),
    [
        (post("assets", {"name": data_value("n")}), {"uid": "a1", "name": "New"}),
        (put(f"assets/{FORM}", {"name": data_value("n")}), {"uid": FORM, "name": "New"}),
        (
            patch(f"/api/v2/assets/{FORM}/", {"name": data_value("n")}),
            {"uid": FORM, "name": "New", "asset_type": "survey"},
        ),
        (
            get("assets", query={"asset_type": "x"}),
            {"count": 0, "next": None, "previous": None, "results": []},
        ),
        (delete(f"assets/{FORM}/data/1/"), None),
    ],
    ids=["post", "put", "patch", "get", "delete"],
)
def test_any_path_of_the_api_can_be_reached(kobo, operate, data):
    filled(kobo, 1)
    after = operate(state_for(kobo, {"n": "New"}))
    assert after["data"] == data
    assert after["response"]["status"] in {200, 201, 204}
    assert all(request.path.endswith("/") for request in kobo.served.received)


def test_the_version_of_the_api_is_the_credentials(kobo):
    error = error_of(get_forms(), state_for(kobo, **BASIC, apiVersion="v3"))
    assert "/api/v3/assets/" in str(error)


# What goes wrong


@each_trouble()
@each_operation
def test_each_trouble_is_judged(kobo, trouble, make):
    assert_judged(trouble, kobo.served, make(), state_for(kobo))


@each_operation
def test_silence_is_not_waited_for_forever(kobo, make):
    assert_silence_is_waited_for_no_longer(kobo.served, make(timeout=0.05), state_for(kobo))


def test_trouble_on_a_later_page_is_no_short_list(kobo):
    filled(kobo, 2)
    kobo.served.troubles += [kobo_page(kobo), status(503)]
    error = error_of(get_submissions(FORM, page_size=1), state_for(kobo))
    assert "503" in str(error)


def kobo_page(kobo):
    following = f"{kobo.url}/api/v2/assets/{FORM}/data/?start=1"
    return status(200, json.dumps({"results": [1], "next": following}).encode())


@pytest.mark.parametrize("credential", [{"username": USER}, {"password": PASSWORD}, {"x": "y"}])
def test_half_a_credential_is_the_authors_mistake(kobo, credential):
    error = error_of(get_forms(), state_for(kobo, **credential))
    assert isinstance(error, ConfigurationError)
    assert "username and password, or token" in str(error)
    assert_untold(SECRETS, str(error))


@BOTH
@each_operation
def test_no_secret_is_told(kobo, make, credential, capsys):
    filled(kobo, 1)
    after = make()(state_for(kobo, **credential))
    kobo.served.troubles.append(status(401, b"no"))
    error = error_of(make(), state_for(kobo, **credential))
    _, seen = rehearsed(make(), state_for(kobo, **credential))
    kept = {key: part for key, part in after.items() if key != "configuration"}
    assert_untold(SECRETS, kept, str(error), seen, capsys.readouterr().out)


# The dry run


@each_operation
def test_a_dry_run_shows_one_request_and_sends_none(kobo, make):
    after, seen = rehearsed(make(), state_for(kobo))
    assert kobo.served.received == []
    (request,) = seen
    assert request["url"].startswith(f"{kobo.url}/api/v2/assets/")
    assert request["headers"]["Authorization"] == "***"
    assert "references" in after


def test_a_dry_run_of_a_pull_emits_nothing(kobo):
    filled(kobo, 2)
    after, _ = rehearsed(get_new_submissions(FORM), state_for(kobo))
    assert after["data"] == []
