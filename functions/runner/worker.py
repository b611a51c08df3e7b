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
    runtime.missing_is_null = preloading.read_project(sys.argv[2]).get("missing", "absent") is None
    tls.ssl_context()
    zygote.main(runtime, sys.argv[1:])
