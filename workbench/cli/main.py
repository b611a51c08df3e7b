"""`ofn`: the command line of a project."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import typer

from openfn.errors import OpenFnError
from workbench.cli import (
    check,
    cost,
    credential,
    dead_letters,
    doctor,
    erase,
    history,
    inbox,
    job,
    match,
    new_adaptor,
    replay,
    show,
    status,
    test,
)
from workbench.cli.local import console, demo, received, serve
from workbench.cli.new_project import init
from workbench.cli.options import TerminalConsole
from workbench.cli.recovery import restore
from workbench.cli.trial import compare, try_job
from workbench.errors import WorkbenchError
from workbench.project.yaml_source import ProjectProblems
from workbench.stack import region

DEVELOP, OPERATE, SECRETS = "Develop", "Operate", "Secrets"

app = typer.Typer(
    help="OpenFn as serverless functions: check, try, serve and operate a project.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("init", rich_help_panel=DEVELOP)(init.init)
app.command("check", rich_help_panel=DEVELOP)(check.check)
app.command("match", rich_help_panel=DEVELOP)(match.match)
app.command("try", rich_help_panel=DEVELOP)(try_job.try_job)
app.command("compare", rich_help_panel=DEVELOP)(compare.compare)
app.command("test", rich_help_panel=DEVELOP, context_settings=test.PYTEST_OPTIONS)(test.run_tests)
app.command("serve", rich_help_panel=DEVELOP)(serve.serve)
app.command("received", rich_help_panel=DEVELOP)(received.received)
app.command("demo", rich_help_panel=DEVELOP)(demo.demo)
app.command("new-adaptor", rich_help_panel=DEVELOP)(new_adaptor.new_adaptor)
app.command("doctor", rich_help_panel=OPERATE)(doctor.doctor)
app.command("status", rich_help_panel=OPERATE)(status.status)
app.command("console", rich_help_panel=OPERATE)(console.open_console)
app.command("messages", rich_help_panel=OPERATE)(history.messages)
app.command("runs", rich_help_panel=OPERATE)(history.runs)
app.command("show", rich_help_panel=OPERATE)(show.show_one)
app.command("logs", rich_help_panel=OPERATE)(show.logs)
app.command("replay", rich_help_panel=OPERATE)(replay.replay)
app.command("erase", rich_help_panel=OPERATE)(erase.erase)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=OPERATE)
app.command("restore", rich_help_panel=OPERATE)(restore.restore)
app.command("run", rich_help_panel=OPERATE)(job.run)
app.command("cost", rich_help_panel=OPERATE)(cost.cost)
app.add_typer(inbox.app, name="inbox", rich_help_panel=SECRETS)
app.add_typer(credential.app, name="credential", rich_help_panel=SECRETS)
_errors = TerminalConsole(emoji=False, highlight=False, stderr=True)


def main() -> None:
    """Run a command; print its error as a message and exit with status 1."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # as on standard error, so that printing never fails
    try:
        with region.preferring_aws_region():
            app()
    except (ProjectProblems, OpenFnError, WorkbenchError) as error:
        _errors.print(str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(1)
