"""JavaScript jobs: the problems of their code and of their adaptor, and their compiled files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from javascript import compiled_file, dialects
from javascript.dialects import Dialect
from javascript.errors import CompileError
from openfn.jobs.javascript import SUFFIX
from workbench.project.references import texts_at
from workbench.project.similar_names import suggestion
from workbench.project.yaml_source import Problem, YamlSource

DEFAULT_ADAPTOR = "common"


def problems(path: Path, name: str, adaptor: str) -> list[Problem]:
    """Return the problems of a job's file, which has a name in the project."""
    try:
        compiled = compiled_file.read(path)
    except CompileError as error:
        return [Problem(name, error.line, str(error))]
    except (OSError, UnicodeDecodeError) as error:
        return [Problem(name, 1, str(error))]
    dialect = _dialect(adaptor)
    if dialect is None:
        return []
    known = _names(dialect)
    unknown = [(line, name) for name, line in compiled.names if name not in known]
    return [Problem(name, line, _undefined(word, dialect)) for line, word in sorted(unknown)]


def adaptor_of(source: YamlSource, job: str) -> str:
    """Return the adaptor of a job: its own, or that of its credential."""
    own = dict(texts_at(source, "jobs", "adaptor")).get(job)
    return own or _adaptor_of_credential(source, job) or DEFAULT_ADAPTOR


def adaptor_problems(source: YamlSource) -> Iterator[Problem]:
    """Yield a problem for each adaptor that JavaScript jobs do not have."""
    declared = dict(texts_at(source, "jobs", "adaptor"))
    for job, expression in texts_at(source, "jobs", "expression"):
        if Path(expression).suffix != SUFFIX:
            continue
        credential = _adaptor_of_credential(source, job)
        if message := _adaptor_problem(adaptor_of(source, job), credential):
            key = "adaptor" if job in declared else "expression"
            yield source.problem(("jobs", job, key), message)


def write_compiled(target: Path, expressions: Iterable[str]) -> None:
    """Compile the JavaScript jobs of a layer, each beside its own file."""
    for expression in sorted(set(expressions)):
        path = target / expression
        if path.suffix == SUFFIX:
            compiled_file.write(path, compiled_file.read(path))


def _adaptor_of_credential(source: YamlSource, job: str) -> str | None:
    name = dict(texts_at(source, "jobs", "credential")).get(job, "")
    return dict(texts_at(source, "credentials", "adaptor")).get(name)


def _dialect(adaptor: str) -> Dialect | None:
    try:
        dialect = dialects.parse(adaptor)
    except ValueError:
        return None
    return dialect if dialect.adaptor in dialects.ADAPTORS else None


def _adaptor_problem(adaptor: str, credential: str | None) -> str:
    dialect = _dialect(adaptor)
    if dialect is None:
        names = ", ".join(dialects.ADAPTORS)
        return (
            f"JavaScript jobs have no adaptor `{adaptor}`. Write one of {names}, with the major "
            "version that the job was written for: `adaptor: http@6`."
        )
    if credential and dialect.adaptor not in {credential, DEFAULT_ADAPTOR}:
        return (
            f"The job has the operations of {dialect.adaptor}, but its credential is one of "
            f"{credential}. Choose a credential of {dialect.adaptor}."
        )
    return ""


def _undefined(name: str, dialect: Dialect) -> str:
    fix = suggestion(name, _names(dialect)) or "Is it spelled correctly?"
    return f"`{name}` is not defined, and {dialect} has no operation of this name. {fix}"


@cache
def _names(dialect: Dialect) -> frozenset[str]:
    # A project without a JavaScript job does not load the engine.
    names: frozenset[str] = import_module("javascript.program").names(dialect)
    return names
