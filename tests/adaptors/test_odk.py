"""ODK Central and ODK Aggregate against fake servers."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from functools import partial

import pytest
import time_machine

from adaptors._runtime.run_context import run_context
from adaptors.common import data_value, each
from adaptors.errors import ConfigurationError, RemoteRefused, RemoteUnavailable
from adaptors.odk import (
    aggregate_new_submissions,
    aggregate_submission,
    aggregate_submission_ids,
    aggregate_submit,
    create_submission,
    delete,
    get,
    get_forms,
    get_new_submissions,
    get_submission,
    get_submission_xml,
    get_submissions,
    patch,
    post,
    put,
)
from tests.adaptors.odk_server import EMAIL, FORM, PASSWORD, USER, VERSION, Aggregate, Central
from tests.support.errors import error_of
from tests.support.fake_systems import (
    dry_run_of,
    each_of,
    reset,
    respond,
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
from tests.support.wsgi_server import html_page, status, truncated

SECRETS = [PASSWORD, f"{EMAIL}:{PASSWORD}", f"{USER}:{PASSWORD}", "lSpAIeksRu1CNZs7"]
STARTED_AT = datetime(2026, 3, 9, 10, tzinfo=UTC)
DATA = {"@version": VERSION, "name": "Amina"}
XML = (
    f'<data id="{FORM}" version="{VERSION}"><name>Amina</name>'
    "<meta><instanceID>uuid:7</instanceID></meta></data>"
)
CENTRAL = {
    "get_forms": lambda **options: get_forms(22, **options),
    "get_submissions": lambda **options: get_submissions(22, FORM, **options),
    "get_new_submissions": lambda **options: get_new_submissions(22, FORM, **options),
    "get_submission": lambda **options: get_submission(22, FORM, "uuid:a", **options),
    "get_submission_xml": lambda **options: get_submission_xml(22, FORM, "uuid:a", **options),
    "create_submission": lambda **options: create_submission(22, FORM, DATA, **options),
    "get": lambda **options: get("v1/projects", **options),
    "post": lambda **options: post("v1/projects", {"name": "Amina"}, **options),
    "put": lambda **options: put("v1/projects/22", {"name": "Amina"}, **options),
    "patch": lambda **options: patch(
        f"v1/projects/22/forms/{FORM}/submissions/uuid:a", {"reviewState": "approved"}, **options
    ),
    "delete": lambda **options: delete(f"v1/projects/22/forms/{FORM}", **options),
}
AGGREGATE = {
    "ids": lambda **options: aggregate_submission_ids(FORM, **options),
    "submission": lambda **options: aggregate_submission(FORM, "uuid:a", **options),
    "new": lambda **options: aggregate_new_submissions(FORM, **options),
    "submit": lambda **options: aggregate_submit(FORM, DATA, **options),
}
each_of_central = each_of(CENTRAL)
each_of_aggregate = each_of(AGGREGATE)


@pytest.fixture(scope="module")
def _central():
    with serving(Central()) as central:
        yield central


@pytest.fixture
def central(_central):
    return reset(_central)


@pytest.fixture(scope="module")
def _aggregate():
    with serving(Aggregate()) as aggregate:
        yield aggregate


@pytest.fixture
def aggregate(_aggregate):
    return reset(_aggregate)


def state_for(server, data=None, **credential):
    login = {"email": EMAIL, "username": USER, "password": PASSWORD, **credential}
    return {"configuration": {"baseUrl": server.url, **login}, "data": data}


def in_a_run(operate, state, run="message#job"):
    with run_context(run, STARTED_AT):
        return operate(state)


def paths(server):
    return [request.path for request in server.served.received]


# Sessions of Central


def test_session_is_reused(central):
    for _ in range(3):
        get_forms(22)(state_for(central))
    assert central.logins <= 1  # 0 if a test before this one has left a valid token
    assert paths(central).count("/v1/projects/22/forms") >= 3


def test_expired_token_is_renewed(central):
    central.token_lifetime = 3600
    get_forms(22)(state_for(central))
    with time_machine.travel(datetime.now(UTC).timestamp() + 3600 - 30, tick=True):
        central.served.received.clear()
        get_forms(22)(state_for(central))
    assert paths(central) == ["/v1/sessions", "/v1/projects/22/forms"]


def test_refused_token_is_renewed_and_the_request_sent_again(central):
    get_forms(22)(state_for(central))
    central.tokens.clear()
    central.served.received.clear()
    create_submission(22, FORM, XML)(state_for(central))
    path = f"/v1/projects/22/forms/{FORM}/submissions"
    assert paths(central) == [path, "/v1/sessions", path]
    assert list(central.xml) == ["uuid:7"]


def test_token_is_renewed_only_once(central):
    get_forms(22)(state_for(central))
    central.served.received.clear()
    central.served.failures += [status(401), partial(respond, central), status(401)]
    error = error_of(get_forms(22), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert len(paths(central)) == 3


def test_refused_new_token_is_not_renewed(central):
    state = state_for(central)
    state["configuration"]["baseUrl"] += "/"  # no test has logged in with this credential
    central.served.failures += [partial(respond, central), status(401)]
    assert isinstance(error_of(get_forms(22), state), RemoteRefused)
    assert paths(central) == ["/v1/sessions", "/v1/projects/22/forms"]


def test_wrong_password_is_tried_once(central):
    error = error_of(get_forms(22), state_for(central, password="wr0ng-Zm9vYmFy"))
    assert isinstance(error, RemoteRefused)
    assert "/v1/sessions answered 401" in str(error)
    assert paths(central) == ["/v1/sessions"]
    assert "wr0ng" not in str(error)


def test_another_password_starts_another_session(central):
    get_forms(22)(state_for(central))
    error_of(get_forms(22), state_for(central, password="wr0ng-Zm9vYmFy"))


def test_token_of_the_credential_is_used(central):
    central.tokens["valid"] = 9e9
    get_forms(22)(state_for(central, access_token="valid"))
    assert paths(central) == ["/v1/projects/22/forms"]
    error = error_of(get_forms(22), state_for(central, access_token="expired"))
    assert isinstance(error, RemoteRefused)
    assert "/v1/sessions" not in paths(central)


@pytest.mark.parametrize(
    ("response", "error_type"),
    [
        (status(200, b'{"token": "t0k3n-Zm9v"}'), RemoteRefused),
        (status(200, b'{"token": "t0k3n-Zm9v", "expiresAt": "soon"}'), RemoteRefused),
        (status(200, b"[]"), RemoteRefused),
        (html_page, RemoteRefused),
        (truncated, RemoteUnavailable),
        (status(503), RemoteUnavailable),
        (status(429, Retry_After="3"), RemoteUnavailable),
    ],
    ids=["no end", "invalid end", "list", "web page", "truncated", "503", "429"],
)
def test_failed_login_has_a_verdict_and_shows_no_token(central, response, error_type, capsys):
    central.served.failures.append(response)
    state = state_for(central, email="never-seen@example.org")
    error = error_of(get_forms(22), state)
    assert type(error) is error_type
    assert "t0k3n" not in str(error) + capsys.readouterr().out


@pytest.mark.parametrize("credential", [{"email": None}, {"password": None}], ids=str)
def test_incomplete_credential_is_a_configuration_error(central, aggregate, credential):
    error = error_of(get_forms(22), state_for(central, **credential))
    assert isinstance(error, ConfigurationError)
    assert "email and password" in str(error)
    error = error_of(AGGREGATE["ids"](), state_for(aggregate, password=None))
    assert "username and password" in str(error)
    assert "baseUrl" in str(error_of(get_forms(22), {"configuration": {"email": EMAIL}}))


# Read from Central


def test_get_forms_lists_forms(central):
    after = get_forms(22)(state_for(central, "before"))
    assert after["data"] == [{"xmlFormId": FORM}]
    assert after["references"] == ["before"]
    assert after["response"]["status"] == 200


def submit(central, count):
    for number in range(count):
        central.submit(f"n{number}", 1, child=[{"age": number}])
    return list(reversed(central.records.values()))


@pytest.mark.parametrize(
    ("query", "options", "selected", "requests"),
    [
        (None, {}, slice(0, 25), 1),
        (None, {"page_size": 10}, slice(0, 25), 3),
        ({"$top": 12}, {"page_size": 5}, slice(0, 12), 3),
        ({"$top": 3}, {}, slice(0, 3), 1),
        ({"$filter": data_value("since")}, {"page_size": 2}, slice(0, 5), 3),
    ],
    ids=range(5),
)
def test_get_submissions_fetches_all_pages_with_repeats(
    central, query, options, selected, requests
):
    submissions = submit(central, 25)
    get_forms(22)(state_for(central))
    central.served.received.clear()
    since = {"since": "__system/submissionDate ge 2026-03-09T10:00:21.000Z"}
    after = get_submissions(22, FORM, query, **options)(state_for(central, since))
    assert after["data"] == submissions[selected]
    assert len(central.served.received) == requests
    page_size = min((query or {}).get("$top", 500), options.get("page_size", 500))
    assert central.served.received[0].args["$top"] == str(page_size)


@pytest.mark.parametrize("query", [{"$select": "__id"}, {"$expand": "*"}], ids=str)
def test_query_with_select_or_expand_is_not_expanded(central, query):
    submit(central, 1)
    get_submissions(22, FORM, query)(state_for(central))
    sent_query = central.served.received[-1].args
    assert sent_query.get("$expand") == query.get("$expand")


def test_unsupported_query_is_refused_with_its_problem_code(central, capsys):
    error = error_of(get_submissions(22, FORM, {"$filter": "name eq 'x'"}), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert "501" in str(error)
    assert "problem 501.4" in str(error)
    assert "features not supported" in capsys.readouterr().out


def test_status_501_without_a_problem_code_is_not_retried(central):
    get_forms(22)(state_for(central))
    central.served.failures.append(status(501, b"<html>"))
    assert isinstance(error_of(get_forms(22), state_for(central)), RemoteRefused)


def test_next_page_at_another_origin_is_not_requested(central, elsewhere):
    submit(central, 2)
    central.public_url = elsewhere.url
    error = error_of(get_submissions(22, FORM, page_size=1), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert elsewhere.received == []


def test_too_many_pages_are_a_configuration_error(central):
    submit(central, 3)
    error = error_of(get_submissions(22, FORM, page_size=1, max_pages=2), state_for(central))
    assert isinstance(error, ConfigurationError)


def test_invalid_top_is_a_configuration_error(central):
    error = error_of(get_submissions(22, FORM, {"$top": "all"}), state_for(central))
    assert isinstance(error, ConfigurationError)


def test_single_submission_is_fetched_as_json_and_as_xml(central):
    central.submit("a", child=[{"age": 3}])
    after = get_submission(22, FORM, "uuid:a")(state_for(central))
    assert after["data"]["child"] == [{"age": 3}]
    assert get_submission_xml(22, FORM, "uuid:a")(state_for(central))["data"] == "<data>a</data>"
    for make in (get_submission, get_submission_xml):
        error = error_of(make(22, FORM, "uuid:b"), state_for(central))
        assert isinstance(error, RemoteRefused)
        assert "problem 404.1" in str(error)


@pytest.mark.parametrize("body", [b'{"value": []}', b'{"value": [1, 2]}', b"[]", b"null"])
def test_response_that_is_not_one_submission_is_refused(central, body):
    get_forms(22)(state_for(central))
    central.served.failures.append(status(200, body))
    error = error_of(get_submission(22, FORM, "uuid:a"), state_for(central))
    assert isinstance(error, RemoteRefused)


@pytest.mark.parametrize(
    ("operate", "data"),
    [
        (get("v1/projects"), [{"id": 22, "name": "Households"}]),
        (post("v1/projects", {"name": data_value("n")}), {"id": 23, "name": "New"}),
        (put("v1/projects/22", {"name": data_value("n")}), {"name": "New"}),
        (delete(f"v1/projects/22/forms/{FORM}"), {"success": True}),
    ],
    ids=["get", "post", "put", "delete"],
)
def test_any_path_of_the_api_can_be_requested(central, operate, data):
    assert operate(state_for(central, {"n": "New"}))["data"] == data


def test_patch_sets_the_review_state(central):
    central.submit("a")
    CENTRAL["patch"]()(state_for(central))
    assert central.records["uuid:a"]["__system"]["reviewState"] == "approved"


# Fetch new submissions in a cron job


def run_job(server, state, operate):
    """Run the cron job once; return the stored state and the emitted submissions."""
    return run_cron_job(operate, {**state, **state_for(server)}, "odk-records")


def test_submissions_are_emitted_once_over_many_runs(central):
    central.submit("before", -86400)
    central.submit("first", 86400)
    operate = get_new_submissions(22, FORM, since="2026-03-09T00:00:00.000Z")
    state, emitted = {}, []
    for run in range(8):
        central.submit(f"a{run}", 100)
        central.submit(f"b{run}")
        state, new = run_job(central, state, operate)
        emitted += [body["__id"] for body in new]
    later = [f"uuid:{letter}{run}" for run in range(8) for letter in "ba"]
    assert emitted == ["uuid:first", *later]  # oldest first; b and a have the same time
    assert "uuid:before" not in emitted
    cursor = state["pulled"][f"22/{FORM}"]
    assert cursor["from"].endswith("Z")
    assert len(cursor["met"]) == 8  # the submissions of the last five minutes
    assert run_job(central, state, operate)[1] == []


@pytest.mark.parametrize("edits", [True, False])
def test_edited_submission_comes_again_once(central, edits):
    central.submit("a")
    central.submit("b", 86400)
    operate = get_new_submissions(22, FORM, edits=edits)
    state, new = run_job(central, {}, operate)
    assert [body["__id"] for body in new] == ["uuid:a", "uuid:b"]
    for names in (["a"], ["b"], ["a", "b"], []):
        for name in names:
            central.edit(name, 60, weight="7")
        state, new = run_job(central, state, operate)
        assert [body["__id"] for body in new] == [f"uuid:{name}" for name in names if edits]


# Create in Central


def test_submission_is_created_from_a_dict(central):
    data = {**DATA, "name": data_value("name"), "child": [{"age": 3}, {"age": 7}]}
    after = create_submission(22, FORM, data)(state_for(central, {"name": "Zoé"}))
    (record,) = central.records.values()
    assert record["name"] == "Zoé"
    assert record["child"] == [{"age": "3"}, {"age": "7"}]
    assert after["data"]["instanceId"] == record["__id"]
    assert record["__id"].startswith("uuid:")


def test_retry_of_a_run_creates_a_submission_once(central):
    first = in_a_run(create_submission(22, FORM, DATA), state_for(central))
    again = in_a_run(create_submission(22, FORM, DATA), state_for(central))
    assert len(central.xml) == 1
    assert first["data"] == again["data"]


@pytest.mark.parametrize("meta", ["", "<meta/>", "<meta><instanceID/></meta>"])
def test_xml_without_an_instance_id_is_stored_once(central, aggregate, meta):
    xml = XML.replace("<meta><instanceID>uuid:7</instanceID></meta>", meta)
    for _ in range(2):
        after = in_a_run(create_submission(22, FORM, xml), state_for(central))
        in_a_run(aggregate_submit(FORM, xml), state_for(aggregate))
    assert list(central.xml) == [after["data"]["instanceId"]]
    assert after["data"]["instanceId"].startswith("uuid:")
    assert len(aggregate.forms[FORM]) == 1


def test_equal_submissions_of_one_run_are_all_created(central):
    names = each("[*]", create_submission(22, FORM, {**DATA, "name": data_value("")}))
    for _ in range(2):
        in_a_run(names, state_for(central, ["Amina", "Kofi", "Amina"]))
    assert sorted(record["name"] for record in central.records.values()) == [
        "Amina",
        "Amina",
        "Kofi",
    ]


def test_same_xml_again_is_a_success(central):
    for _ in range(2):
        after = create_submission(22, FORM, XML)(state_for(central))
    assert after["data"]["instanceId"] == "uuid:7"
    assert len(central.xml) == 1


def test_other_xml_with_the_same_id_is_refused(central, capsys):
    create_submission(22, FORM, XML)(state_for(central))
    error = error_of(create_submission(22, FORM, XML.replace("Amina", "Kofi")), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert "problem 409.3" in str(error)
    assert "with other XML" in str(error)
    assert "Kofi" not in str(error)
    assert central.xml == {"uuid:7": XML}


def test_existing_id_without_a_readable_submission_is_refused(central):
    central.xml["uuid:7"] = XML
    get_forms(22)(state_for(central))
    central.served.failures += [partial(respond, central), status(404)]
    error = error_of(create_submission(22, FORM, XML), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert "problem 409.3" in str(error)
    assert "with other XML" not in str(error)


@pytest.mark.parametrize("number", [500.1, 502.2, 503.1, 429.1])
def test_server_problems_are_retryable(central, number):
    get_forms(22)(state_for(central))
    body = json.dumps({"code": number, "message": "…"}).encode()
    central.served.failures.append(status(int(number), body, Retry_After="9"))
    error = error_of(create_submission(22, FORM, DATA), state_for(central))
    assert isinstance(error, RemoteUnavailable)
    assert error.retry_after == 9


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        (409.1, "with other XML"),
        (409.2, "does not accept submissions"),
        (404.6, "does not have this version"),
        (400.1, ""),
        (403.1, ""),
    ],
)
def test_error_names_the_problem_code(central, number, meaning):
    get_forms(22)(state_for(central))
    body = json.dumps({"code": number, "message": "Amina"}).encode()
    central.served.failures.append(status(int(number), body))
    error = error_of(create_submission(22, FORM, DATA), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert f"problem {number}" in str(error)
    assert meaning in str(error)
    assert "Amina" not in str(error)


def test_closed_form_and_missing_version_are_refused(central):
    error = error_of(create_submission(22, FORM, {"name": "a"}), state_for(central))
    assert "problem 404.6" in str(error)
    central.open = False
    error = error_of(create_submission(22, FORM, DATA), state_for(central))
    assert "problem 409.2" in str(error)
    assert central.xml == {}


@pytest.mark.parametrize("data", ["no xml", {"a/b": 1}, {"meta": "x"}, {"name": object}], ids=str)
def test_invalid_submission_is_a_configuration_error(central, aggregate, data):
    for operate, server in (
        (create_submission(22, FORM, data), central),
        (aggregate_submit(FORM, data), aggregate),
    ):
        assert isinstance(error_of(operate, state_for(server)), ConfigurationError)
        assert server.served.received == []


# Aggregate


def store(aggregate, *names):
    for name in names:
        aggregate.forms[FORM][f"uuid:{name}"] = f"<name>{name}</name>"


def test_aggregate_submission_ids_fetches_all_pages(aggregate):
    store(aggregate, *"abcde")
    after = aggregate_submission_ids(FORM, page_size=2)(state_for(aggregate, "before"))
    assert after["data"] == [f"uuid:{name}" for name in "abcde"]
    assert after["references"] == ["before"]
    error = error_of(aggregate_submission_ids(FORM, page_size=2, max_pages=2), state_for(aggregate))
    assert isinstance(error, ConfigurationError)


@pytest.mark.parametrize("number", [0, 1])
def test_list_with_one_or_no_id_is_a_list(aggregate, number):
    store(aggregate, *"a"[:number])
    assert aggregate_submission_ids(FORM)(state_for(aggregate))["data"] == ["uuid:a"][:number]


def test_aggregate_submission_is_returned_as_a_dict(aggregate):
    aggregate.forms[FORM]["uuid:a"] = "<name>Zoé</name><child><age>3</age></child><child/>"
    aggregate.media["uuid:a"] = ["1.jpg"]
    after = aggregate_submission(FORM, "uuid:a")(state_for(aggregate))
    data = after["data"]
    assert (data["@instanceID"], data["@id"], data["name"]) == ("uuid:a", FORM, "Zoé")
    assert data["child"] == [{"age": "3"}, None]
    assert data["meta"] == {"instanceID": "uuid:a"}
    assert data["mediaFile"] == [{"filename": "1.jpg"}]


def test_new_submissions_are_fetched_once_and_up_to_the_limit(aggregate):
    store(aggregate, *"abcde")
    operate = aggregate_new_submissions(FORM, limit=2)
    state, emitted = {}, []
    for _ in range(3):
        state, new = run_job(aggregate, state, operate)
        emitted.append([body["name"] for body in new])
    assert emitted == [["a", "b"], ["c", "d"], ["e"]]
    assert run_job(aggregate, state, operate)[1] == []
    store(aggregate, "f")
    assert [body["name"] for body in run_job(aggregate, state, operate)[1]] == ["f"]


def test_failed_download_does_not_move_the_cursor(aggregate):
    store(aggregate, *"ab")
    state = {**state_for(aggregate), "pulled": {}}
    aggregate.served.failures += [partial(respond, aggregate)] * 2 + [status(503)]
    assert isinstance(error_of(aggregate_new_submissions(FORM), state), RemoteUnavailable)
    assert state["pulled"] == {}


@pytest.mark.parametrize("data", [DATA, XML], ids=["data", "xml"])
def test_repeated_submission_is_stored_once(aggregate, data):
    for _ in range(2):
        after = in_a_run(aggregate_submit(FORM, data), state_for(aggregate))
    ((instance, content),) = aggregate.forms[FORM].items()
    assert "<name>Amina</name>" in content
    assert after["data"]["instanceID"] == instance
    assert "successful" in after["data"]["message"]


def test_missing_form_is_refused(aggregate):
    for operate in (aggregate_submit("missing", DATA), aggregate_submission_ids("missing")):
        error = error_of(operate, state_for(aggregate))
        assert isinstance(error, RemoteRefused)
        assert "404" in str(error)


@pytest.mark.parametrize(
    "response",
    [
        html_page,
        status(202, b"<OpenRosaResponse><message>in parts</message></OpenRosaResponse>"),
        status(201),
        status(201, b"{}"),
    ],
)
def test_response_that_is_not_openrosa_is_refused(aggregate, response):
    store(aggregate, "a")
    aggregate_submission_ids(FORM)(state_for(aggregate))  # gets the challenge
    aggregate.served.failures.append(response)
    assert isinstance(error_of(aggregate_submit(FORM, DATA), state_for(aggregate)), RemoteRefused)


def test_challenge_is_reused_by_a_thread(aggregate):
    def work():
        for _ in range(3):
            aggregate_submission_ids(FORM)(state_for(aggregate))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(aggregate.served.received) == 4


def test_complete_post_is_sent_again_after_the_challenge(aggregate):
    thread = threading.Thread(target=aggregate_submit(FORM, XML), args=[state_for(aggregate)])
    thread.start()
    thread.join()
    first, second = aggregate.served.received
    assert first.get_data() == second.get_data()
    assert b"uuid:7" in second.get_data()
    assert list(aggregate.forms[FORM]) == ["uuid:7"]


def test_wrong_password_of_aggregate_is_refused(aggregate):
    error = error_of(AGGREGATE["ids"](), state_for(aggregate, password="wr0ng-Zm9vYmFy"))
    assert isinstance(error, RemoteRefused)
    assert "401" in str(error)
    assert "wr0ng" not in str(error)


# Failures


@every_failure(CENTRAL, read="get_submissions", write="create_submission", without=["401"])
def test_every_failure_of_central_has_a_verdict(central, make, failure):
    get_forms(22)(state_for(central))
    assert_failure_has_verdict(failure, central.served, make(), state_for(central))


@every_failure(AGGREGATE, read="ids", write="submit")
def test_every_failure_of_aggregate_has_a_verdict(aggregate, make, failure):
    assert_failure_has_verdict(failure, aggregate.served, make(), state_for(aggregate))


@each_of_central
def test_operations_of_central_time_out(central, make):
    get_forms(22)(state_for(central))
    assert_times_out(central.served, make(timeout=0.05), state_for(central))


@each_of_aggregate
def test_operations_of_aggregate_time_out(aggregate, make):
    assert_times_out(aggregate.served, make(timeout=0.05), state_for(aggregate))


@each_of_central
def test_no_state_log_error_or_dry_run_contains_a_secret_of_central(central, make, capsys):
    central.submit("a")
    after = make()(state_for(central))
    central.served.failures.append(status(403, b"no"))
    error = error_of(make(), state_for(central))
    _, requests = dry_run_of(make(), state_for(central))
    log = capsys.readouterr().out
    assert_no_secrets(SECRETS, without_configuration(after), str(error), requests, log)
    assert after["configuration"] == state_for(central)["configuration"]


@each_of_aggregate
def test_no_state_log_error_or_dry_run_contains_a_secret_of_aggregate(aggregate, make, capsys):
    store(aggregate, "a")
    after = make()(state_for(aggregate))
    aggregate.served.failures.append(status(403, b"no"))
    error = error_of(make(), state_for(aggregate))
    _, requests = dry_run_of(make(), state_for(aggregate))
    log = capsys.readouterr().out
    assert_no_secrets(SECRETS, without_configuration(after), str(error), requests, log)


# The dry run


@each_of_central
def test_dry_run_of_central_records_one_request_without_a_login(central, make):
    state = state_for(central, "before", email="never-seen@example.org")
    after, (request,) = dry_run_of(make(), state)
    assert central.served.received == []
    assert request["headers"]["Authorization"] == "***"
    assert after["references"] == ["before"]


@each_of_aggregate
def test_dry_run_of_aggregate_records_one_request_and_sends_none(aggregate, make):
    after, requests = dry_run_of(make(), state_for(aggregate, "before"))
    assert aggregate.served.received == []
    assert len(requests) == 1
    assert after["references"] == ["before"]
