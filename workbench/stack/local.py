"""Find and open the local stack of the current folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openfn.storage import services
from workbench.environment import environ
from workbench.store import resources, stack_template
from workbench.store.database import FILE_NAME
from workbench.store.services import LocalServices
from workbench.store.stack_template import STACK

FOLDER = ".openfn"
"""Where `ofn serve` stores its data unless told otherwise."""


def active() -> LocalServices | None:
    """Return the local stack that answers the calls of this process, if there is one."""
    current = services.active()
    return current if isinstance(current, LocalServices) else None


def find_folder(stack: str) -> Path | None:
    """Return the folder with the data of `ofn serve`, in the current folder or a parent.

    Another stack's name than the default one leads to AWS.
    """
    if stack != STACK:
        return None
    current = Path.cwd()
    folders = (directory / FOLDER for directory in (current, *current.parents))
    return next((folder for folder in folders if (folder / FILE_NAME).exists()), None)


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """Let the core layer use the local stack of a folder, also while `ofn serve` runs."""
    template = stack_template.load()
    local = LocalServices(template, folder)
    environment = resources.describe(template).functions["matcher"].environment
    sys.stderr.write(f"Stack {STACK}: on this machine, data in {folder}\n")
    try:
        with services.use(local), environ(environment):
            yield
    finally:
        local.close()
