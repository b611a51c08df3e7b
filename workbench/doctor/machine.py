"""Checks of this machine: Python, the project and the built layers."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from workbench.doctor.checks import Check, not_checked, ok, problem
from workbench.project import compiler
from workbench.project.schema.project import ProjectSpec
from workbench.project.yaml_source import ProjectProblems
from workbench.stack.sam_config import ROOT
from workbench.text import count_of

_OLDEST, _FIRST_UNTESTED = (3, 11), (3, 15)
_MAX_LAYER_MB = 250
"""Lambda's limit for a function and all its layers, unpacked."""


def check_python(version: tuple[int, ...] = sys.version_info[:2]) -> Check:
    """Check that this Python is one that the tools are tested with."""
    if _OLDEST <= version < _FIRST_UNTESTED:
        return ok("python", f"Python {platform.python_version()}.")
    number = ".".join(map(str, version))
    fix = "Install Python 3.11 to 3.14 and run `make PYTHON=python3.13 demo`."
    return problem("python", f"Python {number} is not supported.", fix)


def check_project(project: Path) -> tuple[Check, ProjectSpec | None]:
    """Check that the project is valid; return it as well."""
    try:
        spec = compiler.check(project)
    except ProjectProblems as error:
        count = count_of(len(error.problems), "problem")
        fix = f"Run `ofn check --project {project}`."
        return problem("project", f"{project} has {count}.", fix), None
    return ok("project", f"{spec.name}: {count_of(len(spec.jobs), 'job')}."), spec


def check_layers(build: Path = ROOT / ".aws-sam/build") -> Check:
    """Check that the built layers fit into a function."""
    sizes = {layer.name: _megabytes(layer) for layer in sorted(build.glob("*Layer"))}
    if not sizes:
        return not_checked("layers", "Nothing is built yet.", "`make build` builds the layers.")
    text = ", ".join(f"{name} {size:,.1f} MB" for name, size in sizes.items())
    total = sum(sizes.values())
    if total <= _MAX_LAYER_MB:
        return ok("layers", f"{text}. Lambda allows {_MAX_LAYER_MB} MB together.")
    text = f"{text}: {total:,.0f} MB, and Lambda allows {_MAX_LAYER_MB} MB together."
    return problem("layers", text, "Remove large files from the project, or unused dependencies.")


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
