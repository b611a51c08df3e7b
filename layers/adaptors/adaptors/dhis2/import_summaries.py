"""Import summaries, in every shape that DHIS2 2.36 to 2.43 sends them.

envelope       {httpStatus, status, message, response: {…}}; missing up to 2.37 for aggregate
               data and metadata, and always missing from the tracker
ImportSummary  {status, importCount, conflicts, rejectedIndexes, description}
ImportSummaries {status, imported, updated, deleted, ignored, importSummaries: […]}, the
               members' own enrollments, events and relationships in the same shape
tracker        {status, validationReport: {errorReports, warningReports}, stats, bundleReport}
metadata       {status, stats, typeReports: [{objectReports: [{errorReports}]}]}
ObjectReport   {uid, klass, errorReports}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_NESTED_REPORTS = (
    *("response", "importSummaries", "enrollments", "events", "relationships"),
    *("validationReport", "bundleReport", "typeReports", "objectReports"),
)
_COUNTS = ("imported", "created", "updated", "deleted", "ignored")


@dataclass(frozen=True, slots=True)
class Conflict:
    """An object that DHIS2 refuses or warns of, and why.

    `objects` are pairs of kind (may be empty) and uid; `indexes` are positions in the request;
    `message` is DHIS2's own text, which may quote values.
    """

    code: str = ""
    objects: tuple[tuple[str, str], ...] = ()
    indexes: tuple[int, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The result of an import. `has_counts` is whether DHIS2 says how many objects it imported."""

    failed: bool
    has_counts: bool
    conflicts: tuple[Conflict, ...]
    warnings: tuple[Conflict, ...]
    ignored: int
    total: int


def parse_summary(body: Any, *, allow_ignored: bool = False) -> ImportSummary:
    """Parse an import summary of any shape; any other body has not failed.

    With `allow_ignored`, objects that are ignored without a conflict are no failure.

    >>> parse_summary({"status": "ERROR", "importCount": {"ignored": 1}, "conflicts": []}).failed
    True
    """
    reports = list(_walk_reports(body))
    conflicts = tuple(
        dict.fromkeys(conflict for report in reports for conflict in _conflicts(report))
    )
    warnings = tuple(
        warning for report in reports for warning in _error_reports(report, "warningReports")
    )
    counts = next((counts for report in reports if (counts := _counts(report))), {})
    ignored = counts.get("ignored", 0) - _existing_relationships(reports)
    if (
        allow_ignored
        and not conflicts
        and not any(report.get("rejectedIndexes") for report in reports)
    ):
        ignored = 0
    failed = bool(conflicts) or ignored > 0 or any(map(_is_failure, reports))
    if failed and not conflicts:
        conflicts = tuple(conflict for report in reports for conflict in _descriptions(report))
    total = sum(counts.values())
    return ImportSummary(failed, bool(counts), conflicts, warnings, max(ignored, 0), total)


def queued_job(body: Any) -> str:
    """Return the name of the job that an import was queued as, or an empty text.

    >>> queued_job({"response": {"id": "cHh2OCTJvRw", "location": "/api/tracker/jobs/cHh2OCTJvRw"}})
    'job cHh2OCTJvRw'
    """
    response = body.get("response") if isinstance(body, dict) else None
    if not isinstance(response, dict):
        return ""
    is_job = response.keys() & {"jobType", "relativeNotifierEndpoint"}
    if is_job or "/jobs/" in str(response.get("location", "")):
        return f"job {response.get('id', 'without an id')}"
    return ""


def _walk_reports(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for item in part:
            yield from _walk_reports(item)
    if isinstance(part, dict):
        yield part
        types = part.get("typeReportMap")
        yield from _walk_reports(list(types.values()) if isinstance(types, dict) else None)
        for key in _NESTED_REPORTS:
            yield from _walk_reports(part.get(key))


def _is_failure(report: dict[str, Any]) -> bool:
    # The tracker's WARNING is about objects it has stored; elsewhere it means a partial import.
    is_tracker = report.keys() & {"validationReport", "bundleReport"}
    status = report.get("status")
    return status == "ERROR" or (status == "WARNING" and not is_tracker)


def _counts(report: dict[str, Any]) -> dict[str, int]:
    counts = report.get("importCount") or report.get("stats") or report
    if not isinstance(counts, dict) or not isinstance(counts.get("ignored"), int):
        return {}
    return {name: counts[name] for name in _COUNTS if isinstance(counts.get(name), int)}


def _existing_relationships(reports: list[dict[str, Any]]) -> int:
    # Relationships cannot be updated: DHIS2 counts one that already exists as ignored.
    for report in reports:
        types = report.get("typeReportMap")
        if isinstance(types, dict):
            return _counts(types.get("RELATIONSHIP") or {}).get("ignored", 0)
    return 0


def _conflicts(report: dict[str, Any]) -> Iterator[Conflict]:
    for conflict in _dicts(report.get("conflicts")):
        by_kind = conflict.get("objects")
        objects = tuple(by_kind.items()) if isinstance(by_kind, dict) else ()
        objects = objects or (_kind_and_uid(conflict.get("property"), conflict.get("object")),)
        indexes = tuple(index for index in conflict.get("indexes") or () if isinstance(index, int))
        code, message = _text(conflict, "errorCode"), _text(conflict, "value")
        yield Conflict(code, _non_empty(objects), indexes, message)
    yield from _error_reports(report, "errorReports")


def _error_reports(report: dict[str, Any], key: str) -> Iterator[Conflict]:
    for error in _dicts(report.get(key)):
        kind = error.get("trackerType") or error.get("errorProperty") or error.get("mainKlass")
        uid = error.get("uid") or error.get("mainId") or report.get("uid")
        code = _text(error, "errorCode") or _text(error, "warningCode")
        yield Conflict(code, _non_empty([_kind_and_uid(kind, uid)]), (), _text(error, "message"))


def _descriptions(report: dict[str, Any]) -> Iterator[Conflict]:
    message = _text(report, "description") or _text(report, "message")
    if message and _is_failure(report):
        objects = _non_empty([_kind_and_uid("", report.get("reference") or report.get("uid"))])
        yield Conflict(_text(report, "errorCode"), objects, (), message)


def _kind_and_uid(kind: Any, uid: Any) -> tuple[str, str]:
    first, *rest = str(kind or "").split("_")  # TRACKED_ENTITY
    word = first.lower() + "".join(map(str.capitalize, rest)) if first.isupper() else str(kind)
    return (word if kind else "", str(uid or ""))


def _non_empty(objects: Iterable[tuple[Any, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(kind), str(uid)) for kind, uid in objects if kind or uid)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(report: dict[str, Any], key: str) -> str:
    return str(report.get(key) or "")
