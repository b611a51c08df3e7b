"""What a million messages cost, item by item, from what the embedded stack's functions really do.

Calls, bytes written, bytes logged and invocations are counted; how long a function takes in Lambda
cannot be measured here and is assumed (`MILLISECONDS`). The prices are those of
workbench/stack/prices.yaml. `docs/scale.md` quotes what this prints.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from openfn.storage import aws
from workbench.local import destination, resources, stack
from workbench.local.stack import Stack
from workbench.local.template import ROOT
from workbench.stack.prices import prices

PROJECT = """
name: cost
inboxes: {{inbox: {{id_sha256: "{digest}"}}}}
triggers: {{form: {{inclusion: {{form: visit}}}}}}
credentials: {{registry: {{adaptor: http}}}}
jobs: {{deliver: {{trigger: form, credential: registry, expression: jobs/deliver.py}}}}
"""
JOB = 'from adaptors.http import post\n\npost("records", lambda state: state["data"])\n'
# A destination that answers within 200 ms; a batch of the matcher; a post.
MILLISECONDS = {"inbox": 18, "matcher": 30, "runner": 235}
FRAMING = 26  # bytes CloudWatch bills for each line beside its own
SERVICES = ("dynamodb", "sqs", "s3")


@dataclass
class Counted:
    """What so many messages used."""

    messages: int
    used: Counter[str] = field(default_factory=Counter)

    def per_message(self, name: str) -> float:
        """Give how much of something one message uses."""
        return self.used[name] / self.messages


@dataclass(frozen=True)
class Case:
    """Messages of a size: how many are there at once, and whether a job is for them."""

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
    """Make a form's body of a case's size, about as compressible as real ones."""
    answers = {
        f"group{n}/question{n}": f"answer {number * n % 9973}" for n in range(case.size // 40)
    }
    text = json.dumps({"form": case.form, "_uuid": f"{number:032x}", **answers})
    return text[:-1] + ', "note": "' + "x" * max(0, case.size - len(text) - 13) + '"}'


@cache
def counts(messages: int = 10) -> tuple[Counted, ...]:
    """Send messages of each case through an embedded stack and count what they use."""
    lines: list[tuple[str, str]] = []
    with ExitStack() as context:
        made = context.enter_context(_made(lambda *each: lines.append(each)))
        sink = context.enter_context(destination.running())
        made.set_credential("registry", {"baseUrl": sink.url})
        _send(made, CASES[0], range(10**6, 10**6 + 1))  # the first one warms it up
        return tuple(_count(made, lines, case, messages) for case in CASES)


def _count(made: Stack, lines: list[tuple[str, str]], case: Case, messages: int) -> Counted:
    counted = Counted(messages)
    del lines[:]
    with _counting(counted):
        for first in range(0, messages, case.at_once):
            _send(made, case, range(first, first + case.at_once))
    counted.used["api_requests"] = messages
    counted.used["log_bytes"] = sum(len(line.encode()) + FRAMING for _, line in lines)
    _add_compute(counted, made)
    return counted


@contextmanager
def _made(tell: Callable[[str, str], object]) -> Iterator[Stack]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs").mkdir()
        (Path(folder) / "jobs/deliver.py").write_text(JOB, "utf-8")
        (Path(folder) / "project.yaml").write_text(PROJECT.format(digest="0" * 64), "utf-8")
        with stack.created(Path(folder), tell) as made:
            yield made


def _send(made: Stack, case: Case, numbers: range) -> None:
    event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
    event["pathParameters"] = {"id": made.inbox_ids["inbox"]}
    for number in numbers:
        made.invoke("inbox", {**event, "body": body(case, number), "isBase64Encoded": False})
    made.settle()


@contextmanager
def _counting(counted: Counted) -> Iterator[None]:
    clients = [find(name) for name in SERVICES for find in (aws.client, resources.client)]
    events = {id(client): client.meta.events for client in clients}.values()

    def before(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    def after(model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        _add(counted.used, model.name, context.get("asked", {}), parsed)

    for each in events:
        each.register("before-parameter-build", before)
        each.register("after-call", after)
    try:
        yield
    finally:
        for each in events:
            each.unregister("before-parameter-build", before)
            each.unregister("after-call", after)


def _add(used: Counter[str], name: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
    if "QueueUrl" in asked:
        _add_queue(used, name, asked["QueueUrl"], answer)
    elif "Bucket" in asked:
        used["object_puts" if name == "PutObject" else "object_gets"] += 1
    elif name == "PutItem":
        used["write_units"] += _units(asked["Item"], 1024)
    elif name == "UpdateItem":
        # The whole item is billed, not what changes.
        used["write_units"] += _units(_item(asked["TableName"], asked["Key"]), 1024)
    elif name == "TransactWriteItems":
        for part in asked["TransactItems"]:
            (_kind, each), *_ = part.items()
            item = each.get("Item") or _item(each["TableName"], each["Key"])
            used["write_units"] += 2 * _units(item, 1024)
    elif name == "BatchGetItem":
        for items in answer["Responses"].values():
            used["read_units"] += sum(_units(item, 4096) for item in items)


def _add_queue(used: Counter[str], name: str, url: str, answer: dict[str, Any]) -> None:
    if name == "ReceiveMessage" and not answer.get("Messages"):
        return  # Lambda polls whether anybody posts or not: that is paid by the month
    used["queue_requests"] += 1
    if name == "ReceiveMessage":
        used["matcher" if "MatchQueue" in url else "runner"] += 1


def _item(table: str, key: dict[str, Any]) -> dict[str, Any]:
    # A client of its own, which nobody counts.
    client = boto3.client("dynamodb", region_name=resources.REGION)
    return dict(client.get_item(TableName=table, Key=key)["Item"])


def _units(item: dict[str, Any], size: int) -> int:
    length = sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())
    return math.ceil(length / size)


def _add_compute(counted: Counted, made: Stack) -> None:
    used = counted.used
    used["inbox"] = counted.messages
    for name, function in made.resources.functions.items():
        used["invocations"] += used[name]
        used["mb_ms"] += used[name] * MILLISECONDS[name] * function.memory


def dollars(counted: Counted) -> dict[str, float]:
    """Give what a million such messages cost, by item of the price table."""
    amounts = {name: counted.per_message(name) * 1_000_000 for name in prices().used}
    amounts["gb_seconds"] = counted.per_message("mb_ms") * 1_000_000 / 1024 / 1000
    amounts["log_gb"] = counted.per_message("log_bytes") * 1_000_000 / 1e9
    return {name: prices().of(name, amount) for name, amount in amounts.items()}


def table() -> list[str]:
    """Give the table of all cases, as Markdown."""
    rows = [["US dollars a million", *[case.name for case in CASES]], ["---"] * (len(CASES) + 1)]
    costs = [dollars(counted) for counted in counts()]
    for name, price in prices().used.items():
        if any(cost[name] for cost in costs):
            rows.append([price.what, *[f"{cost[name]:.2f}" for cost in costs]])
    rows.append(["**total**", *[f"**{sum(cost.values()):.2f}**" for cost in costs]])
    return [f"| {' | '.join(row)} |" for row in rows]


if __name__ == "__main__":
    print(f"Prices of {prices().date}, {prices().region}; assumed ms: {MILLISECONDS}\n")
    print("\n".join(table()))
