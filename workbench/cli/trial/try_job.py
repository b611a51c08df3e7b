"""`ofn try`: run one job on this machine, on a saved post, a stored message or a state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from openfn.jobs import initial_state
from openfn.jobs.state import State
from workbench.cli import output
from workbench.cli.options import ContentType, Event, Json, Project, Query, Stack, console, hints
from workbench.cli.trial import posts
from workbench.cli.trial.stub_responses import parse_responses
from workbench.cli.trial.view import print_local_run
from workbench.credentials import placeholders
from workbench.credentials.files import file_of, read_credential
from workbench.credentials.token_file import TokenFile
from workbench.errors import CommandError
from workbench.project import job_triggers
from workbench.project.compiler import check
from workbench.project.references import require_known
from workbench.project.schema.project import ProjectSpec
from workbench.testing.local_run import LocalRun, state_without_post
from workbench.testing.project_run import run_project_job
from workbench.testing.responses import StubResponses
from workbench.text import describe_json_error


def try_job(
    job: Annotated[str, typer.Argument(help="The name of a job in project.yaml.")],
    event: Event = None,
    message: Annotated[
        str, typer.Option(metavar="ID", help="Use a message of a stack instead of a file.")
    ] = "",
    state: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A JSON file with the initial state, for a job that no message starts.",
        ),
    ] = None,
    credential: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A JSON file with the credential."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the requests but do not send them.")
    ] = False,
    response: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD[ PATH]=FILE",
            help="With --dry-run, the response to a request: GET=visits.json. Several options "
            "are several responses.",
        ),
    ] = None,
    query: Query = "",
    content_type: ContentType = "",
    stack: Stack = "openfn",
    project: Project = Path("project"),
    as_json: Json = False,
) -> None:
    """Run a job on this machine, on a saved post, a message of a stack, or a state."""
    if sum(map(bool, (event, message, state))) > 1:
        raise CommandError("Name a file with a post, --message or --state, but only one of them.")
    if response and not dry_run:
        raise CommandError("--response needs --dry-run: nothing is sent then.")
    spec = check(project)
    require_known("job", job, spec.jobs)
    responses, mismatches = parse_responses(response or ()), dict[str, str]()
    if event or message:
        post = (
            posts.read_post(str(event), query, content_type, stack, project)
            if event
            else posts.read_message(message, stack, project)
        )
        initial = initial_state.of_message(post).build()
        mismatches = job_triggers.mismatches(spec, job, post.inbox or None, posts.body_of(post))
    else:
        initial = _initial_state(spec, job, state)
    file = _credential_file(project, spec.jobs[job].credential, credential)
    stubs = responses if dry_run else None
    local_run = _run(project, spec, job, initial, file, stubs)
    _report(job, local_run, responses, mismatches, as_json=as_json)
    if local_run.error:
        raise typer.Exit(1)


def _run(
    project: Path,
    spec: ProjectSpec,
    job: str,
    initial: State,
    file: Path | None,
    responses: StubResponses | None,
) -> LocalRun:
    dry = responses is not None
    return run_project_job(
        project,
        spec,
        job,
        initial,
        _configuration(spec, spec.jobs[job].credential, file, dry=dry),
        dry=dry,
        responder=responses.respond if responses else None,
        tokens=TokenFile(file).reply if file else None,
    ).masked()


def _report(
    job: str,
    local_run: LocalRun,
    responses: StubResponses,
    mismatches: Mapping[str, str],
    *,
    as_json: bool,
) -> None:
    mismatch = "; ".join(
        why if len(mismatches) == 1 else f"{trigger}: {why}" for trigger, why in mismatches.items()
    )
    if as_json:
        output.as_json({**local_run.as_dict(), "trigger_mismatch": mismatch or None})
    else:
        print_local_run(console, job, local_run)
    if mismatch:
        triggers = f"trigger{'s' * (len(mismatches) > 1)} {', '.join(mismatches)}"
        verb = "do not match" if len(mismatches) > 1 else "does not match"
        text = f"The {triggers} {verb} this post, so a stack would not run {job}: "
        output.line(hints, f"warning: {text}{mismatch}", style="yellow")
    if not local_run.error:
        for text in responses.unused():
            output.line(hints, f"warning: unused response: {text}", style="yellow")


def _initial_state(spec: ProjectSpec, job: str, file: Path | None) -> State:
    custom = _read_state(file) if file else None
    return state_without_post(job, spec.triggers_of(job), custom)


def _credential_file(project: Path, name: str | None, file: Path | None) -> Path | None:
    default = file_of(project, name)
    return file or (default if default.is_file() else None)


def _configuration(
    spec: ProjectSpec, name: str | None, file: Path | None, *, dry: bool
) -> dict[str, Any]:
    if file:
        return read_credential(file)
    return placeholders.credential(spec, name) if dry else {}


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not a state. {describe_json_error(error)}") from None
    if not isinstance(state, dict):
        raise CommandError(f"{path} is not a state. It must contain a JSON object.")
    return state
