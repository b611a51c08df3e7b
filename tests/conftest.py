"""What tests share: the embedded stack of a project, and a destination."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import destination, stack
from workbench.narrator import parsed

ROOT = Path(__file__).resolve().parents[1]


class Lines(list):
    """The lines the functions logged: `(function, line)`."""

    def events(self, message):
        """Give the structured lines with this message."""
        found = [parsed(line) or {} for _, line in self]
        return [event for event in found if event.get("message") == message]


@pytest.fixture
def logged():
    return Lines()


@pytest.fixture
def made(logged):
    """The example project's stack; nothing moves in its queues until `settle`."""
    with stack.created(ROOT / "project", lambda *each: logged.append(each)) as created:
        yield created


@pytest.fixture
def urls(made):
    """The inboxes' URLs."""
    with made.serving() as served:
        yield served


@pytest.fixture
def sink(made):
    """A destination that the example project's credential leads to."""
    with destination.running() as running:
        made.set_credential("registry", {"baseUrl": running.url})
        yield running
