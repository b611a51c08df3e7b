"""Shared parts of the schema: strict models, names, paths and durations."""

from __future__ import annotations

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

from adaptors._formats.paths import steps
from workbench.project.yaml_source import Keys

_MINUTES = {"m": 1, "h": 60, "d": 1440}
_MAX_MINUTES = 7 * 1440
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]


class Spec(BaseModel):
    """A mapping in project.yaml that has only the keys of its model."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def invalid(path: Keys, message: str) -> PydanticCustomError:
    """Return an error with a message for a path below the validated value."""
    return PydanticCustomError("invalid", "{message}", {"path": path, "message": message})


def parse_value_path(text: Any) -> list[str | int]:
    """Parse the path of exactly one value into keys and list positions."""
    try:
        path = steps(text) if isinstance(text, str) and text else ()
    except ValueError as error:
        raise invalid((), str(error)) from None
    if path[:1] == ("$",):
        raise invalid((), "Write the path without `$`, as keys with dots between them.")
    parsed = [step for step in path if step is not None]
    if not parsed or len(parsed) < len(path):
        raise invalid((), "Write the path of one value, such as _uuid or data[0].id.")
    return parsed


def _parse_timezone(name: Any) -> str:
    """Return a name of the time zone database, such as Africa/Nairobi."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, TypeError, ValueError, OSError):
        raise invalid((), "Write the name of a time zone, such as Africa/Nairobi or UTC.") from None


Timezone = Annotated[str, PlainValidator(_parse_timezone)]


def parse_minutes(text: object) -> int:
    """Parse a duration such as `30m`, `6h`, `2d` or `0` into minutes."""
    match = re.fullmatch(r"([0-9]{1,5})([mhd])", str(text))
    minutes = int(match[1]) * _MINUTES[match[2]] if match else 0
    if (not match and str(text) != "0") or minutes > _MAX_MINUTES:
        raise invalid((), "Write a duration such as 30m, 6h or 1d (at most 7d), or 0.")
    return minutes
