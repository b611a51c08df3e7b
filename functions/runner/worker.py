"""The program of the zygote: it imports what jobs import, and the runner's workers are its forks.

It never imports boto3. The runner starts it; `openfn.workers.zygote` has the arguments.
"""

from __future__ import annotations

import sys

from adaptors._http import tls
from adaptors._runtime.job_runtime import AdaptorRuntime
from openfn.workers import preloading, zygote

if __name__ == "__main__":
    runtime = AdaptorRuntime()
    project = preloading.read_project(sys.argv[2])
    runtime.missing_is_null = project.get("missing", "absent") is None
    runtime.timezone = project.get("timezone", "UTC")
    tls.ssl_context()
    zygote.main(runtime, sys.argv[1:])
