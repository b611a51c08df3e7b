"""The filter playground: a filter from the ticked values of a message, tried on what arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools.event_handler import Response

from console import fragments, reads, request, site, trees
from console.pages.message import ParsedBody, parse
from console.request import Request
from console.responses import page, record, token
from console.routing import create_router
from console.tools import Change, FilterChange, ProjectRefused, Tools
from openfn.errors import NotFound, UnreadableBody
from openfn.history.audit import Action
from openfn.history.details import MessageDetails
from openfn.project import compiled
from openfn.project import fragments as containment
from openfn.project.triggers import MessageTrigger

router = create_router()
_RECENT, _SHOWN = 200, 12


@dataclass(slots=True)
class Backtest:
    """What a filter does to the newest messages."""

    tried: int = 0
    matching: list[MessageDetails] = field(default_factory=list)
    rescued: int = 0
    """How many of the matching messages match no trigger now."""
    lost: list[MessageDetails] = field(default_factory=list)
    """Messages that the trigger matches now, and would not match with the filter."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A filter that is being edited."""

    text: str
    """The YAML text of `inclusion`."""
    inbox: str
    trigger: str
    """The trigger that is edited, if any."""
    ticked: frozenset[int]


@router.get("/filter")
def show_playground() -> Response[str]:
    """Show a message's values to tick, or the filter of a trigger."""
    query = request.current().query
    trigger = _trigger(query.get("trigger", ""))
    stored = _message(query.get("message", ""))
    inbox = (trigger.inbox or "") if trigger else stored.summary.inbox if stored else ""
    text = _text_of(trigger) if trigger else ""
    return _show(stored, Draft(text, inbox, trigger.name if trigger else "", frozenset()))


@router.post("/filter")
def try_filter() -> Response[str]:
    """Compose or read the filter, and show which messages it matches; save it if asked."""
    form = request.current()
    stored = _message(form.field("message"))
    draft = _draft(form, stored)
    if form.field("action") != "save":
        return _show(stored, draft)
    kind = Change.NEW if form.field("change") not in set(Change) else Change(form.field("change"))
    change = FilterChange(
        kind=kind,
        trigger=form.field("name" if kind is Change.NEW else "target").strip(),
        text=draft.text,
        job=form.field("job"),
        inbox=draft.inbox,
    )
    try:
        _tools().save_filter(change)
    except ProjectRefused as refused:
        return _show(stored, draft, problem=str(refused))
    record(Action.SAVE_FILTER, change.trigger)
    return _show(stored, draft, saved=change.trigger)


def _draft(form: Request, stored: MessageDetails | None) -> Draft:
    ticked = frozenset(int(number) for number in form.form.get("leaf", ()) if number.isdecimal())
    text = form.field("text").replace("\r\n", "\n")
    parsed = parse(stored)[0] if stored else None
    if parsed and (form.field("action") == "compose" or not site.current().tools):
        text = fragments.to_inclusion(fragments.compose(parsed.value, ticked))
    return Draft(text, form.field("inbox"), form.field("trigger"), ticked)


def _show(
    stored: MessageDetails | None, draft: Draft, problem: str = "", saved: str = ""
) -> Response[str]:
    parsed = parse(stored)[0] if stored else None
    backtest = None
    if draft.text:
        try:
            backtest = _backtest(_filter_of(draft, parsed), draft)
        except ProjectRefused as refused:
            problem = problem or str(refused)
    return page(
        "filter.html",
        stored=stored,
        parsed=parsed,
        tickable=_tickable(parsed) if parsed else frozenset(),
        draft=draft,
        backtest=backtest,
        shown=_SHOWN,
        problem=problem,
        saved=saved,
        has_tools=site.current().tools is not None,
        token=token(),
        **_names(saved or draft.trigger),
    )


def _names(trigger: str) -> dict[str, Any]:
    """Return the names to choose from, and the jobs of the trigger that is edited."""
    project = compiled.current()
    return {
        "triggers": [message_trigger.name for message_trigger in project.message_triggers],
        "jobs": sorted(project.jobs),
        "jobs_of_trigger": [job.name for job in project.jobs_by_trigger.get(trigger, ())],
        "inboxes": sorted({inbox.name for inbox in project.inboxes.values()}),
    }


def _filter_of(draft: Draft, parsed: ParsedBody | None) -> MessageTrigger:
    if tools := site.current().tools:
        return tools.parse_filter(draft.text, draft.inbox)
    fragment = fragments.compose(parsed.value, draft.ticked) if parsed else {}
    return MessageTrigger("filter", draft.inbox or None, (fragment,))


def _backtest(trigger: MessageTrigger, draft: Draft) -> Backtest:
    index, result = compiled.current().index, Backtest()
    edited = _trigger(draft.trigger)
    for stored in reads.recent(_RECENT):
        try:
            body = reads.body_of(stored)
        except (NotFound, UnreadableBody):
            continue
        result.tried += 1
        if _matches(trigger, stored.summary.inbox, body):
            result.matching.append(stored)
            result.rescued += not index.matching(stored.summary.inbox, body)
        elif edited and _matches(edited, stored.summary.inbox, body):
            result.lost.append(stored)
    return result


def _matches(trigger: MessageTrigger, inbox: str, body: object) -> bool:
    return (
        trigger.inbox in (None, inbox)
        and any(containment.contains(body, part) for part in trigger.inclusions)
        and not any(containment.contains(body, part) for part in trigger.exclusions)
    )


def _tickable(parsed: ParsedBody) -> frozenset[int]:
    shown = range(parsed.first, parsed.first + trees.MAX_LEAVES)
    return frozenset(
        number
        for number, (path, value) in enumerate(trees.leaves(parsed.value))
        if number in shown and fragments.can_be_ticked(path, value)
    )


def _message(message_id: str) -> MessageDetails | None:
    if not message_id:
        return None
    record(Action.VIEW, message_id)
    return reads.message(message_id)


def _trigger(name: str) -> MessageTrigger | None:
    triggers: Sequence[MessageTrigger] = compiled.current().message_triggers
    return next((trigger for trigger in triggers if trigger.name == name), None)


def _text_of(trigger: MessageTrigger) -> str:
    if len(trigger.inclusions) == 1:
        return fragments.to_inclusion(trigger.inclusions[0])
    return fragments.to_yaml(list(trigger.inclusions))


def _tools() -> Tools:
    tools = site.current().tools
    if tools is None:
        raise NotFound("project.yaml can be changed on the machine of the project only.")
    return tools
