"""The local stack has the template's resources, and needs no library of AWS."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.local import resources
from workbench.store import resources as store_resources
from workbench.store import stack_template

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def created():
    """The resources that moto creates from SAM's translation of the template."""
    with resources.create({"RunSeconds": "600", "RunMemory": "1024"}) as created:
        yield created


@pytest.fixture(scope="module")
def described():
    parameters = {"RunSeconds": "600", "RunMemory": "1024"}
    return store_resources.describe(stack_template.load(parameters))


def test_functions_are_those_of_a_deployment(created, described):
    physical_ids = {"TABLE_NAME", "BUCKET_NAME", "MATCH_QUEUE_URL", "RUN_QUEUE_URL"}
    for name, function in created.functions.items():
        local = described.functions[name]
        assert (local.handler, local.timeout_seconds, local.memory) == (
            function.handler,
            function.timeout_seconds,
            function.memory,
        )
        assert local.environment.keys() == function.environment.keys()
        for variable in function.environment.keys() - physical_ids:
            assert local.environment[variable] == function.environment[variable]
    assert described.functions.keys() == created.functions.keys()


def test_routes_schedules_and_queues_are_those_of_a_deployment(created, described):
    assert described.routes == created.routes
    assert described.schedules == created.schedules
    rows = [
        {(mapping.function, mapping.batch_size, mapping.concurrency) for mapping in mappings}
        for mappings in (described.mappings, created.mappings)
    ]
    assert rows[0] == rows[1]


def test_pipeline_works_without_the_libraries_of_aws():
    plugin = ("-p", "tests.support.without_aws")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "-q", "-n0", "tests/test_pipeline.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2_000:]
