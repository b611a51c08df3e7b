"""`ofn cost`: what a stack did since a time, priced."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, console
from workbench.cli.times import moment, written
from workbench.project.compiler import check
from workbench.stack import connection, usage
from workbench.stack.prices import prices
from workbench.stack.usage import Used

_NOT_COUNTED = "not counted: data sent out, kept data, a KMS key of your own, free tiers and taxes"


def cost(
    since: Annotated[
        str, typer.Option(help="From 12h or 30d ago, or from a date or time (UTC), on.")
    ] = "30d",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Show what a stack used since a time, and what that costs at AWS's list prices."""
    written_project, begin = check(project), moment("--since", since)
    with connection.connected(stack, project):
        used = usage.read(stack, begin)
    monthly = _monthly(len(written_project.credentials))
    if as_json:
        about = {"prices": f"{prices().date} {prices().region}", "monthly": monthly}
        output.as_json({**asdict(used), "dollars": used.dollars, **about})
        return
    console.print(
        f"{stack}, since {written(begin)} UTC: {used.messages} messages, {used.runs} runs"
    )
    _show(used)
    if used.estimated:
        console.print("estimated: CloudWatch has no figures of this stack")
    each = ", ".join(f"{name} ${amount:.2f}" for name, amount in monthly.items())
    console.print(f"every month besides: {each}", markup=False, soft_wrap=True)
    console.print(_NOT_COUNTED, markup=False, soft_wrap=True)
    console.print(f"list prices of {prices().date} in {prices().region}")


def _show(used: Used) -> None:
    dollars, known = used.dollars, prices().used
    rows = [(known[n].what, f"{used.amounts[n]:,.6g}", f"{dollars[n]:,.4f}") for n in dollars]
    total = sum(dollars.values())
    rows.append(("all", "", f"{total:,.4f}"))
    if used.messages:
        rows.append(("a million messages", "", f"{total / used.messages * 1_000_000:,.2f}"))
    table = Table("used", "amount", "US dollars", box=None, pad_edge=False)
    for row in rows:
        if console.is_terminal:
            table.add_row(*row)
        else:
            console.print(" ".join(filter(None, row)), markup=False, soft_wrap=True)
    if console.is_terminal:
        console.print(table)


def _monthly(credentials: int) -> dict[str, float]:
    # What template.yaml makes, and the secrets there are; three dashboards are free.
    each = {name: price.usd for name, price in prices().monthly.items()}
    alarms = 10 * each["alarm"] + 2 * each["composite_alarm"]
    metrics = usage.METRICS * each["metric"]
    return {"secrets": credentials * each["secret"], "alarms": alarms, "metrics at most": metrics}
