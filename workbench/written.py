"""What all that people write in project.yaml has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from workbench.yamltext import Keys

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME)]


class Written(BaseModel):
    """Something with only the keys it says it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def wrong(path: Keys, what: str) -> PydanticCustomError:
    """Give the error that says what is wrong at a path below the value that is validated."""
    return PydanticCustomError("wrong", "{what}", {"path": path, "what": what})
