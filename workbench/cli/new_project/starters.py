"""The parts of a new project: where its data comes from, and where it goes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_EVENTS = Path(__file__).resolve().parents[3] / "events"


class SourceName(StrEnum):
    """Where the data of a new project comes from."""

    KOBO = "kobo"
    ODK = "odk"
    COMMCARE = "commcare"
    WEBHOOK = "webhook"


class DestinationName(StrEnum):
    """Where the data of a new project goes: an adaptor."""

    HTTP = "http"
    DHIS2 = "dhis2"
    POSTGRESQL = "postgresql"
    SALESFORCE = "salesforce"


@dataclass(frozen=True, slots=True)
class Source:
    """A source: its example post, the fragment of its form, an id, and one answer."""

    inclusion: str
    record_id: str
    """A Python expression for an id that stays when `submission` is edited."""
    answer: str
    """The path of an answer."""
    value: str
    """A part of the answer in the example post."""
    file: str = ""

    @property
    def event(self) -> str:
        """Return the example post."""
        if self.file:
            return (_EVENTS / self.file).read_text("utf-8")
        return json.dumps({"type": "registration", "id": "7", "name": "Amina"}, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination: the import and the code of the operation."""

    imports: str
    code: str
    tables: str = ""
    """The content of tables.sql, for a database."""


SOURCES = {
    SourceName.KOBO: Source(
        "{_xform_id_string: groups}",
        'submission.get("meta/rootUuid") or submission["_id"]',
        "group1/name",
        "twenty",
        "kobo_household.json",
    ),
    SourceName.ODK: Source(
        "{formId: child_registration}",
        'submission["data"][0]["*meta-instance-id*"]',
        "data[0].child_name",
        "Adjei",
        "odk_child_registration.json",
    ),
    SourceName.COMMCARE: Source(
        '{form: {"@name": Home Visit}}',
        'submission["id"]',
        "form.case.@case_id",
        "-",
        "commcare_home_visit.json",
    ),
    SourceName.WEBHOOK: Source("{type: registration}", 'submission["id"]', "name", "Amina"),
}
DESTINATIONS = {
    DestinationName.HTTP: Destination(
        "put",
        """\
def path(state):
    return f"records/{record_id(state)}"


put(path, {"id": record_id, "name": data_value("ANSWER")})
""",
    ),
    DestinationName.DHIS2: Destination(
        "attr, tracker_import, uid",
        """\
# Replace the ids by those of your DHIS2.
PERSON, FACILITY, NAME = "nEenWmSyUEp", "DiszpKrYNg8", "w75KJ2mc4zz"

tracker_import(
    {
        "trackedEntities": [
            {
                "trackedEntity": uid(record_id),
                "trackedEntityType": PERSON,
                "orgUnit": FACILITY,
                "attributes": [attr(NAME, data_value("ANSWER"))],
            }
        ]
    }
)
""",
    ),
    DestinationName.POSTGRESQL: Destination(
        "upsert",
        """\
# The file tables.sql has the table. It needs a unique key.
upsert("record", "id", {"id": record_id, "name": data_value("ANSWER")})
""",
        "-- `ofn serve` executes this in a new database. In yours, you execute it.\n"
        "CREATE TABLE record (id text PRIMARY KEY, name text);\n",
    ),
    DestinationName.SALESFORCE: Destination(
        "upsert",
        """\
upsert(
    "Record__c",
    "External_Id__c",
    {"External_Id__c": record_id, "Name": data_value("ANSWER")},
)
""",
    ),
}
