"""How an import reaches the tracker: chunk by chunk, each answered before the next is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adaptors._http.request import DEFAULT_TIMEOUT
from adaptors.dhis2.client import Query, plain, store
from adaptors.dhis2.tracker_payloads import UIDS, Payload, checked, chunks, objects
from adaptors.errors import ConfigurationError, RemoteRefused
from adaptors.operations import State

CHUNK = 200
"""Objects sent to the tracker at once, if the job does not say."""
STRATEGIES = ("CREATE", "UPDATE", "CREATE_AND_UPDATE", "DELETE")
_COUNTS = ("created", "updated", "deleted", "ignored", "total")
Report = dict[str, Any]


def bring(
    state: State,
    payload: Any,
    strategy: str,
    *,
    atomic_mode: str = "ALL",
    chunk: int = CHUNK,
    query: Query | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Report:
    """Import a payload and give the tracker's report, of several chunks put together as one."""
    given = _query(strategy, atomic_mode, query)
    if not isinstance(chunk, int) or chunk < 1:
        raise ConfigurationError("chunk is the number of objects sent at once, 1 or more")
    parts = chunks(checked(payload), chunk)
    _warn_of_twins(parts, strategy)
    reports: list[Report] = []
    for part in parts:
        dry_run_response = _report([], total=sum(1 for _ in objects(part)))
        try:
            response = store(
                state,
                "POST",
                "tracker",
                part,
                given,
                timeout=timeout,
                dry_run_response=dry_run_response,
            )
        except RemoteRefused as error:
            raise _placed(error, len(reports), parts) from None
        reports.append(response if isinstance(response, dict) else {})
    return reports[0] if len(reports) == 1 else _report(reports)


def _query(strategy: str, atomic_mode: str, query: Query | None) -> dict[str, Any]:
    if strategy not in STRATEGIES:
        raise ConfigurationError(f"the strategy is one of {', '.join(STRATEGIES)}")
    if atomic_mode not in {"ALL", "OBJECT"}:
        raise ConfigurationError("atomic_mode is ALL (a chunk as a whole) or OBJECT (what is well)")
    further = plain(query)
    if further.keys() & {"importStrategy", "atomicMode"}:
        raise ConfigurationError(
            "importStrategy and atomicMode are no part of the query here: write "
            "tracker_import(…, strategy=…, atomic_mode=…)"
        )
    # The other mode, ERRORS, keeps to itself what the program's rules changed or warn of.
    ours = {"importStrategy": strategy, "atomicMode": atomic_mode}
    return {"async": "false", "reportMode": "WARNINGS", **further, **ours}


def _warn_of_twins(parts: list[Payload], strategy: str) -> None:
    every = [(key, each) for part in parts for key, each in objects(part)]
    lacking = sum(1 for key, each in every if not each.get(UIDS[key]))
    if lacking and strategy.startswith("CREATE"):
        print(
            f"{lacking} of {len(every)} objects have no uid of their own: sent again, as after an "
            "answer that got lost, they are stored twice; adaptors.dhis2.uid makes one"
        )


def _placed(error: RemoteRefused, done: int, parts: list[Payload]) -> RemoteRefused:
    if len(parts) == 1:
        return error
    before = sum(1 for part in parts[:done] for _ in objects(part))
    kept = f"; the {before} objects of the chunks before it are taken" if done else ""
    return RemoteRefused(f"chunk {done + 1} of {len(parts)}: {error}{kept}")


def _report(reports: list[Report], total: int = 0) -> Report:
    types: dict[str, Report] = {}
    stats = {**_sum(), "total": total}
    warnings: list[Any] = []
    for report in reports:
        stats = _sum(stats, report.get("stats") or {})
        warnings += (report.get("validationReport") or {}).get("warningReports") or []
        for kind, each in ((report.get("bundleReport") or {}).get("typeReportMap") or {}).items():
            one = types.setdefault(kind, {"trackerType": kind, "stats": {}, "objectReports": []})
            one["stats"] = _sum(one["stats"], each.get("stats") or {})
            one["objectReports"] += each.get("objectReports") or []
    return {
        "status": "WARNING" if any(each.get("status") == "WARNING" for each in reports) else "OK",
        "validationReport": {"errorReports": [], "warningReports": warnings},
        "stats": stats,
        "bundleReport": {"typeReportMap": types},
    }


def _sum(*stats: Mapping[str, int]) -> dict[str, int]:
    return {key: sum(each.get(key, 0) for each in stats) for key in _COUNTS}
