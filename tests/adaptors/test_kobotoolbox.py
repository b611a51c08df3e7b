"""KoboToolbox against a fake server: read, fetch new submissions, change, and fail."""

from __future__ import annotations

import json

import pytest

from adaptors.common import data_value
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
from tests.support.errors import error_of
from tests.support.fake_systems import (
    dry_run_of,
    each_of,
    reset,
    run_cron_job,
    serving,
    without_configuration,
)
from tests.support.http_failures import (
    assert_failure_has_verdict,
    assert_no_secrets,
    assert_times_out,
    every_failure,
)
from tests.support.wsgi_server import status

SECRETS = [PASSWORD, TOKEN, f"{USER}:{PASSWORD}"]
BASIC = {"username": USER, "password": PASSWORD}
both_credentials = pytest.mark.parametrize(
    "credential", [BASIC, {"token": TOKEN}], ids=["basic", "token"]
)
OPERATIONS = {
    "get_forms": get_forms,
    "get_submissions": lambda **options: get_submissions(FORM, **options),
    "get_new_submissions": lambda **options: get_new_submissions(FORM, edits=False, **options),
    "get_deployment_info": lambda **options: get_deployment_info(FORM, **options),
    "update_submissions": lambda **options: update_submissions(
        FORM, [1], {"name": "Amina"}, **options
    ),
    "get": lambda **options: get("assets", **options),
    "post": lambda **options: post("assets", {"name": "Amina"}, **options),
    "put": lambda **options: put(f"assets/{FORM}", {"name": "Amina"}, **options),
    "patch": lambda **options: patch(f"assets/{FORM}", {"name": "Amina"}, **options),
    "delete": lambda **options: delete(f"assets/{FORM}/data/1", **options),
}
each_operation = each_of(OPERATIONS)


@pytest.fixture(scope="module")
def _server():
    with serving(Kobo()) as kobo:
        yield kobo


@pytest.fixture
def kobo(_server):
    return reset(_server)


def state_for(kobo, data=None, **credential):
    return {"configuration": {"baseUrl": kobo.url, **(credential or BASIC)}, "data": data}


def submit(kobo, count):
    for number in range(count):
        kobo.submit("2026-03-09T10:00:00", name=f"n{number}")
    return kobo.submissions[FORM]


# Read


def test_get_fetches_all_pages_of_a_list_unless_one_is_asked_for(kobo):
    for number in range(250):
        kobo.assets[f"a{number}"] = {"uid": f"a{number}", "asset_type": "survey"}
    data = get("assets")(state_for(kobo))["data"]
    assert (len(data["results"]), data["count"], data["next"]) == (251, 251, None)
    for query in ({"limit": 100}, {"offset": 0}):
        data = get("assets", query=query)(state_for(kobo))["data"]
        assert (len(data["results"]), data["next"] is None) == (100, False)


@both_credentials
def test_get_forms_lists_forms(kobo, credential):
    after = get_forms()(state_for(kobo, "before", **credential))
    assert [form["name"] for form in after["data"]] == ["Households"]
    assert after["references"] == ["before"]
    assert after["response"]["status"] == 200


def test_get_forms_fetches_all_pages_of_forms_only(kobo):
    for number in range(250):
        kobo.assets[f"a{number}"] = {"uid": f"a{number}", "asset_type": "survey"}
    kobo.assets["block"] = {"uid": "block", "asset_type": "block"}
    assert len(get_forms()(state_for(kobo))["data"]) == 251


@both_credentials
def test_get_submissions_fetches_all_pages(kobo, credential):
    submissions = submit(kobo, 2500)
    after = get_submissions(FORM)(state_for(kobo, **credential))
    assert after["data"] == submissions
    assert len(kobo.served.received) == 3


def test_smaller_pages_of_the_server_lose_nothing(kobo):
    submissions = submit(kobo, 25)
    kobo.max_page_size = 10
    after = get_submissions(FORM, page_size=30000)(state_for(kobo))
    assert after["data"] == submissions


