"""The output of `sam build`, executed as Lambda executes it."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest

from tests.built.conftest import BUILT, environment_of, id_of
from tests.built.lambda_runtime import FunctionError, command, running
from workbench.local import api_gateway, event_source, resources
from workbench.local.destination import run_destination
from workbench.local.sample_posts import POSTS

ROOT = Path(__file__).resolve().parents[2]


def test_built_functions_deliver_the_posts_of_all_sources(install_function, aws, set_inbox_ids):
    created, endpoint = aws
    with ExitStack() as context:
        destination = context.enter_context(run_destination())
        secret = json.dumps({"baseUrl": destination.url, "access_token": "t0ken"})
        client = boto3.client("secretsmanager")
        client.create_secret(Name="openfn/credentials/registry", SecretString=secret)
        invoke_by_name = {}
        for name, function in created.functions.items():
            root = install_function(name)
            set_inbox_ids(root)
            started = running(root, function, environment_of(function, root, endpoint))
            invoke_by_name[name] = context.enter_context(started)

        def invoke(name, event):
            return invoke_by_name[name](event)

        base = context.enter_context(api_gateway.serve_routes(created.routes, invoke, 0))
        for post in POSTS:
            response = post.send(f"{base}/inbox/{id_of(post.inbox)}")
            assert (response.status_code, response.text) == (200, "{}")
        while sum(event_source.poll(mapping, invoke) for mapping in created.mappings):
            pass
        invoke(
            "matcher", json.loads((ROOT / "events/lambda/schedule_tick.json").read_text("utf-8"))
        )
    assert sorted(f"{request.method} {request.path}" for request in destination.received) == [
        "POST /children",
        "POST /medicines",
        "POST /medicines",
        "POST /visits",
        "PUT /households/889409",
    ]
    assert {request.authorization for request in destination.received} == {"Bearer t0ken"}
    household = next(
        request.json for request in destination.received if request.path.startswith("/households")
    )
    assert household["answers"] == json.loads(POSTS[0].body)


@pytest.mark.parametrize(
    ("function", "package"),
    [("inbox", "aws_lambda_powertools"), ("matcher", "jmespath"), ("runner", "jmespath")],
)
def test_missing_dependency_in_a_layer_fails_the_function(install_function, aws, function, package):
    created, endpoint = aws
    root = install_function(function)
    shutil.rmtree(root / "opt/python" / package)
    (root / "var/runtime" / package).unlink(missing_ok=True)
    environment = environment_of(created.functions[function], root, endpoint)
    with (
        running(root, created.functions[function], environment) as invoke,
        pytest.raises(FunctionError, match=package),
    ):
        invoke({"Records": []})


def test_layers_are_small_and_contain_no_aws_library(template):
    limits = {"CoreLayer": 10, "AdaptorsLayer": 45}
    for name, megabytes in limits.items():
        files = [path for path in (BUILT / name).rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < megabytes * 1_000_000
        assert not [path for path in files if "botocore" in path.parts]


def test_project_without_a_javascript_job_has_no_runtime_for_one():
    assert [path.name for path in (BUILT / "JavaScriptLayer").iterdir()] == ["no-javascript.txt"]


def test_inbox_imports_nothing_unnecessary(install_function):
    code = "import sys, json, app; print(json.dumps(sorted(sys.modules)))"
    python, environment = command(install_function("inbox"), "-c", code)
    environment["AWS_DEFAULT_REGION"] = resources.REGION
    process = subprocess.run(python, env=environment, capture_output=True, check=True, text=True)
    modules = set(json.loads(process.stdout))
    assert {"openfn.messages.store", "boto3"} <= modules
    heavy = {
        "pydantic",
        "requests",
        "yaml",
        "ruamel.yaml",
        "aws_xray_sdk",
        "xmltodict",
        "python_multipart",
        "openfn.messages.form_bodies",
        "openfn.messages.gzip_bodies",
        "openfn.messages.multipart_bodies",
        "openfn.messages.xml_bodies",
        "aws_lambda_powertools.event_handler",
        "aws_lambda_powertools.utilities.batch",
    }
    assert sorted(modules & heavy) == []


def test_workers_import_only_the_adaptors_of_the_project_and_no_aws_library(install_function):
    root = install_function("runner")
    path = root / "opt/project/project.json"
    project = json.loads(path.read_text("utf-8"))
    project["credentials"]["registry"]["adaptor"] = "kobotoolbox"
    project["jobs"] = {}
    path.write_text(json.dumps(project), "utf-8")
    code = (
        "import sys, json, worker; from openfn.workers import preloading; "
        "preloading.import_modules(worker.AdaptorRuntime(), sys.argv[1], ()); "
        "print(json.dumps(sorted(sys.modules)))"
    )
    python, environment = command(root, "-c", code, str(path.parent))
    process = subprocess.run(python, env=environment, capture_output=True, check=True, text=True)
    modules = set(json.loads(process.stdout))
    assert "adaptors.kobotoolbox" in modules
    others = {"adaptors.http", "adaptors.dhis2", "psycopg", "simple_salesforce", "jsonschema"}
    assert sorted(modules & (others | {"boto3", "botocore"})) == []
