"""What lists and counts of the history cost, by messages a day.

    python -m benchmarks.history

The sizes of a message of 1 KB and of its run are measured in the local store, and the items that a
list reads are counted. The rest is computed: DynamoDB bills half a read unit for each 4 KB of a
query, and what a page of 500 items takes in Lambda is assumed, as for `benchmarks.tick`.
`docs/scale.md` shows this output.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cost import CASES, PROJECT, body
from benchmarks.tick import JOB, MILLISECONDS
from openfn import ids
from openfn.storage import services
from workbench.local.stack import Stack, create_in_memory, create_stack
from workbench.stack.prices import prices
from workbench.store.stack_template import ROOT
from workbench.store.values import value_size

DAYS = (1_000, 10_000, 100_000, 1_000_000)
"""Messages a day, each with one run."""
SHARDS, PAGE = len(ids.SHARDS), 24
_HOURS, _PASSES, _MATCHER_GB = 24, 2, 1
_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class Sizes:
    """The mean sizes of a message and of its run, in bytes."""

    message: float
    run: float


def measure() -> Sizes:
    """Send messages through a local stack; return the sizes of their items."""
    with _stack() as stack:
        event = json.loads((ROOT / "events/lambda/http_api_post.json").read_text("utf-8"))
        event["pathParameters"] = {"id": stack.inbox_ids["inbox"]}
        for number in range(_MESSAGES):
            post = {**event, "body": body(CASES[0], number), "isBase64Encoded": False}
            stack.invoke("inbox", post)
        stack.drain()
        name = stack.resources.physical_ids["Table"]
        items = services.call("dynamodb", "scan", TableName=name)["Items"]
    in_days = [item for item in items if item["pk"]["S"].startswith("20")]
    runs = [_size(item) for item in in_days if "#" in item["sk"]["S"]]
    messages = [_size(item) for item in in_days if "#" not in item["sk"]["S"]]
    return Sizes(sum(messages) / len(messages), sum(runs) / len(runs))


def table(sizes: Sizes) -> list[str]:
    """Return a Markdown table of what a day's counts and the reads of the history cost."""
    rows = [["US dollars", *[f"{count:,} messages a day" for count in DAYS]]]
    rows.append(["---"] * len(rows[0]))
    lines = {
        "newest 50 messages": [_newest(sizes) for _ in DAYS],
        "all of a day: a rare filter, a search": [_range(sizes, count) for count in DAYS],
        "counts by hour, a month": [30 * _counts_of_day(sizes, count) for count in DAYS],
    }
    for name, costs in lines.items():
        rows.append([name, *[f"{float(f'{cost:.2g}'):.7f}".rstrip("0") for cost in costs]])
    return [f"| {' | '.join(row)} |" for row in rows]


def _newest(sizes: Sizes) -> float:
    size = PAGE / 2 * (sizes.message + sizes.run)
    return SHARDS * _cost_of_query(size)


def _range(sizes: Sizes, messages: float) -> float:
    """Return the cost of reading some messages of a day and their runs."""
    return SHARDS * _cost_of_query(messages / SHARDS * (sizes.message + sizes.run))


def _counts_of_day(sizes: Sizes, messages: int) -> float:
    reads = _HOURS * _PASSES * _range(sizes, messages / _HOURS)
    # The counts of an hour, and the position at the end of a pass.
    writes = prices().cost_of("write_units", _HOURS * _PASSES * 2)
    queries = _HOURS * _PASSES * SHARDS
    pages = queries + 2 * messages * _PASSES / 500
    seconds = pages * MILLISECONDS["Query"] / 1000
    return reads + writes + prices().cost_of("gb_seconds", seconds * _MATCHER_GB)


def _cost_of_query(size: float) -> float:
    return prices().cost_of("read_units", max(1, math.ceil(size / 4096)) / 2)


@contextmanager
def _stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs").mkdir()
        (Path(folder) / "jobs/deliver.py").write_text(JOB, "utf-8")
        (Path(folder) / "project.yaml").write_text(PROJECT.format(digest="0" * 64), "utf-8")
        with create_stack(
            Path(folder), lambda *_: None, create_resources=create_in_memory
        ) as stack:
            stack.set_credential("registry", {"baseUrl": "http://127.0.0.1:9"})
            yield stack


def _size(item: dict[str, Any]) -> int:
    return sum(len(name) + value_size(value) for name, value in item.items())


if __name__ == "__main__":
    measured = measure()
    print(f"A message has {measured.message:.0f} bytes, its run {measured.run:.0f}.\n")
    print("\n".join(table(measured)))
