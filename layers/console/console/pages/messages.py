"""The list of messages, as a page and as files."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from console import exports, list_filters, project_names, reads, request, site
from console.responses import attachment, page, record
from console.routing import create_router
from openfn.history.audit import Action
from openfn.history.messages import MessageState
from openfn.project import compiled

router = create_router()
_FILTERS = ("inbox", "state", "job", "since", "until", "q")


@router.get("/messages")
def show_messages() -> Response[str]:
    """Show a page of the messages that the address selects."""
    selection = list_filters.of_messages(request.current())
    if selection.text:
        record(Action.SEARCH, selection.text)
    result = reads.messages(selection)
    return page(
        "messages.html",
        selection=selection,
        result=result,
        nearest=project_names.nearest_triggers(result.rows),
        states=list(MessageState),
        inboxes=project_names.inbox_names(),
        jobs=sorted(compiled.current().jobs),
        periods=list_filters.PERIODS,
        filters={name: request.current().query.get(name) for name in _FILTERS},
        urls=site.current().inbox_urls(),
    )


@router.get("/messages.csv")
def export_csv() -> Response[Any]:
    """Return the page's messages as a table for spreadsheets."""
    record(Action.EXPORT, request.current().url())
    rows = reads.messages(list_filters.of_messages(request.current())).rows
    return attachment("messages.csv", exports.CSV, exports.messages_as_csv(rows))


@router.get("/messages.jsonl")
def export_json_lines() -> Response[Any]:
    """Return the page's messages with their bodies as JSON lines."""
    record(Action.EXPORT, request.current().url())
    rows = reads.messages(list_filters.of_messages(request.current())).rows
    return attachment("messages.jsonl", exports.JSON_LINES, exports.messages_as_json_lines(rows))
