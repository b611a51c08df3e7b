"""What all that people write in project.yaml has in common."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from adaptors._formats.paths import steps
from workbench.project.yaml_source import Keys

_MINUTES = {"m": 1, "h": 60, "d": 1440}
_LONGEST = 7 * 1440
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]


class Written(BaseModel):
    """Something with only the keys it says it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def wrong(path: Keys, what: str) -> PydanticCustomError:
    """Give the error that says what is wrong at a path below the value that is validated."""
    return PydanticCustomError("wrong", "{what}", {"path": path, "what": what})


def path_of_one(value: Any) -> list[str | int]:
    """Read the path of one value into its steps, keys and places in lists."""
    try:
        path = steps(value) if isinstance(value, str) and value else ()
    except ValueError as error:
        raise wrong((), str(error)) from None
    if path[:1] == ("$",):
        raise wrong((), "write the path without `$`: keys with dots between them")
    found = [step for step in path if step is not None]
    if not found or len(found) < len(path):
        raise wrong((), "write the path of one value, such as _uuid or data[0].id")
    return found


def minutes(text: object) -> int:
    """Read a length of time such as `30m`, `6h` or `2d` as minutes; `0` is none."""
    match = re.fullmatch(r"([0-9]{1,5})([mhd])", str(text))
    found = int(match[1]) * _MINUTES[match[2]] if match else 0
    if (not match and str(text) != "0") or found > _LONGEST:
        raise wrong((), "write a time such as 30m, 6h or 1d (7d at most), or 0 for none")
    return found
