"""`ofn received`: what the built-in destinations of `ofn serve` received, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Annotated, Any

import typer

from openfn.jobs.secret_masking import Masker
from workbench.cli import output
from workbench.cli.options import Json, Yes, confirm, console, hints
from workbench.credentials import secrets_manager
from workbench.errors import CommandError
from workbench.stack import local
from workbench.store.received import ReceivedRequest, ReceivedRequests
from workbench.store.stack_template import STACK
from workbench.text import count_of
from workbench.times import format_time, parse_time

_BODY_CHARACTERS = 60


def received(
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", help="Show this request with its body.")
    ] = None,
    destination: Annotated[
        str | None, typer.Option(help="Only requests with this credential.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="Only requests of this job.")] = None,
    since: Annotated[
        str, typer.Option(help="Start of the period: 90m, 2h or 3d ago, or a date or time (UTC).")
    ] = "7d",
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 20,
    before: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Continue after this number, the last one shown."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete all that was received, and show nothing.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Show what the built-in destinations of `ofn serve` received instead of the real systems."""
    with _requests() as requests:
        if delete:
            _delete(requests, yes=yes)
        elif number is not None:
            _show(requests.get(number), number, as_json=as_json)
        else:
            begin = parse_time("--since", since).timestamp()
            matching = (
                request
                for request in _newer(requests.newest_first(before), begin)
                if destination in (None, request.destination) and job in (None, request.job)
            )
            _list(list(islice(matching, limit + 1)), limit, as_json=as_json)


@contextmanager
def _requests() -> Iterator[ReceivedRequests]:
    """Open the store of this process, or of the folder of `ofn serve`."""
    if services := local.active():
        yield services.received
        return
    folder = local.find_folder(STACK)
    if folder is None:
        raise CommandError(
            "This folder and its parents have no data of `ofn serve`. Only its built-in "
            "destinations store what they receive."
        )
    with local.opened(folder) as services:
        yield services.received


def _newer(requests: Iterator[ReceivedRequest], begin: float) -> Iterator[ReceivedRequest]:
    for request in requests:
        if request.received_at < begin:
            return
        yield request


def _delete(requests: ReceivedRequests, *, yes: bool) -> None:
    confirm("Delete everything that the built-in destinations received?", yes=yes)
    console.print(f"Deleted {count_of(requests.delete_all(), 'request')}.")


def _show(request: ReceivedRequest | None, number: int, *, as_json: bool) -> None:
    if request is None:
        raise CommandError(f"No request {number}. `ofn received` lists those that are stored.")
    values = _summary(request) | _content(request)
    if as_json:
        output.as_json(values)
        return
    body = values.pop("body")
    for name, value in values.items():
        if isinstance(value, dict):
            for header, text in value.items():
                output.line(console, f"  {header}: {text}")
        elif value not in ("", None):
            output.line(console, f"{name:<12} {value}")
    text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
    output.line(console, text)


def _list(requests: list[ReceivedRequest], limit: int, *, as_json: bool) -> None:
    page = requests[:limit]
    if as_json:
        output.as_json([_summary(request) for request in page])
        return
    if not page:
        hints.print("The built-in destinations received no such request.")
        return
    headers = ("number", "received (UTC)", "destination", "job", "request")
    output.table(console, headers, [_row(request) for request in page])
    if len(requests) > limit:
        output.line(hints, f"There are more. Continue with `--before {page[-1].number}`.")


def _row(request: ReceivedRequest) -> tuple[str, ...]:
    values = _summary(request)
    body = " ".join(_masked_text(request).split())
    if len(body) > _BODY_CHARACTERS:
        body = f"{body[:_BODY_CHARACTERS]}…"
    time = format_time(datetime.fromtimestamp(request.received_at, UTC))
    text = f"{values['method']} {values['path']} {body}".strip()
    return str(request.number), time, request.destination, request.job, text


def _summary(request: ReceivedRequest) -> dict[str, Any]:
    masker = _masker(request.destination)
    query = f"?{request.query}" if request.query else ""
    return {
        "number": request.number,
        "received": datetime.fromtimestamp(request.received_at, UTC).isoformat(),
        "destination": request.destination,
        "job": request.job or None,
        "run": request.run or None,
        "method": request.method,
        "path": masker.mask(f"{request.path}{query}"),
        "bytes": len(request.body),
    }


def _content(request: ReceivedRequest) -> dict[str, Any]:
    headers = _masker(request.destination).mask_value(dict(request.headers))
    text = _masked_text(request)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = text
    return {"headers": headers, "body": body}


def _masked_text(request: ReceivedRequest) -> str:
    text = request.body.decode("utf-8", "backslashreplace")
    return _masker(request.destination).mask(text, may_be_cut=False)


@cache
def _masker(destination: str) -> Masker:
    return Masker(secrets_manager.read(destination) or {})
