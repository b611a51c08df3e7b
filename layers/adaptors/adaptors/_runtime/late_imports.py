"""The libraries that adaptors import when they first need them, and which jobs need them.

They take long to import, so a process that executes one job pays only for those it uses. Workers
are forked from a process that has imported those of the project's jobs in advance.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

BY_ADAPTOR = {
    "odk": ("xmltodict",),
    "kobotoolbox": ("xmltodict",),
    "salesforce": ("simple_salesforce.format", "simple_salesforce.login"),
}
"""Needed by every job that uses the adaptor."""
BY_NAME = {
    "bulk_cases": ("xlsxwriter",),
    "cursor": ("zoneinfo",),
    "parse_xml": ("xmltodict",),
    "to_xml": ("xmltodict",),
    "validate": ("jsonschema", "referencing"),
}
"""Needed by jobs that use the operation or function."""
BY_CREDENTIAL = ("rsa", "pyasn1.codec.der.decoder")
"""Needed by a credential of a service account. No project shows whether it has one."""
BY_JSONPATH = ("jsonpath", "jsonpath.selectors")
# A filter, a slice, several members, or any depth: plain steps cannot express them.
_QUERY = re.compile(r"\$.*(\[\s*\?|\[.*[:,]|\.\.)", re.DOTALL)


def modules(
    adaptors: Collection[str], names: Collection[str], texts: Collection[str]
) -> Iterator[str]:
    """Yield the modules that jobs with these adaptors, names and texts import late.

    >>> list(modules({"http"}, {"each", "validate"}, {"$.data.visits[*]"}))
    ['jsonschema', 'referencing']
    >>> list(modules(set(), {"each"}, {"$.data.visits[?(@.weight > 3)]"}))
    ['jsonpath', 'jsonpath.selectors']
    """
    for adaptor in sorted(BY_ADAPTOR.keys() & adaptors):
        yield from BY_ADAPTOR[adaptor]
    for name in sorted(BY_NAME.keys() & names):
        yield from BY_NAME[name]
    if any(_QUERY.match(text) for text in texts):
        yield from BY_JSONPATH
