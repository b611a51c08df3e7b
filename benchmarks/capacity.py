"""Which limit is reached first at so many messages a second, each of 1 KB with one job.

What a message needs is what `benchmarks.cost` counts and assumes; what there is are AWS's default
quotas (an account's in one region, as its documentation has them) and the template's own
parameters. `docs/scale.md` quotes what this prints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cost import MILLISECONDS, counts
from openfn import ids
from workbench.local.template import translate

RATES = (10, 100, 1_000, 10_000)
SHARDS = len(ids.SHARDS)  # a day's items are on so many partition keys
BATCH = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """Something of which there is so much, and what so many messages a second need of it."""

    name: str
    there: float
    needed: Callable[[float], float]
    raised: str


def limits() -> list[Limit]:
    """Give the limits, with what a message was counted to need."""
    units = counts()[1].per_message("write_units")
    concurrency = translate()["Parameters"]["RunConcurrency"]["Default"]
    seconds = {name: each / 1000 for name, each in MILLISECONDS.items()}
    return [
        Limit(
            "runs at the same time (`RunConcurrency`)",
            concurrency,
            lambda rate: rate * seconds["runner"],
            "the parameter, as far as the destination can handle",
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
            "requests per second to the API",
            10_000,
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
            "calls per second to a queue, in the regions with the lowest quota",
            9_000,
            lambda rate: rate,
            "Service Quotas: SQS, high throughput for FIFO queues (70,000 in Ireland)",
        ),
    ]


def table(found: list[Limit]) -> list[str]:
    """Give what each rate takes of each limit, as Markdown; `**` marks what exceeds it."""
    rows = [["limit", "available", *[f"{rate:,}/s" for rate in RATES], "raised by"]]
    rows.append(["---"] * len(rows[0]))
    for limit in found:
        needs = [limit.needed(rate) for rate in RATES]
        marked = [
            f"**{need:,.0f}**" if need > limit.there else f"{max(need, 1):,.0f}" for need in needs
        ]
        rows.append([limit.name, f"{limit.there:,}", *marked, limit.raised])
    return [f"| {' | '.join(row)} |" for row in rows]


def first(found: list[Limit], rate: float) -> str:
    """Name the limit that is exceeded the most at a rate, or `none`."""
    worst = max(found, key=lambda limit: limit.needed(rate) / limit.there)
    return worst.name if worst.needed(rate) > worst.there else "none"


if __name__ == "__main__":
    all_limits = limits()
    print("\n".join(table(all_limits)))
    for each in RATES:
        print(f"first at {each:,}/s: {first(all_limits, each)}")
