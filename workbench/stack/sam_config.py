"""What samconfig.toml and template.yaml say about a stack before it is deployed."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from workbench.errors import CommandError

ROOT = Path(__file__).resolve().parents[2]
"""The folder of template.yaml and samconfig.toml."""


@dataclass(frozen=True, slots=True)
class SamEnvironment:
    """The tables of samconfig.toml for one environment."""

    name: str
    stack: str
    region: str | None
    profile: str | None
    parameters: Mapping[str, str]


def read(file: Path = ROOT / "samconfig.toml") -> dict[str, SamEnvironment]:
    """Return the environments of samconfig.toml by name; none without the file."""
    if not file.exists():
        return {}
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise CommandError(f"{file.name} is not valid TOML: {error}") from None
    return {
        name: _environment(name, commands)
        for name, commands in tables.items()
        if isinstance(commands, dict)
    }


def template_defaults() -> dict[str, str]:
    """Return the defaults of template.yaml's parameters."""
    # Only this section: the rest has CloudFormation's tags, which a safe loader refuses.
    text = (ROOT / "template.yaml").read_text("utf-8")
    section = re.search(r"^Parameters:\n(?: .*\n|\n)+", text, re.MULTILINE)
    parameters = YAML(typ="safe").load(section.group())["Parameters"] if section else {}
    return {name: str(parameter.get("Default", "")) for name, parameter in parameters.items()}


def _environment(name: str, commands: Mapping[str, Any]) -> SamEnvironment:
    tables = [commands.get(command, {}).get("parameters", {}) for command in ("global", "deploy")]
    merged: dict[str, Any] = {**tables[0], **tables[1]}
    return SamEnvironment(
        name,
        merged.get("stack_name", ""),
        merged.get("region"),
        merged.get("profile"),
        _parameters(merged.get("parameter_overrides", "")),
    )


def _parameters(overrides: str | list[str]) -> dict[str, str]:
    """Parse `"Name=value …"`, or a list of such texts."""
    texts = [overrides] if isinstance(overrides, str) else overrides
    pairs = [pair.partition("=") for text in texts for pair in shlex.split(str(text))]
    return {name: value for name, _, value in pairs}
