"""Lambda on this machine: AWS's own runtime client against a runtime API on loopback.

A function runs in a process of its own that sees Python's standard library, what AWS's managed
runtime brings (the runtime client and boto3), its code in `/var/task` and its layers in `/opt`;
both stand below a folder here. Nothing else of the virtual environment is visible to it.
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

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from workbench.local.http_server import working

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
    """The function could not be loaded, raised, or ended."""


def lay_out(root, task, layers):
    """Lay out a function's code and layers as Lambda does."""
    shutil.copytree(task, root / "var/task")
    for layer in layers:
        # Packages are only read, and many; what a project is made of, a test may write.
        placed = _linked if (layer / "python").is_dir() else shutil.copy2
        shutil.copytree(layer, root / "opt", copy_function=placed, dirs_exist_ok=True)
    runtime = root / "var/runtime"
    runtime.mkdir()
    for name in RUNTIME:
        for path in distribution(name).files:
            top = path.parts[0]
            if top not in ("..", "__pycache__") and not (runtime / top).exists():
                (runtime / top).symlink_to(distribution(name).locate_file(top))


def _linked(source, target):
    # What two layers hold is the later one's, as in Lambda.
    Path(target).unlink(missing_ok=True)
    Path(target).symlink_to(source)


def command(root, *arguments):
    """Give the command and the environment of Python as a function below `root` has it."""
    paths = [root / "var/task", root / "opt/python", root / "var/runtime"]
    environment = {
        "PYTHONPATH": ":".join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(root / "var/task"),
    }
    return [sys.executable, "-S", *arguments], environment


@contextmanager
def running(root, function, environment):
    """Start a function laid out below `root` and give what invokes it with an event."""
    api = _Api()
    server = make_server("127.0.0.1", 0, api, threaded=True, request_handler=_Quiet)
    with working(server), _process(root, function, server.server_port, environment) as started:
        try:
            yield lambda event: api.invoke(function, event, *started)
        finally:
            api.waiting.put(None)


@contextmanager
def _process(root, function, port, environment):
    python, python_environment = command(root, "-m", "awslambdaric", function.handler)
    process = subprocess.Popen(
        python,
        cwd=root / "var/task",
        env={
            **python_environment,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


class _Api:
    """Lambda's runtime API, 2018-06-01."""

    def __init__(self):
        self.waiting = queue.Queue()
        self.answers = queue.Queue()

    def invoke(self, function, event, process, lines):
        self.waiting.put((function, event))
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            try:
                good, answer = self.answers.get(timeout=0.05)
            except queue.Empty:
                if process.poll() is None:
                    continue
                raise FunctionError("".join(lines)) from None
            if good:
                return answer
            raise FunctionError(f"{answer}\n{''.join(lines)}")
        raise FunctionError(f"no answer in {_SECONDS} s\n{''.join(lines)}")

    def __call__(self, environ, start_response):
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request):
        if request.path.endswith("/invocation/next"):
            return self._next()
        self.answers.put((request.path.endswith("/response"), json.loads(request.get_data())))
        return Response("{}", 202)

    def _next(self):
        waiting = self.waiting.get()
        if waiting is None:
            return Response(status=500)
        function, event = waiting
        deadline = round((time.time() + function.timeout_seconds) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": function.arn,
        }
        return Response(json.dumps(event), 200, headers, content_type="application/json")


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_args):
        pass
