"""Run a job of a project on this machine, with all that project.yaml says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from adaptors._runtime.dry_run import Responder
from openfn.jobs.state import State
from workbench.project.compiler import adaptor_of, secret_fields_of
from workbench.project.schema.project import ProjectSpec
from workbench.testing.local_run import LocalRun, run_locally


def run_project_job(
    project: Path,
    spec: ProjectSpec,
    job: str,
    initial: State,
    configuration: Mapping[str, Any],
    *,
    dry: bool,
    responder: Responder | None = None,
    tokens: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> LocalRun:
    """Execute a job on its initial state, as `run_locally` does; `configuration` is its secret."""
    job_spec = spec.jobs[job]
    return run_locally(
        project.resolve() / job_spec.expression,
        initial,
        configuration,
        dry=dry,
        secret_fields=secret_fields_of(spec, job_spec.credential),
        inboxes=spec.inboxes,
        responder=responder,
        missing_is_null=spec.missing is None,
        timezone=spec.timezone,
        adaptor=adaptor_of(spec, job_spec.credential),
        dialect=spec.dialect_of(job_spec),
        tokens=tokens,
    )
