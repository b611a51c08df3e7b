"""Fixtures that install the output of `sam build` for Lambda's runtime client."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.built.lambda_runtime import install
from tests.support.moto_server import serve_aws
from workbench.local import resources

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".build/here"


@pytest.fixture(scope="module")
def template():
    return read_template()


def read_template():
    """Return the template that `sam build` wrote."""
    path = BUILT / "template.yaml"
    assert path.is_file(), "Run `make test`, which builds the functions and layers first."
    return yaml_parse(path.read_text("utf-8"))


@pytest.fixture
def install_function(template, tmp_path):
    """Install a built function with its layers in a folder; return the folder."""

    def install_in(function):
        root = tmp_path / function
        install_built(template, function, root)
        return root

    return install_in


def install_built(template, function, root):
    """Install a built function with its layers in a folder."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            task = BUILT / resource["Properties"]["CodeUri"]
            layers = [_layer_folder(template, ref) for ref in resource["Properties"]["Layers"]]
            if task.resolve().name == function:
                install(root, task, layers)


def _layer_folder(template, ref):
    return BUILT / template["Resources"][ref["Ref"]]["Properties"]["ContentUri"]


@pytest.fixture
def aws():
    """The template's resources, and their endpoint for other processes."""
    with resources.create({}) as created, serve_aws(0) as endpoint:
        yield created, endpoint


def environment_of(function, root, endpoint):
    variables = {
        name: value.replace("/opt", str(root / "opt"), 1)
        for name, value in function.environment.items()
    }
    return variables | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": resources.REGION,
        "AWS_DEFAULT_REGION": resources.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.fixture
def set_inbox_ids():
    """Set the ids of an installed project's inboxes to those of `id_of`."""
    return _set_inbox_ids


def _set_inbox_ids(root):
    path = root / "opt/project/project.json"
    project = json.loads(path.read_text("utf-8"))
    for name, inbox in project["inboxes"].items():
        inbox["id_sha256"] = [hashlib.sha256(id_of(name).encode()).hexdigest()]
    path.write_text(json.dumps(project), "utf-8")


def id_of(inbox):
    return f"the-id-of-{inbox}"
