"""Reading from Salesforce: SOQL with pages and values, single records, and other requests."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from adaptors.common import data_value
from adaptors.salesforce import create, describe, query, request, retrieve
from tests.adaptors import salesforce_server
from tests.support.errors import error_of
from tests.support.wsgi_server import redirect, status

ALL = "SELECT Id, LastName FROM Contact"


def create_contacts(salesforce, *names):
    create("Contact", [{"LastName": name} for name in names])(salesforce.state())


def last_query(salesforce):
    return salesforce.received[-1].args["q"]


# Queries


def test_all_pages_of_a_query_are_fetched(salesforce):
    create_contacts(salesforce, "A", "B", "C", "D", "E")
    data = query(ALL)(salesforce.state())["data"]
    assert [record["LastName"] for record in data["records"]] == ["A", "B", "C", "D", "E"]
    assert (data["totalSize"], data["done"]) == (5, True)
    assert [request.split("/")[1] for request in salesforce.requests] == [
        "composite",
        "query",
        "query",
        "query",
    ]


def test_a_session_that_expires_between_two_pages_is_renewed(salesforce):
    create_contacts(salesforce, "A", "B", "C")
    expired = json.dumps([{"errorCode": "INVALID_SESSION_ID", "message": "expired"}])
    salesforce.respond_with(salesforce.itself, status(401, expired))
    assert query(ALL)(salesforce.state())["data"]["totalSize"] == 3
    assert salesforce.org.logins == 2


HOSTILE = ["O'Hara", "x' OR Name != '", "\\' OR Id != '", "{0}", "a\nb", 'say "hi"', "%", ""]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_text_value_is_escaped_in_soql(salesforce, value):
    create_contacts(salesforce, "Amina", "x" + value)
    operate = query("SELECT Id FROM Contact WHERE LastName = {name}", {"name": data_value("name")})
    records = operate(salesforce.state({"name": "x" + value}))["data"]["records"]
    assert [record["LastName"] for record in records] == ["x" + value]


def test_a_list_is_formatted_for_in(salesforce):
    create_contacts(salesforce, "O'Hara", "B", "C")
    operate = query(f"{ALL} WHERE LastName IN {{names}}", {"names": ["O'Hara", "C"]})
    records = operate(salesforce.state())["data"]["records"]
    assert [record["LastName"] for record in records] == ["O'Hara", "C"]


SOQL_VALUES = {
    "true": True,
    "null": None,
    "7": 7,
    "1.5": 1.5,
    "2026-03-09": date(2026, 3, 9),
    "2026-03-09T10:30:00+00:00": datetime(2026, 3, 9, 10, 30, 0, 99, tzinfo=UTC),
    "(1,2)": [1, 2],
}


@pytest.mark.parametrize(("soql", "value"), SOQL_VALUES.items(), ids=SOQL_VALUES)
def test_values_are_formatted_in_soql_syntax(salesforce, soql, value):
    create_contacts(salesforce, "Amina")
    salesforce.respond_with(status(200, b'{"done": true, "records": []}'))
    query("SELECT Id FROM Contact WHERE A__c = {a}", {"a": value})(salesforce.state())
    assert last_query(salesforce) == f"SELECT Id FROM Contact WHERE A__c = {soql}"


def test_a_value_can_be_a_prefix_in_like_and_be_named_query(salesforce):
    create_contacts(salesforce, "Amina")
    salesforce.respond_with(status(200, b'{"done": true, "records": []}'))
    query("SELECT Id FROM Contact WHERE Name LIKE '{query:like}%'", {"query": "5%_'"})(
        salesforce.state()
    )
    assert last_query(salesforce) == r"SELECT Id FROM Contact WHERE Name LIKE '5\%\_\'%'"


def test_braces_are_literal_without_values(salesforce):
    create_contacts(salesforce, "{a}")
    assert query(f"{ALL} WHERE LastName = '{{a}}'")(salesforce.state())["data"]["totalSize"] == 1


@pytest.mark.parametrize(
    ("soql", "values"),
    [
        ("{a}", {}),
        ("{}", {"a": 1}),
        ("{a", {"a": 1}),
        ("{a.b}", {"a": 1}),
        ("{a}", {"a": {"b": 1}}),
        ("{a}", {"a": Decimal("1.5")}),
        ("{a}", {"a": []}),
    ],
    ids=range(7),
)
def test_a_query_that_cannot_be_formatted_is_an_author_error(salesforce, soql, values):
    error = error_of(query(soql, values), salesforce.state())
    assert error.verdict == "author"
    assert salesforce.received == []


def test_a_malformed_query_is_refused(salesforce):
    error = error_of(query("SELECT * FROM Contact WHERE A = 'secret'"), salesforce.state())
    assert error.verdict == "remote"
    assert "MALFORMED_QUERY" in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "page",
    [
        {"done": True},
        {"records": []},
        {"done": True, "records": {}},
        {"done": False, "records": []},
        {"done": False, "records": [], "nextRecordsUrl": None},
        [],
        [{"done": True}],
    ],
    ids=json.dumps,
)
def test_a_response_that_is_not_a_page_is_refused(salesforce, page):
    create_contacts(salesforce, "Amina")
    salesforce.respond_with(status(200, json.dumps(page)))
    assert error_of(query(ALL), salesforce.state()).verdict == "remote"


def test_a_loop_of_pages_is_refused(salesforce):
    create_contacts(salesforce, "Amina")
    page = {"done": False, "records": [], "nextRecordsUrl": "/services/data/v59.0/query/01gxx"}
    salesforce.respond_with(*[status(200, json.dumps(page))] * 3)
    error = error_of(query(ALL), salesforce.state())
    assert "the next page has already been fetched" in str(error)
    assert len(salesforce.requests) == 3


def test_a_next_page_on_another_host_is_requested_from_the_same_server(salesforce):
    create_contacts(salesforce, "Amina")
    page = {"done": False, "records": [], "nextRecordsUrl": "//elsewhere.example/query/01gxx"}
    salesforce.respond_with(status(200, json.dumps(page)))
    assert "NOT_FOUND" not in str(error_of(query(ALL), salesforce.state()))
    assert salesforce.received[-1].path.endswith("/elsewhere.example/query/01gxx")


# Other requests


def test_a_record_is_fetched_by_its_id(salesforce):
    create_contacts(salesforce, "Amina")
    (id_,) = salesforce.org.records["Contact"]
    state = retrieve("Contact", data_value("id"))(salesforce.state({"id": id_}))
    assert state["data"] == {"Id": id_, "LastName": "Amina"}
    assert state["references"] == [state["data"], {"id": id_}]


def test_a_missing_record_is_refused(salesforce):
    error = error_of(retrieve("Contact", "003000000000009AAA"), salesforce.state())
    assert error.verdict == "remote"
    assert "NOT_FOUND" in str(error)


@pytest.mark.parametrize("id_", ["", "../User", None, "003000000000009AA", 7])
def test_an_invalid_id_is_an_author_error(salesforce, id_):
    assert error_of(retrieve("Contact", id_), salesforce.state()).verdict == "author"
    assert salesforce.received == []


def test_one_or_all_objects_can_be_described(salesforce):
    create_contacts(salesforce, "Amina")
    assert describe("Contact")(salesforce.state())["data"]["fields"] == [{"name": "Id"}]
    assert describe()(salesforce.state())["data"] == {"sobjects": [{"name": "Contact"}]}


def test_a_request_path_is_relative_to_the_api_or_to_services(salesforce):
    create_contacts(salesforce, "Amina")
    salesforce.respond_with(status(200, b'{"DailyApiRequests": {}}'))
    state = request("limits", query={"a": "b c"})(salesforce.state())
    assert state["data"] == {"DailyApiRequests": {}}
    assert salesforce.received[-1].args["a"] == "b c"
    state = request("/services/apexrest/visits", {"site": "A"}, method="POST")(salesforce.state())
    assert state["data"] == "accepted"
    assert salesforce.requests[1:] == ["GET /limits", "POST /services/apexrest/visits"]
    assert json.loads(salesforce.received[-1].get_data()) == {"site": "A"}


def test_a_response_without_body_is_none(salesforce):
    create_contacts(salesforce, "Amina")
    salesforce.respond_with(status(204))
    assert request("sobjects/Contact/x", method="DELETE")(salesforce.state())["data"] is None


@pytest.mark.parametrize("path", ["https://elsewhere.example/services", None, 7])
def test_a_request_to_another_host_is_an_author_error(salesforce, path):
    assert error_of(request(path), salesforce.state()).verdict == "author"
    assert salesforce.received == []


def test_redirects_are_not_followed(salesforce):
    create_contacts(salesforce, "Amina")
    with salesforce_server.running() as other:
        salesforce.respond_with(redirect(f"{other.url}/services/x"))
        error = error_of(request("/services/x"), salesforce.state())
        assert other.received == []
    assert error.verdict == "remote"