@pytest.mark.parametrize(
    ("options", "selected", "requests"),
    [
        ({"limit": 7}, slice(0, 7), 1),
        ({"limit": 7, "page_size": 3}, slice(0, 7), 3),
        ({"start": 20}, slice(20, 25), 1),
        ({"start": 20, "limit": 2, "page_size": 1}, slice(20, 22), 2),
        ({"page_size": 10}, slice(0, 25), 3),
    ],
    ids=str,
)
def test_start_and_limit_select_submissions(kobo, options, selected, requests):
    submissions = submit(kobo, 25)
    after = get_submissions(FORM, **options)(state_for(kobo))
    assert after["data"] == submissions[selected]
    assert len(kobo.served.received) == requests


def test_query_and_sort_are_sent_for_every_page(kobo):
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


def test_query_may_be_a_json_text(kobo):
    submit(kobo, 3)
    after = get_submissions(FORM, query='{"name": "n1"}')(state_for(kobo))
    assert [submission["_id"] for submission in after["data"]] == [2]


def test_too_many_pages_are_a_configuration_error(kobo):
    submit(kobo, 4)
    error = error_of(get_submissions(FORM, page_size=1, max_pages=3), state_for(kobo))
    assert isinstance(error, ConfigurationError)
    assert "more than 3 pages" in str(error)
    assert len(get_submissions(FORM, page_size=1, max_pages=4)(state_for(kobo))["data"]) == 4


