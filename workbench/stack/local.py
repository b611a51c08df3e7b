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
"""Where `ofn serve` stores its data without `--data`."""
_LOCATION = "location"
"""The file in it with the path of the folder that `--data` named."""


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
    folders = (_data_of(directory / FOLDER) for directory in (current, *current.parents))
    return next((folder for folder in folders if (folder / FILE_NAME).exists()), None)


def remember(data: Path) -> None:
    """Let the commands that are run in the current folder find the data in another folder."""
    folder = Path(FOLDER)
    location = folder / _LOCATION
    if data.resolve() == folder.resolve():
        location.unlink(missing_ok=True)
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")
    location.write_text(f"{data.resolve()}\n", "utf-8")


def _data_of(folder: Path) -> Path:
    try:
        return Path((folder / _LOCATION).read_text("utf-8").strip())
    except OSError:
        return folder


@contextmanager
def opened(folder: Path) -> Iterator[LocalServices]:
    """Let the core layer use the local stack of a folder, also while `ofn serve` runs."""
    template = stack_template.load()
    local = LocalServices(template, folder)
    environment = resources.describe(template).functions["matcher"].environment
    sys.stderr.write(f"Stack {STACK}: on this machine, data in {folder}\n")
    try:
        with services.use(local), environ(environment):
            yield local
    finally:
        local.close()
