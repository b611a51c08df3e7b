"""The library `common` of JavaScript jobs: as @openfn/language-common 3.3.4 does it in Node.js."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from javascript.compiler import compile_job
from javascript.dialects import Dialect
from javascript.program import Limits, Program

CASES = json.loads((Path(__file__).parents[1] / "cases/javascript_common.json").read_text("utf-8"))


def run(job, state, dialect=None):
    """Apply all operations of a job; return the final state."""
    program = Program(compile_job(job), dialect or Dialect(), Limits(lambda: 10.0, 100))
    program.begin(state)
    for number in range(len(program.operations)):
        program.apply(number)
    return json.loads(program.to_json())


def without_texts(errors):
    """Return errors of validation without their texts, which every library words differently."""
    return [{key: error[key] for key in error if key != "message"} for error in errors]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.usefixtures("utc")
def test_state_is_that_of_openfns_own_library(case):
    if "error" in case:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - its class has the name of the case
            run(case["job"], case["state"])
        assert raised.type.__name__ == case["error"]
        return
    final = run(case["job"], case["state"])
    for entry in final.get("validationErrors", ()):
        entry["errors"] = without_texts(entry["errors"])
    assert final == case["final"]
