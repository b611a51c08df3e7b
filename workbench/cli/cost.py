"""`ofn cost`: what a stack has used since a time, and what it costs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, console, hints
from workbench.project.compiler import check_if_valid
from workbench.stack import connection, usage
from workbench.stack.prices import prices
from workbench.stack.usage import Usage
from workbench.text import count_of
from workbench.times import format_time, parse_time

_NOT_INCLUDED = "Not included: data sent out, stored data, your own KMS key, free tiers and taxes."


def cost(
    since: Annotated[
        str, typer.Option(help="Start of the period: 12h or 30d ago, or a date or time (UTC).")
    ] = "30d",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show what a stack has used since a time, and what it costs at AWS's list prices."""
    checked, begin = check_if_valid(project), parse_time("--since", since)
    with connection.connected(stack, project):
        used = usage.read(stack, begin)
    monthly = _monthly(len(checked.credentials) if checked else None)
    table = prices()
    if as_json:
        source = {"prices": f"{table.date} {table.region}", "monthly": monthly}
        output.as_json({**asdict(used), "dollars": used.dollars, **source})
        return
    counts = f"{count_of(used.messages, 'message')}, {count_of(used.runs, 'run')}"
    output.line(console, f"{stack}, since {format_time(begin)} UTC: {counts}")
    _print_usage(used)
    if used.estimated:
        console.print("Estimated: CloudWatch has no data for this stack.")
    amounts = ", ".join(f"{name} ${amount:.2f}" for name, amount in monthly.items())
    output.line(console, f"Each month in addition: {amounts}")
    output.line(console, _NOT_INCLUDED)
    if checked is None:
        hints.print("The secrets are not included: there is no valid project here.")
    console.print(f"List prices of {table.date} in {table.region}.")


def _print_usage(used: Usage) -> None:
    dollars, known = used.dollars, prices().used
    rows = [
        (known[name].unit, f"{used.amounts[name]:,.6g}", f"{amount:,.4f}")
        for name, amount in dollars.items()
    ]
    total = sum(dollars.values())
    rows.append(("total", "", f"{total:,.4f}"))
    if used.messages:
        rows.append(("a million messages", "", f"{total / used.messages * 1_000_000:,.2f}"))
    output.table(console, ("used", "amount", "US dollars"), rows)


def _monthly(credentials: int | None) -> dict[str, float]:
    # The alarms and metrics of template.yaml, and the secrets; three dashboards are free.
    usd = {name: price.usd for name, price in prices().monthly.items()}
    alarms = 11 * usd["alarm"] + 2 * usd["composite_alarm"]
    metrics = usage.METRICS * usd["metric"]
    monthly = {"alarms": alarms, "metrics at most": metrics}
    if credentials is None:  # there is no valid project here
        return monthly
    return {"secrets": credentials * usd["secret"], **monthly}
