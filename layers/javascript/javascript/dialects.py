"""Dialects: how an adaptor of OpenFn understood a job, which depends on its major version."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_NEWEST = 1000
_NAME = re.compile(r"(?:@openfn/)?(?:language-)?([a-z0-9-]+)(?:@v?(\d+)(?:[.\w-]*)|@latest)?")
ADAPTORS = ("common", "http", "dhis2", "salesforce", "commcare", "postgresql", "kobotoolbox")
"""The adaptors whose operations JavaScript jobs have: see `library/dialects.js`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What adaptors did before a major version, and where that is written."""

    name: str
    adaptor: str
    before: int
    meaning: str
    source: str


_CHANGELOG = "OpenFn/adaptors packages/{}/CHANGELOG.md {}"
RULES = (
    Rule(
        "legacy-common",
        "common",
        3,
        "`map(path, operation)` returns the state unchanged, and `http.get({url})` the response.",
        "OpenFn/adaptors packages/common/CHANGELOG.md 3.0.0, @openfn/language-common 1.7.7",
    ),
    Rule(
        "body-option",
        "http",
        7,
        "`post(path, {body, query, headers}, callback)`: the body is one of the options.",
        "OpenFn/adaptors packages/http/CHANGELOG.md 7.0.0",
    ),
    Rule(
        "axios",
        "http",
        6,
        "A response that is not JSON becomes `{body: text}`; `request({method, url})` returns it.",
        "OpenFn/adaptors packages/http/CHANGELOG.md 6.0.0, OpenFn/language-http v4.0.0",
    ),
    Rule(
        "old-tracker",
        "dhis2",
        6,
        "`events`, `enrollments` and `relationships` are sent to DHIS2's old tracker.",
        _CHANGELOG.format("dhis2", "6.0.0"),
    ),
    Rule(
        "params-option",
        "dhis2",
        7,
        "The parameters of `create` and `update` are in `{params}`.",
        _CHANGELOG.format("dhis2", "7.0.0"),
    ),
    Rule(
        "answer-in-references",
        "dhis2",
        2,
        "The answer is `references[0].body`, and `data` stays.",
        "OpenFn/language-dhis2 v1.4.0",
    ),
    Rule(
        "answer-in-references",
        "salesforce",
        5,
        "The answer is `references[0]`, and `data` stays; `bulk(object, operation, options, …)`.",
        f"{_CHANGELOG.format('salesforce', '5.0.0')}, OpenFn/language-salesforce v2.10.0",
    ),
    Rule(
        "query-result",
        "salesforce",
        7,
        "A query's answer is `{totalSize, done, records}`, not the list of records.",
        _CHANGELOG.format("salesforce", "7.0.0"),
    ),
    Rule(
        "bulk-ignores-errors",
        "salesforce",
        9,
        "A bulk operation fails only with `failOnError: true`.",
        _CHANGELOG.format("salesforce", "9.0.0"),
    ),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """An adaptor and the major version whose rules apply."""

    adaptor: str = "common"
    major: int = _NEWEST

    def __str__(self) -> str:
        return self.adaptor if self.major == _NEWEST else f"{self.adaptor}@{self.major}"

    @property
    def rules(self) -> list[str]:
        """The names of the rules that apply."""
        return [r.name for r in RULES if r.adaptor == self.adaptor and self.major < r.before]

    def to_json(self) -> str:
        """Return what the library reads."""
        return json.dumps({"adaptor": self.adaptor, "rules": self.rules})


def parse(text: str) -> Dialect:
    """Return the dialect of a name such as `salesforce@2` or `@openfn/language-http@6.5.1`.

    Raises ValueError for anything else. A name without a version is the newest.

    >>> str(parse("@openfn/language-salesforce@2.10.0")), str(parse("http"))
    ('salesforce@2', 'http')
    """
    found = _NAME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no adaptor with a version, such as salesforce@2.")
    return Dialect(found[1], int(found[2]) if found[2] else _NEWEST)
