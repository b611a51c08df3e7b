"""Run a job file on a message as a dry run, in a process of its own.

The process has no AWS credentials and nothing of this one's environment, and it ends with all its
children after a time limit. It runs as the person who serves the console, as `ofn try` does: this
isolates mistakes, not attacks.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from console.tools import Trial
from openfn.messages.store import Message
from openfn.workers import process_tree
from workbench.errors import CommandError

_SECONDS = 20
_MAX_RESULT_BYTES = 20_000_000
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")


def run(project: Path, job: str, message: Message) -> Trial:
    """Return the result of a job on a message; raise CommandError if it does not end."""
    with tempfile.TemporaryDirectory(prefix="openfn-") as folder:
        result = Path(folder) / "result.json"
        order = {
            "project": str(project.resolve()),
            "job": job,
            "inbox": message.inbox,
            "body": base64.b64encode(message.body).decode(),
            "request": message.request,
            "result": str(result),
        }
        _execute(json.dumps(order))
        if not result.exists() or result.stat().st_size > _MAX_RESULT_BYTES:
            raise CommandError("The process of the job has ended without a result.")
        values = json.loads(result.read_bytes())
    if problem := values.get("problem"):
        raise CommandError(problem)
    return Trial(**values)


def _execute(order: str) -> None:
    command = [sys.executable, "-I", "-m", "workbench.console.trial_process"]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with subprocess.Popen(  # noqa: S603 - this interpreter, with a module of ours
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.communicate(order.encode(), timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise CommandError(f"The job has not ended within {_SECONDS} seconds.") from None
        finally:
            process_tree.kill_tree(process.pid)
