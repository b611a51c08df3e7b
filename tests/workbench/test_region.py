"""`ofn` and make use the same region, and say which one before they act."""

from __future__ import annotations

import json
import os
import subprocess

import boto3
import pytest

from tests.conftest import ROOT, write_project
from tests.support.moto_server import serve_aws
from tests.support.moto_stack import create_stack

PROJECT = """
triggers: {form: {inclusion: {}}}
jobs: {job-a: {trigger: form, expression: jobs/a.py}}
"""
VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a project that is deployed in eu-west-1."""
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, PROJECT, {"a": "from adaptors.common import fn\nfn(lambda s: s)\n"})
    with create_stack(folder):
        yield folder


@pytest.fixture
def status(ofn, folder, monkeypatch, tmp_path):
    """Run `ofn status` with these variables only, and a profile `other` in us-east-1."""
    config = tmp_path / "config"
    config.write_text("[profile other]\nregion = us-east-1\n", "utf-8")

    def run(**variables):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in {"AWS_CONFIG_FILE": str(config), **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        return ofn("status", "--project", folder, "--json")

    return run


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_each_region_variable_is_used_alone_and_shown(status, name):
    ended = status(**{name: "eu-west-1"})
    assert (ended.status, ended.err) == (0, "")
    assert "messages" in json.loads(ended.out)
    where = f"account 123456789012, region eu-west-1 (from {name})"
    assert ended.target == f"Stack openfn: {where}"


def test_aws_region_comes_before_the_other_variable_and_the_profile(status):
    ended = status(AWS_REGION="eu-west-1", AWS_DEFAULT_REGION="af-south-1", AWS_PROFILE="other")
    assert ended.status == 0
    assert ended.target.endswith("(from AWS_REGION; AWS_DEFAULT_REGION=af-south-1 is not used)")
    assert os.environ["AWS_DEFAULT_REGION"] == "af-south-1"


def test_region_of_the_profile_is_named_as_such(status):
    assert "The region is us-east-1 (from profile other)" in status(AWS_PROFILE="other").words


def test_empty_variable_is_like_a_missing_one(status):
    assert status(AWS_REGION="", AWS_DEFAULT_REGION="eu-west-1").status == 0
    words = status(AWS_DEFAULT_REGION="").words
    assert "AWS cannot be reached: You must specify a region. Set AWS_REGION" in words
    assert "For the stack of `ofn serve`, run the command in the folder" in words


def test_missing_stack_is_reported_with_the_region_that_was_searched(status):
    ended = status(AWS_REGION="us-east-1", AWS_DEFAULT_REGION="eu-west-1")
    assert ended.status == 1
    assert "There is no stack openfn here. The region is us-east-1 (from AWS_REGION;" in ended.words


def test_stack_on_this_machine_is_shown_with_its_endpoint(ofn, folder, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with serve_aws(0) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        ended = ofn("inbox", "url", "inbox-a", "--project", folder)
    assert ended.target == f"Stack openfn: {endpoint} (from AWS_ENDPOINT_URL)"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "af-south-1"}, "af-south-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "af-south-1"}, "eu-west-1"),
        ({"AWS_REGION": ""}, "unset"),
    ],
    ids=["AWS_REGION", "AWS_DEFAULT_REGION", "both", "empty"],
)
def test_make_passes_the_region_to_sam(variables, expected):
    target = "region: ; @echo $${AWS_DEFAULT_REGION-unset}"
    environment = {"PATH": os.environ["PATH"], **variables}
    command = ["make", "--no-print-directory", "--eval", target, "region"]
    printed = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == expected
