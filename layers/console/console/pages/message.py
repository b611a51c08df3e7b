"""One message: its body as a tree, its request, its runs, and why other triggers do not match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from console import reads, request, trees
from console.responses import attachment, page, record
from console.routing import create_router
from console.trees import Node
from openfn.errors import NotFound, UnreadableBody
from openfn.history import differences
from openfn.history.audit import Action
from openfn.history.details import MessageDetails
from openfn.history.differences import Explanation
from openfn.project import compiled
from openfn.project.triggers import QUERY_PARAMS

router = create_router()
_MAX_RAW = 20_000
_NEAREST = 20


@dataclass(frozen=True, slots=True)
class ParsedBody:
    """A body as triggers see it, with the part of its tree that the page shows."""

    value: Any
    tree: Node
    first: int
    leaves: int
    """How many leaves the body has."""


@router.get("/messages/<message_id>")
def show_message(message_id: str) -> Response[str]:
    """Show a message with its body, its runs, and why other triggers do not match."""
    stored = reads.message(message_id)
    record(Action.VIEW, message_id)
    parsed, problem = parse(stored)
    raw = stored.message.body.decode("utf-8", "backslashreplace")
    return page(
        "message.html",
        stored=stored,
        summary=stored.summary,
        parsed=parsed,
        problem=problem,
        raw=trees.shorten(raw, _MAX_RAW),
        explanations=explain(stored, parsed.value)[:_NEAREST] if parsed else [],
        jobs=jobs_by_trigger(),
    )


@router.get("/messages/<message_id>/body")
def download_body(message_id: str) -> Response[Any]:
    """Return the exact bytes that were posted."""
    stored = reads.message(message_id)
    record(Action.DOWNLOAD, message_id)
    if stored.missing:
        raise NotFound(stored.missing)
    return attachment(f"{message_id}.txt", "application/octet-stream", stored.message.body)


def parse(stored: MessageDetails) -> tuple[ParsedBody | None, str]:
    """Return the body of a message, or why it cannot be shown as a tree."""
    if stored.missing:
        return None, stored.missing
    try:
        value = visible_body(reads.body_of(stored))
    except UnreadableBody as error:
        return None, str(error)
    first = request.current().query.get("leaf", "")
    start = int(first) if first.isdecimal() and first.isascii() else 0
    tree, leaves = trees.build(value, start)
    return ParsedBody(value, tree, start, leaves), ""


def visible_body(body: Any) -> Any:
    """Return a body as triggers see it, without an empty query."""
    if isinstance(body, dict) and body.get(QUERY_PARAMS) == {}:
        return {key: value for key, value in body.items() if key != QUERY_PARAMS}
    return body


def explain(stored: MessageDetails, body: Any) -> list[Explanation]:
    """Explain each trigger for a message, the nearest first."""
    triggers = compiled.current().message_triggers
    return differences.explain_all(triggers, stored.summary.inbox, body)


def jobs_by_trigger() -> dict[str, list[str]]:
    """Return the names of each trigger's jobs."""
    by_trigger = compiled.current().jobs_by_trigger.items()
    return {name: [job.name for job in jobs] for name, jobs in by_trigger}
