"""Import into the tracker, one chunk after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.absent import require_present
from adaptors.dhis2.client import Query, format_query, write
from adaptors.dhis2.tracker_payloads import (
    UID_FIELDS,
    Payload,
    split_payload,
    validate_payload,
    walk_objects,
)
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State

CHUNK_SIZE = 200
"""Objects that are sent to the tracker at once, unless the job sets `chunk`."""
STRATEGIES = ("CREATE", "UPDATE", "CREATE_AND_UPDATE", "DELETE")
_COUNTS = ("created", "updated", "deleted", "ignored", "total")
Report = dict[str, Any]


def import_payload(
    state: State,
    payload: Any,
    strategy: str,
    *,
    atomic_mode: str = "ALL",
    chunk_size: int = CHUNK_SIZE,
    query: Query | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Report:
    """Import a payload and return the tracker's report; the reports of chunks are merged."""
    query = _import_query(strategy, atomic_mode, query)
    if not isinstance(chunk_size, int) or chunk_size < 1:
        raise ConfigurationError("chunk is the number of objects to send at once: 1 or more.")
    validated = validate_payload(payload)
    for resource, fields in walk_objects(validated):
        require_present(fields, f"An object of {resource}", [UID_FIELDS[resource]])
    chunks = split_payload(validated, chunk_size)
    _warn_of_missing_uids(chunks, strategy)
    reports: list[Report] = []
    for chunk in chunks:
        dry_run_response = _merge_reports([], total=_number_of_objects([chunk]))
        try:
            report = write(
                state,
                "POST",
                "tracker",
                chunk,
                query,
                timeout=timeout,
                dry_run_response=dry_run_response,
            )
        except RemoteRefused as error:
            raise _chunk_error(error, len(reports), chunks) from None
        reports.append(report if isinstance(report, dict) else {})
    return reports[0] if len(reports) == 1 else _merge_reports(reports)


def _import_query(strategy: str, atomic_mode: str, query: Query | None) -> dict[str, Any]:
    if strategy not in STRATEGIES:
        raise ConfigurationError(f"The strategy is one of {', '.join(STRATEGIES)}.")
    if atomic_mode not in {"ALL", "OBJECT"}:
        raise ConfigurationError(
            "atomic_mode is ALL (import a chunk completely or not at all) or OBJECT (import its "
            "valid objects)."
        )
    options = format_query(query)
    if options.keys() & {"importStrategy", "atomicMode"}:
        raise ConfigurationError(
            "Remove importStrategy and atomicMode from the query. Write "
            "tracker_import(…, strategy=…, atomic_mode=…)."
        )
    # The other report mode, ERRORS, hides the warnings and changes of program rules.
    defaults = {"async": "false", "reportMode": "WARNINGS"}
    return {**defaults, **options, "importStrategy": strategy, "atomicMode": atomic_mode}


def _warn_of_missing_uids(chunks: list[Payload], strategy: str) -> None:
    objects = [pair for chunk in chunks for pair in walk_objects(chunk)]
    without_uid = sum(1 for resource, fields in objects if not fields.get(UID_FIELDS[resource]))
    if without_uid and strategy.startswith("CREATE"):
        print(
            f"{without_uid} of {len(objects)} objects have no uid. If the run is "
            "retried, DHIS2 may have them twice. adaptors.dhis2.uid makes uids."
        )


def _number_of_objects(chunks: list[Payload]) -> int:
    return sum(1 for chunk in chunks for _ in walk_objects(chunk))


def _chunk_error(
    error: RemoteRefused, imported_chunks: int, chunks: list[Payload]
) -> RemoteRefused:
    if len(chunks) == 1:
        return error
    number = _number_of_objects(chunks[:imported_chunks])
    imported = f" The {number} objects of earlier chunks were imported." if number else ""
    return RemoteRefused(f"Chunk {imported_chunks + 1} of {len(chunks)}: {error}{imported}")


def _merge_reports(reports: list[Report], total: int = 0) -> Report:
    types: dict[str, Report] = {}
    stats = {**_sum_stats(), "total": total}
    warnings: list[Any] = []
    for report in reports:
        stats = _sum_stats(stats, report.get("stats") or {})
        warnings += (report.get("validationReport") or {}).get("warningReports") or []
        type_reports = (report.get("bundleReport") or {}).get("typeReportMap") or {}
        for kind, part in type_reports.items():
            merged = types.setdefault(kind, {"trackerType": kind, "stats": {}, "objectReports": []})
            merged["stats"] = _sum_stats(merged["stats"], part.get("stats") or {})
            merged["objectReports"] += part.get("objectReports") or []
    has_warning = any(report.get("status") == "WARNING" for report in reports)
    return {
        "status": "WARNING" if has_warning else "OK",
        "validationReport": {"errorReports": [], "warningReports": warnings},
        "stats": stats,
        "bundleReport": {"typeReportMap": types},
    }


def _sum_stats(*stats: Mapping[str, int]) -> dict[str, int]:
    return {name: sum(counts.get(name, 0) for counts in stats) for name in _COUNTS}
