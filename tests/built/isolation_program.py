"""Execute hostile jobs, and jobs that look for secrets, under Lambda's own runtime client.

python -m tests.built.isolation_program

The function has the built layers and, as in Lambda, no semaphores. Prints the records of the runs.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.built.conftest import environment_of, install_built, read_template
from tests.built.lambda_runtime import running
from tests.conftest import write_project
from tests.support.moto_server import serve_aws
from tests.support.moto_stack import create_stack
from tests.workers import hostile_jobs, isolation_project, secret_seekers
from workbench.project.compiler import compile_project

# Lambda has no /dev/shm. This module hides the one of Python's standard library.
NO_SEMAPHORES = """
def sem_unlink(name):
    raise OSError(38, "Function not implemented")

class SemLock:
    SEM_VALUE_MAX = 1
    _rebuild = sem_unlink

    def __init__(self, *arguments):
        raise OSError(38, "Function not implemented")
"""


def main():
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        project, root = Path(folder) / "project", Path(folder) / "root"
        project.mkdir()
        write_project(project, isolation_project.PROJECT, isolation_project.SOURCES)
        install_built(read_template(), "runner", root)
        compile_project(project, root / "opt/project")
        (root / "var/task/_multiprocessing.py").write_text(NO_SEMAPHORES, "utf-8")
        parameters = {"RunsPerRunner": "10"}
        with create_stack(project, parameters=parameters) as stack, serve_aws(0) as endpoint:
            stack.set_credential("registry", isolation_project.credential())
            function = hostile_jobs.hurried(stack)
            environment = environment_of(function, root, endpoint)
            environment["AWS_ACCESS_KEY_ID"] = secret_seekers.AWS_KEY
            environment["AWS_EC2_METADATA_DISABLED"] = "true"
            with running(root, function, environment, lines) as invoke:
                batches = isolation_project.execute(stack, invoke)
    sys.stdout.write(json.dumps({"batches": batches, "function_log": lines}))


if __name__ == "__main__":
    main()
