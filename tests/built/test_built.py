"""What `sam build` produces, executed as Lambda executes it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.built.lambda_runtime import FunctionError, command, lay_out, running
from workbench import destination, gateway, poller, resources
from workbench.serve import aws_endpoint
from workbench.sources import POSTS

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".build/here"
INBOX_ID = "an-inbox-of-this-test"


@pytest.fixture(scope="module")
def template():
    path = BUILT / "template.yaml"
    assert path.is_file(), "nothing is built: `make test` builds first"
    return yaml_parse(path.read_text("utf-8"))


@pytest.fixture
def layouts(template, tmp_path):
    """Each function laid out below a folder of its own, by the template that was built."""
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            task = BUILT / properties["CodeUri"]
            found[task.resolve().name] = tmp_path / task.name
            lay_out(
                tmp_path / task.name, task, [_built(template, ref) for ref in properties["Layers"]]
            )
    return found


def _built(template, ref):
    return BUILT / template["Resources"][ref["Ref"]]["Properties"]["ContentUri"]


@pytest.fixture
def aws():
    """The template's resources, and the endpoint at which other processes reach them."""
    with resources.created({}) as made, aws_endpoint(0) as endpoint:
        yield made, endpoint


def _environment(function, root, endpoint):
    given = {k: v.replace("/opt", str(root / "opt"), 1) for k, v in function.environment.items()}
    return given | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": resources.REGION,
        "AWS_DEFAULT_REGION": resources.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def _give_inboxes_known_ids(root):
    path = root / "opt/project/project.json"
    project = json.loads(path.read_text("utf-8"))
    for name, inbox in project["inboxes"].items():
        inbox["id_sha256"] = [hashlib.sha256(_id_of(name).encode()).hexdigest()]
    path.write_text(json.dumps(project), "utf-8")


def _id_of(inbox):
    return f"the-id-of-{inbox}"


def test_what_is_built_delivers_the_posts_of_all_sources(layouts, aws):
    made, endpoint = aws
    with ExitStack() as context:
        sink = context.enter_context(destination.running())
        secret = json.dumps({"baseUrl": sink.url, "access_token": "t0ken"})
        client = boto3.client("secretsmanager")
        client.create_secret(Name="openfn/credentials/registry", SecretString=secret)
        invoke_by_name = {}
        for name, root in layouts.items():
            _give_inboxes_known_ids(root)
            function = made.functions[name]
            started = running(root, function, _environment(function, root, endpoint))
            invoke_by_name[name] = context.enter_context(started)

        def invoke(name, event):
            return invoke_by_name[name](event)

        base = context.enter_context(gateway.serving(made.routes, invoke, 0))
        for post in POSTS:
            answer = post.send(f"{base}/inbox/{_id_of(post.inbox)}")
            assert (answer.status_code, answer.text) == (200, "{}")
        while sum(poller.poll(mapping, invoke) for mapping in made.mappings):
            pass
        invoke("matcher", {"source": "aws.events", "detail-type": "Scheduled Event"})
    assert sorted(f"{each.method} {each.path}" for each in sink.received) == [
        "POST /children",
        "POST /medicines",
        "POST /medicines",
        "POST /visits",
        "PUT /households/19d72997-8316-4e02-8016-4a8ddf6a2aa4",
    ]
    assert {each.authorization for each in sink.received} == {"Bearer t0ken"}
    household = next(each.json for each in sink.received if each.path.startswith("/households"))
    assert household["answers"] == json.loads(POSTS[0].body)


@pytest.mark.parametrize(
    ("function", "package"),
    [("inbox", "aws_lambda_powertools"), ("matcher", "jmespath"), ("runner", "requests")],
)
def test_a_layer_that_lacks_a_dependency_is_noticed(layouts, aws, function, package):
    made, endpoint = aws
    root = layouts[function]
    shutil.rmtree(root / "opt/python" / package)
    (root / "var/runtime" / package).unlink(missing_ok=True)
    environment = _environment(made.functions[function], root, endpoint)
    with (
        running(root, made.functions[function], environment) as invoke,
        pytest.raises(FunctionError, match=package),
    ):
        invoke({"Records": []})


def test_the_layers_hold_no_aws_library_and_stay_small(template):
    names = {"CoreLayer": 10, "AdaptorsLayer": 45}
    for name, megabytes in names.items():
        files = [path for path in (BUILT / name).rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < megabytes * 1_000_000
        assert not [path for path in files if "botocore" in path.parts]


def test_starting_the_inbox_drags_in_nothing_it_does_not_need(layouts):
    code = "import sys, json, app; print(json.dumps(sorted(sys.modules)))"
    python, environment = command(layouts["inbox"], "-c", code)
    environment["AWS_DEFAULT_REGION"] = resources.REGION
    answer = subprocess.run(python, env=environment, capture_output=True, check=True, text=True)
    modules = set(json.loads(answer.stdout))
    assert {"openfn.messages", "boto3"} <= modules
    heavy = {
        "pydantic",
        "requests",
        "yaml",
        "ruamel.yaml",
        "aws_xray_sdk",
        "aws_lambda_powertools.event_handler",
        "aws_lambda_powertools.tracing",
        "aws_lambda_powertools.utilities.batch",
    }
    assert not modules & heavy
