"""The list of runs, as a page and as a file."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from console import exports, list_filters, project_names, reads, request
from console.responses import attachment, page, record
from console.routing import create_router
from openfn.history.audit import Action
from openfn.project import compiled
from openfn.runs.model import RunStatus

router = create_router()
_FILTERS = ("inbox", "state", "job", "since", "until", "error")


@router.get("/runs")
def show_runs() -> Response[str]:
    """Show a page of the runs that the address selects."""
    selection = list_filters.of_runs(request.current())
    return page(
        "runs.html",
        selection=selection,
        result=reads.runs(selection),
        states=list(RunStatus),
        inboxes=project_names.inbox_names(),
        jobs=sorted(compiled.current().jobs),
        periods=list_filters.PERIODS,
        filters={name: request.current().query.get(name) for name in _FILTERS},
    )


@router.get("/runs.csv")
def export_csv() -> Response[Any]:
    """Return the page's runs as a table for spreadsheets."""
    record(Action.EXPORT, request.current().url())
    rows = reads.runs(list_filters.of_runs(request.current())).rows
    return attachment("runs.csv", exports.CSV, exports.runs_as_csv(rows))
