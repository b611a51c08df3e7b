"""Lists that come page by page: each page is processed before the next one is fetched."""

from __future__ import annotations

from typing import Any, Unpack

from adaptors._http.pagination import MAX_PAGES
from adaptors._runtime.item_progress import (
    add_frame,
    emitted_messages,
    resumed_state,
    snapshot,
    take_frames,
)
from adaptors.common.flow import apply_all
from adaptors.http.options import GetOptions, with_options
from adaptors.http.page_requests import Pages
from adaptors.http.paginators import Next, by_link
from adaptors.http.send import resolve_options
from adaptors.operations import Operation, State, Value, resolve

_BY_LINK = by_link()


@with_options(GetOptions)
def each_page(
    path: str | Value,
    *operations: Operation,
    next: Next = _BY_LINK,  # noqa: A002 - it reads best in a job
    max_pages: int = MAX_PAGES,
    **options: Unpack[GetOptions],
) -> Operation:
    """Apply operations to each page of a list; the page is `data`, its number (from 0) `index`.

    `next` finds the next page: `by_link()`, `by_url(path)`, `by_cursor(path)`, `by_offset(path)`,
    `by_page(path)`, or a function of the page that returns a URL, a dict of changed query
    parameters, or `None`. A URL of another origin receives no credential. A page that comes twice
    and more than `max_pages` pages are errors. A page with one of `accept_statuses` is the end.
    Afterwards `data` is the original again; whatever else the operations add to the state stays.
    A retry resumes at the page that failed, and at the item that failed in it.

    >>> from adaptors.common import each, emit
    >>> from adaptors.http.paginators import by_url
    >>> operate = each_page("patients", each("results", emit("patients")), next=by_url("next"))
    """

    def operate(state: State) -> State:
        state, frames = take_frames(state)
        own, deeper = (frames[0], frames[1:]) if frames else (None, ())
        pages = Pages(state, resolve_options(state, options), next, max_pages)
        after = before = resumed_state(state, own) if own else state
        try:
            for page, response in pages.fetch(resolve(state, path), own):
                before = {**after, "data": page.data, "index": page.number, "response": response}
                after, deeper = apply_all(before, operations, deeper), ()
                before = after
        except BaseException as error:
            frame = {**pages.position(), "state": snapshot(before)}
            add_frame(error, operate, frame, operations, emitted_messages())
            raise
        return _with_data_of(state, after)

    return operate


def _with_data_of(state: State, after: State) -> State:
    before: dict[str, Any] = {key: state[key] for key in ("data", "index") if key in state}
    rest = {key: value for key, value in after.items() if key not in {"data", "index"}}
    return {**rest, "data": None, **before}
