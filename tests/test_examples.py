"""The projects of docs/examples, whole: posted, matched, and there at the destination, once."""

from __future__ import annotations

import json
from contextlib import contextmanager

import psycopg
import pytest

from adaptors.common import parse_xml
from tests.adaptors import dhis2_server, salesforce_server
from tests.adaptors.kobotoolbox_server import FORM, PASSWORD, USER, Kobo
from tests.adaptors.serving import served
from tests.conftest import ROOT, post, tick
from workbench import destination, records, stack
from workbench.compiler import check

EXAMPLES = ROOT / "docs/examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


@contextmanager
def deployed(name):
    with stack.created(EXAMPLES / name) as made:
        yield made


def event(name, file):
    return (EXAMPLES / name / "tests/events" / file).read_text("utf-8")


def sent_twice(made, inbox, body):
    """Post a body two times, as sources do; every run succeeds."""
    for _ in range(2):
        assert post(made, body, inbox)["statusCode"] == 200
        made.settle()
    messages = [each.message.id for each in records.newest(9)]
    found = [run for each in messages for run in records.runs_of(each)]
    assert {run["status"] for run in found} == {"succeeded"}, [run.get("error") for run in found]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_nothing_to_mend_a_page_and_tests_of_its_own(name):
    check(EXAMPLES / name)
    assert (EXAMPLES / name / "README.md").is_file()
    assert list((EXAMPLES / name / "tests").glob("test_*.py"))


def test_a_child_is_registered_in_dhis2_once():
    name = "kobo-to-dhis2-tracker"
    with dhis2_server.running() as site, deployed(name) as made:
        site.holds.attributes |= {"zDhUuAYrxNC", "X8zyunlgUfM", "a3kGcGDCuk6"}
        made.set_credential("dhis2", site.state()["configuration"])
        sent_twice(made, "kobo", event(name, "registration.json"))
        kept = {kind: len(found) for kind, found in site.holds.tracker.items()}
        assert (kept["trackedEntities"], kept["enrollments"], kept["events"]) == (1, 1, 2)


@pytest.fixture
def database(postgresql_uri):
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")
        tables = (EXAMPLES / "commcare-to-postgresql/tables.sql").read_text("utf-8")
        connection.execute(tables)
        yield connection


def test_a_visit_and_its_members_are_rows_once(database, postgresql_uri):
    name = "commcare-to-postgresql"
    with deployed(name) as made:
        host = postgresql_uri.split("host=")[1]
        login = {"user": "postgres", "password": "unused-here"}
        made.set_credential("warehouse", {"host": host, "database": "postgres", **login})
        sent_twice(made, "commcare", event(name, "visit.json"))
    members = database.execute("select id, born::text, sleeps_under_net from member order by 1")
    assert members.fetchall() == [("m1", "2019-02-03", True), ("m2", None, False)]
    joined = "select village, worker, form->>'@name' from visit join household h on h.id=household"
    assert database.execute(joined).fetchall() == [("Kissy", "worker7", "Household Visit")]


def test_a_report_arrives_as_xml():
    name = "odk-to-http-xml"
    with destination.running() as sink, deployed(name) as made:
        made.set_credential("ministry", {"baseUrl": sink.url})
        sent_twice(made, "aggregate", event(name, "report.json"))
        paths = {each.path for each in sink.received}
        report = parse_xml(sink.received[0].body)["report"]
    assert paths == {"/reports/0d6c1f5e-0a43-4a5e-8f0e-3a7a6a3b9c02"}
    assert report["place"] == {"@lat": "8.1029", "@lon": "-12.4712"}


def test_a_visit_is_in_salesforce_once_below_its_household_and_area():
    name = "commcare-to-salesforce"
    with salesforce_server.salesforce() as there, deployed(name) as made:
        area = there.org.put("Area__c", {"Area_Code__c": "KISSY-2"})
        made.set_credential("crm", there.user)
        sent_twice(made, "commcare", event(name, "visit.json"))
        (visit,) = there.org.all("Visit__c").values()
        (person,) = there.org.all("Person__c").values()
        (household,) = there.org.all("Household__c").values()
    assert (household["Name"], household["Area__c"]) == ("Household Of Amina", area["id"])
    assert visit["Household__c"] == person["Household__c"] == household["Id"]


def test_what_is_new_in_kobo_is_pulled_and_each_delivered_once():
    kobo, first = Kobo(), json.loads(event("kobo-pull", "water_point.json"))
    with served(kobo.app) as there, destination.running() as sink, deployed("kobo-pull") as made:
        kobo.url = there.url
        made.set_credential("kobo", {"baseUrl": kobo.url, "username": USER, "password": PASSWORD})
        made.set_credential("registry", {"baseUrl": sink.url})
        kobo.submissions[FORM] = [first]
        for minute in ("10:07", "11:07"):
            tick(made, f"2026-03-09T{minute}:00Z")
            made.settle()
            kobo.submissions[FORM] = [first, {**first, "_id": 102, "_uuid": "second"}]
        paths = [each.path for each in sink.received]
    assert paths == ["/water-points/9a1f7c44-2f0b-4b7e-b6d5-6c1d3d3f7a04", "/water-points/second"]
