"""Execute hostile jobs, and jobs that look for secrets; print the records of their runs.

python -m tests.workers.isolation_program
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.conftest import LogLines, write_project
from tests.workers import hostile_jobs, isolation_project, secret_seekers
from workbench.local import lambda_functions
from workbench.local.stack import create_stack


def main():
    os.environ["AWS_ACCESS_KEY_ID"] = secret_seekers.AWS_KEY
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    lines = LogLines()
    with tempfile.TemporaryDirectory() as name:
        folder, parameters = Path(name), {"RunsPerRunner": "10"}
        write_project(folder, isolation_project.PROJECT, isolation_project.SOURCES)
        with create_stack(folder, lines.record, parameters, workers=True) as stack:
            stack.set_credential("registry", isolation_project.credential())
            function = hostile_jobs.hurried(stack)

            def invoke(event):
                return lambda_functions.invoke(function, event, stack.on_log_line)

            batches = isolation_project.execute(stack, invoke)
    log = [line for _, line in lines]
    sys.stdout.write(json.dumps({"batches": batches, "function_log": log}))


if __name__ == "__main__":
    main()
