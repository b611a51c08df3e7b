"""A stack on a copy of the example project, with its console, as `ofn serve` runs them."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from workbench.console import server
from workbench.console.server import Server
from workbench.local.destination import Destination, run_destination
from workbench.local.reload import watching
from workbench.local.stack import Stack, create_stack

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ServedConsole:
    """A running console, with what is behind it."""

    server: Server
    stack: Stack
    destination: Destination
    urls: dict[str, str]
    project: Path

    def post(self, body, inbox="field-data"):
        """Post JSON to an inbox; return the message's id."""
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        response = requests.post(self.urls[inbox], data=text.encode(), headers=headers, timeout=30)
        return response.headers["X-Message-Id"]


def sample(name="kobo_household", **changes):
    """Return a sample post with changed values."""
    return json.loads((ROOT / f"events/{name}.json").read_text("utf-8")) | changes


@contextmanager
def serve(folder, example=ROOT / "project"):
    """Serve the console of a copy of a project in a folder, while its queues are processed."""
    ignored = shutil.ignore_patterns("credentials", "__pycache__")
    project = shutil.copytree(example, folder / "project", ignore=ignored)
    with ExitStack() as context:
        destination = context.enter_context(run_destination())
        stack = context.enter_context(create_stack(project))
        stack.set_credential("registry", {"baseUrl": destination.url})
        urls = context.enter_context(stack.serving())
        context.enter_context(stack.running())
        context.enter_context(watching([project], stack.versions.reload))
        running = context.enter_context(
            server.serve("openfn", "local", "secret", project, lambda: urls)
        )
        yield ServedConsole(running, stack, destination, urls, project)
