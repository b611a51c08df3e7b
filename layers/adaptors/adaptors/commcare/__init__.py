"""CommCare HQ: submit forms, write cases, and read forms, cases and reports.

The credential: `domain`, `appId`, `username` with `password` or `apiKey`, and `hostUrl` for another
server than https://www.commcarehq.org. The body of a response becomes `data`; `response` has its
method, url, status and headers.
"""

from __future__ import annotations

from adaptors.commcare.case_importer import bulk_cases
from adaptors.commcare.cases import upsert_case, upsert_cases
from adaptors.commcare.credential import Configuration
from adaptors.commcare.forms import submit, submit_xml
from adaptors.commcare.list_api import get, get_cases, get_report, post

__all__ = [
    "Configuration",
    "bulk_cases",
    "get",
    "get_cases",
    "get_report",
    "post",
    "submit",
    "submit_xml",
    "upsert_case",
    "upsert_cases",
]
