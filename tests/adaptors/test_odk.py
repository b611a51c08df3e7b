"""ODK Central and ODK Aggregate, against small servers of them."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest
import time_machine

from adaptors._runtime.run_context import run_context
from adaptors.common import data_value, each, emit, fn
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
from tests.adaptors.serving import html_page, served, status, truncated
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

SECRETS = [PASSWORD, f"{EMAIL}:{PASSWORD}", f"{USER}:{PASSWORD}", "lSpAIeksRu1CNZs7"]
BEGAN = datetime(2026, 3, 9, 10, tzinfo=UTC)
DATA = {"@version": VERSION, "name": "Amina"}
XML = (
    f'<data id="{FORM}" version="{VERSION}"><name>Amina</name>'
    "<meta><instanceID>uuid:7</instanceID></meta></data>"
)
CENTRAL = {
    "get_forms": lambda **more: get_forms(22, **more),
    "get_submissions": lambda **more: get_submissions(22, FORM, **more),
    "get_new_submissions": lambda **more: get_new_submissions(22, FORM, **more),
    "get_submission": lambda **more: get_submission(22, FORM, "uuid:a", **more),
    "get_submission_xml": lambda **more: get_submission_xml(22, FORM, "uuid:a", **more),
    "create_submission": lambda **more: create_submission(22, FORM, DATA, **more),
    "get": lambda **more: get("v1/projects", **more),
    "post": lambda **more: post("v1/projects", {"name": "Amina"}, **more),
    "put": lambda **more: put("v1/projects/22", {"name": "Amina"}, **more),
    "patch": lambda **more: patch(
        f"v1/projects/22/forms/{FORM}/submissions/uuid:a", {"reviewState": "approved"}, **more
    ),
    "delete": lambda **more: delete(f"v1/projects/22/forms/{FORM}", **more),
}
AGGREGATE = {
    "ids": lambda **more: aggregate_submission_ids(FORM, **more),
    "one": lambda **more: aggregate_submission(FORM, "uuid:a", **more),
    "new": lambda **more: aggregate_new_submissions(FORM, **more),
    "submit": lambda **more: aggregate_submit(FORM, DATA, **more),
}
each_of_central = pytest.mark.parametrize("make", CENTRAL.values(), ids=CENTRAL)
each_of_aggregate = pytest.mark.parametrize("make", AGGREGATE.values(), ids=AGGREGATE)


def serving(server):
    with served(server.app) as there:
        server.served, server.url = there, there.url
        yield server


def afresh(server):
    server.begin()
    server.served.received.clear()
    server.served.troubles.clear()
    return server


@pytest.fixture(scope="module")
def _central():
    yield from serving(Central())


@pytest.fixture
def central(_central):
    return afresh(_central)


@pytest.fixture(scope="module")
def _aggregate():
    yield from serving(Aggregate())


@pytest.fixture
def aggregate(_aggregate):
    return afresh(_aggregate)


def state_for(server, data=None, **credential):
    own = {"email": EMAIL, "username": USER, "password": PASSWORD, **credential}
    return {"configuration": {"baseUrl": server.url, **own}, "data": data}


def in_a_run(operate, state, run="message#job"):
    with run_context(run, BEGAN):
        return operate(state)


def paths(server):
    return [request.path for request in server.served.received]


# Sessions of Central


def test_one_session_serves_many_requests(central):
    for _ in range(3):
        get_forms(22)(state_for(central))
    assert central.logins <= 1  # none, if a test before this one has left a token that is good
    assert paths(central).count("/v1/projects/22/forms") >= 3


def test_a_token_that_is_over_is_not_used(central):
    central.life = 3600
    get_forms(22)(state_for(central))
    with time_machine.travel(datetime.now(UTC).timestamp() + 3600 - 30, tick=True):
        central.served.received.clear()
        get_forms(22)(state_for(central))
    assert paths(central) == ["/v1/sessions", "/v1/projects/22/forms"]


def test_a_token_that_is_refused_is_renewed_once_and_the_request_sent_again(central):
    get_forms(22)(state_for(central))
    central.tokens.clear()
    central.served.received.clear()
    create_submission(22, FORM, XML)(state_for(central))
    where = f"/v1/projects/22/forms/{FORM}/submissions"
    assert paths(central) == [where, "/v1/sessions", where]
    assert list(central.xml) == ["uuid:7"]


def test_a_user_who_is_refused_twice_is_refused(central):
    get_forms(22)(state_for(central))
    central.served.received.clear()
    central.served.troubles += [status(401), lambda request: passed(central, request), status(401)]
    error = error_of(get_forms(22), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert len(paths(central)) == 3


def passed(server, request):
    with server.app.request_context(request.environ):
        return server.app.full_dispatch_request()


def test_a_new_token_that_is_refused_is_not_renewed(central):
    state = state_for(central)
    state["configuration"]["baseUrl"] += "/"  # a credential that no test has logged in with
    central.served.troubles += [lambda request: passed(central, request), status(401)]
    assert isinstance(error_of(get_forms(22), state), RemoteRefused)
    assert paths(central) == ["/v1/sessions", "/v1/projects/22/forms"]


def test_a_wrong_password_is_refused_and_tried_once(central):
    error = error_of(get_forms(22), state_for(central, password="wr0ng-Zm9vYmFy"))
    assert isinstance(error, RemoteRefused)
    assert "/v1/sessions answered 401" in str(error)
    assert paths(central) == ["/v1/sessions"]
    assert "wr0ng" not in str(error)


def test_another_password_is_another_session(central):
    get_forms(22)(state_for(central))
    error_of(get_forms(22), state_for(central, password="wr0ng-Zm9vYmFy"))


def test_a_token_of_the_credential_is_used_as_it_is(central):
    central.tokens["given"] = 9e9
    get_forms(22)(state_for(central, access_token="given"))
    assert paths(central) == ["/v1/projects/22/forms"]
    error = error_of(get_forms(22), state_for(central, access_token="old-and-over"))
    assert isinstance(error, RemoteRefused)
    assert "/v1/sessions" not in paths(central)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (status(200, b'{"token": "t0k3n-Zm9v"}'), RemoteRefused),
        (status(200, b'{"token": "t0k3n-Zm9v", "expiresAt": "soon"}'), RemoteRefused),
        (status(200, b"[]"), RemoteRefused),
        (html_page, RemoteRefused),
        (truncated, RemoteUnavailable),
        (status(503), RemoteUnavailable),
        (status(429, Retry_After="3"), RemoteUnavailable),
    ],
    ids=["no end", "odd end", "list", "page", "truncated", "503", "429"],
)
def test_a_log_in_that_gives_no_token_is_judged_and_not_shown(central, answer, kind, capsys):
    central.served.troubles.append(answer)
    state = state_for(central, email="never-seen@example.org")
    error = error_of(get_forms(22), state)
    assert type(error) is kind
    assert "t0k3n" not in str(error) + capsys.readouterr().out


@pytest.mark.parametrize("credential", [{"email": None}, {"password": None}], ids=str)
def test_half_a_credential_is_the_authors_mistake(central, aggregate, credential):
    error = error_of(get_forms(22), state_for(central, **credential))
    assert isinstance(error, ConfigurationError)
    assert "email and password" in str(error)
    error = error_of(AGGREGATE["ids"](), state_for(aggregate, password=None))
    assert "username and password" in str(error)
    assert "baseUrl" in str(error_of(get_forms(22), {"configuration": {"email": EMAIL}}))


# What Central lists


def test_forms_are_listed(central):
    after = get_forms(22)(state_for(central, "before"))
    assert after["data"] == [{"xmlFormId": FORM}]
    assert after["references"] == ["before"]
    assert after["response"]["status"] == 200


def filled(central, number):
    for each_number in range(number):
        central.submit(f"n{each_number}", 1, child=[{"age": each_number}])
    return list(reversed(central.records.values()))


@pytest.mark.parametrize(
    ("query", "more", "wanted", "requests"),
    [
        (None, {}, slice(0, 25), 1),
        (None, {"page_size": 10}, slice(0, 25), 3),
        ({"$top": 12}, {"page_size": 5}, slice(0, 12), 3),
        ({"$top": 3}, {}, slice(0, 3), 1),
        ({"$filter": data_value("since")}, {"page_size": 2}, slice(0, 5), 3),
    ],
    ids=range(5),
)
def test_submissions_come_with_all_pages_and_with_their_repeats(
    central, query, more, wanted, requests
):
    there = filled(central, 25)
    get_forms(22)(state_for(central))
    central.served.received.clear()
    since = {"since": "__system/submissionDate ge 2026-03-09T10:00:21.000Z"}
    after = get_submissions(22, FORM, query, **more)(state_for(central, since))
    assert after["data"] == there[wanted]
    assert len(central.served.received) == requests
    most = min((query or {}).get("$top", 500), more.get("page_size", 500))
    assert central.served.received[0].args["$top"] == str(most)


@pytest.mark.parametrize("query", [{"$select": "__id"}, {"$expand": "*"}], ids=str)
def test_expand_is_left_to_a_query_that_says_it_or_select(central, query):
    filled(central, 1)
    get_submissions(22, FORM, query)(state_for(central))
    asked = central.served.received[-1].args
    assert asked.get("$expand") == query.get("$expand")


def test_what_central_will_never_do_is_refused_for_good_and_its_number_told(central, capsys):
    error = error_of(get_submissions(22, FORM, {"$filter": "name eq 'x'"}), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert "501" in str(error)
    assert "problem 501.4" in str(error)
    assert "features not supported" in capsys.readouterr().out


def test_a_501_of_whoever_is_refused_for_good(central):
    get_forms(22)(state_for(central))
    central.served.troubles.append(status(501, b"<html>"))
    assert isinstance(error_of(get_forms(22), state_for(central)), RemoteRefused)


def test_a_next_page_at_another_origin_is_refused_and_never_asked_for(central, elsewhere):
    filled(central, 2)
    central.public_url = elsewhere.url
    error = error_of(get_submissions(22, FORM, page_size=1), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert elsewhere.received == []


def test_more_pages_than_are_thought_of_are_an_error(central):
    filled(central, 3)
    error = error_of(get_submissions(22, FORM, page_size=1, max_pages=2), state_for(central))
    assert isinstance(error, ConfigurationError)


def test_a_top_that_is_no_number_is_the_authors_mistake(central):
    error = error_of(get_submissions(22, FORM, {"$top": "all"}), state_for(central))
    assert isinstance(error, ConfigurationError)


def test_one_submission_is_read_with_its_answers_and_as_xml(central):
    central.submit("a", child=[{"age": 3}])
    after = get_submission(22, FORM, "uuid:a")(state_for(central))
    assert after["data"]["child"] == [{"age": 3}]
    assert get_submission_xml(22, FORM, "uuid:a")(state_for(central))["data"] == "<data>a</data>"
    for make in (get_submission, get_submission_xml):
        error = error_of(make(22, FORM, "uuid:b"), state_for(central))
        assert isinstance(error, RemoteRefused)
        assert "problem 404.1" in str(error)


@pytest.mark.parametrize("body", [b'{"value": []}', b'{"value": [1, 2]}', b"[]", b"null"])
def test_an_answer_that_is_not_one_submission_is_refused(central, body):
    get_forms(22)(state_for(central))
    central.served.troubles.append(status(200, body))
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
def test_any_path_of_the_api_can_be_reached(central, operate, data):
    assert operate(state_for(central, {"n": "New"}))["data"] == data


def test_a_submission_is_reviewed(central):
    central.submit("a")
    CENTRAL["patch"]()(state_for(central))
    assert central.records["uuid:a"]["__system"]["reviewState"] == "approved"


# Pulled by a cron job


def pull(server, state, operate):
    """One tick: what is new is emitted, each as a message of its own."""
    state = {**state, **state_for(server)}
    with emitting() as taken:
        for step in (
            operate,
            each("[*]", emit("odk-records")),
            fn(lambda state: {**state, "data": None}),
        ):
            state = step(state)
    return as_kept(state), [body for _, body in taken]


def test_each_submission_is_emitted_once_over_many_ticks(central):
    central.submit("before", -86400)
    central.submit("first", 86400)
    operate = get_new_submissions(22, FORM, since="2026-03-09T00:00:00.000Z")
    state, emitted = {}, []
    for tick in range(8):
        central.submit(f"a{tick}", 100)
        central.submit(f"b{tick}")
        state, new = pull(central, state, operate)
        emitted += [body["__id"] for body in new]
    ticks = [f"uuid:{letter}{tick}" for tick in range(8) for letter in "ba"]
    assert emitted == ["uuid:first", *ticks]  # oldest first; b and a have the same time
    assert "uuid:before" not in emitted
    place = state["pulled"][f"22/{FORM}"]
    assert place["from"].endswith("Z")
    assert len(place["met"]) == 8  # those of the last five minutes
    assert pull(central, state, operate)[1] == []


# What Central is given


def test_a_submission_is_created_of_data(central):
    data = {**DATA, "name": data_value("name"), "child": [{"age": 3}, {"age": 7}]}
    after = create_submission(22, FORM, data)(state_for(central, {"name": "Zoé"}))
    (record,) = central.records.values()
    assert record["name"] == "Zoé"
    assert record["child"] == [{"age": "3"}, {"age": "7"}]
    assert after["data"]["instanceId"] == record["__id"]
    assert record["__id"].startswith("uuid:")


def test_a_retry_of_a_run_creates_a_submission_once_and_is_answered_alike(central):
    first = in_a_run(create_submission(22, FORM, DATA), state_for(central))
    again = in_a_run(create_submission(22, FORM, DATA), state_for(central))
    assert len(central.xml) == 1
    assert first["data"] == again["data"]


def test_each_submission_of_a_run_is_another(central):
    names = each("[*]", create_submission(22, FORM, {**DATA, "name": data_value("")}))
    for _ in range(2):
        in_a_run(names, state_for(central, ["Amina", "Kofi", "Amina"]))
    assert sorted(record["name"] for record in central.records.values()) == [
        "Amina",
        "Amina",
        "Kofi",
    ]


def test_the_same_xml_again_is_success(central):
    for _ in range(2):
        after = create_submission(22, FORM, XML)(state_for(central))
    assert after["data"]["instanceId"] == "uuid:7"
    assert len(central.xml) == 1


def test_other_xml_with_the_same_id_is_refused_and_leaves_the_first(central, capsys):
    create_submission(22, FORM, XML)(state_for(central))
    error = error_of(create_submission(22, FORM, XML.replace("Amina", "Kofi")), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert "problem 409.3" in str(error)
    assert "with other XML" in str(error)
    assert "Kofi" not in str(error)
    assert central.xml == {"uuid:7": XML}


def test_an_id_whose_submission_cannot_be_read_stays_refused(central):
    central.xml["uuid:7"] = XML
    get_forms(22)(state_for(central))
    central.served.troubles += [lambda request: passed(central, request), status(404)]
    error = error_of(create_submission(22, FORM, XML), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert "problem 409.3" in str(error)
    assert "with other XML" not in str(error)


@pytest.mark.parametrize("number", [500.1, 502.2, 503.1, 429.1])
def test_a_problem_for_now_may_be_sent_later(central, number):
    get_forms(22)(state_for(central))
    body = json.dumps({"code": number, "message": "…"}).encode()
    central.served.troubles.append(status(int(number), body, Retry_After="9"))
    error = error_of(create_submission(22, FORM, DATA), state_for(central))
    assert isinstance(error, RemoteUnavailable)
    assert error.retry_after == 9


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        (409.1, "with other XML"),
        (409.2, "takes no submissions"),
        (404.6, "no such version"),
        (400.1, ""),
        (403.1, ""),
    ],
)
def test_a_problem_is_told_by_its_number(central, number, meaning):
    get_forms(22)(state_for(central))
    body = json.dumps({"code": number, "message": "Amina"}).encode()
    central.served.troubles.append(status(int(number), body))
    error = error_of(create_submission(22, FORM, DATA), state_for(central))
    assert isinstance(error, RemoteRefused)
    assert f"problem {number}" in str(error)
    assert meaning in str(error)
    assert "Amina" not in str(error)


def test_a_closed_form_and_a_version_that_is_not_there_are_refused(central):
    error = error_of(create_submission(22, FORM, {"name": "a"}), state_for(central))
    assert "problem 404.6" in str(error)
    central.open = False
    error = error_of(create_submission(22, FORM, DATA), state_for(central))
    assert "problem 409.2" in str(error)
    assert central.xml == {}


@pytest.mark.parametrize(
    "data", ["<data/>", "no xml", {"a/b": 1}, {"meta": "x"}, {"name": object}], ids=str
)
def test_what_is_no_submission_is_the_authors_mistake(central, aggregate, data):
    for operate, server in (
        (create_submission(22, FORM, data), central),
        (aggregate_submit(FORM, data), aggregate),
    ):
        assert isinstance(error_of(operate, state_for(server)), ConfigurationError)
        assert server.served.received == []


# Aggregate


def kept(aggregate, *names):
    for name in names:
        aggregate.forms[FORM][f"uuid:{name}"] = f"<name>{name}</name>"


def test_all_ids_are_listed_by_the_cursor(aggregate):
    kept(aggregate, *"abcde")
    after = aggregate_submission_ids(FORM, page_size=2)(state_for(aggregate, "before"))
    assert after["data"] == [f"uuid:{name}" for name in "abcde"]
    assert after["references"] == ["before"]
    error = error_of(aggregate_submission_ids(FORM, page_size=2, max_pages=2), state_for(aggregate))
    assert isinstance(error, ConfigurationError)


@pytest.mark.parametrize("number", [0, 1])
def test_a_list_of_one_or_of_none_is_a_list(aggregate, number):
    kept(aggregate, *"a"[:number])
    assert aggregate_submission_ids(FORM)(state_for(aggregate))["data"] == ["uuid:a"][:number]


def test_a_submission_is_read_as_data(aggregate):
    aggregate.forms[FORM]["uuid:a"] = "<name>Zoé</name><child><age>3</age></child><child/>"
    aggregate.media["uuid:a"] = ["1.jpg"]
    after = aggregate_submission(FORM, "uuid:a")(state_for(aggregate))
    data = after["data"]
    assert (data["@instanceID"], data["@id"], data["name"]) == ("uuid:a", FORM, "Zoé")
    assert data["child"] == [{"age": "3"}, None]
    assert data["meta"] == {"instanceID": "uuid:a"}
    assert data["mediaFile"] == [{"filename": "1.jpg"}]


def test_what_is_new_is_pulled_in_portions_each_once(aggregate):
    kept(aggregate, *"abcde")
    operate = aggregate_new_submissions(FORM, limit=2)
    state, emitted = {}, []
    for _ in range(3):
        state, new = pull(aggregate, state, operate)
        emitted.append([body["name"] for body in new])
    assert emitted == [["a", "b"], ["c", "d"], ["e"]]
    assert pull(aggregate, state, operate)[1] == []
    kept(aggregate, "f")
    assert [body["name"] for body in pull(aggregate, state, operate)[1]] == ["f"]


def test_trouble_with_one_of_them_moves_no_cursor(aggregate):
    kept(aggregate, *"ab")
    state = {**state_for(aggregate), "pulled": {}}
    aggregate.served.troubles += [lambda request: passed(aggregate, request)] * 2 + [status(503)]
    assert isinstance(error_of(aggregate_new_submissions(FORM), state), RemoteUnavailable)
    assert state["pulled"] == {}


@pytest.mark.parametrize("data", [DATA, XML], ids=["data", "xml"])
def test_a_submission_is_submitted_once_however_often_it_is_sent(aggregate, data):
    for _ in range(2):
        after = in_a_run(aggregate_submit(FORM, data), state_for(aggregate))
    ((instance, content),) = aggregate.forms[FORM].items()
    assert "<name>Amina</name>" in content
    assert after["data"]["instanceID"] == instance
    assert "successful" in after["data"]["message"]


def test_a_form_that_is_not_there_is_refused(aggregate):
    for operate in (aggregate_submit("other", DATA), aggregate_submission_ids("other")):
        error = error_of(operate, state_for(aggregate))
        assert isinstance(error, RemoteRefused)
        assert "404" in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        html_page,
        status(202, b"<OpenRosaResponse><message>in parts</message></OpenRosaResponse>"),
        status(201),
        status(201, b"{}"),
    ],
)
def test_an_answer_that_is_none_of_openrosa_is_no_success(aggregate, answer):
    kept(aggregate, "a")
    aggregate_submission_ids(FORM)(state_for(aggregate))  # the challenge is known from here on
    aggregate.served.troubles.append(answer)
    assert isinstance(error_of(aggregate_submit(FORM, DATA), state_for(aggregate)), RemoteRefused)


def test_one_challenge_serves_many_requests_of_a_thread(aggregate):
    def work():
        for _ in range(3):
            aggregate_submission_ids(FORM)(state_for(aggregate))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(aggregate.served.received) == 4


def test_a_post_is_sent_again_whole_after_the_challenge(aggregate):
    thread = threading.Thread(target=aggregate_submit(FORM, XML), args=[state_for(aggregate)])
    thread.start()
    thread.join()
    first, second = aggregate.served.received
    assert first.get_data() == second.get_data()
    assert b"uuid:7" in second.get_data()
    assert list(aggregate.forms[FORM]) == ["uuid:7"]


def test_a_wrong_password_of_aggregate_is_refused(aggregate):
    error = error_of(AGGREGATE["ids"](), state_for(aggregate, password="wr0ng-Zm9vYmFy"))
    assert isinstance(error, RemoteRefused)
    assert "401" in str(error)
    assert "wr0ng" not in str(error)


# What goes wrong


@each_trouble("401")
@each_of_central
def test_each_trouble_of_central_is_judged(central, trouble, make):
    get_forms(22)(state_for(central))
    assert_judged(trouble, central.served, make(), state_for(central))


@each_trouble()
@each_of_aggregate
def test_each_trouble_of_aggregate_is_judged(aggregate, trouble, make):
    assert_judged(trouble, aggregate.served, make(), state_for(aggregate))


@each_of_central
def test_silence_of_central_is_not_waited_for_forever(central, make):
    get_forms(22)(state_for(central))
    assert_silence_is_waited_for_no_longer(central.served, make(timeout=0.05), state_for(central))


@each_of_aggregate
def test_silence_of_aggregate_is_not_waited_for_forever(aggregate, make):
    assert_silence_is_waited_for_no_longer(
        aggregate.served, make(timeout=0.05), state_for(aggregate)
    )


@each_of_central
def test_no_secret_of_central_is_told(central, make, capsys):
    central.submit("a")
    after = make()(state_for(central))
    central.served.troubles.append(status(403, b"no"))
    error = error_of(make(), state_for(central))
    _, seen = rehearsed(make(), state_for(central))
    own = {key: part for key, part in after.items() if key != "configuration"}
    assert_untold(SECRETS, own, str(error), seen, capsys.readouterr().out)
    assert after["configuration"] == state_for(central)["configuration"]


@each_of_aggregate
def test_no_secret_of_aggregate_is_told(aggregate, make, capsys):
    kept(aggregate, "a")
    after = make()(state_for(aggregate))
    aggregate.served.troubles.append(status(403, b"no"))
    error = error_of(make(), state_for(aggregate))
    _, seen = rehearsed(make(), state_for(aggregate))
    own = {key: part for key, part in after.items() if key != "configuration"}
    assert_untold(SECRETS, own, str(error), seen, capsys.readouterr().out)


# The dry run


@each_of_central
def test_a_dry_run_of_central_shows_one_request_and_not_even_logs_in(central, make):
    after, seen = rehearsed(make(), state_for(central, "before", email="never-seen@example.org"))
    assert central.served.received == []
    (request,) = seen
    assert request["headers"]["Authorization"] == "***"
    assert after["references"] == ["before"]


@each_of_aggregate
def test_a_dry_run_of_aggregate_shows_one_request_and_sends_none(aggregate, make):
    after, seen = rehearsed(make(), state_for(aggregate, "before"))
    assert aggregate.served.received == []
    assert len(seen) == 1
    assert after["references"] == ["before"]
