"""Lint the credential files that `ofn try` and `ofn serve` use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.credentials.fields import (
    describe_problems,
    model_of,
    unknown_keys,
    unmaskable_secrets,
)
from workbench.credentials.files import file_of, read_credential
from workbench.credentials.unprotected import unprotected_connections
from workbench.errors import CommandError
from workbench.project.schema.project import CredentialSpec
from workbench.project.yaml_source import Problem


def warnings(directory: Path, credentials: Mapping[str, CredentialSpec]) -> list[Problem]:
    """Return a warning for each credential file that is unusable or unprotected."""
    return [
        Problem(file_of(Path(), name).as_posix(), 1, message)
        for name, credential in credentials.items()
        if file_of(directory, name).exists()
        for message in _messages(name, file_of(directory, name), credential.adaptor)
    ]


def _messages(name: str, file: Path, adaptor: str) -> Iterator[str]:
    fix = f"Write it with `ofn credential set {name} --local`."
    try:
        body = read_credential(file)
    except CommandError:
        yield f"This is not a JSON object. {fix}"
        return
    model = model_of(adaptor)
    if problems := describe_problems(model, body):
        yield f"The adaptor {adaptor} cannot use this credential: {problems} {fix}"
    yield from (f"{message} {fix}" for message in unmaskable_secrets(model, body))
    yield from (message for message in unknown_keys(model, body) if "Did you mean" in message)
    yield from unprotected_connections(body)
