"""Which limit comes first at a rate of messages of 1 KB with one job each.

What a message uses comes from `benchmarks.cost`. The limits are AWS's documented default quotas of
an account in one region, and the template's parameters. Where regions differ, the limit is that of
the smallest regions. `docs/scale.md` shows this output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cost import MILLISECONDS, counts
from openfn import ids
from workbench.local.template import translate

RATES = (10, 100, 1_000, 10_000)
SHARDS = len(ids.SHARDS)  # partition keys per day
BATCH = 10
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
API_REQUESTS = {"large regions": 10_000, "small regions": 2_500}
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
FIFO_CALLS = {
    "Virginia, Oregon, Ireland": 70_000,
    "Ohio, Frankfurt": 19_000,
    "Mumbai, Singapore, Sydney, Tokyo": 9_000,
    "London, São Paulo": 4_500,
    "all others": 2_400,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit, and the function that returns what a rate of messages per second uses of it."""

    name: str
    available: float
    needed: Callable[[float], float]
    raised: str


def limits() -> list[Limit]:
    """Return the limits with the measured use per message."""
    units = counts()[1].per_message("write_units")
    parameters = translate()["Parameters"]
    seconds = {name: milliseconds / 1000 for name, milliseconds in MILLISECONDS.items()}
    return [
        Limit(
            "runs at the same time (`RunConcurrency` \N{MULTIPLICATION SIGN} `RunsPerRunner`)",
            parameters["RunConcurrency"]["Default"] * parameters["RunsPerRunner"]["Default"],
            lambda rate: rate * seconds["runner"],
            "the parameters, as far as the destination can handle",
        ),
        Limit(
            "batches matched at the same time (`MatchConcurrency`)",
            parameters["MatchConcurrency"]["Default"],
            lambda rate: rate / BATCH * seconds["matcher"],
            "the parameter",
        ),
        Limit(
            "Lambda executions at the same time, in the account",
            1_000,
            lambda rate: (
                rate * (seconds["inbox"] + seconds["runner"]) + rate / BATCH * seconds["matcher"]
            ),
            "Service Quotas: Lambda, concurrent executions",
        ),
        Limit(
            "requests per second to all APIs of the account, small regions",
            min(API_REQUESTS.values()),
            lambda rate: rate,
            "Service Quotas: API Gateway, throttle rate",
        ),
        Limit(
            "write units per second, new on-demand table",
            4_000,
            lambda rate: rate * units,
            "nothing to do: it doubles within half an hour; warm throughput raises it earlier",
        ),
        Limit(
            "write units per second of a table",
            40_000,
            lambda rate: rate * units,
            "Service Quotas: DynamoDB, table-level write throughput",
        ),
        Limit(
            f"write units per second of the {SHARDS} partition keys of a day",
            SHARDS * 1_000,
            lambda rate: rate * units,
            "more shards: two digits of the id instead of one, in openfn/ids.py",
        ),
        Limit(
            "writes per second to one value of the index `attention`, if every run fails",
            1_000,
            lambda rate: rate,
            "nothing: above it the table slows down, and ids are delivered again",
        ),
        Limit(
            "calls per second to a queue, small regions",
            min(FIFO_CALLS.values()),
            lambda rate: rate,
            "another region; batches need fewer calls",
        ),
    ]


def table(limits: list[Limit]) -> list[str]:
    """Return a Markdown table of what each rate uses; a figure above the limit is bold."""
    rows = [["limit", "available", *[f"{rate:,}/s" for rate in RATES], "raised by"]]
    rows.append(["---"] * len(rows[0]))
    for limit in limits:
        needs = [limit.needed(rate) for rate in RATES]
        marked = [
            f"**{need:,.0f}**" if need > limit.available else f"{max(need, 1):,.0f}"
            for need in needs
        ]
        rows.append([limit.name, f"{limit.available:,}", *marked, limit.raised])
    return [f"| {' | '.join(row)} |" for row in rows]


def first(limits: list[Limit], rate: float) -> str:
    """Return the name of the limit that a rate exceeds the most, or `none`."""
    worst = max(limits, key=lambda limit: limit.needed(rate) / limit.available)
    return worst.name if worst.needed(rate) > worst.available else "none"


if __name__ == "__main__":
    all_limits = limits()
    print("\n".join(table(all_limits)))
    for message_rate in RATES:
        print(f"first at {message_rate:,}/s: {first(all_limits, message_rate)}")
