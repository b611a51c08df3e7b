"""Lint the credential files that `ofn try` and `ofn serve` use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from workbench.credentials.fields import (
    Body,
    Model,
    describe_problems,
    model_of,
    refused_keys,
    unknown_keys,
    unmaskable_secrets,
)
from workbench.credentials.files import file_of, read_credential
from workbench.credentials.unprotected import addresses_without_scheme, unprotected_connections
from workbench.errors import CommandError
from workbench.project.schema.project import ProjectSpec
from workbench.project.similar_names import suggestion
from workbench.project.yaml_source import Problem


def warnings(directory: Path, project: ProjectSpec) -> list[Problem]:
    """Return a warning for each credential file that is unused, unusable or unprotected."""
    texts = {name: source_of_jobs(directory, project, name) for name in project.credentials}
    problems = [
        Problem(file_of(Path(), name).as_posix(), 1, message)
        for name, credential in project.credentials.items()
        if file_of(directory, name).exists()
        for message in _messages(name, file_of(directory, name), credential.adaptor, texts[name])
    ]
    return [*problems, *_unused_files(directory, project)]


def _unused_keys(model: Model, body: Body) -> Iterator[tuple[str, str]]:
    # `problems` has the unknown keys of an adaptor with logins.
    return iter(()) if getattr(model, "login_keys", ()) else unknown_keys(model, body)


def problems(directory: Path, project: ProjectSpec) -> Iterator[Problem]:
    """Yield a problem for each key of a credential file without which requests would go out."""
    for name, credential in project.credentials.items():
        file = file_of(directory, name)
        with suppress(CommandError):  # a warning
            body = read_credential(file) if file.exists() else {}
            source = source_of_jobs(directory, project, name)
            for message in refused_keys(model_of(credential.adaptor), body, source):
                yield Problem(file_of(Path(), name).as_posix(), 1, message)


def source_of_jobs(directory: Path, project: ProjectSpec, credential: str) -> str:
    """Return the code of the jobs with a credential, and of the modules beside them."""
    folders = {
        (directory / job.expression).parent
        for job in project.jobs.values()
        if job.credential == credential
    }
    files = (file for folder in folders for file in sorted(folder.rglob("*.py")))
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


def _unused_files(directory: Path, project: ProjectSpec) -> Iterator[Problem]:
    secrets = {auth.secret for inbox in project.inboxes.values() for auth in inbox.auth}
    folder = directory / "credentials"
    known = {"": {*project.credentials}, "inboxes": secrets}
    for below, names in known.items():
        for file in sorted((folder / below).glob("*.json")):
            if file.stem not in names:
                similar = suggestion(file.stem, names)
                kind = "login of an inbox" if below else "credential"
                message = f"The project has no {kind} {file.stem}, so nothing reads this file."
                name = file.relative_to(directory).as_posix()
                yield Problem(name, 1, f"{message} {similar}".rstrip())


def _messages(name: str, file: Path, adaptor: str, jobs: str) -> Iterator[str]:
    fix = f"Write it with `ofn credential set {name} --local`."
    try:
        body = read_credential(file)
    except CommandError:
        yield f"This is not a JSON object. {fix}"
        return
    model = model_of(adaptor)
    if problems := describe_problems(model, body):
        yield f"The adaptor {adaptor} cannot use the credential {name}: {problems} {fix}"
    yield from (f"{message} {fix}" for message in unmaskable_secrets(model, body))
    for key, message in _unused_keys(model, body):
        if "Did you mean" in message:
            yield message
        elif f'"{key}"' not in jobs and f"'{key}'" not in jobs:
            yield f"Neither the adaptor {adaptor} nor a job reads the key `{key}`."
    yield from addresses_without_scheme(body)
    yield from unprotected_connections(body)
