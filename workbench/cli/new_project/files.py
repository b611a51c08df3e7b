"""The files of a new project."""

from __future__ import annotations

import re

from workbench.cli.new_project.starters import DESTINATIONS, SOURCES, DestinationName, SourceName

_GITIGNORE = "credentials/\n.openfn/\n__pycache__/\n.pytest_cache/\n"
_PROJECT = """\
# Which posts (triggers) start which Python files (jobs).
# `ofn check` shows every problem, with file, line and how to fix it.
name: NAME

inboxes: # secret URLs; this file holds only the SHA-256 of each id
  SOURCE: {id_sha256: DIGEST}

triggers: # a trigger matches a message if the body contains the fragment
  submission:
    inbox: SOURCE
    inclusion: INCLUSION

credentials: # only the names; `ofn credential set destination --local` asks for the secrets
  destination: {adaptor: DESTINATION}

jobs:
  record:
    trigger: submission
    credential: destination
    expression: jobs/record.py
"""
_JOB = """\
\"\"\"SOURCE → DESTINATION: one record for each submission. Change the fields to yours.\"\"\"

from adaptors.common import data_value
from adaptors.DESTINATION import IMPORTS


def record_id(state):
    # An id that stays the same if the submission is edited or comes twice.
    submission = state["data"]
    return RECORD_ID


CODE"""
_TEST = """\
\"\"\"SOURCE → DESTINATION. `ofn test` runs this; nothing is sent.\"\"\"

from workbench.testing import event, run_job


def test_submission_becomes_a_record():
    requests = run_job("record", event("submission.json")).requests
    assert "VALUE" in str(requests[-1].as_dict())
"""
_README = """\
# NAME

Data from SOURCE goes to DESTINATION.

```
ofn check    # is the project valid?
ofn test     # run the tests of the job
ofn serve    # run everything on this machine, and print the URL of the inbox
```

Post the example: `curl -d @tests/events/submission.json -H 'Content-Type: application/json' URL`
Then `ofn received` shows what the job sent. Without a credential, nothing leaves this machine.

1. Save a submission of your own form in `tests/events/submission.json`.
2. `ofn match tests/events/submission.json` shows whether the trigger matches. If not, change
   `inclusion` in `project.yaml`.
3. Change the fields in `jobs/record.py`.
4. `ofn credential set destination --local` sets where the data goes.

To deploy to AWS, run `make deploy PROJECT=THIS_FOLDER` in the folder of OpenFn.
"""
_TEXTS = {
    "project.yaml": _PROJECT,
    "jobs/record.py": _JOB,
    "tests/test_record.py": _TEST,
    "README.md": _README,
}


def files(
    name: str, digest: str, source: SourceName, destination: DestinationName
) -> dict[str, str]:
    """Return the content of each file of a new project, by path."""
    start, end = SOURCES[source], DESTINATIONS[destination]
    values = {
        "CODE": end.code.replace("ANSWER", start.answer),
        "RECORD_ID": start.record_id,
        "IMPORTS": end.imports,
        "INCLUSION": start.inclusion,
        "DIGEST": digest,
        "DESTINATION": destination.value,
        "SOURCE": source.value,
        "VALUE": start.value,
        "NAME": name,
    }
    filled = {path: _fill(text, values) for path, text in _TEXTS.items()}
    tables = {"tables.sql": end.tables} if end.tables else {}
    return {
        **filled,
        **tables,
        "tests/events/submission.json": start.event,
        ".gitignore": _GITIGNORE,
    }


def _fill(text: str, values: dict[str, str]) -> str:
    # In one pass, because the code of a job may contain the name of another value.
    return re.sub(r"\b[A-Z_]+\b", lambda match: values.get(match[0], match[0]), text)
