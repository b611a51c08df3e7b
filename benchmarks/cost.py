"""Compute what a million messages cost from what the embedded stack's functions do.

Calls, bytes written, bytes logged and invocations are counted. How long a function takes in Lambda
cannot be measured here and is assumed (`MILLISECONDS`). The prices come from prices.yaml of the
workbench. `docs/scale.md` shows this output.
"""

from __future__ import annotations

import json
import math
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from openfn.storage import boto3_services
from tests.support.moto_stack import create_stack
from workbench.local import resources
from workbench.local.destination import run_destination
from workbench.local.stack import Stack
from workbench.stack.prices import prices
from workbench.store.stack_template import ROOT

PROJECT = """
name: cost
inboxes: {{inbox: {{id_sha256: "{digest}"}}}}
triggers: {{form: {{inclusion: {{form: visit}}}}}}
credentials: {{registry: {{adaptor: http}}}}
jobs: {{deliver: {{trigger: form, credential: registry, expression: jobs/deliver.py}}}}
"""
JOB = 'from adaptors.http import post\n\npost("records", lambda state: state["data"])\n'
# Of a post, of a batch of the matcher, and of a run whose destination answers within 200 ms.
MILLISECONDS = {"inbox": 18, "matcher": 30, "runner": 235}
# Of each further run of a batch: they wait side by side, and share the processor.
FURTHER_RUN_MILLISECONDS = 20
FRAMING = 26  # bytes that CloudWatch bills for each line in addition to its length
SERVICES = ("dynamodb", "sqs", "s3")


@dataclass
class Usage:
    """What a number of messages used."""

    messages: int
    used: Counter[str] = field(default_factory=Counter)

    def per_message(self, name: str) -> float:
        """Return what one message uses of an item."""
        return self.used[name] / self.messages


@dataclass(frozen=True)
class Case:
    """Messages of one size, how many arrive together, and the form that triggers match."""

    name: str
    size: int
    at_once: int
    form: str = "visit"


CASES = (
    Case("1 KB, one job, one by one", 1_000, 1),
    Case("1 KB, one job, ten at once", 1_000, 10),
    Case("10 KB, one job, ten at once", 10_000, 10),
    Case("1 KB, no job, ten at once", 1_000, 10, "other"),
)


