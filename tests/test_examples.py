"""The projects in docs/examples deliver a record that is posted twice only once."""

from __future__ import annotations

import json
from contextlib import contextmanager

import psycopg
import pytest

from adaptors.common import parse_xml
from openfn.history import details
from tests.adaptors import dhis2_server, salesforce_server
from tests.adaptors.kobotoolbox_server import FORM, PASSWORD, USER, Kobo
from tests.conftest import ROOT, post, tick
from tests.support.wsgi_server import serve
from workbench.local.destination import run_destination
from workbench.local.stack import create_stack
from workbench.project.compiler import check

EXAMPLES = ROOT / "docs/examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


@contextmanager
def deployed(name):
    with create_stack(EXAMPLES / name) as deployment:
        yield deployment


def event(name, file):
    return (EXAMPLES / name / "tests/events" / file).read_text("utf-8")


def post_twice(deployment, inbox, body):
    """Post a body twice, as sources do; every run must succeed."""
    for _ in range(2):
        assert post(deployment, body, inbox)["statusCode"] == 200
        deployment.drain()
    runs = [run for message in details.newest_messages(9) for run in message.summary.runs]
    assert {run.status for run in runs} == {"succeeded"}, [run.error for run in runs]


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_valid_and_has_a_readme_and_tests(name):
    check(EXAMPLES / name)
    assert (EXAMPLES / name / "README.md").is_file()
    assert list((EXAMPLES / name / "tests").glob("test_*.py"))


def test_child_is_registered_in_dhis2_once():
    name = "kobo-to-dhis2-tracker"
    with dhis2_server.running() as server, deployed(name) as deployment:
        server.database.attributes |= {"zDhUuAYrxNC", "X8zyunlgUfM", "a3kGcGDCuk6"}
        deployment.set_credential("dhis2", server.state()["configuration"])
        post_twice(deployment, "kobo", event(name, "registration.json"))
        counts = {kind: len(objects) for kind, objects in server.database.tracker.items()}
        assert (counts["trackedEntities"], counts["enrollments"], counts["events"]) == (1, 1, 2)


@pytest.fixture
def database(postgresql_uri):
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")
        tables = (EXAMPLES / "commcare-to-postgresql/tables.sql").read_text("utf-8")
        connection.execute(tables)
        yield connection


def test_visit_and_members_are_stored_in_postgresql_once(database, postgresql_uri):
    name = "commcare-to-postgresql"
    with deployed(name) as deployment:
        host = postgresql_uri.split("host=")[1]
        login = {"user": "postgres", "password": "unused-here"}
        deployment.set_credential("warehouse", {"host": host, "database": "postgres", **login})
        post_twice(deployment, "commcare", event(name, "visit.json"))
    members = database.execute("select id, born::text, sleeps_under_net from member order by 1")
    assert members.fetchall() == [("m1", "2019-02-03", True), ("m2", None, False)]
    joined = "select village, worker, form->>'@name' from visit join household h on h.id=household"
    assert database.execute(joined).fetchall() == [("Kissy", "worker7", "Household Visit")]


def test_report_arrives_as_xml():
    name = "odk-to-http-xml"
    with run_destination() as registry, deployed(name) as deployment:
        deployment.set_credential("ministry", {"baseUrl": registry.url})
        post_twice(deployment, "aggregate", event(name, "report.json"))
        paths = {request.path for request in registry.received}
        report = parse_xml(registry.received[0].body)["report"]
    assert paths == {"/reports/0d6c1f5e-0a43-4a5e-8f0e-3a7a6a3b9c02"}
    assert report["place"] == {"@lat": "8.1029", "@lon": "-12.4712"}


def test_visit_is_in_salesforce_once_with_its_household_and_area():
    name = "commcare-to-salesforce"
    with salesforce_server.running() as server, deployed(name) as deployment:
        area = server.org.put("Area__c", {"Area_Code__c": "KISSY-2"})
        deployment.set_credential("crm", server.user)
        post_twice(deployment, "commcare", event(name, "visit.json"))
        (visit,) = server.org.all("Visit__c").values()
        (person,) = server.org.all("Person__c").values()
        (household,) = server.org.all("Household__c").values()
    assert (household["Name"], household["Area__c"]) == ("Household Of Amina", area["id"])
    assert visit["Household__c"] == person["Household__c"] == household["Id"]


def test_new_kobo_submissions_are_pulled_and_delivered_once():
    kobo, first = Kobo(), json.loads(event("kobo-pull", "water_point.json"))
    with (
        serve(kobo.app) as server,
        run_destination() as registry,
        deployed("kobo-pull") as deployment,
    ):
        kobo.url = server.url
        deployment.set_credential(
            "kobo", {"baseUrl": kobo.url, "username": USER, "password": PASSWORD}
        )
        deployment.set_credential("registry", {"baseUrl": registry.url})
        kobo.submissions[FORM] = [first]
        for minute in ("10:07", "11:07"):
            tick(deployment, f"2026-03-09T{minute}:00Z")
            deployment.drain()
            second = {**first, "_id": 102, "_uuid": "b", "meta/rootUuid": "uuid:b"}
            edited = {**first, "_uuid": "c", "meta/deprecatedID": "uuid:a"}
            kobo.submissions[FORM] = [edited, second]
        paths = [request.path for request in registry.received]
    root = first["meta/rootUuid"]
    assert paths[0] == f"/water-points/{root}"
    assert sorted(paths[1:]) == [f"/water-points/{root}", "/water-points/uuid:b"]
