"""A name, an id or a record that is absent is an author error in every adaptor."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adaptors import commcare, dhis2, http, kobotoolbox, odk, postgresql, salesforce
from adaptors._runtime.dry_run import dry_run
from adaptors._runtime.run_context import run_context
from adaptors.common import data_value
from adaptors.errors import ConfigurationError
from workbench.credentials import placeholders

NOTHING = data_value("nothing")
CALLS = {
    "commcare get": commcare.get(NOTHING),
    "commcare get_report": commcare.get_report(NOTHING),
    "commcare submit": commcare.submit(NOTHING),
    "commcare submit_xml": commcare.submit_xml(NOTHING),
    "commcare upsert_case": commcare.upsert_case(NOTHING, {"case_type": "person"}),
    "dhis2 create": dhis2.create("events", NOTHING),
    "dhis2 destroy": dhis2.destroy("events", NOTHING),
    "dhis2 upsert": dhis2.upsert("events", {"filter": ["a:eq:1", NOTHING]}, {"status": "ACTIVE"}),
    "http delete": http.delete(NOTHING),
    "kobotoolbox delete": kobotoolbox.delete(NOTHING),
    "kobotoolbox get_submissions": kobotoolbox.get_submissions(NOTHING),
    "kobotoolbox update_submissions": kobotoolbox.update_submissions("f", [NOTHING], {"a": 1}),
    "odk create_submission": odk.create_submission(1, "visit", NOTHING),
    "odk get_submission": odk.get_submission(1, "visit", NOTHING),
    "postgresql insert": postgresql.insert(NOTHING, {"a": 1}),
    "postgresql upsert": postgresql.upsert("visits", NOTHING, {"a": 1}),
    "salesforce destroy": salesforce.destroy("Contact", NOTHING),
    "salesforce upsert": salesforce.upsert("Contact", NOTHING, {"MRN__c": "1"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_absent_argument_is_an_author_error_and_nothing_is_sent(name):
    state = {"data": {}, "configuration": placeholders.configuration(name.partition(" ")[0])}
    with (
        dry_run() as requests,
        run_context("run", datetime.now(UTC)),
        pytest.raises(ConfigurationError),
    ):
        CALLS[name](state)
    assert requests == []


def test_error_names_the_argument_and_its_path():
    with pytest.raises(ConfigurationError) as caught:
        odk.get_submission(1, "visit", data_value("form.id"))({"data": {}})
    assert "get_submission needs a value for instance_id, but there is none at form.id" in str(
        caught.value
    )
