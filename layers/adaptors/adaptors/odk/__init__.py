"""ODK: read and create submissions in ODK Central, and in ODK Aggregate (`aggregate_…`).

The credential: `baseUrl`, and `email` with `password` (or `access_token`) for Central, `username`
with `password` for Aggregate. The body of a response becomes `data`; `response` has its method,
url, status and headers.
"""

from __future__ import annotations

from adaptors.odk.aggregate import (
    aggregate_new_submissions,
    aggregate_submission,
    aggregate_submission_ids,
    aggregate_submit,
)
from adaptors.odk.central import (
    get_forms,
    get_new_submissions,
    get_submission,
    get_submission_xml,
    get_submissions,
)
from adaptors.odk.credential import Configuration
from adaptors.odk.rest import delete, get, patch, post, put
from adaptors.odk.submissions import create_submission

__all__ = [
    "Configuration",
    "aggregate_new_submissions",
    "aggregate_submission",
    "aggregate_submission_ids",
    "aggregate_submit",
    "create_submission",
    "delete",
    "get",
    "get_forms",
    "get_new_submissions",
    "get_submission",
    "get_submission_xml",
    "get_submissions",
    "patch",
    "post",
    "put",
]
