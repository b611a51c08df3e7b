"""`ofn doctor`: find what would keep a stack from working, before and after its deployment."""

from __future__ import annotations

from pathlib import Path

import typer

from workbench.cli import output
from workbench.cli.options import Json, Project, Stack, console
from workbench.doctor.checks import Check, CheckState
from workbench.doctor.examination import examine
from workbench.text import count_of

_COLORS = {
    CheckState.OK: "green",
    CheckState.PROBLEM: "red",
    CheckState.NOT_CHECKED: "yellow",
}


def doctor(
    stack: Stack = "openfn", project: Project = Path("project"), as_json: Json = False
) -> None:
    """Check this machine, the AWS account and a stack, and show how to fix each problem.

    The stack need not be deployed yet. Exits with status 1 if there is a problem.
    """
    checks = []
    for check in examine(stack, project):
        checks.append(check)
        if not as_json:
            _print_check(check)
    problems = sum(check.state is CheckState.PROBLEM for check in checks)
    skipped = sum(check.state is CheckState.NOT_CHECKED for check in checks)
    if as_json:
        output.as_json({"stack": stack, "checks": [_as_dict(check) for check in checks]})
    else:
        rest = f", {skipped} not checked" if skipped else ""
        console.print(f"{count_of(problems, 'problem')}{rest}.")
    if problems:
        raise typer.Exit(1)


def _print_check(check: Check) -> None:
    console.print(f"{check.state:<12}", style=_COLORS[check.state], end="")
    output.line(console, f"{check.name:<12} {check.text}")
    if check.fix:
        output.line(console, f"{'':<25}{check.fix}")


def _as_dict(check: Check) -> dict[str, str]:
    return {"check": check.name, "state": check.state, "text": check.text, "fix": check.fix}
