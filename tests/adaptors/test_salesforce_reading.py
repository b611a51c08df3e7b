"""Salesforce is asked: SOQL with its pages and its values, single records, and everything else."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from adaptors.common import data_value
from adaptors.errors import AdaptorError
from adaptors.salesforce import create, describe, query, request, retrieve
from tests.adaptors.salesforce_server import salesforce
from tests.adaptors.serving import redirect, status

ALL = "SELECT Id, LastName FROM Contact"


@pytest.fixture
def there():
    with salesforce() as found:
        yield found


def error_of(operate, state):
    with pytest.raises(AdaptorError) as caught:
        operate(state)
    return caught.value


def make(there, *names):
    create("Contact", [{"LastName": name} for name in names])(there.state())


def asked(there):
    return there.served.received[-1].args["q"]


# Queries


def test_all_pages_of_a_query_become_one(there):
    make(there, "A", "B", "C", "D", "E")
    data = query(ALL)(there.state())["data"]
    assert [each["LastName"] for each in data["records"]] == ["A", "B", "C", "D", "E"]
    assert (data["totalSize"], data["done"]) == (5, True)
    assert [each.split("/")[1] for each in there.requests] == [
        "composite",
        "query",
        "query",
        "query",
    ]


def test_a_session_that_expires_between_two_pages_is_renewed(there):
    make(there, "A", "B", "C")
    expired = json.dumps([{"errorCode": "INVALID_SESSION_ID", "message": "expired"}])
    there.served.troubles.extend([there.itself, status(401, expired)])
    assert query(ALL)(there.state())["data"]["totalSize"] == 3
    assert there.org.logins == 2


HOSTILE = ["O'Hara", "x' OR Name != '", "\\' OR Id != '", "{0}", "a\nb", 'say "hi"', "%", ""]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_text_to_soql_whatever_it_holds(there, value):
    make(there, "Amina", "x" + value)
    operate = query("SELECT Id FROM Contact WHERE LastName = {name}", {"name": data_value("name")})
    records = operate(there.state({"name": "x" + value}))["data"]["records"]
    assert [each["LastName"] for each in records] == ["x" + value]


def test_a_list_is_what_a_value_is_in(there):
    make(there, "O'Hara", "B", "C")
    operate = query(f"{ALL} WHERE LastName IN {{names}}", {"names": ["O'Hara", "C"]})
    records = operate(there.state())["data"]["records"]
    assert [each["LastName"] for each in records] == ["O'Hara", "C"]


WRITTEN = {
    "true": True,
    "null": None,
    "7": 7,
    "1.5": 1.5,
    "2026-03-09": date(2026, 3, 9),
    "2026-03-09T10:30:00+00:00": datetime(2026, 3, 9, 10, 30, 0, 99, tzinfo=UTC),
    "(1,2)": [1, 2],
}


@pytest.mark.parametrize(("written", "value"), WRITTEN.items(), ids=WRITTEN)
def test_a_value_is_written_as_soql_writes_it(there, written, value):
    make(there, "Amina")
    there.served.troubles.append(status(200, b'{"done": true, "records": []}'))
    query("SELECT Id FROM Contact WHERE A__c = {a}", {"a": value})(there.state())
    assert asked(there) == f"SELECT Id FROM Contact WHERE A__c = {written}"


def test_a_value_may_be_called_query_and_a_part_of_one_that_is_liked(there):
    make(there, "Amina")
    there.served.troubles.append(status(200, b'{"done": true, "records": []}'))
    query("SELECT Id FROM Contact WHERE Name LIKE '{query:like}%'", {"query": "5%_'"})(
        there.state()
    )
    assert asked(there) == r"SELECT Id FROM Contact WHERE Name LIKE '5\%\_\'%'"


def test_braces_mean_nothing_where_there_are_no_values(there):
    make(there, "{a}")
    assert query(f"{ALL} WHERE LastName = '{{a}}'")(there.state())["data"]["totalSize"] == 1


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
def test_a_query_that_cannot_be_written_is_the_authors_mistake(there, soql, values):
    error = error_of(query(soql, values), there.state())
    assert error.verdict == "author"
    assert there.served.received == []


def test_a_query_that_salesforce_does_not_understand_is_refused(there):
    error = error_of(query("SELECT * FROM Contact WHERE A = 'secret'"), there.state())
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
def test_an_answer_that_is_no_page_is_refused(there, page):
    make(there, "Amina")
    there.served.troubles.append(status(200, json.dumps(page)))
    assert error_of(query(ALL), there.state()).verdict == "remote"


def test_pages_that_lead_to_each_other_have_an_end(there):
    make(there, "Amina")
    page = {"done": False, "records": [], "nextRecordsUrl": "/services/data/v59.0/query/01gxx"}
    there.served.troubles.extend([status(200, json.dumps(page))] * 3)
    error = error_of(query(ALL), there.state())
    assert "there are more records, and not where" in str(error)
    assert len(there.requests) == 3


def test_a_page_is_fetched_from_the_same_server_whatever_its_address_says(there):
    make(there, "Amina")
    page = {"done": False, "records": [], "nextRecordsUrl": "//elsewhere.example/query/01gxx"}
    there.served.troubles.append(status(200, json.dumps(page)))
    assert "NOT_FOUND" not in str(error_of(query(ALL), there.state()))
    assert there.served.received[-1].path == "/elsewhere.example/query/01gxx"


# Everything else


def test_a_record_is_fetched_by_its_id(there):
    make(there, "Amina")
    (id_,) = there.org.records["Contact"]
    state = retrieve("Contact", data_value("id"))(there.state({"id": id_}))
    assert state["data"] == {"Id": id_, "LastName": "Amina"}
    assert state["references"] == [state["data"], {"id": id_}]


def test_a_record_that_is_not_there_is_refused(there):
    error = error_of(retrieve("Contact", "003000000000009AAA"), there.state())
    assert error.verdict == "remote"
    assert "NOT_FOUND" in str(error)


@pytest.mark.parametrize("id_", ["", "../User", None, "003000000000009AA", 7])
def test_what_is_no_id_is_not_asked_for(there, id_):
    assert error_of(retrieve("Contact", id_), there.state()).verdict == "author"
    assert there.served.received == []


def test_objects_are_described_one_or_all(there):
    make(there, "Amina")
    assert describe("Contact")(there.state())["data"]["fields"] == [{"name": "Id"}]
    assert describe()(there.state())["data"] == {"sobjects": [{"name": "Contact"}]}


def test_any_other_request_goes_below_the_api_or_below_services(there):
    make(there, "Amina")
    there.served.troubles.append(status(200, b'{"DailyApiRequests": {}}'))
    state = request("limits", query={"a": "b c"})(there.state())
    assert state["data"] == {"DailyApiRequests": {}}
    assert there.served.received[-1].args["a"] == "b c"
    state = request("/services/apexrest/visits", {"site": "A"}, method="POST")(there.state())
    assert state["data"] == "noted"
    assert there.requests[1:] == ["GET /limits", "POST /services/apexrest/visits"]
    assert json.loads(there.served.received[-1].get_data()) == {"site": "A"}


def test_an_answer_without_a_body_is_none(there):
    make(there, "Amina")
    there.served.troubles.append(status(204))
    assert request("sobjects/Contact/x", method="DELETE")(there.state())["data"] is None


@pytest.mark.parametrize("path", ["https://elsewhere.example/services", None, 7])
def test_a_request_elsewhere_is_not_sent(there, path):
    assert error_of(request(path), there.state()).verdict == "author"
    assert there.served.received == []


def test_a_redirect_is_not_followed_with_the_session(there):
    make(there, "Amina")
    with salesforce() as elsewhere:
        there.served.troubles.append(redirect(f"{elsewhere.served.url}/services/x"))
        error = error_of(request("/services/x"), there.state())
        assert elsewhere.served.received == []
    assert error.verdict == "remote"
