"""What sam build made, laid out for Lambda's runtime client."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.built.lambda_runtime import lay_out
from workbench.local import resources
from workbench.local.serve import serve_aws

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".build/here"


@pytest.fixture(scope="module")
def template():
    path = BUILT / "template.yaml"
    assert path.is_file(), "nothing is built: `make test` builds first"
    return yaml_parse(path.read_text("utf-8"))


@pytest.fixture
def layout(template, tmp_path):
    """Lay out a function below a folder of its own, by the template that was built."""
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            task = BUILT / resource["Properties"]["CodeUri"]
            layers = [_built(template, ref) for ref in resource["Properties"]["Layers"]]
            found[task.resolve().name] = task, layers

    def laid_out(function):
        root = tmp_path / function
        lay_out(root, *found[function])
        return root

    return laid_out


def _built(template, ref):
    return BUILT / template["Resources"][ref["Ref"]]["Properties"]["ContentUri"]


@pytest.fixture
def aws():
    """The template's resources, and the endpoint at which other processes reach them."""
    with resources.create({}) as made, serve_aws(0) as endpoint:
        yield made, endpoint


def environment_of(function, root, endpoint):
    given = {k: v.replace("/opt", str(root / "opt"), 1) for k, v in function.environment.items()}
    return given | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": resources.REGION,
        "AWS_DEFAULT_REGION": resources.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.fixture
def known_ids():
    """Give the inboxes of a layout ids that are known: see `id_of`."""
    return _give_inboxes_known_ids


def _give_inboxes_known_ids(root):
    path = root / "opt/project/project.json"
    project = json.loads(path.read_text("utf-8"))
    for name, inbox in project["inboxes"].items():
        inbox["id_sha256"] = [hashlib.sha256(id_of(name).encode()).hexdigest()]
    path.write_text(json.dumps(project), "utf-8")


def id_of(inbox):
    return f"the-id-of-{inbox}"
