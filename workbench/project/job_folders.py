"""The folders with the jobs' files: which files are deployed, and which links are refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from workbench.project.yaml_source import Problem

# Files beside a job are deployed with it, except secrets and tests.
_NOT_DEPLOYED = ("__pycache__", ".*", "credentials", "credentials.json", "tests")
_FOLDER_LINK = "This is a link to a folder. Copy the folder to this location."
_OUTSIDE = "This is a link to a file outside the project. Copy the file into the project."
_SECRET = "This is a link to a file that is not deployed. Remove the link."  # noqa: S105 - a text


def is_deployed(path: PurePosixPath) -> bool:
    """Return whether no part of a path is the name of a file or folder that stays here."""
    return not any(PurePosixPath(part).match(name) for part in path.parts for name in _NOT_DEPLOYED)


def folders_of(expressions: Iterable[str]) -> set[PurePosixPath]:
    """Return the folders of jobs' files, without those that another one contains."""
    folders = {PurePosixPath(expression).parent for expression in expressions}
    return {folder for folder in folders if not folders & set(folder.parents)}


def link_problems(project: Path, folders: Iterable[PurePosixPath]) -> Iterator[Problem]:
    """Yield a problem for each link that would deploy something from outside these folders."""
    for folder in sorted(folders):
        paths = [project / part for part in (folder, *folder.parents)]
        links = [path for path in paths if path != project and path.is_symlink()]
        yield from (_problem(project, link, _FOLDER_LINK) for link in links)
        if not links:
            yield from _problems_below(project, project / folder)


def copy(source: Path, target: Path, folders: Iterable[PurePosixPath]) -> None:
    """Copy the deployed files of folders; a link to a file is copied as the file."""
    for folder in folders:
        shutil.copytree(
            source / folder, target / folder, ignore=_names_not_copied, dirs_exist_ok=True
        )


def _problems_below(project: Path, folder: Path) -> Iterator[Problem]:
    for directory, folder_names, file_names in os.walk(folder):
        folder_names[:] = sorted(filter(_is_name_deployed, folder_names))
        for name in sorted([*folder_names, *filter(_is_name_deployed, file_names)]):
            path = Path(directory, name)
            if path.is_symlink() and (message := _message_of(project, path)):
                yield _problem(project, path, message)


def _message_of(project: Path, link: Path) -> str | None:
    if not link.exists():  # it is not copied
        return None
    if link.is_dir():
        return _FOLDER_LINK
    root, target = project.resolve(), link.resolve()
    if not target.is_relative_to(root):
        return _OUTSIDE
    return None if is_deployed(PurePosixPath(target.relative_to(root).as_posix())) else _SECRET


def _problem(project: Path, path: Path, message: str) -> Problem:
    return Problem(path.relative_to(project).as_posix(), 1, message)


def _is_name_deployed(name: str) -> bool:
    return is_deployed(PurePosixPath(name))


def _names_not_copied(directory: str, names: list[str]) -> set[str]:
    paths = {name: Path(directory, name) for name in names}
    # Broken links, pipes and sockets cannot be copied.
    return {
        n for n, p in paths.items() if not _is_name_deployed(n) or not (p.is_file() or p.is_dir())
    }
