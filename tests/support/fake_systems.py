"""Fake systems that tests serve on loopback, and how operations are run against them."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from adaptors._runtime.dry_run import dry_run
from adaptors._runtime.emit import emit_to
from adaptors.common import each, emit, fn
from tests.support.wsgi_server import serve


def each_of(operations):
    """Parametrize `make` with the operations of a table, by name."""
    return pytest.mark.parametrize("make", operations.values(), ids=operations)


@contextmanager
def serving(system):
    """Serve the `app` of a fake system, which learns its `url` and its server as `served`."""
    with serve(system.app) as server:
        system.served, system.url = server, server.url
        yield system


def reset(system):
    """Empty a fake system for the next test."""
    system.begin()
    system.served.received.clear()
    system.served.failures.clear()
    return system


def respond(system, request):
    """Return the fake system's own response, to let a request pass before failures."""
    with system.app.request_context(request.environ):
        return system.app.full_dispatch_request()


def dry_run_of(operate, state):
    """Return the state after a dry run, and the requests it recorded."""
    with dry_run() as requests:
        after = operate(state)
    return after, [request.as_dict() for request in requests]


@contextmanager
def emitting():
    """Collect emitted messages as `(inbox, body)`."""
    messages = []
    with emit_to(lambda inbox, body: messages.append((inbox, json.loads(body)))):
        yield messages


def run_cron_job(operate, state, inbox):
    """Run a cron job that emits what `operate` fetches; return the stored state and the bodies."""
    steps = (operate, each("[*]", emit(inbox)), fn(lambda state: {**state, "data": None}))
    with emitting() as messages:
        for step in steps:
            state = step(state)
    assert {name for name, _ in messages} <= {inbox}
    return stored_state(state), [body for _, body in messages]


def stored_state(state):
    """Return a final state as the next run of a cron job starts with it."""
    stored = {key: value for key, value in state.items() if key != "configuration"}
    return {**json.loads(json.dumps(stored)), "references": []}


def without_configuration(state):
    """Return a state without its configuration, which holds the secrets."""
    return {key: value for key, value in state.items() if key != "configuration"}
