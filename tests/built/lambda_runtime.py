"""Lambda on this machine: AWS's own runtime client and a runtime API on loopback.

A function runs in its own process. It can import Python's standard library, AWS's managed runtime
(the runtime client and boto3), its code in `/var/task` and its layers in `/opt`, and nothing else
of the virtual environment.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

from werkzeug.wrappers import Request, Response

from tests.support import wsgi_server

RUNTIME = (
    "awslambdaric",
    "simplejson",
    "snapshot-restore-py",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "python-dateutil",
    "six",
    "urllib3",
)
_SECONDS = 30


class FunctionError(Exception):
    """The function could not be loaded, raised an exception or exited."""


def install(root, task, layers):
    """Install a function's code and layers below a folder as Lambda does."""
    shutil.copytree(task, root / "var/task")
    for layer in layers:
        # Packages are many and only read, so links are enough; tests may change a project's files.
        copy = _link if (layer / "python").is_dir() else shutil.copy2
        shutil.copytree(layer, root / "opt", copy_function=copy, dirs_exist_ok=True)
    runtime = root / "var/runtime"
    runtime.mkdir()
    for name in RUNTIME:
        for path in distribution(name).files:
            top = path.parts[0]
            if top not in ("..", "__pycache__") and not (runtime / top).exists():
                (runtime / top).symlink_to(distribution(name).locate_file(top))


def _link(source, target):
    # A later layer replaces the files of an earlier one, as in Lambda.
    Path(target).unlink(missing_ok=True)
    Path(target).symlink_to(source)


def command(root, *arguments):
    """Return the command and environment of Python for a function installed in `root`."""
    paths = [root / "var/task", root / "opt/python", root / "var/runtime"]
    environment = {
        "PYTHONPATH": ":".join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(root / "var/task"),
    }
    return [sys.executable, "-S", *arguments], environment


@contextmanager
def running(root, function, environment, lines=None):
    """Run a function installed in `root` and yield a callable that invokes it.

    What the function logs is added to `lines`.
    """
    lines = [] if lines is None else lines
    api = _RuntimeApi()
    with (
        wsgi_server.serve(api) as server,
        _process(root, function, server.url, environment, lines) as process,
    ):
        try:
            yield lambda event: api.invoke(function, event, process, lines)
        finally:
            api.events.put(None)


@contextmanager
def _process(root, function, url, environment, lines):
    python, python_environment = command(root, "-m", "awslambdaric", function.handler)
    process = subprocess.Popen(
        python,
        cwd=root / "var/task",
        env={
            **python_environment,
            "AWS_LAMBDA_RUNTIME_API": url.removeprefix("http://"),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


class _RuntimeApi:
    """Lambda's runtime API, version 2018-06-01."""

    def __init__(self):
        self.events = queue.Queue()
        self.results = queue.Queue()

    def invoke(self, function, event, process, lines):
        self.events.put((function, event))
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            try:
                succeeded, result = self.results.get(timeout=0.05)
            except queue.Empty:
                if process.poll() is None:
                    continue
                raise FunctionError("".join(lines)) from None
            if succeeded:
                return result
            raise FunctionError(f"{result}\n{''.join(lines)}")
        raise FunctionError(f"No result after {_SECONDS} s.\n{''.join(lines)}")

    def __call__(self, environ, start_response):
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request):
        if request.path.endswith("/invocation/next"):
            return self._next_invocation()
        self.results.put((request.path.endswith("/response"), json.loads(request.get_data())))
        return Response("{}", 202)

    def _next_invocation(self):
        invocation = self.events.get()
        if invocation is None:
            return Response(status=500)
        function, event = invocation
        deadline = round((time.time() + function.timeout_seconds) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": function.arn,
        }
        return Response(json.dumps(event), 200, headers, content_type="application/json")
