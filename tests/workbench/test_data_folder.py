"""The folder with the data of `ofn serve`: who can read it, and who finds it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from workbench.errors import CommandError
from workbench.local import data_folder
from workbench.stack import local
from workbench.store import stack_template
from workbench.store.services import LocalServices

NOBODY = 65534


def create(folder):
    """Write all that `ofn serve` writes into a folder, as if the umask allowed everything."""
    umask = os.umask(0)
    try:
        with data_folder.opened(folder):
            data_folder.aws_key(folder)
            LocalServices(stack_template.load(), folder).close()
    finally:
        os.umask(umask)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_reads_neither_the_folder_nor_a_file():
    # pytest's own folder is closed to others as a whole.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        folder = Path(name, "data")
        create(folder)
        paths = [folder, *folder.iterdir()]
        assert len(paths) >= 4
        as_root, as_nobody = (
            [
                subprocess.run(["test", "-r", path], user=user, check=False).returncode
                for path in paths
            ]
            for user in (None, NOBODY)
        )
    assert as_root == [0] * len(paths)
    assert 0 not in as_nobody


def test_every_file_is_closed_to_others_by_itself(tmp_path):
    create(tmp_path / "data")
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "data").iterdir()}
    assert set(modes.values()) == {0}


def test_folder_is_used_by_one_program_at_a_time(tmp_path):
    with (
        data_folder.opened(tmp_path),
        pytest.raises(CommandError, match="Another `ofn serve` uses the data"),
        data_folder.opened(tmp_path),
    ):
        pass


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The current folder, a project in which `ofn serve` is started."""
    (tmp_path / "project/jobs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_commands_find_a_data_folder_elsewhere_also_from_a_folder_below(
    tmp_path, project, monkeypatch
):
    create(tmp_path / "data")
    local.remember(Path("../data"))
    monkeypatch.chdir(project / "jobs")
    assert local.find_folder("openfn") == tmp_path / "data"
    assert local.find_folder("other") is None


def test_commands_find_the_folder_that_was_served_last(tmp_path, project):
    create(tmp_path / "data")
    create(project / ".openfn")
    local.remember(tmp_path / "data")
    assert local.find_folder("openfn") == tmp_path / "data"
    local.remember(Path(".openfn"))
    assert local.find_folder("openfn") == project / ".openfn"
