"""Import summaries, in every shape that DHIS2 2.36 to 2.43 gives them.

envelope       {httpStatus, status, message, response: {…}}; left out up to 2.37 for aggregate
               data and metadata, and always by the tracker
ImportSummary  {status, importCount, conflicts, rejectedIndexes, description}
ImportSummaries {status, imported, updated, deleted, ignored, importSummaries: […]}, the
               members' own enrollments, events and relationships in the same shape
tracker        {status, validationReport: {errorReports, warningReports}, stats, bundleReport}
metadata       {status, stats, typeReports: [{objectReports: [{errorReports}]}]}
ObjectReport   {uid, klass, errorReports}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_INNER = (
    *("response", "importSummaries", "enrollments", "events", "relationships"),
    *("validationReport", "bundleReport", "typeReports", "objectReports"),
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that DHIS2 did not take or warns of: its code, and what it is about.

    `about` is pairs of a kind of object (may be empty) and an object; `indexes` are its places in
    what was sent; `message` is DHIS2's own text, which may quote values.
    """

    code: str = ""
    about: tuple[tuple[str, str], ...] = ()
    indexes: tuple[int, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What an answer says of an import; `counts` is whether it says how many were taken."""

    failed: bool
    counts: bool
    conflicts: tuple[Conflict, ...]
    warnings: tuple[Conflict, ...]
    ignored: int
    total: int


def summary(body: Any, *, repeats: bool = False) -> Summary:
    """Read an import summary of any shape; what is none has not failed.

    With `repeats`, what is ignored without any conflict was there already and is no failure.

    >>> summary({"status": "ERROR", "importCount": {"ignored": 1}, "conflicts": []}).failed
    True
    """
    reports = list(_reports(body))
    conflicts = tuple(dict.fromkeys(each for report in reports for each in _conflicts(report)))
    warnings = tuple(each for report in reports for each in _errors(report, "warningReports"))
    counts = next((found for report in reports if (found := _counts(report))), {})
    ignored = counts.get("ignored", 0) - _known_relationships(reports)
    if repeats and not conflicts and not any(each.get("rejectedIndexes") for each in reports):
        ignored = 0
    failed = bool(conflicts) or ignored > 0 or any(_says_so(each) for each in reports)
    if failed and not conflicts:
        conflicts = tuple(each for report in reports for each in _described(report))
    total = sum(counts.values())
    return Summary(failed, bool(counts), conflicts, warnings, max(ignored, 0), total)


def queued(body: Any) -> str:
    """Name the job that an import was queued as; an empty text when it was not.

    >>> queued({"response": {"id": "cHh2OCTJvRw", "location": "/api/tracker/jobs/cHh2OCTJvRw"}})
    'job cHh2OCTJvRw'
    """
    response = body.get("response") if isinstance(body, dict) else None
    if not isinstance(response, dict):
        return ""
    job = response.keys() & {"jobType", "relativeNotifierEndpoint"}
    if job or "/jobs/" in str(response.get("location", "")):
        return f"job {response.get('id', 'without an id')}"
    return ""


def _reports(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for each in part:
            yield from _reports(each)
    if isinstance(part, dict):
        yield part
        types = part.get("typeReportMap")
        yield from _reports(list(types.values()) if isinstance(types, dict) else None)
        for key in _INNER:
            yield from _reports(part.get(key))


def _says_so(report: dict[str, Any]) -> bool:
    # The tracker warns of what it has stored; everywhere else WARNING means not all of it.
    warns = not report.keys() & {"validationReport", "bundleReport"}
    return report.get("status") == "ERROR" or (report.get("status") == "WARNING" and warns)


def _counts(report: dict[str, Any]) -> dict[str, int]:
    found = report.get("importCount") or report.get("stats") or report
    kinds = ("imported", "created", "updated", "deleted", "ignored")
    if not isinstance(found, dict) or not isinstance(found.get("ignored"), int):
        return {}
    return {kind: found[kind] for kind in kinds if isinstance(found.get(kind), int)}


def _known_relationships(reports: list[dict[str, Any]]) -> int:
    # A relationship cannot be updated: one that is there already counts as ignored, and is well.
    for report in reports:
        types = report.get("typeReportMap")
        if isinstance(types, dict):
            return _counts(types.get("RELATIONSHIP") or {}).get("ignored", 0)
    return 0


def _conflicts(report: dict[str, Any]) -> Iterator[Conflict]:
    for each in _dicts(report.get("conflicts")):
        objects = each.get("objects")
        about = tuple(objects.items()) if isinstance(objects, dict) else ()
        about = about or (_pair(each.get("property"), each.get("object")),)
        indexes = tuple(n for n in each.get("indexes") or () if isinstance(n, int))
        yield Conflict(_text(each, "errorCode"), _pairs(about), indexes, _text(each, "value"))
    yield from _errors(report, "errorReports")


def _errors(report: dict[str, Any], key: str) -> Iterator[Conflict]:
    for each in _dicts(report.get(key)):
        kind = each.get("trackerType") or each.get("errorProperty") or each.get("mainKlass")
        object_ = each.get("uid") or each.get("mainId") or report.get("uid")
        code = _text(each, "errorCode") or _text(each, "warningCode")
        yield Conflict(code, _pairs([_pair(kind, object_)]), (), _text(each, "message"))


def _described(report: dict[str, Any]) -> Iterator[Conflict]:
    message = _text(report, "description") or _text(report, "message")
    if message and _says_so(report):
        about = _pairs([_pair("", report.get("reference") or report.get("uid"))])
        yield Conflict(_text(report, "errorCode"), about, (), message)


def _pair(kind: Any, object_: Any) -> tuple[str, str]:
    first, *others = str(kind or "").split("_")  # TRACKED_ENTITY
    word = first.lower() + "".join(map(str.capitalize, others)) if first.isupper() else str(kind)
    return (word if kind else "", str(object_ or ""))


def _pairs(about: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(kind), str(object_)) for kind, object_ in about if kind or object_)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(report: dict[str, Any], key: str) -> str:
    return str(report.get(key) or "")
