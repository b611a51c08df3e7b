"""Execute runs in the handler of the first release, whose checkout is on `PYTHONPATH`.

`benchmarks.workers` starts this program. It has the first release's modules only. Each line of its
input is a job, a record and the seconds to wait before the run, as JSON; each line of its output is
what the run took: seconds and CPU seconds, without those of AWS calls. Calls are counted as a whole
(botocore and moto), which is what `benchmarks.workers` does with the store that answers it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from botocore.client import BaseClient

_spent = [0.0, 0.0]


def main(project: Path) -> None:
    """Execute a run for each line of standard input."""
    from tests.conftest import post  # noqa: PLC0415 - of the first release
    from workbench import poller, stack  # type: ignore[attr-defined] # noqa: PLC0415

    output, sys.stdout = sys.stdout, sys.stderr
    _count_calls()
    with stack.created(project) as made:
        made.set_credential("destination", {"baseUrl": "https://example.org"})

        def invoke(function: str, event: dict[str, Any]) -> Any:
            if function != "runner":
                return made.invoke(function, event)
            time.sleep(request["pause"])
            _spent[:] = 0.0, 0.0
            cpu, start_time = time.process_time(), time.perf_counter()
            response = made.invoke(function, event)
            seconds = time.perf_counter() - start_time
            cpu = time.process_time() - cpu
            print(json.dumps([seconds - _spent[0], cpu - _spent[1]]), file=output, flush=True)
            return response

        for line in sys.stdin:
            request = json.loads(line)
            post(made, json.dumps(request["record"]), inbox=request["job"])
            while sum(poller.poll(mapping, invoke) for mapping in made.resources.mappings):
                pass


def _count_calls() -> None:
    call = BaseClient._make_api_call  # noqa: SLF001 - botocore's hooks leave a part out

    def counted(*arguments: Any, **options: Any) -> Any:
        cpu, start_time = time.thread_time(), time.perf_counter()
        try:
            return call(*arguments, **options)
        finally:
            _spent[0] += time.perf_counter() - start_time
            _spent[1] += time.thread_time() - cpu

    BaseClient._make_api_call = counted  # noqa: SLF001 - the same


if __name__ == "__main__":
    main(Path(sys.argv[1]))