def test_next_page_at_another_origin_is_not_requested(kobo, elsewhere):
    submit(kobo, 2)
    kobo.public_url = elsewhere.url
    error = error_of(get_submissions(FORM, page_size=1), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert elsewhere.url in str(error)
    assert elsewhere.received == []


def test_link_to_an_earlier_page_is_refused(kobo):
    page = json.dumps({"results": [1], "next": f"{kobo.url}/api/v2/assets/x/data/?start=1"})
    kobo.served.failures += [status(200, page.encode())] * 2
    error = error_of(get_submissions("x"), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert "already been fetched" in str(error)
    assert not kobo.served.failures


@pytest.mark.parametrize("body", [b"[]", b'{"results": null}', b"null", b'"a"'])
def test_json_without_a_list_is_refused(kobo, body):
    kobo.served.failures.append(status(200, body))
    assert isinstance(error_of(get_submissions(FORM), state_for(kobo)), RemoteRefused)


def test_get_deployment_info_fetches_the_deployment(kobo):
    after = get_deployment_info(FORM)(state_for(kobo))
    assert after["data"]["identifier"] == FORM


def test_missing_form_is_refused(kobo):
    error = error_of(get_submissions("no/such form"), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert "404" in str(error)
    assert (
        kobo.served.received[0]
        .environ["RAW_URI"]
        .startswith("/api/v2/assets/no%2Fsuch%20form/data/?")
    )


# Fetch new submissions in a cron job


def run_job(state):
    """Run the cron job once; return the stored state and the ids of the emitted submissions."""
    operate = get_new_submissions(FORM, since="2026-01-01T00:00:00")
    stored, bodies = run_cron_job(operate, state, "kobo-records")
    return stored, [body["_id"] for body in bodies]


def test_submissions_are_emitted_once_over_many_runs(kobo):
    state, emitted = state_for(kobo), []
    kobo.submit("2025-12-31T23:59:59")  # before `since`
    for run in range(12):
        kobo.submit(f"2026-03-09T10:{run * 2:02}:00")
        if run % 3 == 2:  # a second one in the same second, and one that is visible late
            kobo.submit(f"2026-03-09T10:{run * 2:02}:00")
            kobo.submit(f"2026-03-09T10:{run * 2 - 3:02}:30")
        state, new = run_job({**state, **state_for(kobo)})
        emitted += new
    assert sorted(emitted) == list(range(2, 22))
    assert len(emitted) == len(set(emitted))
    assert state["data"] is None


def test_run_without_new_submissions_keeps_the_cursor(kobo):
    kobo.submit("2026-03-09T10:00:00")
    stored, first = run_job(state_for(kobo))
    after, second = run_job({**stored, **state_for(kobo)})
    assert (first, second) == ([1], [])
    assert (
        after["pulled"]
        == stored["pulled"]
        == {FORM: {"from": "2026-03-09T09:55:00", "met": [1]}, f"{FORM} edits": {}}
    )


def test_next_run_catches_up_after_a_failed_run(kobo):
    kobo.submit("2026-03-09T10:00:00")
    stored, _ = run_job(state_for(kobo))
    kobo.submit("2026-03-09T10:01:00")
    kobo.served.failures.append(status(503))
    error_of(get_new_submissions(FORM), {**stored, **state_for(kobo)})
    assert run_job({**stored, **state_for(kobo)})[1] == [2]


def test_stored_cursor_does_not_grow(kobo):
    state = state_for(kobo)
    for hour in range(10, 20):
        kobo.submit(f"2026-03-09T{hour}:00:00")
        state = {**run_job(state)[0], **state_for(kobo)}
    assert state["pulled"][FORM]["met"] == [10]


def test_source_may_change_its_time_format(kobo):
    kobo.submit("2026-03-09T10:00:00")
    stored, _ = run_job(state_for(kobo))
    kobo.submit("2026-03-09T10:06:00Z")
    stored, new = run_job({**stored, **state_for(kobo)})
    assert new == [2]
    assert stored["pulled"][FORM] == {"from": "2026-03-09T10:01:00Z", "met": [2]}


def test_every_form_has_its_own_cursor(kobo):
    kobo.assets["other"], kobo.submissions["other"] = {"uid": "other", "asset_type": "survey"}, []
    kobo.submit("2026-03-09T10:00:00")
    kobo.submit("2020-03-09T10:00:00", form="other")
    state = get_new_submissions(FORM)(state_for(kobo))
    state = get_new_submissions("other")(state)
    assert [submission["_id"] for submission in state["data"]] == [1]
    assert {FORM, "other"} <= state["pulled"].keys()


def test_query_filters_new_submissions(kobo):
    kobo.submit("2026-03-09T10:00:00", region="A")
    kobo.submit("2026-03-09T10:00:00", region="B")
    after = get_new_submissions(FORM, query={"region": "B"})(state_for(kobo))
    assert [submission["_id"] for submission in after["data"]] == [2]


def test_submission_without_a_timestamp_is_refused(kobo):
    kobo.submit(None)
    error = error_of(get_new_submissions(FORM), state_for(kobo))
    assert isinstance(error, RemoteRefused)
    assert "timestamp" in str(error)


# Edits


def test_edited_submission_comes_again_once(kobo):
    for minute in (0, 20):
        kobo.submit(f"2026-03-09T10:{minute:02}:00")
    kobo.edit(1)  # before the first run
    stored, first = run_job(state_for(kobo))
    assert first == [1, 2]
    for edited in ([1], [2], [1, 2], []):  # 2 is fetched again as one of the newest, too
        for number in edited:
            kobo.edit(number)
        stored, emitted = run_job({**stored, **state_for(kobo)})
        assert emitted == edited


def test_new_submission_that_is_already_edited_comes_once(kobo):
    stored, _ = run_job(state_for(kobo))
    kobo.submit("2026-03-09T10:00:00")
    kobo.edit(1)
    stored, emitted = run_job({**stored, **state_for(kobo)})
    assert emitted == [1]
    assert run_job({**stored, **state_for(kobo)})[1] == []


def test_edits_from_before_an_upgrade_do_not_come_again(kobo):
    for minute in (0, 20):
        kobo.submit(f"2026-03-09T10:{minute:02}:00")
    kobo.edit(1)
    pulled = {FORM: {"from": "2026-03-09T10:15:00", "met": [2]}}
    stored, emitted = run_job({"pulled": pulled, **state_for(kobo)})
    assert emitted == []
    kobo.edit(1)
    assert run_job({**stored, **state_for(kobo)})[1] == [1]


def test_edits_can_be_left_out(kobo):
    kobo.submit("2026-03-09T10:00:00")
    state = get_new_submissions(FORM, edits=False)(state_for(kobo))
    kobo.edit(1)
    state = get_new_submissions(FORM, edits=False)({**state, **state_for(kobo)})
    assert state["data"] == []


# Change


def test_update_submissions_changes_several_submissions(kobo):
    submit(kobo, 3)
    after = update_submissions(FORM, [1, 3], {"group1/status": data_value("s")})(
        state_for(kobo, {"s": "seen"})
    )
    assert [submission.get("group1/status") for submission in kobo.submissions[FORM]] == [
        "seen",
        None,
        "seen",
    ]
    assert after["data"]["successes"] == 2


def test_failed_update_fails_the_run_and_logs_the_reason(kobo, capsys):
    submit(kobo, 3)
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
def test_any_path_of_the_api_can_be_requested(kobo, operate, data):
    submit(kobo, 1)
    after = operate(state_for(kobo, {"n": "New"}))
    assert after["data"] == data
    assert after["response"]["status"] in {200, 201, 204}
    assert all(request.path.endswith("/") for request in kobo.served.received)


def test_credential_sets_the_api_version(kobo):
    error = error_of(get_forms(), state_for(kobo, **BASIC, apiVersion="v3"))
    assert "/api/v3/assets/" in str(error)


# Failures


@every_failure(OPERATIONS, read="get_submissions", write="post")
def test_every_http_failure_has_a_verdict(kobo, make, failure):
    assert_failure_has_verdict(failure, kobo.served, make(), state_for(kobo))


@each_operation
def test_operations_time_out(kobo, make):
    assert_times_out(kobo.served, make(timeout=0.05), state_for(kobo))


def test_failure_on_a_later_page_fails_the_operation(kobo):
    submit(kobo, 2)
    kobo.served.failures += [first_page(kobo), status(503)]
    error = error_of(get_submissions(FORM, page_size=1), state_for(kobo))
    assert "503" in str(error)


def first_page(kobo):
    next_url = f"{kobo.url}/api/v2/assets/{FORM}/data/?start=1"
    return status(200, json.dumps({"results": [1], "next": next_url}).encode())


@pytest.mark.parametrize("credential", [{"username": USER}, {"password": PASSWORD}, {"x": "y"}])
def test_incomplete_credential_is_a_configuration_error(kobo, credential):
    error = error_of(get_forms(), state_for(kobo, **credential))
    assert isinstance(error, ConfigurationError)
    assert "username and password, or token" in str(error)
    assert_no_secrets(SECRETS, str(error))


@both_credentials
@each_operation
def test_no_state_log_error_or_dry_run_contains_a_secret(kobo, make, credential, capsys):
    submit(kobo, 1)
    after = make()(state_for(kobo, **credential))
    kobo.served.failures.append(status(401, b"no"))
    error = error_of(make(), state_for(kobo, **credential))
    _, requests = dry_run_of(make(), state_for(kobo, **credential))
    log = capsys.readouterr().out
    assert_no_secrets(SECRETS, without_configuration(after), str(error), requests, log)


# The dry run


@each_operation
def test_dry_run_records_one_request_and_sends_none(kobo, make):
    after, requests = dry_run_of(make(), state_for(kobo))
    assert kobo.served.received == []
    (request,) = requests
    assert request["url"].startswith(f"{kobo.url}/api/v2/assets/")
    assert request["headers"]["Authorization"] == "***"
    assert "references" in after


def test_dry_run_of_new_submissions_returns_none(kobo):
    submit(kobo, 2)
    after, _ = dry_run_of(get_new_submissions(FORM), state_for(kobo))
    assert after["data"] == []
