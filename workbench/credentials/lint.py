"""What is wrong with the credentials in files, which `ofn try` and `ofn serve` take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.credentials.fields import mistakes, model, unknown
from workbench.credentials.files import file_of, read_credential
from workbench.errors import CommandError
from workbench.project.schema.project import CredentialWritten
from workbench.project.yaml_source import Mistake


def notes(directory: Path, credentials: Mapping[str, CredentialWritten]) -> list[Mistake]:
    """Give a note for each credential in a file that its adaptor would not take."""
    return [
        Mistake(file_of(Path(), name).as_posix(), 1, what)
        for name, credential in credentials.items()
        if file_of(directory, name).exists()
        for what in _said(name, file_of(directory, name), credential.adaptor)
    ]


def _said(name: str, file: Path, adaptor: str) -> Iterator[str]:
    try:
        body = read_credential(file)
    except CommandError:
        yield f"it is not a JSON object; `ofn credential set {name} --local` writes one"
        return
    if wrong := mistakes(model(adaptor), body):
        remedy = f"`ofn credential set {name} --local` asks for it"
        yield f"it does not fit the adaptor {adaptor}: {wrong}; {remedy}"
    yield from (each for each in unknown(model(adaptor), body) if "did you mean" in each)