def body(case: Case, number: int) -> str:
    """Return a form of the case's size that compresses about as well as real forms."""
    answers = {
        f"group{n}/question{n}": f"answer {number * n % 9973}" for n in range(case.size // 40)
    }
    text = json.dumps({"form": case.form, "_uuid": f"{number:032x}", **answers})
    return text[:-1] + ', "note": "' + "x" * max(0, case.size - len(text) - 13) + '"}'


@cache
def counts(messages: int = 10) -> tuple[Usage, ...]:
    """Send messages of each case through an embedded stack and return what they use."""
    lines: list[tuple[str, str]] = []
    with ExitStack() as context:
        embedded = context.enter_context(_embedded_stack(lambda *line: lines.append(line)))
        server = context.enter_context(run_destination())
        embedded.set_credential("registry", {"baseUrl": server.url})
        _send(embedded, CASES[0], range(10**6, 10**6 + 1))  # warm up
        return tuple(_measure(embedded, lines, case, messages) for case in CASES)


def _measure(embedded: Stack, lines: list[tuple[str, str]], case: Case, messages: int) -> Usage:
    usage = Usage(messages)
    del lines[:]
    with _counting_calls(usage):
        for first in range(0, messages, case.at_once):
            _send(embedded, case, range(first, first + case.at_once))
    usage.used["api_requests"] = messages
    usage.used["log_bytes"] = sum(len(line.encode()) + FRAMING for _, line in lines)
    _add_compute(usage, embedded)
    return usage


@contextmanager
def _embedded_stack(on_log_line: Callable[[str, str], object]) -> Iterator[Stack]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs").mkdir()
        (Path(folder) / "jobs/deliver.py").write_text(JOB, "utf-8")
        (Path(folder) / "project.yaml").write_text(PROJECT.format(digest="0" * 64), "utf-8")
        with create_stack(Path(folder), on_log_line, workers=True) as embedded:
            yield embedded


def _send(embedded: Stack, case: Case, numbers: range) -> None:
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"] = {"id": embedded.inbox_ids["inbox"]}
    for number in numbers:
        embedded.invoke("inbox", {**event, "body": body(case, number), "isBase64Encoded": False})
    embedded.drain()


@contextmanager
def _counting_calls(usage: Usage) -> Iterator[None]:
    clients = [
        client(name) for name in SERVICES for client in (boto3_services.client, resources.client)
    ]
    events = {id(client): client.meta.events for client in clients}.values()
    lock = threading.Lock()  # runs side by side count at the same time

    def before(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["request"] = params

    def after(model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        with lock:
            _add_call(usage.used, model.name, context.get("request", {}), parsed)

    for hooks in events:
        hooks.register("before-parameter-build", before)
        hooks.register("after-call", after)
    try:
        yield
    finally:
        for hooks in events:
            hooks.unregister("before-parameter-build", before)
            hooks.unregister("after-call", after)


def _add_call(
    used: Counter[str], name: str, request: dict[str, Any], response: dict[str, Any]
) -> None:
    if "QueueUrl" in request:
        _add_queue_call(used, name, request["QueueUrl"], response)
    elif "Bucket" in request:
        used["object_puts" if name == "PutObject" else "object_gets"] += 1
    elif name == "PutItem":
        used["write_units"] += _units(request["Item"], 1024)
    elif name == "UpdateItem":
        # DynamoDB bills the whole item, not only what changes.
        used["write_units"] += _units(_item(request["TableName"], request["Key"]), 1024)
    elif name == "TransactWriteItems":
        for part in request["TransactItems"]:
            (_kind, write), *_ = part.items()
            item = write.get("Item") or _item(write["TableName"], write["Key"])
            used["write_units"] += 2 * _units(item, 1024)
    elif name == "BatchGetItem":
        for items in response["Responses"].values():
            used["read_units"] += sum(_units(item, 4096) for item in items)


def _add_queue_call(used: Counter[str], name: str, url: str, response: dict[str, Any]) -> None:
    if name == "ReceiveMessage" and not response.get("Messages"):
        return  # Lambda polls without messages too; those receives are a monthly cost
    used["queue_requests"] += 1
    if name == "ReceiveMessage":
        used["matcher" if "MatchQueue" in url else "runner"] += 1


def _item(table: str, key: dict[str, Any]) -> dict[str, Any]:
    # A separate client, whose calls are not counted.
    client = boto3.client("dynamodb", region_name=resources.REGION)
    return dict(client.get_item(TableName=table, Key=key)["Item"])


def _units(item: dict[str, Any], size: int) -> int:
    length = sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())
    return math.ceil(length / size)


def _add_compute(usage: Usage, embedded: Stack) -> None:
    used = usage.used
    used["inbox"] = usage.messages
    for name, function in embedded.resources.functions.items():
        used["invocations"] += used[name]
        used["mb_ms"] += used[name] * MILLISECONDS[name] * function.memory
        if name == "runner" and used[name]:
            further = usage.messages - used[name]
            used["mb_ms"] += further * FURTHER_RUN_MILLISECONDS * function.memory


def dollars(usage: Usage) -> dict[str, float]:
    """Return what a million messages cost, by item of the price table."""
    amounts = {name: usage.per_message(name) * 1_000_000 for name in prices().used}
    amounts["gb_seconds"] = usage.per_message("mb_ms") * 1_000_000 / 1024 / 1000
    amounts["log_gb"] = usage.per_message("log_bytes") * 1_000_000 / 1e9
    return {name: prices().cost_of(name, amount) for name, amount in amounts.items()}


def table() -> list[str]:
    """Return the costs of all cases as a Markdown table."""
    rows = [["US dollars a million", *[case.name for case in CASES]], ["---"] * (len(CASES) + 1)]
    costs = [dollars(usage) for usage in counts()]
    for name, price in prices().used.items():
        if any(cost[name] for cost in costs):
            rows.append([price.unit, *[f"{cost[name]:.2f}" for cost in costs]])
    rows.append(["**total**", *[f"**{sum(cost.values()):.2f}**" for cost in costs]])
    return [f"| {' | '.join(row)} |" for row in rows]


if __name__ == "__main__":
    print(f"Prices of {prices().date}, {prices().region}; assumed ms: {MILLISECONDS}\n")
    print("\n".join(table()))
